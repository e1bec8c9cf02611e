//! What the demo found out, as a table and as a picture.

mod draw;
mod facts;

pub use draw::page;
pub use facts::table;

use bitfab::hdl::{Cycles, Program};
use bitfab::report::Confusion;
use bitfab::sim::Run;
use bitfab::sim::verify::Verdict;
use bitfab::train::{Dataset, Outcome};
use bitfab::{Accelerator, ModelFile};

/// What the demo found out.
pub struct Findings {
    /// The kind of weights.
    pub kind: &'static str,
    /// The digits.
    pub data: Dataset,
    /// The network that was learned.
    pub outcome: Outcome,
    /// Its model file.
    pub file: ModelFile,
    /// What the reference gives for the test part.
    pub runs: Vec<Run>,
    /// What the other engines did.
    pub verdicts: Vec<Verdict>,
    /// Cycles of the accelerator.
    pub cycles: Cycles,
    /// Its rows by layer.
    pub program: Program,
    /// True and predicted classes.
    pub confusion: Confusion,
    /// Its options.
    pub accelerator: Accelerator,
}
