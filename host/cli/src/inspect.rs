//! `bitfab inspect`: what a model is made of.

use anyhow::Result;
use bitfab_report::{ModelSummary, table};

use crate::models::Source;
use crate::out;

/// Arguments of `bitfab inspect`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(flatten)]
    source: Source,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "Examples:
  bitfab inspect digits.bfab
  bitfab inspect digits.bfab --json | jq .arena_bytes
  bitfab inspect any.bfab --planes 2            a file of several precisions, at the second one";

/// Runs `bitfab inspect`.
pub fn run(arguments: &Arguments) -> Result<()> {
    let file = arguments.source.open()?;
    let summary = ModelSummary::new(&file.model()?);
    if arguments.json {
        out::json(&summary)?;
    } else {
        say!("{}", table::layers(&summary))?;
        say!("\nOperations of one inference:\n{}", table::operations(&summary))?;
        say!("\n{}", table::totals(&summary))?;
    }
    Ok(())
}
