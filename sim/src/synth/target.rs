//! The FPGAs that the tools know.

use serde::{Deserialize, Serialize};

/// An FPGA that the tools know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Gowin GW1NR-9, as on Tang Nano 9K: 8,640 LUT4, 26 block RAMs of 18 kbit.
    #[serde(rename = "gw1nr-9")]
    Gw1nr9,
    /// Gowin GW2AR-18, as on Tang Nano 20K: 20,736 LUT4, 46 block RAMs of 18 kbit.
    #[serde(rename = "gw2ar-18")]
    Gw2ar18,
    /// Xilinx Artix-7 35T: 20,800 LUT6, 100 block RAMs of 18 kbit (50 pairs). Figures only, nothing is placed.
    Xc7a35t,
    /// Xilinx Artix-7 100T: 63,400 LUT6, 270 block RAMs of 18 kbit (135 pairs). Figures only, nothing is placed.
    Xc7a100t,
}

/// FPGAs whose cells are alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Lattice iCE40.
    Ice40,
    /// Lattice ECP5.
    Ecp5,
    /// Gowin GW1N and GW2A.
    Gowin,
    /// Xilinx series 7.
    Xilinx7,
}

impl Target {
    /// All targets.
    pub const ALL: [Self; 10] = [
        Self::Up5k,
        Self::Hx8k,
        Self::Ecp5Of12k,
        Self::Ecp5Of25k,
        Self::Ecp5Of45k,
        Self::Ecp5Of85k,
        Self::Gw1nr9,
        Self::Gw2ar18,
        Self::Xc7a35t,
        Self::Xc7a100t,
    ];

    /// The name that commands take.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Up5k => "up5k",
            Self::Hx8k => "hx8k",
            Self::Ecp5Of12k => "ecp5-12k",
            Self::Ecp5Of25k => "ecp5-25k",
            Self::Ecp5Of45k => "ecp5-45k",
            Self::Ecp5Of85k => "ecp5-85k",
            Self::Gw1nr9 => "gw1nr-9",
            Self::Gw2ar18 => "gw2ar-18",
            Self::Xc7a35t => "xc7a35t",
            Self::Xc7a100t => "xc7a100t",
        }
    }

    /// Its look-up tables, of four inputs, on Xilinx of six.
    pub const fn luts(self) -> u32 {
        match self {
            Self::Up5k => 5_280,
            Self::Hx8k => 7_680,
            Self::Ecp5Of12k => 12_000,
            Self::Ecp5Of25k => 24_288,
            Self::Ecp5Of45k => 43_848,
            Self::Ecp5Of85k => 83_640,
            Self::Gw1nr9 => 8_640,
            Self::Gw2ar18 => 20_736,
            Self::Xc7a35t => 20_800,
            Self::Xc7a100t => 63_400,
        }
    }

    /// Its block RAMs: of 4 kbit on iCE40, of 18 kbit elsewhere.
    pub const fn block_rams(self) -> u32 {
        match self {
            Self::Up5k => 30,
            Self::Hx8k | Self::Ecp5Of12k => 32,
            Self::Ecp5Of25k => 56,
            Self::Ecp5Of45k => 108,
            Self::Ecp5Of85k => 208,
            Self::Gw1nr9 => 26,
            Self::Gw2ar18 => 46,
            Self::Xc7a35t => 100,
            Self::Xc7a100t => 270,
        }
    }

    /// Which cells it has.
    pub const fn family(self) -> Family {
        match self {
            Self::Up5k | Self::Hx8k => Family::Ice40,
            Self::Ecp5Of12k | Self::Ecp5Of25k | Self::Ecp5Of45k | Self::Ecp5Of85k => Family::Ecp5,
            Self::Gw1nr9 | Self::Gw2ar18 => Family::Gowin,
            Self::Xc7a35t | Self::Xc7a100t => Family::Xilinx7,
        }
    }

    /// Whether circuits are placed and routed, so that their clock is known: no open tool of this command does that for
    /// Xilinx.
    pub fn is_placed(self) -> bool {
        self.family() != Family::Xilinx7
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
