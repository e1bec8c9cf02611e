//! Synthesis, place and route of the accelerator: what it costs and how fast it is, by the open tools.

mod flow;
mod parse;

use bitfab_format::Model;
use bitfab_hdl::Options;
use serde::Serialize;

use crate::error::SimError;
use crate::rtl::unsupported;

/// An FPGA that the tools know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// Lattice iCE40 UP5K: 5,280 LUT4, 30 block RAMs of 4 kbit.
    Up5k,
    /// Lattice iCE40 HX8K: 7,680 LUT4, 32 block RAMs of 4 kbit.
    Hx8k,
    /// Lattice ECP5 with 25k LUT4 and 56 block RAMs of 18 kbit.
    Ecp5,
}

impl Target {
    /// All targets.
    pub const ALL: [Self; 3] = [Self::Up5k, Self::Hx8k, Self::Ecp5];

    /// The name that commands take.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Up5k => "up5k",
            Self::Hx8k => "hx8k",
            Self::Ecp5 => "ecp5-25k",
        }
    }
}

impl std::str::FromStr for Target {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|target| target.name() == name);
        found.ok_or_else(|| format!("`{name}` is not a target: choose up5k, hx8k or ecp5-25k"))
    }
}

/// Cells of a synthesised circuit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Cells {
    /// Look-up tables of four inputs.
    pub luts: u32,
    /// Carry cells: bits on iCE40, pairs of bits on ECP5.
    pub carries: u32,
    /// Flip-flops.
    pub flip_flops: u32,
    /// Block RAMs: 4 kbit on iCE40, 18 kbit on ECP5.
    pub rams: u32,
}

/// What the tools say about a circuit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Synthesis {
    /// The FPGA.
    pub target: Target,
    /// Cells after synthesis.
    pub cells: Cells,
    /// Highest clock of each seed of the placement, in MHz; empty if it was not placed.
    pub mhz: Vec<f64>,
    /// Why it was not placed: it does not fit.
    pub misfit: Option<String>,
}

impl Synthesis {
    /// The median clock over the seeds, in MHz.
    pub fn median_mhz(&self) -> Option<f64> {
        let mut sorted = self.mhz.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied()
    }
}

/// Synthesises `verilog` (its top module is `top`) and places it once for each of the seeds 1 to `seeds`.
///
/// # Errors
/// [`SimError::MissingTool`] names the package of a tool that is missing, [`SimError::Tool`] says how one failed.
/// A circuit that is too large for the target is not an error but a [`Synthesis::misfit`].
pub fn synthesize(verilog: &str, target: Target, seeds: u32) -> Result<Synthesis, SimError> {
    flow::run(verilog, target, seeds)
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
    let verilog = bitfab_hdl::verilog(model, options).map_err(|error| unsupported("synthesis", &error))?;
    synthesize(&verilog, target, seeds)
}
