//! Synthesis, place and route of the accelerator: what it costs and how fast it is, by the open tools.

mod fit;
mod flow;
mod parse;

use bitfab_format::Model;
use bitfab_hdl::{Options, Sources, Style};
use serde::Serialize;

use crate::error::SimError;
use crate::rtl::unsupported;

pub use fit::{block_rams, misfit, sprams};

/// An FPGA that the tools know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// Lattice iCE40 UP5K: 5,280 LUT4, 30 block RAMs of 4 kbit.
    Up5k,
    /// Lattice iCE40 HX8K: 7,680 LUT4, 32 block RAMs of 4 kbit.
    Hx8k,
    /// Lattice ECP5 with 12k LUT4 and 32 block RAMs of 18 kbit: its maker's word; the die is that of 25k.
    #[serde(rename = "ecp5-12k")]
    Ecp5Of12k,
    /// Lattice ECP5 with 24k LUT4 and 56 block RAMs of 18 kbit.
    #[serde(rename = "ecp5-25k")]
    Ecp5Of25k,
    /// Lattice ECP5 with 44k LUT4 and 108 block RAMs of 18 kbit.
    #[serde(rename = "ecp5-45k")]
    Ecp5Of45k,
    /// Lattice ECP5 with 84k LUT4 and 208 block RAMs of 18 kbit.
    #[serde(rename = "ecp5-85k")]
    Ecp5Of85k,
}

impl Target {
    /// All targets.
    pub const ALL: [Self; 6] =
        [Self::Up5k, Self::Hx8k, Self::Ecp5Of12k, Self::Ecp5Of25k, Self::Ecp5Of45k, Self::Ecp5Of85k];

    /// The name that commands take.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Up5k => "up5k",
            Self::Hx8k => "hx8k",
            Self::Ecp5Of12k => "ecp5-12k",
            Self::Ecp5Of25k => "ecp5-25k",
            Self::Ecp5Of45k => "ecp5-45k",
            Self::Ecp5Of85k => "ecp5-85k",
        }
    }

    /// Its block RAMs: of 4 kbit on iCE40, of 18 kbit on ECP5.
    pub const fn block_rams(self) -> u32 {
        match self {
            Self::Up5k => 30,
            Self::Hx8k | Self::Ecp5Of12k => 32,
            Self::Ecp5Of25k => 56,
            Self::Ecp5Of45k => 108,
            Self::Ecp5Of85k => 208,
        }
    }

    /// Whether it is one of the iCE40 family, not of ECP5.
    pub const fn is_ice40(self) -> bool {
        matches!(self, Self::Up5k | Self::Hx8k)
    }
}

impl std::str::FromStr for Target {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|target| target.name() == name);
        let names = Self::ALL.map(Self::name).join(", ");
        found.ok_or_else(|| format!("`{name}` is not a target: choose one of {names}"))
    }
}

/// Cells of a synthesised circuit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Cells {
    /// Look-up tables of four inputs, without those that carry cells and small memories of ECP5 take.
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
    /// Logic cells that the placed circuit takes, and how many there are: look-up tables, on ECP5 those of carry cells and
    /// of small memories, too. Nothing if it was not placed.
    pub logic: Option<[u32; 2]>,
    /// Highest clock of each seed of the placement, in MHz; empty if it was not placed.
    pub mhz: Vec<f64>,
    /// Why it was not placed: it does not fit.
    pub misfit: Option<String>,
}

impl Synthesis {
    /// Look-up tables in all: as placed on ECP5, where Yosys counts those of carry cells apart, of which each takes two.
    pub fn luts(&self) -> u32 {
        match self.logic.filter(|_| !self.target.is_ice40()) {
            Some([used, _]) => used,
            None if self.target.is_ice40() => self.cells.luts,
            None => self.cells.luts + 2 * self.cells.carries,
        }
    }

    /// What the maker does not grant of a die that has it.
    fn beyond_grant(&self) -> Option<String> {
        let granted = [12_000, self.target.block_rams()];
        let found = [self.luts(), self.cells.rams];
        let is_beyond = self.target == Target::Ecp5Of12k && found.iter().zip(granted).any(|(&used, of)| used > of);
        let [[luts, rams], [all_luts, all_rams]] = [found, granted];
        is_beyond.then(|| format!("{luts} LUT4 and {rams} block RAMs, the device has {all_luts} and {all_rams}"))
    }

    /// The median clock over the seeds, in MHz.
    pub fn median_mhz(&self) -> Option<f64> {
        let mut sorted = self.mhz.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied()
    }
}

/// Synthesises `verilog` (its top module has the default name of [`bitfab_hdl::ModuleName`]) and places it once for each of the seeds 1 to `seeds`.
///
/// # Errors
/// [`SimError::MissingTool`] names the package of a tool that is missing, [`SimError::Tool`] says how one failed.
/// A circuit that is too large for the target is not an error but a [`Synthesis::misfit`].
pub fn synthesize(verilog: &str, target: Target, seeds: u32) -> Result<Synthesis, SimError> {
    flow::run(&Sources::from(verilog), target, seeds)
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
    flow::run(&sources.map_err(|error| unsupported("synthesis", &error))?, target, seeds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn look_up_tables_of_carries_count_on_ecp5_and_a_grant_is_a_limit() {
        let cells = Cells { luts: 100, carries: 30, flip_flops: 5, rams: 33 };
        let of = |target, logic| Synthesis { target, cells, logic, mhz: Vec::new(), misfit: None };
        assert_eq!(of(Target::Ecp5Of25k, None).luts(), 160);
        assert_eq!(of(Target::Ecp5Of25k, Some([170, 24_288])).luts(), 170);
        assert_eq!(of(Target::Up5k, Some([150, 5_280])).luts(), 100);
        assert!(of(Target::Ecp5Of12k, None).beyond_grant().is_some_and(|why| why.contains("33 block RAMs")));
        assert_eq!(of(Target::Ecp5Of45k, None).beyond_grant(), None);
    }
}
