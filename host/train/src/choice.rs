//! How a layer learns, as a short text such as `sbnn` or `planes:4`.

use crate::error::{TrainError, config_error};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How the weights of a layer are learned and what they become.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Method {
    /// Signs (BNN).
    #[default]
    Bnn,
    /// Signs times the mean magnitude of their filter, whose gradient is followed too (XNOR-Net).
    Xnor,
    /// As [`Xnor`](Self::Xnor), but activations of 8 bits (binary-weight network).
    Bwn,
    /// Integers of this many bits on an even grid, activations of 4 bits (QNN); 1 bit is a sign.
    Qnn(u32),
    /// Powers of two (QNN with logarithmic quantisation), activations of 4 bits.
    QnnLog,
    /// Two learned values, few weights take the second one (SBNN).
    Sbnn,
    /// -1, 0, +1 by learning on the sphere, pruning and restarting (hyperspherical quantisation).
    Hq,
    /// -1, 0, +1 by pruning and pulling weights to their ternary point.
    PrunedTernary,
    /// Sparse powers of two times a small basis, trained after one decomposition (SmartDeal).
    SmartDeal,
    /// As [`SmartDeal`](Self::SmartDeal), but powers of two move by whole steps only ("bucket switch").
    SmartDealSwitch,
    /// As [`SmartDeal`](Self::SmartDeal), but real weights are decomposed anew after every epoch.
    SmartDealProject,
    /// Odd integers of this many bits, which nest.
    Planes(u32),
    /// 8, 4, 2 and 1 plane at once, from the same weights.
    OnceQat,
    /// Integers of this many bits, activations of 8 bits.
    Int(u32),
    /// Real weights and activations, as a yardstick; cannot be exported.
    Float,
}

/// Every method in its shortest form.
const FORMS: &str = "bnn, xnor, bwn, qnn:BITS, qnn-log, sbnn, hq, pruned-ternary, smart-deal, smart-deal-switch, \
                     smart-deal-project, planes:BITS, once-qat, int:BITS or float, BITS from 1 to 8 (int: 2 to 8)";

impl Method {
    /// Activation bits unless the configuration states others; 0 for real numbers.
    pub fn activation_bits(self) -> u32 {
        match self {
            Self::Bnn | Self::Xnor | Self::Sbnn => 1,
            Self::Qnn(_) | Self::QnnLog | Self::Planes(_) | Self::OnceQat => 4,
            Self::Float => 0,
            _ => 8,
        }
    }
}

impl FromStr for Method {
    type Err = TrainError;

    fn from_str(text: &str) -> Result<Self, TrainError> {
        let (name, bits) = match text.split_once(':') {
            Some((name, bits)) => (name, bits.parse::<u32>().ok().filter(|bits| (1..=8).contains(bits))),
            None => (text, None),
        };
        let is_plain = !text.contains(':');
        let method = match (name, bits) {
            ("qnn", Some(bits)) => Some(Self::Qnn(bits)),
            ("planes", Some(bits)) => Some(Self::Planes(bits)),
            ("int", Some(bits)) if bits > 1 => Some(Self::Int(bits)),
            ("qnn" | "planes", None) if is_plain => Some(if name == "qnn" { Self::Qnn(4) } else { Self::Planes(4) }),
            ("int", None) if is_plain => Some(Self::Int(8)),
            (_, None) if is_plain => PLAIN.iter().find(|(plain, _)| *plain == name).map(|(_, method)| *method),
            _ => None,
        };
        method.ok_or_else(|| config_error("method", format!("'{text}'; use {FORMS}")))
    }
}

/// Methods without a number.
const PLAIN: [(&str, Method); 12] = [
    ("bnn", Method::Bnn),
    ("xnor", Method::Xnor),
    ("bwn", Method::Bwn),
    ("qnn-log", Method::QnnLog),
    ("sbnn", Method::Sbnn),
    ("hq", Method::Hq),
    ("pruned-ternary", Method::PrunedTernary),
    ("smart-deal", Method::SmartDeal),
    ("smart-deal-switch", Method::SmartDealSwitch),
    ("smart-deal-project", Method::SmartDealProject),
    ("once-qat", Method::OnceQat),
    ("float", Method::Float),
];

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Qnn(bits) => write!(f, "qnn:{bits}"),
            Self::Planes(bits) => write!(f, "planes:{bits}"),
            Self::Int(bits) => write!(f, "int:{bits}"),
            plain => {
                let name = PLAIN.iter().find(|(_, method)| method == plain).map_or("", |(name, _)| name);
                f.write_str(name)
            }
        }
    }
}

impl TryFrom<String> for Method {
    type Error = TrainError;

    fn try_from(text: String) -> Result<Self, TrainError> {
        text.parse()
    }
}

impl From<Method> for String {
    fn from(method: Method) -> Self {
        method.to_string()
    }
}

/// A method for one layer, `NAME=METHOD`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LayerMethod {
    /// Name of the layer in the graph: `dense1`, `conv2`, `scores`.
    pub layer: String,
    /// How it learns.
    pub method: Method,
}

impl FromStr for LayerMethod {
    type Err = TrainError;

    fn from_str(text: &str) -> Result<Self, TrainError> {
        let (layer, method) = text
            .split_once('=')
            .ok_or_else(|| config_error("methods", format!("'{text}'; use LAYER=METHOD, such as dense1=sbnn")))?;
        Ok(Self { layer: layer.into(), method: method.parse()? })
    }
}

impl fmt::Display for LayerMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.layer, self.method)
    }
}

impl TryFrom<String> for LayerMethod {
    type Error = TrainError;

    fn try_from(text: String) -> Result<Self, TrainError> {
        text.parse()
    }
}

impl From<LayerMethod> for String {
    fn from(one: LayerMethod) -> Self {
        one.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_methods_round_trip() {
        let numbered = ["qnn:3", "planes:1", "int:8"].into_iter();
        for text in PLAIN.iter().map(|(name, _)| *name).chain(numbered) {
            assert_eq!(text.parse::<Method>().unwrap().to_string(), text);
        }
        assert_eq!("qnn".parse::<Method>().unwrap(), Method::Qnn(4));
        assert_eq!("int".parse::<Method>().unwrap(), Method::Int(8));
        for text in ["int:1", "planes:9", "planes:x", "bnn:1", "", "Bnn"] {
            let error = text.parse::<Method>().unwrap_err().to_string();
            assert!(error.contains(&format!("'{text}'")) && error.contains("pruned-ternary"), "{error}");
        }
        let one: LayerMethod = "dense1=planes:4".parse().unwrap();
        assert_eq!((one.layer.as_str(), one.method), ("dense1", Method::Planes(4)));
        assert_eq!(one.to_string(), "dense1=planes:4");
        assert!("dense1".parse::<LayerMethod>().is_err());
    }
}
