//! The timing diagram of one frame, from a recording.

use std::ops::Range;
use std::sync::Arc;

use bitfab_format::Model;
use bitfab_hdl::{CycleMachine, Options, Program, Sources, StreamByte, TopPort};
use bitfab_report::picture::{Signal, Timing, Trace, Window};
use bitfab_sim::rtl::{Cycle, Recording, record};

use super::GENERATED;
use crate::{Error, Result};

/// Cycles that the reader of the result pauses, so that a byte is seen to wait.
const PAUSE: u64 = 2;
/// Most cycles of a stall of the input that are shown at a stretch.
const STALL: u64 = 12;
/// Windows that are nearer than this are one.
const NEAR: u64 = 2;

/// The signals in the order in which a person reads them.
const SIGNALS: [&str; 11] = [
    "clock",
    "reset",
    "in_valid",
    "in_ready",
    "in_data",
    "in_last",
    "out_valid",
    "out_ready",
    "out_data",
    "out_last",
    "frame_error",
];

/// Records the frame of `input` and draws what matters of it.
pub fn draw((model, options): (&Model<'_>, &Options), sources: &Sources, input: &[u8]) -> Result<Timing> {
    let program = Arc::new(Program::new(model, options)?);
    let recording = record(&mut CycleMachine::new(Arc::clone(&program)), model, &program, input, PAUSE)?;
    let windows = windows(&recording, program.is_loaded());
    let shown = windows.iter().flat_map(|window| (window.first..).take(window.cycles));
    let cycles: Vec<Cycle> = shown.filter_map(|cycle| recording.at(cycle)).collect();
    let port = |name| sources.interface.ports(false).find(|port| port.signal == name);
    Ok(Timing {
        title: format!("{}: one frame, {} bytes in, {} bytes out", sources.name, input.len(), 4 * program.output_words),
        subtitle: format!(
            "{} lane{}; a byte is offered in every cycle, and the reader waits for {PAUSE} cycles at the first byte of the result; \
             at +n, n cycles are left out",
            options.lanes,
            if options.lanes == 1 { "" } else { "s" }
        ),
        windows,
        signals: SIGNALS.into_iter().filter_map(port).map(|port| signal(port, &cycles)).collect(),
    })
}

/// What a port carries in the cycles.
fn signal(port: TopPort, cycles: &[Cycle]) -> Signal {
    let bits =
        |bit: fn(&Cycle) -> bool| Trace::Bits(cycles.iter().map(|cycle| bit(cycle) != port.is_inverted).collect());
    let bytes = |byte: fn(&Cycle) -> Option<StreamByte>| {
        Trace::Bytes(cycles.iter().map(|cycle| byte(cycle).map(|byte| byte.value)).collect())
    };
    let trace = match port.signal {
        "clock" => Trace::Clock,
        "reset" => bits(|cycle| cycle.stimulus.reset),
        "in_valid" => bits(|cycle| cycle.stimulus.input.is_some()),
        "in_ready" => bits(|cycle| cycle.ports.in_ready),
        "in_data" => bytes(|cycle| cycle.stimulus.input),
        "in_last" => bits(|cycle| cycle.stimulus.input.is_some_and(|byte| byte.last)),
        "out_valid" => bits(|cycle| cycle.ports.out.is_some()),
        "out_ready" => bits(|cycle| cycle.stimulus.out_ready),
        "out_data" => bytes(|cycle| cycle.ports.out),
        "out_last" => bits(|cycle| cycle.ports.out.is_some_and(|byte| byte.last)),
        _ => bits(|cycle| cycle.ports.frame_error),
    };
    let is_taken: fn(&Cycle) -> bool = match port.signal.split_once('_') {
        Some(("in", _)) => Cycle::takes_input,
        Some(("out", _)) => |cycle| cycle.taken_output().is_some(),
        _ => |_| false,
    };
    Signal { name: port.name.into(), trace, taken: cycles.iter().map(is_taken).collect() }
}

/// What is shown: the first bytes, a stall of the input, the last byte, the result.
fn windows(recording: &Recording, is_loaded: bool) -> Vec<Window> {
    let first = recording.find(0, Cycle::takes_input);
    let last = recording.find(0, |cycle| cycle.takes_input() && cycle.stimulus.input.is_some_and(|byte| byte.last));
    let out = recording.find(0, |cycle| cycle.ports.out.is_some());
    let done = recording.find(0, |cycle| cycle.taken_output().is_some_and(|byte| byte.last));
    let waits = |cycle: &Cycle| cycle.stimulus.input.is_some() && !cycle.ports.in_ready;
    let stall = first.and_then(|first| recording.find(first, waits));
    let back = stall.and_then(|stall| recording.find(stall, |cycle| !waits(cycle)));
    let mut marks: Vec<(&str, Range<u64>)> = Vec::new();
    let mut mark = |name, at: Option<u64>, before: u64, behind: u64| {
        marks.extend(at.map(|at| (name, at.saturating_sub(before)..(at + behind).min(recording.cycles()))));
    };
    mark(if is_loaded { "first bytes" } else { "reset, first bytes" }, first, 1, 4);
    match stall.zip(back) {
        Some((stall, back)) if back - stall <= STALL => mark("the input waits", Some(stall), 2, back - stall + 2),
        _ => {
            mark("the input waits", stall, 2, 3);
            mark("it goes on", back, 1, 3);
        }
    }
    mark("last byte in", last, 2, 3);
    mark("first byte out, the reader waits", out, 2, PAUSE + 5);
    mark("last byte out", done, 3, 3);
    joined(marks)
}

/// Windows in the order of time; those that touch or nearly do are one.
fn joined(mut marks: Vec<(&str, Range<u64>)>) -> Vec<Window> {
    marks.sort_by_key(|(_, range)| range.start);
    let mut all: Vec<(String, Range<u64>)> = Vec::new();
    for (name, range) in marks {
        match all.last_mut() {
            Some((names, before)) if range.start <= before.end + NEAR => {
                *names = format!("{names}; {name}");
                before.end = before.end.max(range.end);
            }
            _ => all.push((name.into(), range)),
        }
    }
    let window = |(name, range): (String, Range<u64>)| Window {
        name,
        first: range.start,
        cycles: (range.end - range.start) as usize,
    };
    all.into_iter().map(window).collect()
}

/// The diagram as WaveJSON, a signal a line.
pub fn wave_json(timing: &Timing) -> Result<String> {
    let lanes = timing.wave_lanes();
    // In the order of the fields, in which a person reads them: a value would sort them.
    let lanes: Result<Vec<String>, _> = lanes.iter().map(serde_json::to_string).collect();
    let lanes = lanes.map_err(|error| Error::Choice(format!("the diagram is no JSON: {error}")))?;
    let head = serde_json::json!({ "text": format!("{GENERATED}: {}", timing.title) });
    let foot = serde_json::json!({ "text": timing.subtitle });
    // Wide enough for the number of the last cycle.
    let last = timing.windows.last().map_or(0, |window| window.first + window.cycles as u64);
    let config = serde_json::json!({ "hscale": if last < 10_000 { 1 } else { 2 } });
    let lanes = lanes.join(",\n    ");
    let parts =
        format!("\"head\": {head},\n  \"signal\": [\n    {lanes}\n  ],\n  \"foot\": {foot},\n  \"config\": {config}");
    Ok(format!("{{\n  {parts}\n}}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_that_are_near_are_one_and_others_are_in_order() {
        let found = joined(vec![("c", 30..33), ("a", 0..5), ("b", 7..9), ("d", 31..32)]);
        let found: Vec<_> = found.iter().map(|window| (window.name.as_str(), window.first, window.cycles)).collect();
        assert_eq!(found, [("a; b", 0, 9), ("c; d", 30, 3)]);
    }
}
