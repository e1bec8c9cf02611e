//! Synthesis, place and route of the accelerator: what it costs and how fast it is, by the open tools.

mod cells;
mod estimate;
mod fit;
mod flow;
pub(crate) mod parse;
mod pins;
mod target;
pub(crate) mod tool;

use bitfab_format::Model;
use bitfab_hdl::{Options, Sources, Style};
use serde::Serialize;

use crate::error::SimError;
use crate::rtl::unsupported;

pub use cells::{Block, Blocks, Cells};
pub use estimate::{Estimate, LUTS_WITHIN_PERCENT, estimate};
pub use fit::{block_rams, misfit, sprams};
pub use flow::names_of_files;
pub use target::{Family, Target};

/// What the tools say about a circuit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Synthesis {
    /// The FPGA.
    pub target: Target,
    /// Cells after synthesis.
    pub cells: Cells,
    /// Logic cells that the placed circuit takes, and how many there are: look-up tables, but for iCE40 those of carry cells
    /// and of small memories, too. Nothing if it was not placed.
    pub logic: Option<[u32; 2]>,
    /// Highest clock of each seed of the placement, in MHz; empty if it was not placed.
    pub mhz: Vec<f64>,
    /// Why it was not placed: it does not fit.
    pub misfit: Option<String>,
}

impl Synthesis {
    /// Look-up tables in all: as placed on ECP5 and Gowin, where Yosys counts those of carry cells apart, else
    /// [`Cells::all_luts`].
    pub fn luts(&self) -> u32 {
        let family = self.target.family();
        let placed = self.logic.filter(|_| matches!(family, Family::Ecp5 | Family::Gowin));
        placed.map_or_else(|| self.cells.all_luts(family), |[used, _]| used)
    }

    /// What is beyond the target, where no placer says so: its maker grants less than the die has, or nothing is placed.
    fn beyond(&self) -> Option<String> {
        let has = [self.target.luts(), self.target.block_rams()];
        let found = [self.luts(), self.cells.rams];
        let is_beyond = found.iter().zip(has).any(|(&used, of)| used > of);
        let [[luts, rams], [all_luts, all_rams]] = [found, has];
        is_beyond
            .then(|| format!("{luts} look-up tables and {rams} block RAMs, the device has {all_luts} and {all_rams}"))
    }

    /// The median clock over the seeds, in MHz.
    pub fn median_mhz(&self) -> Option<f64> {
        let mut sorted = self.mhz.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied()
    }
}

/// What a file of a synthesis is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// The accelerator.
    Verilog,
    /// Contents of a memory.
    Memory,
    /// The flattened netlist of Yosys, as JSON: what is placed.
    Netlist,
    /// What a tool said.
    Log,
    /// Pins of the ports.
    Pins,
}

/// A file that a tool read or wrote.
#[derive(Clone, Debug)]
pub struct ToolFile {
    /// Its name in the folder in which the commands of [`Implementation::commands`] run.
    pub name: String,
    /// What it is.
    pub kind: FileKind,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// All that the tools made of a circuit.
#[derive(Clone, Debug)]
pub struct Implementation {
    /// The circuit as it is placed.
    pub synthesis: Synthesis,
    /// Its cells block by block.
    pub blocks: Blocks,
    /// How the tools were called.
    pub commands: Vec<String>,
    /// What they read and wrote.
    pub files: Vec<ToolFile>,
}

/// Synthesises `verilog` (its top module has the default name of [`bitfab_hdl::ModuleName`]) and places it once for each of
/// the seeds 1 to `seeds`; on Gowin, where each port needs a pin, its ports must be those of the accelerator.
///
/// # Errors
/// [`SimError::MissingTool`] names the package of a tool that is missing, [`SimError::Tool`] says how one failed.
/// A circuit that is too large for the target is not an error but a [`Synthesis::misfit`].
pub fn synthesize(verilog: &str, target: Target, seeds: u32) -> Result<Synthesis, SimError> {
    flow::Flow::new(Sources::from(verilog), target)?.run(seeds)
}

/// As [`synthesize`] for files of any name, with the cells block by block, the calls of the tools and their files.
///
/// # Errors
/// As [`synthesize`].
pub fn implement(sources: Sources, target: Target, seeds: u32) -> Result<Implementation, SimError> {
    flow::Flow::new(sources, target)?.run_whole(seeds)
}

/// Synthesises the accelerator for `model`.
///
/// # Errors
/// Those of [`synthesize`], and [`SimError::Unsupported`] for a model or options that the engine refuses.
pub fn synthesize_model(
    model: &Model<'_>,
    options: &Options,
    target: Target,
    seeds: u32,
) -> Result<Synthesis, SimError> {
    let sources = bitfab_hdl::sources(model, options, &Style::default());
    flow::Flow::new(sources.map_err(|error| unsupported("synthesis", &error))?, target)?.run(seeds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_placer_judges_is_judged_here() {
        let cells = Cells { luts: 100, carries: 30, flip_flops: 5, rams: 33, ..Cells::default() };
        let of = |target, logic| Synthesis { target, cells, logic, mhz: Vec::new(), misfit: None };
        assert_eq!(of(Target::Ecp5Of25k, None).luts(), 160);
        assert_eq!(of(Target::Ecp5Of25k, Some([170, 24_288])).luts(), 170);
        assert_eq!(of(Target::Gw2ar18, Some([140, 20_736])).luts(), 140);
        assert_eq!(of(Target::Up5k, Some([150, 5_280])).luts(), 100);
        assert!(of(Target::Ecp5Of12k, None).beyond().is_some_and(|why| why.contains("33 block RAMs")));
        assert_eq!(of(Target::Ecp5Of45k, None).beyond(), None);
        assert_eq!(of(Target::Xc7a35t, None).beyond(), None);
        let large = Synthesis { cells: Cells { luts: 20_801, ..cells }, ..of(Target::Xc7a35t, None) };
        assert!(large.beyond().is_some_and(|why| why.contains("20801 look-up tables")));
    }

    #[test]
    fn targets_are_read_by_their_names_alone() {
        for target in Target::ALL {
            assert_eq!(target.name().parse(), Ok(target));
            assert_eq!(serde_json::to_value(target).unwrap(), target.name());
        }
        assert!("up6k".parse::<Target>().unwrap_err().contains("gw1nr-9, gw2ar-18, xc7a35t"));
    }
}
