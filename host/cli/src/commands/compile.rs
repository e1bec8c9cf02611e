//! `bitfab compile`: a learned network becomes a model file.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use bitfab::compile::{CompileOptions, Prefer};
use bitfab::graph::Graph;
use bitfab::report::{ModelSummary, table};

use crate::io::files;
use crate::io::models;
use crate::io::outputs::{self, Product};
use crate::show::out;

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
    /// How sparse weights are stored: size (bitmap, Golomb-Rice or trits, the smallest layer by layer) or speed
    /// (lists of positions, which take the fewest instructions).
    #[arg(long, value_name = "WHAT", default_value = "size", value_parser = prefer)]
    prefer: Prefer,
    /// Of a network of several precisions, write those up to this many planes.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=8))]
    planes: u32,
    /// Write only what has to be appended to this deployed file to raise its precision: nothing before it changes.
    #[arg(long, value_name = "MODEL")]
    update: Option<PathBuf>,
    /// Print what the model is made of as JSON.
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "Examples:
  bitfab compile digits.graph -o digits.bfab
  bitfab compile cnn.graph -o cnn.bfab --json
  bitfab compile sparse.graph -o sparse.bfab --prefer speed
  bitfab compile any.graph --planes 1 -o base.bfab
  bitfab compile any.graph --planes 4 --update base.bfab -o more.bin   (cat base.bfab more.bin > new.bfab)";

fn prefer(text: &str) -> Result<Prefer, String> {
    match text {
        "size" => Ok(Prefer::Size),
        "speed" => Ok(Prefer::Speed),
        _ => Err("use size or speed".into()),
    }
}

/// Runs `bitfab compile`.
pub fn run(arguments: &Arguments) -> Result<()> {
    let path = &arguments.graph;
    ensure!(!path.is_dir(), "{} is a folder, not a network", path.display());
    outputs::check(&arguments.output, if arguments.update.is_some() { Product::Update } else { Product::Model })?;
    let bytes = files::read(path).context("no network (`bitfab train` makes one)")?;
    let graph = Graph::from_bytes(&bytes).with_context(|| format!("{} is not a network", path.display()))?;
    let options = CompileOptions { prefer: arguments.prefer, planes: arguments.planes };
    let fails = || format!("{} cannot be compiled", path.display());
    if let Some(base) = &arguments.update {
        let base = models::read(base)?;
        let words = bitfab::compile::update(base.words(), &graph, &options).with_context(fails)?;
        outputs::write(&arguments.output, Product::Update, &bitfab::compile::bytes(&words))?;
        say!("{}: {} bytes to append", arguments.output.display(), table::thousands(words.len() as u64 * 4))?;
        return Ok(());
    }
    let (file, rounded) = bitfab::compile(&graph, &options).with_context(fails)?;
    rounded.iter().for_each(|one| note!("note: {one}"));
    outputs::write(&arguments.output, Product::Model, &file.to_bytes())?;
    let summary = ModelSummary::new(&file.model()?);
    if arguments.json {
        out::json(&summary)?;
    } else {
        say!(
            "{}: {} layers, {} bytes, {} bytes of arena",
            arguments.output.display(),
            summary.layers.len(),
            table::thousands(summary.file_bytes),
            table::thousands(summary.arena_bytes)
        )?;
    }
    Ok(())
}
