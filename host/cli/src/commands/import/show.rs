//! What `bitfab import` says of a model: its input, its layers, and what its result stands for.

use std::path::Path;

use anyhow::{Context, Result};
use bitfab::compile::Worth;
use bitfab::format::{Kind, Model};
use bitfab::graph::Shape;
use bitfab::import::Imported;
use bitfab::report::table;
use serde::Serialize;

use super::{Arguments, Found};
use crate::nearest::Effect;
use crate::show::out;

/// What `--json` prints.
#[derive(Serialize)]
struct Outcome<'a> {
    input: String,
    bytes: [i64; 2],
    /// How many codings make bytes of real values; 0 where rows are bytes.
    codings: usize,
    /// Height, width and channels of a row.
    shape: [u32; 3],
    rows: String,
    layers: Vec<Layer<'a>>,
    result: &'a Stated,
    notes: &'a [String],
    changes: &'a [String],
    effect: Option<&'a Effect>,
    output: Option<&'a Path>,
}

/// One layer and the nodes that it stands for.
#[derive(Serialize)]
struct Layer<'a> {
    layer: &'a str,
    what: &'a str,
    from: &'a [String],
    scale: &'a str,
}

/// What the integers of the result stand for: `value * unit + constant`.
#[derive(Debug, Serialize)]
pub struct Stated {
    /// Scores, levels or signs.
    what: &'static str,
    /// One unit and the constant of all values.
    unit: Option<f64>,
    constant: Option<f64>,
    /// A unit and a constant for each channel, where one line does not say it for all; the file then says nothing.
    channels: Option<Vec<[f64; 2]>>,
}

impl Stated {
    /// What the file says, or else what the import knows of each channel of levels.
    pub fn new(imported: &Imported, model: &Model<'_>) -> Result<Self> {
        let what = match model.output().kind {
            Kind::I32 => "scores",
            Kind::Sign => "signs",
            _ => "levels",
        };
        if let Some(Worth { unit, constant }) = Worth::of(model) {
            return Ok(Self { what, unit: Some(unit), constant: Some(constant), channels: None });
        }
        let tie = imported.ties.last().filter(|tie| what != "scores" && tie.each == 1);
        let tie = tie.with_context(|| {
            format!(
                "no file can say what the {what} are worth: one unit is from 2^-63 to 2^32; scale the model's result"
            )
        })?;
        let channels = tie.scale.iter().zip(&tie.offset).map(|(&unit, &constant)| [unit, constant]).collect();
        Ok(Self { what, unit: None, constant: None, channels: Some(channels) })
    }
}

impl std::fmt::Display for Stated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "result: {} that stand for ", self.what)?;
        if let Some((unit, constant)) = self.unit.zip(self.constant) {
            return f.write_str(&table::worth(unit, constant));
        }
        let channels = self.channels.iter().flatten().enumerate();
        let each = channels.map(|(at, [unit, constant])| format!("{} in channel {at}", table::worth(*unit, *constant)));
        write!(f, "{} (the file has no room for it: keep it)", each.collect::<Vec<_>>().join(", "))
    }
}

/// The axes of a row, and their order where the file has others.
fn rows(imported: &Imported) -> String {
    let Shape { height, width, channels } = imported.graph.input;
    let own: Vec<usize> = imported.input_dims.iter().copied().filter(|&size| size > 1).collect();
    if height * width > 1 {
        return format!("rows of {height} x {width} x {channels} (height, width, channels)");
    }
    if own.len() < 2 {
        return format!("rows of {channels} values");
    }
    let axes: Vec<String> = own.iter().map(ToString::to_string).collect();
    format!("flat rows of {channels} values, in the order of the file's own axes, {}", axes.join(" x "))
}

/// Prints JSON.
fn print_json(found: &Found, notes: &[String], output: Option<&Path>) -> Result<()> {
    let imported = &found.imported;
    let (low, high) = imported.input.range;
    let Shape { height, width, channels } = imported.graph.input;
    let outcome = Outcome {
        input: imported.input.to_string(),
        bytes: [low, high],
        codings: imported.graph.interface.codings.len(),
        shape: [height, width, channels],
        rows: rows(imported),
        layers: imported
            .folded
            .iter()
            .map(|one| Layer { layer: &one.node, what: &one.what, from: &one.from, scale: &one.how })
            .collect(),
        result: &found.stated,
        notes,
        changes: &found.changes,
        effect: found.effect.as_ref(),
        output,
    };
    out::json(&outcome)
}

pub fn print(arguments: &Arguments, found: &Found, notes: &[String]) -> Result<()> {
    if arguments.json {
        return print_json(found, notes, arguments.output.as_deref());
    }
    let Found { imported, compiled, stated, changes, effect } = found;
    let (low, high) = imported.input.range;
    if arguments.explain {
        let rows = imported
            .folded
            .iter()
            .map(|one| vec![one.node.clone(), one.what.clone(), one.from.join(", "), one.how.clone()]);
        say!("{}", table::grid(&["layer", "what", "from", "scale"], rows))?;
    }
    let values = if imported.graph.interface.codings.is_empty() { "" } else { "real values, which become " };
    say!("input: {values}{} from {low} to {high}, {}", imported.input, rows(imported))?;
    say!("{stated}")?;
    for note in notes {
        say!("note: {note}")?;
    }
    for change in changes {
        say!("changed: {change}")?;
    }
    if let Some(effect) = effect {
        say!("{effect}")?;
    }
    if let Some(output) = &arguments.output {
        say!("{}: {} layers", output.display(), Model::from_words(&compiled.words)?.layer_count())?;
    }
    Ok(())
}
