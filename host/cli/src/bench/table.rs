//! Means over seeds, beside what is asked.

use serde::Serialize;

use super::entries::{Entry, Yardstick};
use super::outcome::Outcome;
use bitfab_report::table::percent;

/// One line of the table.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Method, and planes where there are several precisions.
    pub name: String,
    /// Runs.
    pub seeds: usize,
    /// Mean accuracy of the integer model.
    pub accuracy: f64,
    /// Lowest and highest of the seeds.
    pub range: [f64; 2],
    /// Mean of the integer model's accuracy less that of learning.
    pub integer_minus_trained: f64,
    /// The least accuracy that is asked, and why.
    pub asked: Option<(f64, String)>,
    /// Mean bits a weight as shipped.
    pub bits: f64,
    /// Most bits that are asked for.
    pub most_bits: Option<f64>,
    /// How much smaller than 32 bits a weight.
    pub compression: f64,
    /// Mean share of weights that are not zero (sparse-binary: that are ones).
    pub density: f64,
    /// The lowest cosine of ternary filters; none for other kinds.
    pub cosine: Option<f64>,
    /// Mean seconds of learning.
    pub seconds: f64,
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let values: Vec<f64> = values.collect();
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// The lines of all entries that have outcomes.
pub fn rows(entries: &[Entry], outcomes: &[Outcome]) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for entry in entries {
        let own: Vec<&Outcome> = outcomes.iter().filter(|outcome| outcome.name == entry.name).collect();
        let planes: Vec<u32> =
            own.first().map(|one| one.precisions.iter().map(|p| p.planes).collect()).unwrap_or_default();
        for (index, &count) in planes.iter().enumerate() {
            let name = if planes.len() > 1 { format!("{} at {count}", entry.name) } else { entry.name.into() };
            let asked = asked(entry, count, planes.len() > 1, &rows, outcomes);
            rows.push(row(name, &own, index, asked, entry.most_bits));
        }
    }
    rows
}

fn row(name: String, own: &[&Outcome], index: usize, asked: Option<(f64, String)>, most_bits: Option<f64>) -> Row {
    let all = || own.iter().map(|outcome| &outcome.precisions[index]);
    let accuracies = || all().map(|one| one.accuracy);
    let bits = mean(all().map(|one| one.bits));
    Row {
        name,
        seeds: own.len(),
        accuracy: mean(accuracies()),
        range: [accuracies().fold(1.0, f64::min), accuracies().fold(0.0, f64::max)],
        integer_minus_trained: mean(all().map(|one| one.accuracy - one.trained)),
        asked,
        bits,
        most_bits,
        compression: 32.0 / bits,
        density: mean(all().map(|one| one.density)),
        cosine: own.iter().filter_map(|outcome| outcome.cosine).min_by(f64::total_cmp),
        seconds: mean(own.iter().map(|outcome| outcome.seconds)),
    }
}

/// The least accuracy that is asked of an entry at `planes`.
fn asked(entry: &Entry, planes: u32, is_nested: bool, rows: &[Row], outcomes: &[Outcome]) -> Option<(f64, String)> {
    let of = |name: &str| rows.iter().find(|row| row.name == name).map(|row| row.accuracy);
    if let Yardstick::Row(name, points) = entry.yardstick {
        return of(name).map(|accuracy| (accuracy - points / 100.0, format!("{name} - {points:.1}")));
    }
    if !is_nested {
        return None;
    }
    let dedicated = format!("planes-{planes}");
    let own = outcomes.iter().filter(|outcome| outcome.name == dedicated);
    let accuracy = mean(own.flat_map(|outcome| outcome.precisions.last()).map(|one| one.accuracy));
    let is_there = outcomes.iter().any(|outcome| outcome.name == dedicated);
    let truncated = mean(outcomes.iter().filter_map(|outcome| outcome.truncated));
    let limits = [
        is_there.then(|| (accuracy - 0.007, format!("{dedicated} - 0.7"))),
        (planes == 1 && truncated > 0.0).then(|| (truncated + 0.05, "truncated + 5.0".into())),
    ];
    limits.into_iter().flatten().max_by(|a, b| a.0.total_cmp(&b.0))
}

/// The table as text.
pub fn text(rows: &[Row]) -> String {
    let header = [
        "method",
        "seeds",
        "accuracy",
        "lowest, highest",
        "asked",
        "integer - trained",
        "bits each",
        "asked",
        "smaller",
        "not zero",
        "cosine",
        "seconds",
    ];
    let mark = |ok: bool| if ok { "" } else { " (missed)" };
    let lines = rows.iter().map(|row| {
        let asked = row
            .asked
            .as_ref()
            .map_or("-".into(), |(least, why)| format!("{} = {why}{}", percent(*least), mark(row.accuracy >= *least)));
        let most = row.most_bits.map_or("-".into(), |most| format!("{most:.2}{}", mark(row.bits <= most)));
        vec![
            row.name.clone(),
            row.seeds.to_string(),
            percent(row.accuracy),
            format!("{}, {}", percent(row.range[0]), percent(row.range[1])),
            asked,
            format!("{:+.2} pt", 100.0 * row.integer_minus_trained),
            format!("{:.3}", row.bits),
            most,
            format!("{:.1}x", row.compression),
            percent(row.density),
            row.cosine.map_or("-".into(), |cosine| format!("{cosine:.3}")),
            format!("{:.0}", row.seconds),
        ]
    });
    bitfab_report::table::grid(&header, lines)
}
