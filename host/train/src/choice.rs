//! How a layer learns, as a short text such as `sbnn` or `planes:4`.

use crate::error::{TrainError, config_error};
use crate::methods::{ALL, Bits, Method};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A method, with the number behind its name where it takes one.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Choice {
    method: &'static dyn Method,
    /// 0 for methods without.
    bits: u32,
}

impl Choice {
    /// The method, with its usual number; it need not be in the table of all.
    pub fn of(method: &'static dyn Method) -> Self {
        Self { method, bits: method.about().bits.map_or(0, |bits| bits.usual) }
    }

    /// The same method with another number; none if it takes no such number.
    pub fn with_bits(self, bits: u32) -> Option<Self> {
        let Bits { from, to, .. } = self.method.about().bits?;
        (from..=to).contains(&bits).then_some(Self { bits, ..self })
    }

    /// The method.
    pub fn method(self) -> &'static dyn Method {
        self.method
    }

    /// The number behind the name; 0 for methods without.
    pub fn bits(self) -> u32 {
        self.bits
    }
}

impl Default for Choice {
    /// The first of all methods.
    fn default() -> Self {
        Self::of(ALL[0])
    }
}

impl PartialEq for Choice {
    fn eq(&self, other: &Self) -> bool {
        self.method.about().name == other.method.about().name && self.bits == other.bits
    }
}

impl Eq for Choice {}

/// The methods that are wanted, in their shortest forms: `bnn, qnn:BITS, ... or int:BITS, BITS from 1 to 8 (int: 2 to 8)`.
pub fn forms(is_wanted: impl Fn(&dyn Method) -> bool) -> String {
    let wanted = || ALL.iter().map(|method| (*method, method.about())).filter(|(method, _)| is_wanted(*method));
    let form = |about: &crate::methods::About| match about.bits {
        Some(_) => format!("{}:BITS", about.name),
        None => about.name.to_owned(),
    };
    let names: Vec<String> = wanted().map(|(_, about)| form(about)).collect();
    let ranges: Vec<(&str, Bits)> = wanted().filter_map(|(_, about)| Some((about.name, about.bits?))).collect();
    let list = match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => names.concat(),
    };
    let Some((_, Bits { from, to, .. })) = ranges.first().copied() else { return list };
    let others = ranges.iter().filter(|(_, bits)| (bits.from, bits.to) != (from, to));
    let others: Vec<String> = others.map(|(name, bits)| format!(" ({name}: {} to {})", bits.from, bits.to)).collect();
    format!("{list}, BITS from {from} to {to}{}", others.concat())
}

impl FromStr for Choice {
    type Err = TrainError;

    fn from_str(text: &str) -> Result<Self, TrainError> {
        let (name, bits) = text.split_once(':').map_or((text, None), |(name, bits)| (name, Some(bits)));
        let method = ALL.iter().find(|method| method.about().name == name);
        let choice = method.and_then(|method| match bits {
            None => Some(Self::of(*method)),
            Some(bits) => Self::of(*method).with_bits(bits.parse().ok()?),
        });
        choice.ok_or_else(|| config_error("method", format!("'{text}'; use {}", forms(|_| true))))
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let about = self.method.about();
        if about.bits.is_some() { write!(f, "{}:{}", about.name, self.bits) } else { f.write_str(about.name) }
    }
}

impl TryFrom<String> for Choice {
    type Error = TrainError;

    fn try_from(text: String) -> Result<Self, TrainError> {
        text.parse()
    }
}

impl From<Choice> for String {
    fn from(choice: Choice) -> Self {
        choice.to_string()
    }
}

/// A method for one layer, `NAME=METHOD`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LayerMethod {
    /// Name of the layer in the graph: `dense1`, `conv2`, `scores`.
    pub layer: String,
    /// How it learns.
    pub method: Choice,
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
        for &method in ALL {
            let bits = method.about().bits.map_or(0..=0, |bits| bits.from..=bits.to);
            for bits in bits {
                let choice = Choice::of(method);
                let choice = choice.with_bits(bits).unwrap_or(choice);
                assert_eq!(choice.to_string().parse::<Choice>().unwrap(), choice);
            }
        }
        let text = |text: &str| text.parse::<Choice>().unwrap().to_string();
        assert_eq!(["qnn", "int", "planes:1", "bnn"].map(text), ["qnn:4", "int:8", "planes:1", "bnn"]);
        for text in ["int:1", "planes:9", "planes:x", "planes:", "bnn:1", "bnn:", "", "Bnn"] {
            let error = text.parse::<Choice>().unwrap_err().to_string();
            assert!(error.contains(&format!("'{text}'")) && error.contains("pruned-ternary"), "{error}");
            assert!(error.contains("float, BITS from 1 to 8 (int: 2 to 8)"), "{error}");
        }
        let one: LayerMethod = "dense1=planes:4".parse().unwrap();
        assert_eq!((one.layer.as_str(), one.method.bits()), ("dense1", 4));
        assert_eq!(one.to_string(), "dense1=planes:4");
        assert!("dense1".parse::<LayerMethod>().is_err());
    }
}
