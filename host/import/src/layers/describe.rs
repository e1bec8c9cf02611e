//! What a description may say.

use serde::Deserialize;
use toml::Value;

/// A whole description.
#[derive(Debug)]
pub(super) struct Description {
    pub framework: Option<Framework>,
    pub input: Input,
    pub layers: Vec<Layer>,
}

/// Whose order of axes, and whose epsilon, holds where a layer does not say.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Framework {
    Keras,
    Pytorch,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    pub shape: Vec<usize>,
    pub bytes: Option<String>,
}

#[derive(Debug)]
pub(super) struct Layer {
    pub name: String,
    pub input: Option<String>,
    pub kind: Kind,
    pub norm: Option<BatchNorm>,
    pub activation: Option<Activation>,
}

#[derive(Debug)]
pub(super) enum Kind {
    Dense(Dense),
    Conv(Conv),
    MaxPool(Pool),
    AveragePool(Pool),
    Flatten(Flatten),
    Add(Add),
    Activation,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Dense {
    pub weights: String,
    pub order: Option<DenseOrder>,
    pub quantizer: Option<Quantizer>,
    pub bias: Option<String>,
    pub bias_quantizer: Option<Quantizer>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Conv {
    pub weights: String,
    pub order: Option<ConvOrder>,
    pub quantizer: Option<Quantizer>,
    pub bias: Option<String>,
    pub bias_quantizer: Option<Quantizer>,
    pub stride: Option<Sizes>,
    pub padding: Option<Padding>,
    pub groups: Option<usize>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pool {
    /// Left out for the whole image.
    pub size: Option<Sizes>,
    pub stride: Option<Sizes>,
    pub padding: Option<Padding>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Flatten {
    pub order: Option<FlattenOrder>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Add {
    /// The layer whose result is added.
    pub with: String,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum DenseOrder {
    Io,
    Oi,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ConvOrder {
    Hwio,
    Oihw,
    Wio,
    Oiw,
    /// Depthwise as Keras has it: channels, then outputs a channel.
    Hwcm,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum FlattenOrder {
    Hwc,
    Chw,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BatchNorm {
    pub gamma: Option<String>,
    pub beta: Option<String>,
    pub mean: String,
    pub variance: String,
    pub epsilon: Option<f64>,
}

/// How weights or a bias become numbers on a grid.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(tag = "kind", deny_unknown_fields, rename_all = "kebab-case")]
pub(super) enum Quantizer {
    Binary {
        #[serde(default)]
        scale: Scale,
    },
    Ternary {
        #[serde(default = "half")]
        threshold: f64,
        #[serde(default)]
        scale: Scale,
    },
    Integer {
        bits: u32,
        scale: Scale,
        #[serde(default = "yes")]
        signed: bool,
        #[serde(default)]
        narrow: bool,
        #[serde(default)]
        rounding: Rounding,
    },
    PowerOfTwo {
        bits: Option<u32>,
        #[serde(default = "one")]
        max: f64,
        min: Option<f64>,
    },
}

/// What follows sums.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(tag = "kind", deny_unknown_fields, rename_all = "kebab-case")]
pub(super) enum Activation {
    Sign {
        #[serde(default = "one")]
        scale: f64,
    },
    Ternary {
        #[serde(default = "half")]
        threshold: f64,
        #[serde(default = "one")]
        scale: f64,
    },
    Relu {
        bits: u32,
        scale: f64,
        #[serde(default)]
        narrow: bool,
        #[serde(default)]
        rounding: Rounding,
    },
    Quant {
        bits: u32,
        scale: f64,
        #[serde(default = "yes")]
        signed: bool,
        #[serde(default)]
        narrow: bool,
        #[serde(default)]
        rounding: Rounding,
    },
    Thresholds {
        array: String,
        #[serde(default)]
        low: f64,
        #[serde(default = "one")]
        step: f64,
    },
    Softmax {},
}

/// Ways of rounding; NumPy, TensorFlow and PyTorch round halves to even.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Rounding {
    #[default]
    HalfEven,
    HalfUp,
    HalfDown,
    Floor,
    Ceil,
}

impl Rounding {
    /// Its QONNX name.
    pub fn name(self) -> &'static str {
        match self {
            Self::HalfEven => "ROUND",
            Self::HalfUp => "HALF_UP",
            Self::HalfDown => "HALF_DOWN",
            Self::Floor => "FLOOR",
            Self::Ceil => "CEIL",
        }
    }
}

/// One number, or an array with one for each output.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(try_from = "Value")]
pub(super) enum Scale {
    Number(f64),
    Array(String),
}

impl Default for Scale {
    fn default() -> Self {
        Self::Number(1.0)
    }
}

impl TryFrom<Value> for Scale {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        match value {
            Value::Float(number) => Ok(Self::Number(number)),
            Value::Integer(number) => Ok(Self::Number(number as f64)),
            Value::String(name) => Ok(Self::Array(name)),
            _ => Err("a scale is a number, or the name of an array with one number for each output".into()),
        }
    }
}

/// One size for all axes, or one for each.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "Value")]
pub(super) enum Sizes {
    All(usize),
    Each(Vec<usize>),
}

impl TryFrom<Value> for Sizes {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        let all = usizes(&value);
        let each = value.as_array().map(|list| list.iter().map(usizes).collect());
        match (all, each) {
            (Some(size), _) => Ok(Self::All(size)),
            (_, Some(Some(sizes))) => Ok(Self::Each(sizes)),
            _ => Err("needs a whole number from 1 to 65535, or a list with one for each axis, as [2, 2]".into()),
        }
    }
}

/// A border.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "Value")]
pub(super) enum Padding {
    Valid,
    Same,
    /// Before each axis, then behind each.
    Each(Vec<usize>),
}

impl TryFrom<Value> for Padding {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        let zero_or_more = |value: &Value| if value.as_integer() == Some(0) { Some(0) } else { usizes(value) };
        let each = value.as_array().map(|list| list.iter().map(zero_or_more).collect());
        match (value.as_str(), each) {
            (Some("valid"), _) => Ok(Self::Valid),
            (Some("same"), _) => Ok(Self::Same),
            (_, Some(Some(sizes))) => Ok(Self::Each(sizes)),
            _ => Err("a padding is \"valid\", \"same\", or a list: top, left, bottom, right".into()),
        }
    }
}

fn usizes(value: &Value) -> Option<usize> {
    value.as_integer().filter(|size| (1..=0xffff).contains(size)).map(|size| size as usize)
}

fn one() -> f64 {
    1.0
}

fn half() -> f64 {
    0.5
}

fn yes() -> bool {
    true
}
