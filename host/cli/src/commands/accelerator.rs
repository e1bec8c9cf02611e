//! What commands ask about the accelerator.

use anyhow::{Result, bail, ensure};
use bitfab::Accelerator;
use bitfab::hdl::Weights;

/// What the engines that are accelerators need to know.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct AcceleratorArguments {
    /// Lanes of the accelerator: output channels computed at a time, 1, 2, 4, 8, 16 or 32.
    #[arg(long, default_value_t = 8, value_parser = lanes)]
    lanes: u32,
    /// Where the accelerator's weights come from: `contents` of memories, `loaded` through its port, or `rebuilt`, those of
    /// dense SmartDeal layers from bases and powers of two beside the lanes.
    #[arg(long, value_parser = weights, default_value = "contents")]
    weights: Weights,
    /// Pause the accelerator's streams at random, by this seed.
    #[arg(long, value_name = "SEED")]
    stalls: Option<u64>,
}

impl From<AcceleratorArguments> for Accelerator {
    fn from(AcceleratorArguments { lanes, weights, stalls }: AcceleratorArguments) -> Self {
        Self { lanes, weights, stalls }
    }
}

/// Reads a number of lanes.
pub fn lanes(text: &str) -> Result<u32> {
    let lanes = text.parse().unwrap_or(0);
    ensure!(matches!(lanes, 1 | 2 | 4 | 8 | 16 | 32), "lanes divide a word: 1, 2, 4, 8, 16 or 32");
    Ok(lanes)
}

/// Reads where weights come from.
pub fn weights(text: &str) -> Result<Weights> {
    match Weights::ALL.into_iter().find(|weights| weights.name() == text) {
        Some(weights) => Ok(weights),
        None => bail!("weights are `contents` of memories, `loaded` through a port, or `rebuilt` of SmartDeal's bases"),
    }
}
