//! Other people's models: lowered, compiled, and what their result stands for.

use std::collections::BTreeSet;

use bitfab_compile::{CompileOptions, Prefer, Rounded, Worth};
use bitfab_format::{Kind, Model};
use bitfab_import::{Change, Imported, Prepared, SourceNode, Start};
use bitfab_report::picture::{Folding, Piece};
use bitfab_report::table;
use serde::Serialize;

use crate::nearest::{check_lengths, nearest};
use crate::{Context, ModelFile, Result, Watch};

/// Names that the model file gets beside what the source says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Of the classes, in the order of the scores; none if they are not known.
    pub classes: Vec<String>,
    /// Of the values of a row.
    pub columns: Vec<String>,
}

/// A model that was imported and compiled.
#[derive(Clone, Debug)]
pub struct Import {
    /// The network, and what became of each node.
    pub imported: Imported,
    /// The model file.
    pub file: ModelFile,
    /// What compilation rounded.
    pub rounded: Vec<Rounded>,
    /// What was changed for an integer form.
    pub changes: Vec<Change>,
    /// What the result stands for.
    pub output: OutputMeaning,
}

/// Finds where bytes enter a source: `rows` of real values show how far they reach, where [`Start::wants`] them.
///
/// # Errors
/// [`Error::Rows`](crate::Error::Rows) of a row of another length; [`Error::Import`](crate::Error::Import) where it is not said what the bytes are.
pub fn prepare(mut start: Start, rows: &[Vec<f32>]) -> Result<Prepared> {
    if let Some(shape) = start.wants()? {
        check_lengths(rows, shape)?;
        rows.iter().try_for_each(|row| start.see(row))?;
    }
    Ok(start.prepare()?)
}

/// Lowers a source as it is, exactly.
///
/// # Errors
/// [`Error::Import`](crate::Error::Import) names the node that has no exact integer form; its code is `curable` where [`import_nearest`] could
/// change it.
pub fn import(prepared: &Prepared, names: &Names) -> Result<Import> {
    Import::new(prepared.clone().lower()?, Vec::new(), names)
}

/// Lowers the nearest source that has an integer form; `rows` are bytes by which ranges are measured.
///
/// # Errors
/// As [`nearest`], and where the result does not compile.
pub fn import_nearest(
    prepared: &Prepared,
    names: &Names,
    rows: Option<&[Vec<u8>]>,
    watch: Watch<'_>,
) -> Result<Import> {
    let (imported, changes) = nearest(prepared, rows, watch)?;
    Import::new(imported, changes, names)
}

impl Import {
    fn new(mut imported: Imported, changes: Vec<Change>, names: &Names) -> Result<Self> {
        imported.graph.interface.classes.clone_from(&names.classes);
        imported.graph.interface.names.clone_from(&names.columns);
        let (file, rounded) = compile_imported(&imported)?;
        let output = OutputMeaning::new(&imported, &file.model()?)?;
        Ok(Self { imported, file, rounded, changes, output })
    }
}

/// Compiles what was imported; refused is what would give another level than a neighbouring one.
pub(crate) fn compile_imported(imported: &Imported) -> Result<(ModelFile, Vec<Rounded>)> {
    let options = CompileOptions { prefer: Prefer::Size, planes: 8 };
    let (file, rounded) = crate::compile(&imported.graph, &options).context("the imported graph does not compile")?;
    let is_far = |rounded: &&Rounded| matches!(rounded, Rounded::Levels { levels, .. } if *levels > 1);
    if let Some(far) = rounded.iter().find(is_far) {
        bail!(
            Inexact,
            "{far}; quantise its result to 4 bits, whose thresholds may lie anywhere, or give its channels scales that lie nearer together"
        );
    }
    Ok((file, rounded))
}

/// What the integers of the result stand for: `value * unit + constant`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OutputMeaning {
    /// Scores, levels or signs.
    pub what: &'static str,
    /// One unit of all values, where one line says it.
    pub unit: Option<f64>,
    /// The constant of all values.
    pub constant: Option<f64>,
    /// A unit and a constant for each channel, where one line does not say it for all; the file then says nothing.
    pub channels: Option<Vec<[f64; 2]>>,
}

impl OutputMeaning {
    /// What the file says, or else what the import knows of each channel of levels.
    fn new(imported: &Imported, model: &Model<'_>) -> Result<Self> {
        let what = match model.output().kind {
            Kind::I32 => "scores",
            Kind::Sign => "signs",
            _ => "levels",
        };
        if let Some(Worth { unit, constant }) = Worth::of(model) {
            return Ok(Self { what, unit: Some(unit), constant: Some(constant), channels: None });
        }
        let Some(tie) = imported.ties.last().filter(|tie| what != "scores" && tie.each == 1) else {
            bail!(
                Inexact,
                "no file can say what the {what} are worth: one unit is from 2^-63 to 2^32; scale the model's result"
            );
        };
        let channels = tie.scale.iter().zip(&tie.offset).map(|(&unit, &constant)| [unit, constant]).collect();
        Ok(Self { what, unit: None, constant: None, channels: Some(channels) })
    }
}

impl std::fmt::Display for OutputMeaning {
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

/// The nodes that are no arithmetic of constants alone, which are folded before anything else.
fn computing_nodes(imported: &Imported) -> Vec<&SourceNode> {
    let mut constants: BTreeSet<&String> = imported.source.constants.keys().collect();
    let mut nodes = Vec::new();
    for node in &imported.source.nodes {
        if node.op == "Shape" || node.inputs.iter().all(|name| name.is_empty() || constants.contains(name)) {
            constants.extend(&node.outputs);
        } else {
            nodes.push(node);
        }
    }
    nodes
}

/// A picture of the source's nodes beside the layers that they became.
pub fn import_picture(imported: &Imported, title: String) -> Folding {
    let nodes = computing_nodes(imported);
    let place = |name: &String| nodes.iter().position(|node| node.name == *name);
    let after = imported.folded.iter().map(|one| {
        let piece = Piece { title: one.node.clone(), note: format!("{}; {}", one.what, one.how) };
        (piece, one.from.iter().filter_map(place).collect())
    });
    Folding {
        title,
        subtitle: format!("{} nodes became {} layers; input {}", nodes.len(), imported.folded.len(), imported.input),
        before: nodes.iter().map(|node| Piece { title: node.name.clone(), note: node.op.clone() }).collect(),
        after: after.collect(),
    }
}
