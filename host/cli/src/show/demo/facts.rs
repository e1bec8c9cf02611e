//! The demo's one table.

use bitfab::report::table::{self, percent, thousands};
use bitfab::report::{Confusion, ModelSummary};

use super::Findings;

/// What came out, and how many images and tensors agree on each engine.
pub fn table(findings: &Findings, summary: &ModelSummary) -> String {
    let mut rows = vec![
        ("accuracy", accuracy(&findings.confusion)),
        ("model file", file(summary)),
        ("arena", arena(summary)),
        ("accelerator", format!("{} lanes of 32 bits", findings.accelerator.lanes)),
        ("cycles per image", cycles(&findings.cycles)),
        ("f32 network", float(findings)),
    ];
    for verdict in &findings.verdicts {
        let tensors = thousands(verdict.tensors as u64);
        let equal =
            format!("{} of {} images equal the reference, all {tensors} tensors", verdict.agreeing, verdict.images);
        let text = if verdict.agrees() { equal } else { format!("only {} of {}", verdict.agreeing, verdict.images) };
        rows.push((verdict.engine.as_str(), text));
    }
    table::facts(&rows)
}

fn accuracy(matrix: &Confusion) -> String {
    let (share, correct, total) = (percent(matrix.accuracy()), matrix.correct(), matrix.total());
    format!("{share} ({correct} of {total} images that it never saw)")
}

fn file(summary: &ModelSummary) -> String {
    let [weights, thresholds, rest] = summary.shares().map(thousands);
    format!(
        "{} bytes ({weights} weights, {thresholds} thresholds, {rest} names and records)",
        thousands(summary.file_bytes)
    )
}

fn arena(summary: &ModelSummary) -> String {
    format!("{} bytes of RAM, exactly, besides the input's {}", thousands(summary.arena_bytes), summary.input.bytes)
}

fn cycles(cycles: &bitfab::hdl::Cycles) -> String {
    let (interval, latency) = (thousands(cycles.interval), thousands(cycles.latency));
    format!("{interval}, {:.0} % useful; {latency} from first byte in to last byte out", cycles.useful_percent())
}

/// How often the network that was learned, in floating point, gives the same class.
fn float(findings: &Findings) -> String {
    let pairs = findings.outcome.test.predictions.iter().zip(&findings.runs);
    let same = pairs.filter(|(class, run)| usize::from(**class) == run.arg_max()).count();
    format!("{same} of {} images in the same class", findings.runs.len())
}
