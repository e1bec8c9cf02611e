//! `bitfab inspect`: what a model is made of.

use std::path::PathBuf;

use anyhow::Result;
use bitfab_report::{ModelSummary, table};

use crate::models::ModelFile;

/// Arguments of `bitfab inspect`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The model file.
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "Examples:
  bitfab inspect digits.bfab
  bitfab inspect digits.bfab --json | jq .arena_bytes";

/// Runs `bitfab inspect`.
pub fn run(arguments: &Arguments) -> Result<()> {
    let file = ModelFile::read(&arguments.model)?;
    let summary = ModelSummary::new(&file.model()?);
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&summary)?);
    } else {
        println!("{}\n{}", table::layers(&summary), table::totals(&summary));
    }
    Ok(())
}
