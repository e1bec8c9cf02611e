//! The SPI flash of a board, at the pins of a chip that reads its weights from it.

use bitfab_hdl::FLASH_OFFSET;

/// Microseconds that a flash takes to leave its rest: those of the slowest.
const WAKES_US: u32 = 30;

/// A flash that rests, as the configuration of an FPGA leaves it: it wakes by AB and is read by 03.
#[derive(Clone, Debug)]
pub struct Flash {
    /// From [`FLASH_OFFSET`] on; the rest is erased.
    bytes: Vec<u8>,
    /// Nothing is there, and the pin has this level.
    stuck: Option<bool>,
    wakes_in: u32,
    /// Clocks until it is awake, once it was told.
    sleeps: Option<u32>,
    /// The pins `cs_n` and `sck`, a clock ago.
    before: [bool; 2],
    command: u32,
    bits: u32,
    shows: bool,
}

impl Flash {
    /// A flash with these bytes from [`FLASH_OFFSET`] on, at a chip with a clock of so many kHz.
    pub const fn new(bytes: Vec<u8>, kilohertz: u32) -> Self {
        let wakes_in = (WAKES_US * kilohertz).div_ceil(1000);
        Self { bytes, stuck: None, wakes_in, sleeps: None, before: [true, false], command: 0, bits: 0, shows: true }
    }

    /// No flash: the pin has this level for ever.
    pub fn absent(level: bool) -> Self {
        Self { stuck: Some(level), ..Self::new(Vec::new(), 0) }
    }

    /// One clock with these pins, `cs_n`, `sck` and `mosi`; returns the bit that it shows.
    pub fn step(&mut self, [cs_n, sck, mosi]: [bool; 3]) -> bool {
        let [cs_before, sck_before] = std::mem::replace(&mut self.before, [cs_n, sck]);
        self.sleeps = self.sleeps.map(|clocks| clocks.saturating_sub(1));
        match (cs_n, cs_before) {
            (true, false) if self.bits == 8 && self.command == 0xab => {
                self.sleeps = self.sleeps.or(Some(self.wakes_in))
            }
            (false, true) => (self.bits, self.command, self.shows) = (0, 0, true),
            (false, false) if sck && !sck_before => self.rises(mosi),
            (false, false) if !sck && sck_before => self.falls(),
            _ => {}
        }
        self.stuck.unwrap_or(self.shows)
    }

    fn rises(&mut self, mosi: bool) {
        if self.bits < 32 {
            self.command = self.command << 1 | u32::from(mosi);
        }
        self.bits += 1;
        if self.bits == 32 && self.sleeps != Some(0) {
            self.command = 0; // it did not hear
        }
    }

    fn falls(&mut self) {
        let Some(at) = self.bits.checked_sub(32).filter(|_| self.command >> 24 == 3) else { return };
        let address = (self.command & 0xff_ffff) + at / 8;
        let byte = address.checked_sub(FLASH_OFFSET).and_then(|at| self.bytes.get(at as usize)).unwrap_or(&0xff);
        self.shows = byte >> (7 - at % 8) & 1 == 1;
    }
}
