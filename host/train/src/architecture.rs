//! The shape of a network as a short text, such as `mlp:256,256` or `cnn:32,p2,64,p2,d128`.

use crate::error::{TrainError, config_error};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// One block; weighted blocks and the sum pool are followed by batch norm and activation.
///
/// Pairs are height and width: a time series of `length` steps is a tensor of `length` x 1 x sensors, so its windows
/// are 1 wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Block {
    /// Dense layer, `dN`.
    Dense {
        /// Outputs.
        outputs: u32,
    },
    /// Convolution that keeps height and width (but for the stride), `N`, `NkK`, `NkHxW`, `NsS`, `NsHxW`, `NgG` and
    /// their combinations.
    Conv {
        /// Output channels.
        channels: u32,
        /// Height and width of the window (default 3 x 3).
        kernel: [u32; 2],
        /// Step down and right (default 1 x 1).
        stride: [u32; 2],
        /// Groups (default 1).
        groups: u32,
    },
    /// Convolution of each channel by itself, `dw` with `k` and `s` as above.
    Depthwise {
        /// Height and width of the window (default 3 x 3).
        kernel: [u32; 2],
        /// Step down and right (default 1 x 1).
        stride: [u32; 2],
    },
    /// Max pool with step equal to size, `pK` or `pHxW` (2 to 256 places).
    MaxPool {
        /// Height and width of the window.
        size: [u32; 2],
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
                    32k5s2g4 (kernel, stride, groups), 32k5x1s2x1 (5 high, 1 wide), dwk5x1 (each channel by itself), \
                    p2 or p2x1 (max pool), sum (global sum pool), d128 (dense)";
/// Most places of a max pool: learning remembers the largest one in a byte.
const POOLED: u32 = 256;
/// Height and width of a kernel, and of a step, that the text does not state.
const KERNEL: [u32; 2] = [3, 3];
const STRIDE: [u32; 2] = [1, 1];

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

/// `K` for a square, `HxW` for height and width.
fn pair(text: &str) -> Option<[u32; 2]> {
    match text.split_once('x') {
        Some((height, width)) => Some([number(height)?, number(width)?]),
        None => number(text).map(|side| [side; 2]),
    }
}

fn block(item: &str) -> Option<Block> {
    if item == "sum" {
        return Some(Block::SumPool);
    }
    if let Some(rest) = item.strip_prefix("dw") {
        let Options { kernel, stride, groups } = options(rest)?;
        let (kernel, stride) = (kernel.unwrap_or(KERNEL), stride.unwrap_or(STRIDE));
        return groups.is_none().then_some(Block::Depthwise { kernel, stride });
    }
    if let Some(outputs) = item.strip_prefix('d') {
        return number(outputs).map(|outputs| Block::Dense { outputs });
    }
    if let Some(size) = item.strip_prefix('p') {
        let size = pair(size).filter(|[height, width]| (2..=POOLED).contains(&height.saturating_mul(*width)))?;
        return Some(Block::MaxPool { size });
    }
    let end = item.find(['k', 's', 'g']).unwrap_or(item.len());
    let channels = number(&item[..end])?;
    let Options { kernel, stride, groups } = options(&item[end..])?;
    let (kernel, stride, groups) = (kernel.unwrap_or(KERNEL), stride.unwrap_or(STRIDE), groups.unwrap_or(1));
    Some(Block::Conv { channels, kernel, stride, groups })
}

/// What may follow a convolution, where the text states it.
#[derive(Default)]
struct Options {
    kernel: Option<[u32; 2]>,
    stride: Option<[u32; 2]>,
    groups: Option<u32>,
}

/// `k`, `s` and `g` in any order, each once.
fn options(mut rest: &str) -> Option<Options> {
    let mut options = Options::default();
    while let Some(letter) = rest.chars().next() {
        let tail = &rest[letter.len_utf8()..];
        let end = tail.find(['k', 's', 'g']).unwrap_or(tail.len());
        let value = &tail[..end];
        let is_new = match letter {
            'k' => options.kernel.replace(pair(value)?).is_none(),
            's' => options.stride.replace(pair(value)?).is_none(),
            'g' => options.groups.replace(number(value)?).is_none(),
            _ => false,
        };
        if !is_new {
            return None;
        }
        rest = &tail[end..];
    }
    Some(options)
}

/// A letter with a height and width, shorter if they are equal.
fn write_pair(f: &mut fmt::Formatter<'_>, letter: &str, [height, width]: [u32; 2]) -> fmt::Result {
    if height == width { write!(f, "{letter}{height}") } else { write!(f, "{letter}{height}x{width}") }
}

/// Kernel and step where they are not what is usual.
fn write_window(f: &mut fmt::Formatter<'_>, kernel: [u32; 2], stride: [u32; 2]) -> fmt::Result {
    for (letter, value, usual) in [("k", kernel, KERNEL), ("s", stride, STRIDE)] {
        if value != usual {
            write_pair(f, letter, value)?;
        }
    }
    Ok(())
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Dense { outputs } => write!(f, "d{outputs}"),
            Self::MaxPool { size } => write_pair(f, "p", size),
            Self::SumPool => write!(f, "sum"),
            Self::Depthwise { kernel, stride } => {
                write!(f, "dw")?;
                write_window(f, kernel, stride)
            }
            Self::Conv { channels, kernel, stride, groups } => {
                write!(f, "{channels}")?;
                write_window(f, kernel, stride)?;
                if groups == 1 { Ok(()) } else { write!(f, "g{groups}") }
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
        for text in [
            "mlp:",
            "mlp:256,128",
            "cnn:32,p2,64k5s2g4,sum,d128",
            "cnn:8k1",
            "cnn:32k5x1s2x1,p2x1,dw,dwk5x1,dwk7s1x2,16k1x9g2,p1x256,p16,p64x1,sum",
        ] {
            let architecture: Architecture = text.parse().unwrap();
            assert_eq!(architecture.to_string(), text);
        }
        for (text, short) in [
            ("cnn:32k3x3s1x1g1", "cnn:32"),
            ("cnn:32s2k5", "cnn:32k5s2"),
            ("cnn:p2x2,dws2x2k3", "cnn:p2,dws2"),
            ("cnn:d8", "mlp:8"),
        ] {
            assert_eq!(text.parse::<Architecture>().unwrap().to_string(), short);
        }
        let one: Architecture = "cnn:32k5x1s2,dwk1x3,p4x1".parse().unwrap();
        let conv = Block::Conv { channels: 32, kernel: [5, 1], stride: [2, 2], groups: 1 };
        let depthwise = Block::Depthwise { kernel: [1, 3], stride: [1, 1] };
        assert_eq!(one.blocks, [conv, depthwise, Block::MaxPool { size: [4, 1] }]);
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
            ("mlp:2x1", "'2x1'"),
            ("cnn:32k5x", "'32k5x'"),
            ("cnn:32kx5", "'32kx5'"),
            ("cnn:32k5x1x1", "'32k5x1x1'"),
            ("cnn:32k0x1", "'32k0x1'"),
            ("cnn:32k5X1", "'32k5X1'"),
            ("cnn:32k5k3", "'32k5k3'"),
            ("cnn:32g2x1", "'32g2x1'"),
            ("cnn:p1x1", "'p1x1'"),
            ("cnn:p17", "'p17'"),
            ("cnn:p65536x65536", "'p65536x65536'"),
            ("cnn:dw3x1", "'dw3x1'"),
            ("cnn:dwg2", "'dwg2'"),
            ("cnn:dwé", "'dwé'"),
        ] {
            let message = text.parse::<Architecture>().unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
        }
    }
}
