//! `bitfab inspect`: what a model is made of.

use anyhow::{Context, Result};
use bitfab::Inspection;
use bitfab::hdl::{Options, Weights};
use bitfab::report::table;

use super::accelerator::{lanes, weights};
use crate::io::models::ModelArgument;
use crate::show::{memories, out};

/// Arguments of `bitfab inspect`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(flatten)]
    source: ModelArgument,
    /// Show the memories of an accelerator with so many lanes (1, 2, 4, 8, 16 or 32) as well, and its size on an iCE40 and
    /// its cycles without synthesis.
    #[arg(long, value_parser = lanes)]
    lanes: Option<u32>,
    /// Where the weights of that accelerator come from: `contents` of memories, `loaded` through a port, or `rebuilt`, those
    /// of dense SmartDeal layers from bases and powers of two beside the lanes.
    #[arg(long, value_parser = weights, default_value = "contents", requires = "lanes")]
    weights: Weights,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "Examples:
  bitfab inspect digits.bfab
  bitfab inspect digits.bfab --json | jq .arena_bytes
  bitfab inspect digits.bfab --lanes 8          memories, size and cycles of the accelerator, without synthesis
  bitfab inspect smart-deal.bfab --lanes 8 --weights rebuilt     and where it rebuilds SmartDeal weights
  bitfab inspect any.bfab --planes 2            a file of several precisions, at the second one";

/// Runs `bitfab inspect`.
pub fn run(arguments: &Arguments) -> Result<()> {
    let file = arguments.source.open()?;
    let model = file.model()?;
    let options = arguments.lanes.map(|lanes| Options::default().with_lanes(lanes).with_weights(arguments.weights));
    let inspection = bitfab::inspect(&model, options.as_ref());
    let inspection = inspection.with_context(|| arguments.source.model.display().to_string())?;
    if arguments.json {
        return out::json(&inspection);
    }
    let Inspection { summary, interface, accelerator } = inspection;
    say!("{}", table::layers(&summary))?;
    say!("\nOperations of one inference:\n{}", table::operations(&summary))?;
    say!("\n{}", table::totals(&summary))?;
    say!("\n{}", interface.text())?;
    accelerator.map_or(Ok(()), |accelerator| say!("\n{}", memories::text(&accelerator)))
}
