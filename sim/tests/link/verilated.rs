//! The generated Verilog of a chip as a program, at whose pins hosts are.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use tempfile::TempDir;

use crate::case::{DIVISOR, KILOHERTZ};
use crate::wires::line::Spi;
use crate::wires::serial::Uart;

/// Clocks of half a period of SCK.
const HALF: u16 = 4;
/// Clocks between two bytes of a bus, and while its host waits.
const PAUSE: u16 = 16;
const RESET_CLOCKS: u16 = 4;

/// A chip, compiled by Verilator.
pub struct Verilated(TempDir);

impl Verilated {
    /// `text` has the module `chip`, behind SPI or a UART.
    pub fn new(text: &str, is_uart: bool) -> Self {
        let flags = if is_uart { format!("-DDIVISOR={DIVISOR}") } else { String::new() };
        Self::compiled(tempfile::tempdir().unwrap(), text, &flags)
    }

    /// One behind SPI with the bytes of its flash.
    pub fn with_flash(text: &str, flash: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let image = folder.path().join("weights.bin");
        std::fs::write(&image, flash).unwrap();
        let header = Path::new(env!("CARGO_MANIFEST_DIR")).join("cosim/flash.h");
        std::fs::copy(header, folder.path().join("flash.h")).unwrap();
        let flags = format!("-I{0} -DKILOHERTZ={KILOHERTZ} -DFLASH={1}", folder.path().display(), image.display());
        Self::compiled(folder, text, &flags)
    }

    fn compiled(folder: TempDir, text: &str, flags: &str) -> Self {
        std::fs::write(folder.path().join("chip.v"), text).unwrap();
        let harness = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/link/chip.cpp");
        let mut verilator = Command::new("verilator");
        verilator.current_dir(folder.path()).args(["--cc", "--exe", "--build", "-O3", "-Wno-lint", "-Wno-fatal"]);
        verilator.args([
            "--output-split",
            "0",
            "-CFLAGS",
            &format!("-O1 {flags}"),
            "--top-module",
            "chip",
            "-o",
            "chip",
        ]);
        let output = verilator.arg("chip.v").arg(harness).output();
        let output = output.expect("`verilator`: install the Debian package `verilator`");
        assert!(output.status.success(), "verilator: {}", String::from_utf8_lossy(&output.stderr));
        Self(folder)
    }

    /// One of it, with one of the changes that [`super::mutants::changed`] made, or 0 for none.
    pub fn start(&self, mutant: usize) -> Pins {
        let mut command = Command::new(self.0.path().join("obj_dir/chip"));
        let mut child =
            command.arg(format!("+mutant={mutant}")).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut pins = Pins { child, input: Some(input), output, came: VecDeque::new() };
        pins.ask(b'R', 0, RESET_CLOCKS);
        pins
    }
}

/// A running chip.
pub struct Pins {
    child: Child,
    input: Option<ChildStdin>,
    output: ChildStdout,
    /// Bytes of a UART.
    came: VecDeque<u8>,
}

impl Pins {
    fn ask(&mut self, what: u8, byte: u8, number: u16) -> Vec<u8> {
        let [low, high] = number.to_le_bytes();
        self.input.as_mut().unwrap().write_all(&[what, byte, low, high]).unwrap();
        let mut length = [0];
        self.output.read_exact(&mut length).unwrap();
        let mut bytes = vec![0; length[0].into()];
        self.output.read_exact(&mut bytes).unwrap();
        bytes
    }
}

impl Pins {
    /// A UART rests for so many clocks.
    pub fn rest(&mut self, clocks: u16) {
        let came = self.ask(b'T', 0, clocks);
        self.came.extend(came);
    }

    /// A UART's host is slower, or quicker, by so many percent.
    pub fn slow(&mut self, percent: i8) {
        self.ask(b'S', percent as u8, 0);
    }
}

impl Drop for Pins {
    fn drop(&mut self) {
        self.input = None; // it ends
        let _ = self.child.wait();
    }
}

impl Spi for Pins {
    fn select(&mut self) {
        self.ask(b'C', 0, 0);
    }

    fn transfer(&mut self, byte: u8) -> u8 {
        self.ask(b'X', byte, HALF)[0]
    }

    fn deselect(&mut self) {
        self.ask(b'C', 1, 0);
    }

    fn tick(&mut self) {
        self.ask(b'T', 0, PAUSE);
    }

    fn reset(&mut self) {
        self.ask(b'R', 0, RESET_CLOCKS);
    }

    fn cut(&mut self, bits: u32) {
        self.ask(b'B', bits as u8, HALF);
    }
}

impl Uart for Pins {
    fn reset(&mut self) {
        self.ask(b'R', 0, RESET_CLOCKS);
    }

    /// The time of a byte.
    fn tick(&mut self) {
        self.rest(10 * DIVISOR as u16);
    }

    fn put(&mut self, byte: Option<u8>) {
        self.ask(b'P', byte.unwrap_or_default(), byte.is_none().into());
    }

    fn get(&mut self) -> Option<u8> {
        self.came.pop_front()
    }

    fn cut(&mut self, bits: u32) {
        self.ask(b'B', bits as u8, 0);
    }
}
