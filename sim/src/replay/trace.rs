//! The recording of the registers' ports, and the reading of what a simulator printed.

use std::fmt::{self, Write};

use bitfab_format::Model;
use bitfab_hdl::{Machine, Ports, Program, Written};

use crate::error::SimError;
use crate::rtl::{Circuit, Frame, Tensors};

/// Records every port in every cycle.
pub(super) struct Recorder {
    machine: Machine,
    lines: Vec<u32>,
}

impl Recorder {
    pub fn new(machine: Machine) -> Self {
        Self { machine, lines: Vec::new() }
    }

    pub fn cycles(&self) -> usize {
        self.lines.len()
    }

    /// The stimulus as hexadecimal lines.
    pub fn stimulus(&self) -> String {
        let mut text = String::with_capacity(6 * self.lines.len());
        for line in &self.lines {
            let _ = writeln!(text, "{line:05x}"); // a String takes everything
        }
        text
    }

    fn expected(&self, cycle: usize) -> u32 {
        self.lines.get(cycle).copied().unwrap_or(0)
    }
}

impl Circuit for Recorder {
    fn cycle(&mut self, input: Option<u8>, out_ready: bool) -> Result<(Ports, Option<Written>), SimError> {
        let (ports, written) = self.machine.cycle(input, out_ready)?;
        let offered = u32::from(input.is_some()) << 19 | u32::from(input.unwrap_or(0)) << 11;
        let shown = u32::from(ports.in_ready) << 9 | u32::from(ports.out.is_some()) << 8;
        self.lines.push(offered | u32::from(out_ready) << 10 | shown | u32::from(ports.out.unwrap_or(0)));
        Ok((ports, written))
    }
}

/// A cycle in which the Verilog's ports differ from the registers'.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The cycle, from 0.
    pub cycle: usize,
    /// `in_ready`, `out_valid`, `out_data` of the registers.
    pub expected: (bool, bool, u8),
    /// The same of the Verilog, as printed: unknown bits are `x`.
    pub found: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (ready, valid, data) = self.expected;
        write!(
            f,
            "cycle {}: expected in_ready {}, out_valid {}, out_data {data:02x}, found {}",
            self.cycle,
            u8::from(ready),
            u8::from(valid),
            self.found
        )
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
    let (mut first, mut end) = (None, None);
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
            ["E", cycle, found @ ..] if first.is_none() => first = Some(difference(cycle, found, recorder)),
            ["END", errors] => end = errors.parse().ok(),
            _ => {}
        }
    }
    let differences = end.ok_or_else(|| SimError::Tool {
        program: "the testbench".into(),
        problem: format!("it ended early; it printed: {}", printed.lines().last().unwrap_or("nothing")),
    })?;
    let frames = tensors.into_frames(&bytes, program);
    Ok(Replayed { frames, differences, first_difference: first, cycles: recorder.cycles() })
}

fn difference(cycle: &str, found: &[&str], recorder: &Recorder) -> Difference {
    let cycle = cycle.parse().unwrap_or(0);
    let line = recorder.expected(cycle);
    Difference {
        cycle,
        expected: (line >> 9 & 1 == 1, line >> 8 & 1 == 1, line as u8),
        found: format!("in_ready {}, out_valid {}, out_data {}", found[0], found[1], found[2]),
    }
}
