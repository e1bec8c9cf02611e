//! The recording of the registers' ports, and the reading of what a simulator printed.

use std::fmt::{self, Write};

use bitfab_format::Model;
use bitfab_hdl::{CycleMachine, LoadPorts, Ports, Program, Stimulus, StreamByte, Written};

use crate::error::SimError;
use crate::rtl::{Circuit, Frame, Tensors};

/// Records every port in every cycle.
pub(super) struct Recorder {
    machine: CycleMachine,
    lines: Vec<u64>,
}

impl Recorder {
    pub fn new(machine: CycleMachine) -> Self {
        Self { machine, lines: Vec::new() }
    }

    pub fn cycles(&self) -> usize {
        self.lines.len()
    }

    /// Whether there is a load port.
    pub fn loads(&self) -> bool {
        self.machine.program().is_loaded()
    }

    /// The stimulus as hexadecimal lines.
    pub fn stimulus(&self) -> String {
        let digits = if self.loads() { 10 } else { 6 };
        let mut text = String::with_capacity((digits + 1) * self.lines.len());
        for line in &self.lines {
            let _ = writeln!(text, "{line:0digits$x}"); // a String takes everything
        }
        text
    }

    fn expected(&self, cycle: usize) -> u64 {
        self.lines.get(cycle).copied().unwrap_or(0)
    }
}

impl Circuit for Recorder {
    fn cycle(&mut self, stimulus: Stimulus) -> Result<(Ports, Option<Written>), SimError> {
        let (ports, written) = self.machine.cycle(stimulus)?;
        let line = u64::from(given(stimulus) << 12 | shown(ports));
        self.lines.push(loading(stimulus.load, ports.load) << 24 | line);
        Ok((ports, written))
    }
}

/// The inputs of a cycle: `reset`, `in_valid`, `in_last`, `in_data`, `out_ready`, the highest bit first.
fn given(Stimulus { reset, input, out_ready, .. }: Stimulus) -> u32 {
    u32::from(reset) << 11 | byte(input) << 1 | u32::from(out_ready)
}

/// The outputs: `in_ready`, `frame_error`, `out_valid`, `out_last`, `out_data`, the highest bit first.
fn shown(Ports { in_ready, out, frame_error, .. }: Ports) -> u32 {
    u32::from(in_ready) << 11 | u32::from(frame_error) << 10 | byte(out)
}

/// The load port: `load_valid`, `load_last`, `load_data`, then `load_ready`, `loaded`, `load_error`.
fn loading(load: Option<StreamByte>, shown: Option<LoadPorts>) -> u64 {
    let LoadPorts { ready, loaded, error } = shown.unwrap_or_default();
    u64::from(byte(load)) << 3 | u64::from(ready) << 2 | u64::from(loaded) << 1 | u64::from(error)
}

/// Whether there is a byte, whether it is the last, and the byte.
fn byte(byte: Option<StreamByte>) -> u32 {
    byte.map_or(0, |byte| 1 << 9 | u32::from(byte.last) << 8 | u32::from(byte.value))
}

/// A cycle in which the Verilog's ports differ from the registers'.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The cycle, from 0.
    pub cycle: usize,
    /// What the registers show.
    pub expected: Ports,
    /// The same of the Verilog, as printed: unknown bits are `x`.
    pub found: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ports { in_ready, out, frame_error, load } = self.expected;
        let (valid, last, data) = out.map_or((false, false, 0), |byte| (true, byte.last, byte.value));
        let [in_ready, frame_error, valid, last] = [in_ready, frame_error, valid, last].map(u8::from);
        let expected = named(&[in_ready, frame_error, valid, last].map(|bit| bit.to_string()), &format!("{data:02x}"));
        let load = load.map_or(String::new(), |LoadPorts { ready, loaded, error }| {
            let [ready, loaded, error] = [ready, loaded, error].map(u8::from);
            format!(", load_ready, loaded and load_error {ready}{loaded}{error}")
        });
        write!(f, "cycle {}: expected {expected}{load}, found {}", self.cycle, self.found)
    }
}

/// What a simulator did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// Tensors and results, as the Verilog computed them.
    pub frames: Vec<Frame>,
    /// Cycles in which a port differs from the registers.
    pub differences: u64,
    /// The first of them.
    pub first_difference: Option<Difference>,
    /// Cycles that were simulated.
    pub cycles: usize,
}

/// Reads what the testbench printed.
pub(super) fn replayed(
    printed: &str,
    model: &Model<'_>,
    program: &Program,
    recorder: &Recorder,
) -> Result<Replayed, SimError> {
    let mut tensors = Tensors::new(model, program);
    let mut bytes = Vec::new();
    for line in printed.lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        match fields.as_slice() {
            // A damaged circuit may print unknown bits: they become words that no engine writes.
            ["W", row, address, word] => {
                let word = u32::from_str_radix(word, 16).unwrap_or(0xdead_beef);
                if let (Ok(row), Ok(address)) = (row.parse(), address.parse()) {
                    tensors.take(Written { row, address, word })?;
                }
            }
            ["O", byte] => bytes.push(u8::from_str_radix(byte, 16).unwrap_or(0xee)),
            _ => {}
        }
    }
    let (differences, first_difference) = compared(printed, recorder)?;
    let frames = tensors.into_frames(&bytes, program);
    Ok(Replayed { frames, differences, first_difference, cycles: recorder.cycles() })
}

/// In how many cycles a port differs, and the first of them, of what the testbench printed.
pub(super) fn compared(printed: &str, recorder: &Recorder) -> Result<(u64, Option<Difference>), SimError> {
    let (mut first, mut end) = (None, None);
    for line in printed.lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        match fields.as_slice() {
            ["E", cycle, found @ ..] if first.is_none() => first = Some(difference(cycle, found, recorder)),
            ["END", errors] => end = errors.parse().ok(),
            _ => {}
        }
    }
    let differences = end.ok_or_else(|| SimError::Tool {
        program: "the testbench".into(),
        problem: format!("it ended early; it printed: {}", printed.lines().last().unwrap_or("nothing")),
    })?;
    Ok((differences, first))
}

fn difference(cycle: &str, found: &[&str], recorder: &Recorder) -> Difference {
    let cycle = cycle.parse().unwrap_or(0);
    let line = recorder.expected(cycle);
    let is_set = |bit: u32| line >> bit & 1 == 1;
    let out = is_set(9).then_some(StreamByte { value: line as u8, last: is_set(8) });
    let load = LoadPorts { ready: is_set(26), loaded: is_set(25), error: is_set(24) };
    let load = recorder.loads().then_some(load);
    let expected = Ports { in_ready: is_set(11), out, frame_error: is_set(10), load };
    let field = |at: usize| (*found.get(at).unwrap_or(&"?")).to_owned();
    let bits = found.get(5).map_or(String::new(), |bits| format!(", load_ready, loaded and load_error {bits}"));
    Difference { cycle, expected, found: named(&[0, 1, 2, 3].map(field), &field(4)) + &bits }
}

/// The ports with their names.
fn named([in_ready, frame_error, out_valid, out_last]: &[String; 4], out_data: &str) -> String {
    format!(
        "in_ready {in_ready}, frame_error {frame_error}, out_valid {out_valid}, out_last {out_last}, out_data {out_data}"
    )
}
