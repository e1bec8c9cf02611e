//! The program of a chip in QEMU, and what it tells.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::board::ARM;
use crate::SimError;
use crate::replay::io;

/// QEMU's arguments for an STM32F405: time is that of instructions, and what waits is passed over, so that no answer takes
/// as long as the machine has work.
const STM32F405: [&str; 8] =
    ["-M", "netduinoplus2", "-display", "none", "-monitor", "none", "-icount", "shift=3,sleep=off"];

/// QEMU with an STM32F405 that runs this program, and its UART, as QEMU names it.
pub fn emulated(elf: &Path, serial: &str) -> Command {
    let mut qemu = Command::new(ARM.program);
    qemu.args(STM32F405).arg("-serial").arg(serial).arg("-kernel").arg(elf).stdin(Stdio::null());
    qemu
}

/// What an STM32F405 with this program, at whose SPI nothing is, tells up to the end of a line that begins with one of
/// `last`; less where it says nothing more until `limit`, or where QEMU ends.
///
/// # Errors
/// [`SimError::MissingTool`] for QEMU.
pub fn told(elf: &Path, last: &[&str], limit: Duration) -> Result<String, SimError> {
    let folder = tempfile::tempdir().map_err(|source| io("making a folder for QEMU", source))?;
    let serial = folder.path().join("serial");
    let mut qemu =
        emulated(elf, &format!("file:{}", serial.display())).spawn().map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => SimError::MissingTool { program: ARM.program, package: ARM.package },
            _ => io("starting QEMU", source),
        })?;
    let said = listen(&mut qemu, &serial, last, limit);
    // It never ends by itself; one that has ended cannot be ended again.
    let _ = qemu.kill();
    qemu.wait().and(said).map_err(|source| io("listening to QEMU", source))
}

fn listen(qemu: &mut Child, serial: &Path, last: &[&str], limit: Duration) -> std::io::Result<String> {
    let start = Instant::now();
    loop {
        let has_ended = qemu.try_wait()?.is_some() || start.elapsed() > limit;
        let said = std::fs::read_to_string(serial).unwrap_or_default().replace('\r', "");
        let is_last = |line: &str| last.iter().any(|last| line.starts_with(last));
        if has_ended || said.ends_with('\n') && said.lines().any(is_last) {
            return Ok(said);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
