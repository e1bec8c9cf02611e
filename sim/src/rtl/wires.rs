//! The rust-hdl circuit itself, its wires settled and clocked on one thread, with a waveform if wanted.

use std::io::Write;
use std::sync::Arc;

use bitfab_format::Model;
use bitfab_hdl::{Ports, Program, Stimulus, Written};
use rust_hdl_core::vcd_probe::{VCDProbe, write_vcd_change, write_vcd_dump, write_vcd_header};

use super::{Circuit, Frame, Stalls, drive, unsupported};
use crate::engine::{Engine, Run, check_inputs};
use crate::error::SimError;

/// Picoseconds of a clock cycle in waveforms: 40 MHz.
const PERIOD: u64 = 25_000;

/// The rust-hdl circuit.
#[derive(Clone, Copy, Debug, Default)]
pub struct RustHdl {
    /// Lanes and pipeline.
    pub options: bitfab_hdl::Options,
    /// When the streams pause.
    pub stalls: Stalls,
}

/// The circuit and, for a limited number of cycles, its waveform.
struct Wires<W: Write> {
    engine: bitfab_hdl::SequencedEngine,
    /// The open waveform; taken while it is written.
    waveform: Option<VCDProbe<W>>,
    cycle: u64,
    /// Cycles that the waveform shows.
    limit: u64,
}

impl<W: Write> Wires<W> {
    fn draw(&mut self, time: u64) -> Result<(), SimError> {
        let Some(mut waveform) = self.waveform.take() else { return Ok(()) };
        if self.cycle >= self.limit {
            return Ok(());
        }
        waveform.timestamp(time).map_err(|source| SimError::Io { what: "writing the waveform".into(), source })?;
        self.waveform = Some(write_vcd_change(waveform, &self.engine));
        Ok(())
    }
}

impl<W: Write> Circuit for Wires<W> {
    fn cycle(&mut self, stimulus: Stimulus) -> Result<(Ports, Option<Written>), SimError> {
        let failed = |error| unsupported("rtl", &error);
        let ports = self.engine.offer(stimulus).map_err(failed)?;
        self.draw(self.cycle * PERIOD)?;
        let written = self.engine.tick().map_err(failed)?;
        self.draw(self.cycle * PERIOD + PERIOD / 2)?;
        self.cycle += 1;
        Ok((ports, written))
    }
}

/// Runs `inputs` through the circuit and writes its first `cycles` cycles to `waveform` as VCD.
///
/// # Errors
/// [`SimError`] where the model is refused, an input has the wrong length or the waveform cannot be written.
pub fn run_with_waveform<W: Write>(
    engine: RustHdl,
    model: &Model<'_>,
    inputs: &[&[u8]],
    waveform: W,
    cycles: u64,
) -> Result<Vec<Run>, SimError> {
    run(engine, model, inputs, Some(waveform), cycles, &mut |_| {})
}

fn run<W: Write>(
    settings: RustHdl,
    model: &Model<'_>,
    inputs: &[&[u8]],
    waveform: Option<W>,
    limit: u64,
    done: &mut dyn FnMut(usize),
) -> Result<Vec<Run>, SimError> {
    check_inputs(model, inputs)?;
    let program = Program::new(model, &settings.options).map_err(|error| unsupported("rtl", &error))?;
    let program = Arc::new(program);
    let engine = bitfab_hdl::SequencedEngine::of(&program);
    let waveform = waveform.map(|file| write_vcd_dump(write_vcd_header(file, &engine), &engine));
    let mut wires = Wires { engine, waveform, cycle: 0, limit };
    let frames = drive(&mut wires, model, &program, inputs, settings.stalls, done)?;
    Ok(frames.into_iter().map(Frame::into_run).collect())
}

impl Engine for RustHdl {
    fn name(&self) -> String {
        "rtl".into()
    }

    fn run(&mut self, model: &Model<'_>, inputs: &[&[u8]], done: &mut dyn FnMut(usize)) -> Result<Vec<Run>, SimError> {
        run::<std::io::Sink>(*self, model, inputs, None, 0, done)
    }
}
