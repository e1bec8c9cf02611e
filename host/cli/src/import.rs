//! `bitfab import`: other people's models.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use bitfab_compile::{Prefer, compile_with};
use bitfab_import::{Imported, SourceNode};
use bitfab_report::picture::{Folding, Piece};
use bitfab_report::table;
use serde::Serialize;

use crate::files;
use crate::origin::{Map, Origin};
use crate::outputs::{self, Product};

/// Arguments of `bitfab import`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The model: FILE.onnx with quantisers of QONNX, FINN or ONNX, or with weights that are whole numbers;
    /// FILE.tflite of int8 or uint8, which becomes what TFLite's reference kernels compute; or FILE.toml, which describes the layers of the arrays in FILE.npz (host/import/README.md).
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Where the result is written: FILE.bfab is a model for devices, any other name a graph for `bitfab compile`.
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    #[command(flatten)]
    map: Map,
    /// Show what became of each node of the file.
    #[arg(long)]
    explain: bool,
    /// Draw the nodes of the file beside the layers that they became.
    #[arg(long, value_name = "FILE.svg|FILE.png")]
    picture: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "Examples:
  bitfab import kws.onnx -o kws.bfab --explain
  bitfab import lfc.onnx --input u8/255 -o lfc.graph --picture lfc.svg
  bitfab import speech.tflite -o speech.bfab --explain
  bitfab import keras.toml -o keras.bfab                # and keras.npz beside it
  bitfab verify lfc.bfab --data mnist --source lfc.onnx --input u8/255

Nothing is approximated: what has no exact integer form is an error that names the node.
Activations must be quantised before each layer, weights must be whole numbers of at most 8 bits times a scale.";

/// What `--json` prints.
#[derive(Serialize)]
struct Outcome<'a> {
    input: String,
    bytes: [i64; 2],
    layers: Vec<Layer<'a>>,
    notes: &'a [String],
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

/// Runs `bitfab import`.
pub fn run(arguments: &Arguments) -> Result<()> {
    let Origin { imported } = Origin::read(&arguments.file, arguments.map)?;
    let is_asked = arguments.explain || arguments.json || arguments.picture.is_some();
    if arguments.output.is_none() && !is_asked {
        bail!("nothing to do: give -o OUT to write the result, or --explain to see what would become of the file");
    }
    let mut notes = imported.notes.clone();
    if let Some(output) = &arguments.output {
        write(&imported, output, &mut notes)?;
    }
    if let Some(picture) = &arguments.picture {
        draw(&arguments.file, &imported, picture)?;
    }
    print(arguments, &imported, &notes)
}

/// Writes the nodes beside the layers as SVG, or as PNG where the name says so.
fn draw(file: &Path, imported: &Imported, picture: &Path) -> Result<()> {
    // Nodes of constants alone are folded before anything else.
    let mut constants: BTreeSet<&String> = imported.source.constants.keys().collect();
    let mut nodes: Vec<&SourceNode> = Vec::new();
    for node in &imported.source.nodes {
        if node.op == "Shape" || node.inputs.iter().all(|name| name.is_empty() || constants.contains(name)) {
            constants.extend(&node.outputs);
        } else {
            nodes.push(node);
        }
    }
    let place = |name: &String| nodes.iter().position(|node| node.name == *name);
    let after = imported.folded.iter().map(|one| {
        let piece = Piece { title: one.node.clone(), note: format!("{}; {}", one.what, one.how) };
        (piece, one.from.iter().filter_map(place).collect())
    });
    let folding = Folding {
        title: file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
        subtitle: format!("{} nodes became {} layers; input {}", nodes.len(), imported.folded.len(), imported.input),
        before: nodes.iter().map(|node| Piece { title: node.name.clone(), note: node.op.clone() }).collect(),
        after: after.collect(),
    };
    let svg = folding.svg();
    if picture.extension().is_some_and(|extension| extension == "png") {
        return outputs::write(picture, Product::Png, &bitfab_report::png(&svg, 2.0)?);
    }
    outputs::write(picture, Product::Svg, svg.as_bytes())
}

/// Writes a graph, or compiles it to a model.
fn write(imported: &Imported, output: &Path, notes: &mut Vec<String>) -> Result<()> {
    if output.extension().is_none_or(|extension| extension != "bfab") {
        return files::write_atomic(output, &imported.graph.to_bytes()?);
    }
    let options = bitfab_compile::Options { prefer: Prefer::Size, planes: 8 };
    let compiled = compile_with(&imported.graph, &options).context("the imported graph does not compile")?;
    notes.extend(compiled.rounded.iter().map(ToString::to_string));
    outputs::write(output, Product::Model, &bitfab_compile::bytes(&compiled.words))
}

fn print(arguments: &Arguments, imported: &Imported, notes: &[String]) -> Result<()> {
    let (low, high) = imported.input.range;
    if arguments.json {
        let layers = imported
            .folded
            .iter()
            .map(|one| Layer { layer: &one.node, what: &one.what, from: &one.from, scale: &one.how })
            .collect();
        let input = imported.input.to_string();
        let output = arguments.output.as_deref();
        let outcome = Outcome { input, bytes: [low, high], layers, notes, output };
        println!("{}", serde_json::to_string_pretty(&outcome)?);
        return Ok(());
    }
    if arguments.explain {
        let rows = imported
            .folded
            .iter()
            .map(|one| vec![one.node.clone(), one.what.clone(), one.from.join(", "), one.how.clone()]);
        println!("{}", table::grid(&["layer", "what", "from", "scale"], rows));
    }
    println!("input: {} from {low} to {high}", imported.input);
    for note in notes {
        println!("note: {note}");
    }
    if let Some(output) = &arguments.output {
        println!("{}: {} layers", output.display(), imported.folded.len());
    }
    Ok(())
}
