//! `bitfab compile`: a learned network becomes a model file.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use bitfab_format::Model;
use bitfab_graph::Graph;
use bitfab_report::{ModelSummary, table};

use crate::files;
use crate::outputs::{self, Product};

/// Arguments of `bitfab compile`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The network, as `bitfab train` writes it.
    #[arg(value_name = "GRAPH")]
    graph: PathBuf,
    /// Where the model file is written.
    #[arg(short, long, value_name = "MODEL")]
    output: PathBuf,
    /// Print what the model is made of as JSON.
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "Examples:
  bitfab compile digits.graph -o digits.bfab
  bitfab compile cnn.graph -o cnn.bfab --json";

/// Runs `bitfab compile`.
pub fn run(arguments: &Arguments) -> Result<()> {
    let path = &arguments.graph;
    ensure!(!path.is_dir(), "{} is a folder, not a network", path.display());
    let bytes = files::read(path).context("no network (`bitfab train` makes one)")?;
    let graph = Graph::from_bytes(&bytes).with_context(|| format!("{} is not a network", path.display()))?;
    let words = bitfab_compile::compile(&graph).with_context(|| format!("{} cannot be compiled", path.display()))?;
    outputs::write(&arguments.output, Product::Model, &bitfab_compile::bytes(&words))?;
    let summary = ModelSummary::new(&Model::from_words(&words)?);
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&summary)?);
    } else {
        println!(
            "{}: {} layers, {} bytes, {} bytes of arena",
            arguments.output.display(),
            summary.layers.len(),
            table::thousands(summary.file_bytes),
            table::thousands(summary.arena_bytes)
        );
    }
    Ok(())
}
