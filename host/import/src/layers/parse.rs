//! From TOML to a description, table by table, so that a message can name the layer.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::describe::{Description, Framework, Kind, Layer};
use crate::ImportError;

/// Keys that a layer of any kind may have.
const COMMON: &[&str] = &["kind", "name", "input", "batch-norm", "activation"];
const KINDS: &str = "dense, conv, max-pool, average-pool, flatten, add, activation";
/// The most layers of a description.
const MAX_LAYERS: usize = 1000;

/// A layer without keys of its own.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// The outermost tables; what is in them is read one by one, so that errors can name the layer.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outline {
    framework: Option<Framework>,
    input: Table,
    layer: Vec<Table>,
}

/// Reads a description.
pub(super) fn read(text: &str) -> Result<Description, ImportError> {
    let wrong = |problem: String| ImportError::File { format: "layer description (TOML)", problem };
    let outline: Outline = toml::from_str(text).map_err(|error| wrong(error.to_string().trim_end().into()))?;
    if outline.layer.is_empty() || outline.layer.len() > MAX_LAYERS {
        return Err(wrong(format!("{} [[layer]] tables, needs 1 to {MAX_LAYERS}", outline.layer.len())));
    }
    let input = table(outline.input).map_err(|problem| ImportError::Value { name: "input".into(), problem })?;
    let layers = outline.layer.into_iter().enumerate().map(|(index, table)| layer(index, table));
    Ok(Description { framework: outline.framework, input, layers: layers.collect::<Result<_, _>>()? })
}

/// Reads a table without the place in the text, which is lost here; the caller names the layer.
fn table<T: DeserializeOwned>(table: Table) -> Result<T, String> {
    Value::Table(table).try_into().map_err(|error: toml::de::Error| error.to_string().trim_end().replace('\n', " "))
}

/// One key of a layer.
fn take<T: DeserializeOwned>(table: &mut Table, key: &str) -> Result<Option<T>, String> {
    let value = table.remove(key).map(Value::try_into);
    value
        .transpose()
        .map_err(|error: toml::de::Error| format!("{key}: {}", error.to_string().trim_end().replace('\n', " ")))
}

fn layer(index: usize, mut table: Table) -> Result<Layer, ImportError> {
    let text = |key: &str| table.get(key).and_then(Value::as_str).map(String::from);
    let kind = text("kind");
    let name = text("name").unwrap_or_else(|| format!("{}{}", kind.as_deref().unwrap_or("layer"), index + 1));
    parts(&mut table, kind.as_deref(), &name).map_err(|problem| ImportError::Value { name, problem })
}

fn parts(table: &mut Table, kind: Option<&str>, name: &str) -> Result<Layer, String> {
    if name.is_empty() || name == "input" || name.contains(':') || name.chars().any(char::is_control) {
        return Err("a layer's name is not empty, not `input`, and has no colon in it".into());
    }
    // The types of these two are checked here.
    take::<String>(table, "kind")?;
    take::<String>(table, "name")?;
    let (input, norm, activation) = (take(table, "input")?, take(table, "batch-norm")?, take(table, "activation")?);
    let kind = match kind {
        Some(kind) => of_kind(kind, std::mem::take(table))?,
        None => return Err(format!("has no kind; it is one of {KINDS}")),
    };
    Ok(Layer { name: name.into(), input, kind, norm, activation })
}

fn of_kind(kind: &str, rest: Table) -> Result<Kind, String> {
    let read = match kind {
        "dense" => table(rest).map(Kind::Dense),
        "conv" => table(rest).map(Kind::Conv),
        "max-pool" => table(rest).map(Kind::MaxPool),
        "average-pool" => table(rest).map(Kind::AveragePool),
        "flatten" => table(rest).map(Kind::Flatten),
        "add" => table(rest).map(Kind::Add),
        "activation" => table::<Nothing>(rest).map(|_| Kind::Activation),
        other => return Err(format!("kind `{other}` is not known; it is one of {KINDS}")),
    };
    read.map_err(|problem| {
        let also = if problem.contains("unknown field") { format!(", {}", COMMON.join(", ")) } else { String::new() };
        format!("{kind}: {problem}{also}")
    })
}
