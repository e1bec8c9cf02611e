//! The programs that `bitfab new` makes, on their chips in emulators: they run rows that are built into them, and compare
//! the digest of every layer themselves.

use std::path::Path;
use std::time::Duration;

use bitfab_format::{Model, digest};

use crate::cosim::{alone, emulator};
use crate::engine::{Engine, Evidence, Run, check_inputs};
use crate::error::SimError;
use crate::qemu::{Chip, loaded, told};
use crate::replay::io;
use crate::software::Reference;
use crate::uf2::uf2;

/// A chip that can be emulated from the file that is flashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmulatedChip {
    /// An STM32F405 in QEMU.
    Stm32f405,
    /// An RP2040 in rp2040js, from its UF2 file and its boot loader on.
    Pico,
}

/// The program of `bitfab new` for a chip, with the rows and their digests in its flash.
#[derive(Clone, Copy, Debug)]
pub struct Program(pub EmulatedChip);

/// How long QEMU may take, and for each row.
const LIMIT: Duration = Duration::from_secs(120);
const LIMIT_OF_A_ROW: Duration = Duration::from_secs(2);

impl Program {
    const fn chip(self) -> Chip {
        match self.0 {
            EmulatedChip::Stm32f405 => Chip::STM32F405,
            EmulatedChip::Pico => Chip::PICO,
        }
    }

    fn failed(self, problem: String) -> SimError {
        SimError::Tool { program: self.name(), problem }
    }

    /// The program with rows, of which each has the digests that the reference has of it.
    ///
    /// # Errors
    /// Where it does not build; [`SimError::Tool`] where another build took its place.
    pub fn elf(self, model: &Model<'_>, inputs: &[&[u8]], runs: &[Run]) -> Result<Vec<u8>, SimError> {
        let digests = |run: &Run| run.evidence.digests().into_iter().flat_map(u32::to_le_bytes).collect::<Vec<u8>>();
        let rows: Vec<u8> =
            inputs.iter().zip(runs).flat_map(|(input, run)| [input.to_vec(), digests(run)].concat()).collect();
        let words: Vec<u8> = model.words().iter().flat_map(|word| word.to_le_bytes()).collect();
        let folder = tempfile::tempdir().map_err(|source| io("making a folder for the program", source))?;
        let [file, chosen] = ["model.bfab", "inputs.bin"].map(|name| folder.path().join(name));
        let put = |path: &Path, bytes: &[u8]| std::fs::write(path, bytes).map_err(|source| io("writing rows", source));
        put(&file, &words)?;
        put(&chosen, &rows)?;
        let path = self.chip().build(Some(&file), Some(&chosen))?;
        let elf = std::fs::read(path).map_err(|source| io("reading the program", source))?;
        // All builds of a program lie in one place.
        let all: Vec<u8> = runs.iter().flat_map(digests).collect();
        let holds = |bytes: &[u8]| loaded(&elf).iter().any(|(_, part)| part.windows(bytes.len()).any(|at| at == bytes));
        if [words, inputs.concat(), all].iter().all(|bytes| holds(bytes)) {
            return Ok(elf);
        }
        Err(self.failed("another build took the place of the program: run it again".into()))
    }

    /// What the chip tells with a program of so many rows, up to the end of its self-test.
    ///
    /// # Errors
    /// [`SimError::MissingTool`] or [`SimError::MissingEmulator`] for the emulator.
    pub fn said(self, elf: &[u8], rows: usize) -> Result<String, SimError> {
        match self.0 {
            EmulatedChip::Pico => {
                let file = uf2(elf).map_err(|error| self.failed(error.to_string()))?;
                alone(&file)
            }
            EmulatedChip::Stm32f405 => {
                let folder = tempfile::tempdir().map_err(|source| io("making a folder for QEMU", source))?;
                let path = folder.path().join("program");
                std::fs::write(&path, elf).map_err(|source| io("writing the program", source))?;
                told(&path, &["self-test ok", "input", "model", "the model"], LIMIT + LIMIT_OF_A_ROW * rows as u32)
            }
        }
    }

    /// The runs of which a chip said that they are as expected; the last one differs where it said that.
    ///
    /// # Errors
    /// [`SimError::Tool`] with what it said, where that is neither.
    pub fn runs(self, model: &Model<'_>, expected: &[Run], said: &str) -> Result<Vec<Run>, SimError> {
        let greeting =
            format!("bitfab {} {} model {:08x}", env!("CARGO_PKG_VERSION"), self.chip().name, digest(model.words()));
        let (rows, layers) = (expected.len(), model.layer_count());
        let lines: Vec<&str> =
            said.lines().filter(|line| !line.starts_with("self-test ") || line.contains(" ok ")).collect();
        let well = format!("self-test ok {rows} inputs {} digests", rows * layers);
        match lines[..] {
            [first, last, ..] if first == greeting && last == well => Ok(expected.to_vec()),
            [first, last, ..] if first == greeting => {
                differing(last, expected, layers).ok_or_else(|| self.failed(said.trim_end().to_owned()))
            }
            _ => Err(self.failed(format!("not what its program tells: {}", said.trim_end()))),
        }
    }
}

/// The runs up to the one of which a line says that it differs: `input I layer L: FOUND, not EXPECTED`.
fn differing(line: &str, expected: &[Run], layers: usize) -> Option<Vec<Run>> {
    let (input, rest) = line.strip_prefix("input ")?.split_once(" layer ")?;
    let (layer, rest) = rest.split_once(": ")?;
    let (found, wanted) = rest.split_once(", not ")?;
    let (input, layer): (usize, usize) = (input.parse().ok()?, layer.parse().ok()?);
    let [found, wanted] = [found, wanted].map(|digits| u32::from_str_radix(digits, 16).ok());
    let mut runs = expected.get(..=input)?.to_vec();
    let last = runs.last_mut()?;
    let mut digests = last.evidence.digests();
    if layer >= layers || Some(digests[layer]) != wanted {
        return None; // the program was built with other digests
    }
    digests.truncate(layer);
    digests.push(found?);
    *last = Run { evidence: Evidence::Digests(digests), output: Vec::new(), ..last.clone() };
    Some(runs)
}

impl Engine for Program {
    fn name(&self) -> String {
        self.chip().name.into()
    }

    /// Answers are those of the reference: the chip says that the digest of the last layer, too, is the same.
    fn run(&mut self, model: &Model<'_>, inputs: &[&[u8]], done: &mut dyn FnMut(usize)) -> Result<Vec<Run>, SimError> {
        check_inputs(model, inputs)?;
        if self.0 == EmulatedChip::Pico {
            emulator()?; // not after a minute of work
        }
        let unsupported = |problem| SimError::Unsupported { engine: self.name(), problem };
        let bytes = 4 * model.words().len() as u64;
        if let Some(problem) = self.chip().lacks(model, bytes) {
            return Err(unsupported(problem));
        }
        let row = model.input_bytes() + 4 * model.layer_count();
        let fit = self.chip().room(bytes) as usize / row;
        if fit == 0 {
            return Err(unsupported("no row fits into its flash beside the model".into()));
        }
        let mut runs = Vec::with_capacity(inputs.len());
        for some in inputs.chunks(fit) {
            let expected: Vec<Run> = Reference.run(model, some, &mut |_| {})?.into_iter().map(by_digests).collect();
            let elf = self.elf(model, some, &expected)?;
            let found = self.runs(model, &expected, &self.said(&elf, some.len())?)?;
            let is_whole = found.iter().zip(&expected).all(|(found, expected)| found == expected);
            runs.extend(found);
            done(runs.len());
            if !is_whole {
                break;
            }
        }
        Ok(runs)
    }
}

/// A run of the reference, as far as a chip compares it.
fn by_digests(run: Run) -> Run {
    Run { evidence: Evidence::Digests(run.evidence.digests()), ..run }
}
