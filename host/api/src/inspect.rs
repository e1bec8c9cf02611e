//! What a model is made of, and the memories and the size of its accelerator without synthesis.

use bitfab_format::Model;
use bitfab_hdl::{MemorySize, Options, Program, Purpose, Reads};
use bitfab_report::{InterfaceSummary, ModelSummary};
use bitfab_sim::synth::{Estimate, estimate};
use serde::Serialize;

use crate::Result;

/// What a model is made of.
#[derive(Clone, Debug, Serialize)]
pub struct Inspection {
    /// Layers, bytes, arena, operations.
    #[serde(flatten)]
    pub summary: ModelSummary,
    /// What it says of its rows and classes.
    pub interface: InterfaceSummary,
    /// The accelerator that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accelerator: Option<Memories>,
}

/// A memory of the accelerator.
#[derive(Clone, Debug, Serialize)]
pub struct Memory {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub holds: &'static str,
    /// Words.
    pub words: u64,
    /// Bits of a word.
    pub width: u32,
    /// Bits in all.
    pub bits: u64,
    /// Bits that an inference reads.
    pub bits_read: u64,
}

/// The same things in the accelerator and in the file.
#[derive(Clone, Debug, Serialize)]
pub struct Compared {
    /// What they are.
    pub what: &'static str,
    /// Bits of the accelerator's memories.
    pub accelerator_bits: u64,
    /// Bits of the file.
    pub file_bits: u64,
}

/// What an accelerator keeps.
#[derive(Clone, Debug, Serialize)]
pub struct Memories {
    /// Output channels that it computes at a time.
    pub lanes: u32,
    /// All memories.
    pub memories: Vec<Memory>,
    /// Weights and thresholds beside those of the file.
    pub compared: [Compared; 2],
    /// Bits that an inference reads.
    pub bits_read: u64,
    /// Size and speed as they are known without synthesis.
    pub estimate: Estimate,
}

/// Says what a model is made of, and what an accelerator of these options keeps.
///
/// # Errors
/// [`Error::Circuit`](crate::Error::Circuit) where there is no such accelerator.
pub fn inspect(model: &Model<'_>, accelerator: Option<&Options>) -> Result<Inspection> {
    let (summary, interface) = (ModelSummary::new(model), InterfaceSummary::new(model));
    let accelerator = accelerator.map(|options| Memories::new(model, &summary, options)).transpose()?;
    Ok(Inspection { summary, interface, accelerator })
}

impl Memories {
    fn new(model: &Model<'_>, summary: &ModelSummary, options: &Options) -> Result<Self> {
        let sizes = Program::new(model, options)?.memories();
        let reads = bitfab_hdl::cycles(model, options)?.reads;
        let bits = |purpose| sizes.iter().filter(|size| size.purpose == purpose).map(MemorySize::bits).sum();
        let [weights, thresholds, _] = summary.shares();
        let compared = [
            Compared { what: "weights", accelerator_bits: bits(Purpose::Weights), file_bits: 8 * weights },
            Compared { what: "thresholds", accelerator_bits: bits(Purpose::Thresholds), file_bits: 8 * thresholds },
        ];
        let memories = sizes.iter().map(|size| Memory::new(size, &reads)).collect::<Result<Vec<_>>>()?;
        let bits_read = memories.iter().map(|memory| memory.bits_read).sum();
        Ok(Self { lanes: options.lanes, bits_read, memories, compared, estimate: estimate(model, options)? })
    }
}

impl Memory {
    fn new(size: &MemorySize, reads: &Reads) -> Result<Self> {
        let Some(read) = reads.of(&size.name) else {
            bail!(Choice, "nothing counts the reads of `{}`", size.name);
        };
        Ok(Self {
            name: size.name.clone(),
            holds: holds(size.purpose),
            words: size.depth,
            width: size.width,
            bits: size.bits(),
            bits_read: read * u64::from(size.width),
        })
    }
}

fn holds(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Activations => "activations",
        Purpose::Weights => "weights",
        Purpose::Thresholds => "thresholds",
        Purpose::Input => "input",
        Purpose::Result => "result",
    }
}
