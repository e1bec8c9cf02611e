//! What `bitfab import` says of a model: its input, its layers, and what its result stands for.

use std::path::Path;

use anyhow::Result;
use bitfab::graph::Shape;
use bitfab::import::Imported;
use bitfab::report::table;
use bitfab::{Effect, Import, OutputMeaning};
use serde::Serialize;

use super::out;

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
    result: &'a OutputMeaning,
    notes: Vec<String>,
    changes: Vec<String>,
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

/// What of an imported model is printed.
pub struct Printed<'a> {
    /// The model.
    pub import: &'a Import,
    /// What its changes cost, where that was measured.
    pub effect: Option<&'a Effect>,
    /// Where it was written.
    pub output: Option<&'a Path>,
    /// What became of each node is shown.
    pub is_explained: bool,
}

/// What a person should know of the import and of the compilation.
fn notes(import: &Import) -> Vec<String> {
    import.imported.notes.iter().cloned().chain(import.rounded.iter().map(ToString::to_string)).collect()
}

/// Prints JSON.
pub fn print_json(printed: &Printed<'_>) -> Result<()> {
    let Import { imported, changes, output: result, .. } = printed.import;
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
        result,
        notes: notes(printed.import),
        changes: changes.iter().map(ToString::to_string).collect(),
        effect: printed.effect,
        output: printed.output,
    };
    out::json(&outcome)
}

/// Prints lines for people.
pub fn print(printed: &Printed<'_>) -> Result<()> {
    let Import { imported, file, changes, output: meaning, .. } = printed.import;
    let (low, high) = imported.input.range;
    if printed.is_explained {
        let rows = imported
            .folded
            .iter()
            .map(|one| vec![one.node.clone(), one.what.clone(), one.from.join(", "), one.how.clone()]);
        say!("{}", table::grid(&["layer", "what", "from", "scale"], rows))?;
    }
    let values = if imported.graph.interface.codings.is_empty() { "" } else { "real values, which become " };
    say!("input: {values}{} from {low} to {high}, {}", imported.input, rows(imported))?;
    say!("{meaning}")?;
    for note in notes(printed.import) {
        say!("note: {note}")?;
    }
    for change in changes {
        say!("changed: {change}")?;
    }
    if let Some(effect) = printed.effect {
        say!("{effect}")?;
    }
    if let Some(output) = printed.output {
        say!("{}: {} layers", output.display(), file.model()?.layer_count())?;
    }
    Ok(())
}
