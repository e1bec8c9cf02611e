//! One emulated board, ready to run models.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use super::files::{Firmware, IMAGES_HEADER, Images, images_file, in_file, scratch};
use super::output::{parse_counts, parse_lines};
use super::plugin::plugin;
use super::{Board, Inference, Profile, QemuError, build, process};
use crate::Rows;

/// What to run and print.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunOptions {
    /// Whether every layer's digest is taken.
    pub digests: bool,
    /// How many of the first images are also counted; 0 needs no plugin.
    pub counted: usize,
    /// How long one start of the emulator may take.
    pub timeout: Duration,
}

impl Default for RunOptions {
    /// Digests, the first image counted, two minutes.
    fn default() -> Self {
        Self { digests: true, counted: 1, timeout: Duration::from_secs(120) }
    }
}

/// An emulated board with its firmware.
#[derive(Debug)]
pub struct Qemu {
    board: Board,
    firmware: Firmware,
}

/// What one start of the emulator left.
struct Printed {
    stdout: Vec<u8>,
    counts: String,
}

impl Qemu {
    /// Builds the board's firmware; seconds the first time, a fraction of one later.
    ///
    /// # Errors
    /// [`QemuError`] where it does not build.
    pub fn new(board: Board) -> Result<Self, QemuError> {
        let path = build(board.package(), board.target(), Profile::Release, &[])?;
        Ok(Self { board, firmware: Firmware::read(path)? })
    }

    /// Builds the Cortex-M4 firmware that logs through defmt; its output is for [`Qemu::print`] alone.
    ///
    /// # Errors
    /// [`QemuError`] where it does not build.
    pub fn with_defmt() -> Result<Self, QemuError> {
        let board = Board::M4;
        let path = build(board.package(), board.target(), Profile::Release, &["defmt"])?;
        Ok(Self { board, firmware: Firmware::read(path)? })
    }

    /// The board.
    pub const fn board(&self) -> Board {
        self.board
    }

    /// The firmware's ELF file.
    pub fn elf(&self) -> &Path {
        &self.firmware.path
    }

    /// Runs `images`, all of the same length, through the model file `model`.
    ///
    /// # Errors
    /// As [`Qemu::run_file`].
    pub fn run(&self, model: &[u8], images: &[&[u8]], options: &RunOptions) -> Result<Vec<Inference>, QemuError> {
        self.run_file(model, Rows::Bytes(images), options)
    }

    /// Runs `rows`, all of the same length, through the model file `model`; the firmware codes those that are not bytes.
    ///
    /// Rows that do not fit the board's partition at once are run in parts.
    ///
    /// # Errors
    /// [`QemuError::Refused`] with the firmware's own message for a bad model or images of the wrong length;
    /// [`QemuError::TooLarge`] for what the board cannot hold; others for tools that are missing or fail.
    pub fn run_file(&self, model: &[u8], rows: Rows<'_>, options: &RunOptions) -> Result<Vec<Inference>, QemuError> {
        self.check_size("the model", model.len(), &self.firmware.model, 0)?;
        let images = Images::new(rows);
        let bytes = images.bytes;
        let room = self.check_size("one image", bytes, &self.firmware.images, IMAGES_HEADER)?;
        if let Some(image) = images.images.iter().find(|image| image.len() != bytes) {
            let message =
                format!("images of {} and of {bytes} bytes: all must be as long as the model's input", image.len());
            return Err(QemuError::Refused { board: self.board, message });
        }
        let mut inferences = Vec::new();
        for part in images.parts((room / bytes.max(1)).max(1)) {
            let counted = options.counted.saturating_sub(inferences.len()).min(part.images.len());
            inferences.extend(self.run_part(model, &part, &RunOptions { counted, ..*options })?);
        }
        Ok(inferences)
    }

    /// Checks that `need` bytes fit `partition` behind `header` bytes, and returns the room.
    fn check_size(
        &self,
        what: &'static str,
        need: usize,
        partition: &Range<u32>,
        header: usize,
    ) -> Result<usize, QemuError> {
        let have = partition.len() - header;
        if need > have { Err(QemuError::TooLarge { board: self.board, what, need, have }) } else { Ok(have) }
    }

    /// One start of the emulator: what it printed as text.
    fn run_part(&self, model: &[u8], images: &Images<'_>, options: &RunOptions) -> Result<Vec<Inference>, QemuError> {
        let Printed { stdout, counts } = self.start(model, images, options)?;
        let mut inferences = parse_lines(self.board, &String::from_utf8_lossy(&stdout))?;
        let regions = parse_counts(self.board, &counts, self.firmware.stack.end)?;
        if regions.len() != options.counted || inferences.len() != images.images.len() {
            let what = "another number of images than was given";
            return Err(QemuError::Output { board: self.board, what, line: counts });
        }
        inferences.iter_mut().zip(regions).for_each(|(inference, counts)| inference.counts = Some(counts));
        Ok(inferences)
    }

    /// The bytes that `images` make the firmware print; for firmware that logs in frames.
    ///
    /// # Errors
    /// As [`Qemu::run`].
    pub fn print(&self, model: &[u8], images: &[&[u8]], timeout: Duration) -> Result<Vec<u8>, QemuError> {
        let options = RunOptions { digests: false, counted: 0, timeout };
        self.start(model, &Images::new(Rows::Bytes(images)), &options).map(|printed| printed.stdout)
    }

    /// One start of the emulator.
    fn start(&self, model: &[u8], images: &Images<'_>, options: &RunOptions) -> Result<Printed, QemuError> {
        let scratch = scratch()?;
        let file = |name: &str| scratch.path().join(name);
        let write = |name: &str, bytes: &[u8]| fs::write(file(name), bytes).map_err(in_file(&file(name)));
        let read = |name: &str| fs::read(file(name)).map_err(in_file(&file(name)));
        write("model", model)?;
        write("images", &images_file(images, options.counted, options.digests))?;
        write("counts", &[])?;
        let mut command = self.command(&file("model"), &file("images"));
        if options.counted > 0 {
            command.arg("-plugin").arg(self.plugin_argument(&plugin()?, &file("counts")));
        }
        let outputs = [&*file("stdout"), &*file("stderr")];
        let status = process::emulate(&mut command, self.board.emulator(), outputs, options.timeout)?;
        let (stdout, stderr) = (read("stdout")?, read("stderr")?);
        self.check_end(status, &String::from_utf8_lossy(&stdout), &String::from_utf8_lossy(&stderr), options.timeout)?;
        Ok(Printed { stdout, counts: String::from_utf8_lossy(&read("counts")?).into_owned() })
    }

    /// The emulator with firmware and both partitions.
    fn command(&self, model: &Path, images: &Path) -> Command {
        let mut command = Command::new(self.board.emulator().program);
        command.args(self.board.machine());
        command.args(["-display", "none", "-monitor", "none", "-serial", "none"]);
        command.args(["-semihosting-config", "enable=on,target=native"]);
        for (path, partition) in [(model, &self.firmware.model), (images, &self.firmware.images)] {
            command.arg("-device");
            command.arg(format!("loader,file={},addr={:#x},force-raw=on", escape(path), partition.start));
        }
        command.arg("-kernel").arg(&self.firmware.path);
        command
    }

    fn plugin_argument(&self, plugin: &Path, counts: &Path) -> String {
        let Range { start, end } = self.firmware.stack;
        format!("{},out={},stack={start:x}-{end:x}", escape(plugin), escape(counts))
    }

    /// Turns anything but a good end into an error.
    fn check_end(
        &self,
        status: Option<ExitStatus>,
        text: &str,
        errors: &str,
        limit: Duration,
    ) -> Result<(), QemuError> {
        let board = self.board;
        let status = status.ok_or(QemuError::Timeout { board, limit })?;
        if let Some(message) = text.lines().find_map(|line| line.strip_prefix("error: ")) {
            return Err(QemuError::Refused { board, message: message.into() });
        }
        if status.success() {
            return Ok(());
        }
        Err(QemuError::Crashed { board, what: status.to_string(), output: format!("{text}{errors}") })
    }
}

/// QEMU doubles commas in option values.
fn escape(path: &Path) -> String {
    PathBuf::from(path).to_string_lossy().replace(',', ",,")
}
