//! The shape of a network as a short text, such as `mlp:256,256` or `cnn:32,p2,64,p2,d128`.

use crate::error::{TrainError, config_error};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// One block; weighted blocks and the sum pool are followed by batch norm and activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Block {
    /// Dense layer, `dN`.
    Dense {
        /// Outputs.
        outputs: u32,
    },
    /// Convolution that keeps height and width (but for the stride), `N`, `NkK`, `NsS`, `NgG` and their combinations.
    Conv {
        /// Output channels.
        channels: u32,
        /// Height and width of the window (default 3).
        kernel: u32,
        /// Step (default 1).
        stride: u32,
        /// Groups (default 1).
        groups: u32,
    },
    /// Max pool with step equal to size, `pK` (K 2 to 16).
    MaxPool {
        /// Height and width of the window.
        size: u32,
    },
    /// Sum over all positions, `sum`.
    SumPool,
}

/// The hidden blocks of a network; a dense layer to the classes always follows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Architecture {
    /// The blocks in order.
    pub blocks: Vec<Block>,
}

/// What `mlp` alone stands for.
const MLP: &str = "256,256,256";
/// What `cnn` alone stands for.
const CNN: &str = "64k5s2,p2,64";
/// The form of the text, for error messages.
const FORM: &str = "use mlp:256,256 or cnn:BLOCKS with blocks 32 (3x3 convolution, 32 channels), \
                    32k5s2g4 (kernel, stride, groups), p2 (max pool), sum (global sum pool), d128 (dense)";

impl FromStr for Architecture {
    type Err = TrainError;

    /// Parses `mlp`, `mlp:N,N...`, `cnn` or `cnn:BLOCK,BLOCK...`; `mlp:` with nothing is a single layer.
    fn from_str(text: &str) -> Result<Self, TrainError> {
        let (kind, list) = text.split_once(':').unwrap_or((text, ""));
        let list = match (kind, text.contains(':')) {
            ("mlp", false) => MLP,
            ("cnn", false) => CNN,
            _ => list,
        };
        let items = list.split(',').map(str::trim).filter(|item| !item.is_empty());
        let block = |item: &str| match kind {
            "mlp" => number(item).map(|outputs| Block::Dense { outputs }),
            "cnn" => block(item),
            _ => None,
        };
        if !matches!(kind, "mlp" | "cnn") {
            return Err(config_error("arch", format!("'{text}': unknown kind '{kind}'; {FORM}")));
        }
        let blocks =
            items.map(|item| block(item).ok_or_else(|| config_error("arch", format!("'{item}' in '{text}': {FORM}"))));
        Ok(Self { blocks: blocks.collect::<Result<_, _>>()? })
    }
}

/// A size from 1 to 65536.
fn number(text: &str) -> Option<u32> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let value: u32 = text.parse().ok().filter(|_| is_plain)?;
    (1..=65536).contains(&value).then_some(value)
}

fn block(item: &str) -> Option<Block> {
    if item == "sum" {
        return Some(Block::SumPool);
    }
    if let Some(outputs) = item.strip_prefix('d') {
        return number(outputs).map(|outputs| Block::Dense { outputs });
    }
    if let Some(size) = item.strip_prefix('p') {
        let size = number(size).filter(|size| (2..=16).contains(size))?;
        return Some(Block::MaxPool { size });
    }
    let (mut kernel, mut stride, mut groups) = (3, 1, 1);
    let end = item.find(['k', 's', 'g']).unwrap_or(item.len());
    let channels = number(&item[..end])?;
    let mut rest = &item[end..];
    while let Some(letter) = rest.chars().next() {
        let tail = &rest[1..];
        let end = tail.find(['k', 's', 'g']).unwrap_or(tail.len());
        let value = number(&tail[..end])?;
        match letter {
            'k' => kernel = value,
            's' => stride = value,
            _ => groups = value,
        }
        rest = &tail[end..];
    }
    Some(Block::Conv { channels, kernel, stride, groups })
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Dense { outputs } => write!(f, "d{outputs}"),
            Self::MaxPool { size } => write!(f, "p{size}"),
            Self::SumPool => write!(f, "sum"),
            Self::Conv { channels, kernel, stride, groups } => {
                write!(f, "{channels}")?;
                for (letter, value, usual) in [('k', kernel, 3), ('s', stride, 1), ('g', groups, 1)] {
                    if value != usual {
                        write!(f, "{letter}{value}")?;
                    }
                }
                Ok(())
            }
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_dense = |block: &Block| matches!(block, Block::Dense { .. });
        let plain = self.blocks.iter().all(is_dense);
        write!(f, "{}:", if plain { "mlp" } else { "cnn" })?;
        for (index, block) in self.blocks.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            match block {
                Block::Dense { outputs } if plain => write!(f, "{comma}{outputs}")?,
                other => write!(f, "{comma}{other}")?,
            }
        }
        Ok(())
    }
}

impl TryFrom<String> for Architecture {
    type Error = TrainError;

    fn try_from(text: String) -> Result<Self, TrainError> {
        text.parse()
    }
}

impl From<Architecture> for String {
    fn from(architecture: Architecture) -> Self {
        architecture.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_blocks_round_trip() {
        for text in ["mlp:", "mlp:256,128", "cnn:32,p2,64k5s2g4,sum,d128", "cnn:8k1"] {
            let architecture: Architecture = text.parse().unwrap();
            assert_eq!(architecture.to_string(), text);
        }
        let default: Architecture = "mlp".parse().unwrap();
        assert_eq!(default.to_string(), "mlp:256,256,256");
        assert_eq!("cnn".parse::<Architecture>().unwrap().to_string(), "cnn:64k5s2,p2,64");
    }

    #[test]
    fn wrong_blocks_are_named() {
        for (text, part) in [
            ("mlp:12,x", "'x'"),
            ("mlp:0", "'0'"),
            ("cnn:32,p1", "'p1'"),
            ("cnn:32k", "'32k'"),
            ("cnn:3é2", "'3é2'"),
            ("cnn:32ké", "'32ké'"),
            ("rnn:4", "'rnn'"),
            ("mlp:+4", "'+4'"),
        ] {
            let message = text.parse::<Architecture>().unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
        }
    }
}
