//! The accelerator's Verilog in Icarus Verilog and in Verilator.
//!
//! The cycle model ([`bitfab_hdl::CycleMachine`]) runs first and records the ports of every cycle, with pauses;
//! the Verilog is then driven with the same stimulus.
//! It prints the words and bytes that it computes itself, and the cycles in which its ports differ from the recording.

mod bench;
mod trace;
mod verilator;

use std::path::Path;
use std::process::{Command, ExitStatus};
use std::sync::Arc;

use bitfab_format::Model;
use bitfab_hdl::{CycleMachine, Options, Program, Sources, Style, Weights};

use crate::engine::{Engine, Run, check_inputs};
use crate::error::SimError;
use crate::rtl::{Stalls, disturb, drive, load, unsupported};
use crate::software::Reference;
use crate::verify::compare;

pub use bench::{connections, testbench};
pub use trace::{Difference, Replayed};
use trace::{Recorder, compared, replayed};
pub(crate) use verilator::Cells;

/// A simulator of Verilog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Simulator {
    /// Icarus Verilog, which interprets at once, by the rules of SystemVerilog; thousands of cycles a second.
    Icarus,
    /// Icarus Verilog by the rules of Verilog-2005, which starts registers and processes in another order.
    Icarus2005,
    /// Verilator: compiles for some seconds; a million cycles a second.
    Verilator,
}

/// The accelerator's Verilog in a simulator.
#[derive(Clone, Copy, Debug)]
pub struct Replay {
    /// Where it runs.
    pub simulator: Simulator,
    /// Lanes and pipeline.
    pub options: Options,
    /// When the streams pause.
    pub stalls: Stalls,
}

impl Replay {
    /// Replays `inputs` on `verilog`, which may have been changed on purpose, and returns what it did.
    ///
    /// # Errors
    /// [`SimError`] where the model is refused, a tool is missing or the simulator fails.
    pub fn replay(&self, model: &Model<'_>, inputs: &[&[u8]], verilog: &str) -> Result<Replayed, SimError> {
        let is_loaded = self.options.weights == Weights::Loaded;
        self.replay_sources(model, inputs, &Sources { is_loaded, ..Sources::from(verilog) })
    }

    /// As [`Replay::replay`], with the files that the Verilog reads.
    ///
    /// # Errors
    /// As [`Replay::replay`].
    pub fn replay_sources(&self, model: &Model<'_>, inputs: &[&[u8]], sources: &Sources) -> Result<Replayed, SimError> {
        self.replay_cells(model, inputs, sources, None)
    }

    /// As [`Replay::replay_sources`], of Verilog or, with `cells`, of a netlist.
    fn replay_cells(
        &self,
        model: &Model<'_>,
        inputs: &[&[u8]],
        sources: &Sources,
        cells: Option<Cells>,
    ) -> Result<Replayed, SimError> {
        check_inputs(model, inputs)?;
        let (program, mut recorder) = self.recorder(model)?;
        drive(&mut recorder, model, &program, inputs, self.stalls, &mut |_| {})?;
        replayed(&self.simulate(&recorder, sources, cells)?, model, &program, &recorder)
    }

    /// The runs of an engine of this name, of Verilog or, with `cells`, of a netlist.
    pub(crate) fn runs(
        &self,
        name: &str,
        model: &Model<'_>,
        inputs: &[&[u8]],
        sources: &Sources,
        cells: Option<Cells>,
    ) -> Result<Vec<Run>, SimError> {
        let replayed = self.replay_cells(model, inputs, sources, cells)?;
        // The simulator is not asked for cycles: they are those of the registers, or its ports would have differed.
        let runs = replayed.frames.into_iter().map(|frame| Run { cycles: None, ..frame.into_run() });
        let runs: Vec<Run> = runs.collect();
        // Wrong words are told best by layer and position, which the caller does; wrong timing alone is told here.
        if let Some(first) = replayed.first_difference
            && agrees(model, inputs, &runs)?
        {
            let problem =
                format!("its ports differ from the registers' {} times, first in {first}", replayed.differences);
            return Err(SimError::Tool { program: name.into(), problem });
        }
        Ok(runs)
    }

    /// Replays `cycles` cycles of hosts that stall, send frames of wrong length and reset ([`disturb`]), and returns the
    /// first cycle in which a port of the Verilog differs.
    ///
    /// # Errors
    /// As [`Replay::replay`].
    pub fn disturbed(&self, model: &Model<'_>, sources: &Sources, cycles: u64) -> Result<Option<Difference>, SimError> {
        let (program, mut recorder) = self.recorder(model)?;
        disturb(&mut recorder, &program, self.stalls.seed, cycles)?;
        Ok(compared(&self.simulate(&recorder, sources, None)?, &recorder)?.1)
    }

    /// Replays loads of `images`, right or wrong, one after the other, and returns the first cycle in which a port of
    /// the Verilog differs.
    ///
    /// # Errors
    /// As [`Replay::replay`]; where the weights are contents, there is nothing to load.
    pub fn loaded(
        &self,
        model: &Model<'_>,
        sources: &Sources,
        images: &[Vec<u8>],
    ) -> Result<Option<Difference>, SimError> {
        let (_, mut recorder) = self.recorder(model)?;
        for image in images {
            load(&mut recorder, image, self.stalls)?;
        }
        Ok(compared(&self.simulate(&recorder, sources, None)?, &recorder)?.1)
    }

    fn recorder(&self, model: &Model<'_>) -> Result<(Arc<Program>, Recorder), SimError> {
        let program = Program::new(model, &self.options).map_err(|error| unsupported(self.label(), &error))?;
        let program = Arc::new(program);
        Ok((Arc::clone(&program), Recorder::new(CycleMachine::new(program))))
    }

    /// What the testbench prints about the recorded cycles.
    fn simulate(&self, recorder: &Recorder, sources: &Sources, cells: Option<Cells>) -> Result<String, SimError> {
        let folder = tempfile::tempdir().map_err(|source| io("making a folder for the simulator", source))?;
        let path = folder.path();
        for (name, contents) in sources.files() {
            write(&path.join(name), contents)?;
        }
        write(&path.join("stimulus.hex"), &recorder.stimulus())?;
        write(&path.join("bench.v"), &testbench(sources, recorder.cycles()))?;
        match self.simulator {
            Simulator::Icarus => icarus(path, &sources.file_name(), "-g2012"),
            Simulator::Icarus2005 => icarus(path, &sources.file_name(), "-g2005"),
            Simulator::Verilator => verilator::run(path, &sources.file_name(), cells),
        }
    }

    fn label(&self) -> &'static str {
        match self.simulator {
            Simulator::Icarus => "icarus",
            Simulator::Icarus2005 => "icarus-2005",
            Simulator::Verilator => "verilator",
        }
    }
}

impl Engine for Replay {
    fn name(&self) -> String {
        self.label().into()
    }

    fn run(&mut self, model: &Model<'_>, inputs: &[&[u8]], done: &mut dyn FnMut(usize)) -> Result<Vec<Run>, SimError> {
        let sources = bitfab_hdl::sources(model, &self.options, &Style::default());
        let sources = sources.map_err(|error| unsupported(self.label(), &error))?;
        let runs = self.runs(self.label(), model, inputs, &sources, None)?;
        done(inputs.len());
        Ok(runs)
    }
}

/// Whether every run is that of the reference.
fn agrees(model: &Model<'_>, inputs: &[&[u8]], runs: &[Run]) -> Result<bool, SimError> {
    let expected = Reference.run(model, inputs, &mut |_| {})?;
    let mut pairs = expected.iter().zip(runs);
    Ok(expected.len() == runs.len() && pairs.all(|(expected, run)| compare(model, 0, expected, run).is_none()))
}

pub(crate) fn io(what: &str, source: std::io::Error) -> SimError {
    SimError::Io { what: what.into(), source }
}

pub(crate) fn write(path: &Path, text: &str) -> Result<(), SimError> {
    std::fs::write(path, text).map_err(|source| io(&format!("writing {}", path.display()), source))
}

/// Runs a tool and returns what it printed.
pub(crate) fn run_tool(
    command: &mut Command,
    program: &'static str,
    package: &'static str,
) -> Result<String, SimError> {
    let output = command.output().map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => SimError::MissingTool { program, package },
        _ => io(&format!("starting {program}"), source),
    })?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(printed);
    }
    let said = printed + &String::from_utf8_lossy(&output.stderr);
    let tail: Vec<&str> = said.lines().rev().take(20).collect();
    let tail = tail.into_iter().rev().collect::<Vec<_>>().join("\n");
    Err(SimError::Tool { program: program.into(), problem: format!("{}: {tail}", ending(output.status)) })
}

/// How a tool ended that failed: the signal, where one ended it, in words.
fn ending(status: ExitStatus) -> String {
    #[cfg(unix)]
    let is_killed = std::os::unix::process::ExitStatusExt::signal(&status) == Some(9);
    #[cfg(not(unix))]
    let is_killed = false;
    let why = if is_killed { ", as the system ends what takes more memory than there is" } else { "" };
    format!("{status}{why}")
}

fn icarus(folder: &Path, verilog: &str, edition: &str) -> Result<String, SimError> {
    let compile = [edition, "-DBITFAB_TRACE", "-o", "bench.vvp", "bench.v", verilog];
    run_tool(Command::new("iverilog").current_dir(folder).args(compile), "iverilog", "iverilog")?;
    run_tool(Command::new("vvp").current_dir(folder).args(["-N", "bench.vvp"]), "vvp", "iverilog")
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str) -> String {
        run_tool(Command::new("sh").args(["-c", script]), "sh", "dash").unwrap_err().to_string()
    }

    #[test]
    fn a_failure_says_how_the_tool_ended_and_what_it_said_last() {
        let killed = shell("echo Executing ABC.; kill -9 $$");
        assert!(killed.starts_with("sh failed: signal: 9 (SIGKILL), as the system ends"), "{killed}");
        assert!(killed.contains("more memory") && killed.ends_with("Executing ABC."), "{killed}");
        let aborted = shell("kill -6 $$");
        assert!(aborted.contains("signal: 6 (SIGABRT)") && !aborted.contains("memory"), "{aborted}");
        let failed = shell("echo no such file >&2; exit 3");
        assert_eq!(failed, "sh failed: exit status: 3: no such file");
    }
}
