//! `bitfab import`: other people's models.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use bitfab_compile::{Prefer, compile_with};
use bitfab_import::Imported;
use bitfab_report::table;
use serde::Serialize;

use crate::files;
use crate::origin::{Map, Origin};

/// Arguments of `bitfab import`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The model: ONNX with quantisers of QONNX, FINN or ONNX, or with weights that are whole numbers.
    #[arg(value_name = "FILE.onnx")]
    file: PathBuf,
    /// Where the result is written: FILE.bfab is a model for devices, any other name a graph for `bitfab compile`.
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    #[command(flatten)]
    map: Map,
    /// Show what became of each node of the file.
    #[arg(long)]
    explain: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "Examples:
  bitfab import kws.onnx -o kws.bfab --explain
  bitfab import lfc.onnx --input u8/255 -o lfc.graph
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
    if arguments.output.is_none() && !arguments.explain && !arguments.json {
        bail!("nothing to do: give -o OUT to write the result, or --explain to see what would become of the file");
    }
    let mut notes = imported.notes.clone();
    if let Some(output) = &arguments.output {
        write(&imported, output, &mut notes)?;
    }
    print(arguments, &imported, &notes)
}

/// Writes a graph, or compiles it to a model.
fn write(imported: &Imported, output: &Path, notes: &mut Vec<String>) -> Result<()> {
    if output.extension().is_none_or(|extension| extension != "bfab") {
        return files::write_atomic(output, &imported.graph.to_bytes()?);
    }
    let options = bitfab_compile::Options { prefer: Prefer::Size, planes: 8 };
    let compiled = compile_with(&imported.graph, &options).context("the imported graph does not compile")?;
    notes.extend(compiled.rounded.iter().map(ToString::to_string));
    files::write_atomic(output, &bitfab_compile::bytes(&compiled.words))
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
