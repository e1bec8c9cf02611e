//! FPGA boards: the accelerator behind the wires of one, as the file that it is configured with.

mod build;
mod pll;
pub(crate) mod top;

use serde::Deserialize;

use crate::synth::{Family, Target};

pub use build::{BoardFile, BoardFileKind, BoardWire, BuildOptions, Built, GATES, WEIGHTS, build, sources};
pub use pll::Pll;

/// The boards that are known, a file each; to add one, add its file and a line.
const FILES: [&str; 2] = [
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../hdl/boards/icebreaker.toml")),
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../hdl/boards/hx8k-breakout.toml")),
];

/// A board with an FPGA.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Board {
    /// What commands call it.
    pub name: String,
    /// What its maker calls it.
    pub title: String,
    /// Its FPGA.
    pub target: Target,
    /// The command that configures it, with `{file}` for the file.
    pub configure: String,
    /// Its clock.
    pub clock: Clock,
    /// A light that shows that an answer waits.
    pub led: Option<Led>,
    /// The pins of SPI.
    pub spi: SpiPins,
    /// The pins of the UART.
    pub uart: UartPins,
    /// The flash that configures the FPGA, which may hold weights too.
    pub flash: Option<FlashPins>,
}

/// The clock of a board.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    /// Where it enters.
    pub pin: String,
    /// Its frequency.
    pub megahertz: u32,
    /// How it reaches the PLL.
    pub pll: PllInput,
}

/// How a clock reaches the PLL of an iCE40.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PllInput {
    /// Its pin is that of the PLL (`SB_PLL40_PAD`).
    Pad,
    /// Over the fabric (`SB_PLL40_CORE`).
    Core,
}

/// A light.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Led {
    /// Its pin.
    pub pin: String,
    /// Whether it is lit by a 0.
    pub is_lit_low: bool,
}

/// The pins of SPI.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpiPins {
    /// Where on the board they are, for people.
    pub place: String,
    /// The clock of the bus.
    pub sck: String,
    /// Selects the chip.
    pub cs_n: String,
    /// From the host.
    pub mosi: String,
    /// To the host.
    pub miso: String,
    /// An answer can be read.
    pub ready: String,
}

/// The pins of the UART.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UartPins {
    /// Where on the board they are, for people.
    pub place: String,
    /// From the host.
    pub rx: String,
    /// To the host.
    pub tx: String,
}

/// The flash that configures the FPGA: its pins, which belong to the chip afterwards.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlashPins {
    /// The command that writes into it, with `{file}` for the file and `{offset}` for the byte at which it begins.
    pub write: String,
    /// Selects it.
    pub cs_n: String,
    /// Its clock.
    pub sck: String,
    /// To the flash.
    pub mosi: String,
    /// From the flash.
    pub miso: String,
}

impl Board {
    /// All boards that are known.
    pub fn all() -> Vec<Self> {
        FILES.iter().map(|text| Self::parse(text).expect("the tests read every one of them")).collect()
    }

    /// A board by its name.
    ///
    /// # Errors
    /// A sentence with the names of all.
    pub fn named(name: &str) -> Result<Self, String> {
        let all = Self::all();
        let names: Vec<&str> = all.iter().map(|board| board.name.as_str()).collect();
        let unknown = format!(
            "`{}` is no board that is known: choose one of {}, or name a file like those of hdl/boards",
            name.chars().take(64).collect::<String>(),
            names.join(", ")
        );
        all.into_iter().find(|board| board.name == name).ok_or(unknown)
    }

    /// Reads the description of a board.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let board: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        board.check()?;
        Ok(board)
    }

    fn check(&self) -> Result<(), String> {
        let name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if self.name.is_empty() || self.name.len() > 64 || !self.name.chars().all(name) {
            return Err("its name must be of small letters, digits and `-`".into());
        }
        let is_pin = |pin: &&str| !pin.is_empty() && pin.len() <= 8 && pin.chars().all(|c| c.is_ascii_alphanumeric());
        let mut pins = self.pins();
        if let Some(pin) = pins.iter().find(|pin| !is_pin(pin)) {
            return Err(format!("`{pin}` is no pin: letters and digits name one"));
        }
        pins.sort_unstable();
        if let Some(twice) = pins.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(format!("pin {} is named twice", twice[0]));
        }
        if !(10..=133).contains(&self.clock.megahertz) {
            return Err(format!("a clock of {} MHz; the PLL takes 10 to 133", self.clock.megahertz));
        }
        if self.target.family() != Family::Ice40 {
            return Err(format!("bitstreams for {} are not made; for up5k and hx8k they are", self.target.name()));
        }
        Ok(())
    }

    fn pins(&self) -> Vec<&str> {
        let Self { clock, led, spi, uart, flash, .. } = self;
        let mut pins =
            vec![clock.pin.as_str(), &spi.sck, &spi.cs_n, &spi.mosi, &spi.miso, &spi.ready, &uart.rx, &uart.tx];
        pins.extend(
            flash.iter().flat_map(|flash| [&flash.cs_n, &flash.sck, &flash.mosi, &flash.miso].map(String::as_str)),
        );
        pins.extend(led.as_ref().map(|led| led.pin.as_str()));
        pins
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_board_is_read_and_found_by_its_name() {
        for board in Board::all() {
            assert_eq!(Board::named(&board.name).as_ref(), Ok(&board));
            assert!(board.configure.contains("{file}"));
            let write = board.flash.map(|flash| flash.write);
            assert!(write.is_none_or(|write| write.contains("{file}") && write.contains("{offset}")));
        }
        let error = Board::named("arty").unwrap_err();
        assert!(error.contains("`arty`") && error.contains("icebreaker, hx8k-breakout"), "{error}");
    }

    #[test]
    fn a_wrong_description_is_refused_by_what_is_wrong() {
        let wrong = |from: &str, to: &str| Board::parse(&FILES[0].replace(from, to)).unwrap_err();
        assert!(wrong("pin = \"35\"", "pin = \"45\"").contains("pin 45 is named twice"));
        assert!(wrong("pin = \"35\"", "pin = \"35 \\nset_io\"").contains("is no pin"));
        assert!(wrong("cs_n = \"16\"", "cs_n = \"14\"").contains("pin 14 is named twice"));
        assert!(wrong("megahertz = 12", "megahertz = 8").contains("10 to 133"));
        assert!(wrong("\"up5k\"", "\"ecp5-25k\"").contains("up5k and hx8k"));
        assert!(wrong("\"up5k\"", "\"up6k\"").contains("up6k"));
        assert!(wrong("name = \"icebreaker\"", "name = \"../x\"").contains("small letters"));
        assert!(wrong("[led]", "[lamp]").contains("lamp"));
        assert!(Board::parse("").unwrap_err().contains("name"));
    }
}
