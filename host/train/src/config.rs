//! Everything that decides a run besides the data.

use crate::architecture::Architecture;
use crate::balance::ClassWeights;
use crate::choice::{Choice, LayerMethod};
use crate::error::{TrainError, config_error};
use crate::methods::{ALL, Knob, Knobs, Method};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;
use std::str::FromStr;

/// How the first layer sees the input bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum InputCoding {
    /// As numbers; hardware takes them as bit planes.
    Planes,
    /// As this many signs per value, `x >= t` for thresholds spread evenly over the channel's range.
    Thermometer(u32),
}

impl FromStr for InputCoding {
    type Err = TrainError;

    fn from_str(text: &str) -> Result<Self, TrainError> {
        let count = text.strip_prefix("thermometer:").map(str::parse::<u32>);
        match (text, count) {
            ("planes", _) => Ok(Self::Planes),
            (_, Some(Ok(count))) if (1..=255).contains(&count) => Ok(Self::Thermometer(count)),
            _ => {
                let problem = format!("'{text}'; use planes or thermometer:N with N from 1 to 255");
                Err(config_error("input", problem))
            }
        }
    }
}

impl fmt::Display for InputCoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Planes => write!(f, "planes"),
            Self::Thermometer(count) => write!(f, "thermometer:{count}"),
        }
    }
}

impl TryFrom<String> for InputCoding {
    type Error = TrainError;

    fn try_from(text: String) -> Result<Self, TrainError> {
        text.parse()
    }
}

impl From<InputCoding> for String {
    fn from(coding: InputCoding) -> Self {
        coding.to_string()
    }
}

/// The rule that turns gradients into steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptimizerKind {
    /// Gradient descent with momentum 0.9.
    Sgd,
    /// Adam with 0.9, 0.999 (Kingma and Ba 2015).
    Adam,
}

impl FromStr for OptimizerKind {
    type Err = TrainError;

    fn from_str(text: &str) -> Result<Self, TrainError> {
        match text {
            "sgd" => Ok(Self::Sgd),
            "adam" => Ok(Self::Adam),
            _ => Err(config_error("optimizer", format!("'{text}'; use adam or sgd"))),
        }
    }
}

/// Which epoch's network a run ends with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Keep {
    /// That of the best epoch by the validation part; of the last one where there is no such part.
    #[default]
    Best,
    /// That of the last epoch.
    Last,
}

impl FromStr for Keep {
    type Err = TrainError;

    fn from_str(text: &str) -> Result<Self, TrainError> {
        match text {
            "best" => Ok(Self::Best),
            "last" => Ok(Self::Last),
            _ => Err(config_error("keep", format!("'{text}'; use best or last"))),
        }
    }
}

/// Everything that decides a run besides the data; equal configurations on equal data give equal bits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TrainConfig {
    /// Hidden blocks.
    pub arch: Architecture,
    /// How the first layer sees bytes.
    pub input: InputCoding,
    /// How weights are learned.
    pub method: Choice,
    /// Layers that learn in another way.
    pub methods: Vec<LayerMethod>,
    /// Activation bits: 1 is sign, 2 to 8 are unsigned levels, 0 is what the method is meant for.
    pub bits: u32,
    /// Adds the input of a weighted layer to its accumulators wherever shapes allow.
    pub residual: bool,
    /// Passes over the training part.
    pub epochs: u32,
    /// Samples per step.
    pub batch: u32,
    /// Decides weights, order and shifts.
    pub seed: u64,
    /// Step rule.
    pub optimizer: OptimizerKind,
    /// Highest learning rate.
    pub rate: f32,
    /// Epochs of linear warm-up before the cosine.
    pub warmup: f32,
    /// Random shift of images in either direction, in pixels.
    pub shift: u32,
    /// Rows of sensors with three axes each are turned by up to about this many degrees about each axis, 0 to 90.
    pub tilt: f32,
    /// Label smoothing, 0 to below 1.
    pub smoothing: f32,
    /// Weight decay for each unit of the learning rate.
    pub decay: f32,
    /// Settings of methods, beside the others in a file; a name that no method of the crate has is refused there.
    #[serde(flatten)]
    pub knobs: Knobs,
    /// Batch norms that multiply by powers of two only.
    pub shift_norm: bool,
    /// Rounds the gradient of every layer's result at random to this many bits, 2 to 8; 0 is off.
    pub gradient_bits: u32,
    /// Share of the training part that is cut off to choose by, 0 to 0.5, where the data has no validation part of its
    /// own; 0 learns from all.
    pub validation: f32,
    /// Ends the run when this many epochs brought nothing better on the validation part; 0 never does.
    pub patience: u32,
    /// Which epoch's network the run ends with.
    pub keep: Keep,
    /// How much rows of each class count.
    pub class_weights: ClassWeights,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            arch: Architecture { blocks: vec![crate::Block::Dense { outputs: 256 }; 3] },
            input: InputCoding::Planes,
            method: Choice::default(),
            methods: Vec::new(),
            bits: 0,
            residual: false,
            epochs: 30,
            batch: 128,
            seed: 1,
            optimizer: OptimizerKind::Adam,
            rate: 0.003,
            warmup: 1.0,
            shift: 0,
            tilt: 0.0,
            smoothing: 0.0,
            decay: 0.0,
            knobs: Knobs::default(),
            shift_norm: false,
            gradient_bits: 0,
            validation: 0.1,
            patience: 0,
            keep: Keep::Best,
            class_weights: ClassWeights::None,
        }
    }
}

impl TrainConfig {
    /// Checks every number.
    ///
    /// # Errors
    /// [`TrainError::Config`] names the field and what is allowed.
    pub fn check(&self) -> Result<(), TrainError> {
        let within = |field, value: f32, low: f32, high: f32| {
            if (low..=high).contains(&value) {
                Ok(())
            } else {
                Err(config_error(field, format!("{value}, allowed is {low} to {high}")))
            }
        };
        within("bits", self.bits as f32, 0.0, 8.0)?;
        within("epochs", self.epochs as f32, 1.0, 100_000.0)?;
        within("batch", self.batch as f32, 2.0, 65_536.0)?;
        within("rate", self.rate, f32::MIN_POSITIVE, 100.0)?;
        within("warmup", self.warmup, 0.0, self.epochs as f32)?;
        within("shift", self.shift as f32, 0.0, 64.0)?;
        within("tilt", self.tilt, 0.0, 90.0)?;
        within("smoothing", self.smoothing, 0.0, 0.9)?;
        within("decay", self.decay, 0.0, 10.0)?;
        within("validation", self.validation, 0.0, 0.5)?;
        within("gradient_bits", self.gradient_bits as f32, 0.0, 8.0)?;
        if self.gradient_bits == 1 {
            return Err(config_error("gradient_bits", "1, allowed is 2 to 8, or 0 for none"));
        }
        self.check_knobs()?;
        self.check_methods()
    }

    /// Every method of the crate, and those that are chosen.
    fn methods_in_reach(&self) -> impl Iterator<Item = &'static dyn Method> {
        let chosen = std::iter::once(self.method).chain(self.methods.iter().map(|one| one.method));
        ALL.iter().copied().chain(chosen.map(Choice::method))
    }

    /// Knobs are there and within their ranges.
    fn check_knobs(&self) -> Result<(), TrainError> {
        for (name, value) in self.knobs.iter() {
            let mut all = self.methods_in_reach().flat_map(|method| method.about().knobs);
            let Some(Knob { name, range: [low, high], .. }) = all.find(|knob| knob.name == name) else {
                return Err(config_error("knobs", format!("no method has a setting '{name}'")));
            };
            if !(*low..=*high).contains(&value) {
                return Err(config_error(name, format!("{value}, allowed is {low} to {high}")));
            }
        }
        Ok(())
    }

    /// What is a matter of all layers: real and nested networks, residuals.
    fn check_methods(&self) -> Result<(), TrainError> {
        let method = self.method.method();
        let name = method.about().name;
        if method.about().is_real && (self.bits > 0 || !self.methods.is_empty()) {
            let problem = format!("{name} is for the whole network; leave out bits and methods");
            return Err(config_error("method", problem));
        }
        if let Some(one) = self.methods.iter().find(|one| !one.method.method().about().is_for_layers) {
            return Err(config_error("methods", format!("{one}: only the whole network can learn so")));
        }
        if self.residual && (!method.about().adds_residuals || !self.methods.is_empty()) {
            let able = ALL.iter().map(|method| method.about()).filter(|about| about.adds_residuals);
            let able: Vec<&str> = able.map(|about| about.name).collect();
            let problem = format!("only with method {}: others scale their sums before the addition", able.join(", "));
            return Err(config_error("residual", problem));
        }
        for one in &self.methods {
            if let Some(objection) = method.objection(one.method.method()) {
                return Err(config_error("methods", format!("{one}: {objection}")));
            }
        }
        Ok(())
    }

    /// How a layer learns.
    pub fn method_of(&self, layer: &str) -> Choice {
        self.methods.iter().find(|one| one.layer == layer).map_or(self.method, |one| one.method)
    }

    /// Bits of the activations: 0 real, 1 sign, else levels.
    pub fn activation_bits(&self) -> u32 {
        if self.bits > 0 { self.bits } else { self.method.method().about().activation_bits }
    }

    /// All settings in JSON: what is stored, compared and printed.
    ///
    /// # Panics
    /// If a field cannot be written as JSON; numbers, texts and lists of them can.
    pub(crate) fn text(&self) -> String {
        serde_json::to_string(self).expect("settings are numbers and texts")
    }

    /// Names of the fields in which these settings differ from stored ones, of all fields that either has.
    pub(crate) fn differences_from(&self, stored: &str) -> Vec<String> {
        let fields = |text: &str| serde_json::from_str::<serde_json::Map<String, Value>>(text).unwrap_or_default();
        let (own, stored) = (fields(&self.text()), fields(stored));
        let names = own.keys().chain(stored.keys().filter(|name| !own.contains_key(*name)));
        names.filter(|name| own.get(*name) != stored.get(*name)).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::methods::knobs;
    use crate::trainer::Trainer;

    /// A stored value that is another one and can be read.
    fn another(name: &str, value: &Value) -> Value {
        match (name, value) {
            ("arch", _) => "mlp:7".into(),
            ("input", _) => "thermometer:3".into(),
            ("method", _) => "int:4".into(),
            ("methods", _) => serde_json::json!(["dense1=sbnn"]),
            ("optimizer", _) => "sgd".into(),
            ("keep", _) => "last".into(),
            ("class_weights", _) => "1,2".into(),
            (_, Value::Bool(on)) => (!on).into(),
            (_, Value::Number(number)) if number.is_f64() => 0.375.into(),
            (_, Value::Number(_)) => 77.into(),
            other => panic!("{other:?}: say what else it may be"),
        }
    }

    /// Settings of methods are among them: they are fields as all others.
    #[test]
    fn a_difference_in_any_field_is_named_where_a_run_is_resumed() {
        let data = bitfab_data::digits(0).unwrap();
        let config = TrainConfig { arch: "mlp:2".parse().unwrap(), ..TrainConfig::default() };
        assert!(config.differences_from(&config.text()).is_empty());
        let bytes = Trainer::new(&config, &data).unwrap().checkpoint().unwrap();
        let fields = serde_json::to_value(&config).unwrap();
        let fields = fields.as_object().unwrap();
        assert!(knobs().iter().all(|knob| fields.contains_key(knob.name)));
        for (name, value) in fields {
            let mut changed = fields.clone();
            changed[name] = another(name, value);
            let changed: TrainConfig = serde_json::from_value(changed.into()).unwrap();
            assert_eq!(changed.differences_from(&config.text()), [name.as_str()]);
            let error = Trainer::resume(&changed, &data, &bytes).unwrap_err().to_string();
            assert!(error.contains(&format!("with another {name};")), "{error}");
        }
        let other = TrainConfig { rate: 0.5, seed: 9, ..config.clone() };
        assert_eq!(other.differences_from(&config.text()), ["rate", "seed"]);
        assert_eq!(config.differences_from("{}").len(), fields.len());
    }

    #[test]
    fn settings_that_no_method_has_are_refused_wherever_they_are_stated() {
        let error = serde_json::from_str::<TrainConfig>(r#"{"archh": "mlp"}"#).unwrap_err().to_string();
        assert!(error.contains("unknown field `archh`"), "{error}");
        let config = TrainConfig { knobs: Knobs::default().with(&[("twos", 0.1)]), ..TrainConfig::default() };
        assert!(config.check().unwrap_err().to_string().contains("no method has a setting 'twos'"));
        let read: TrainConfig = serde_json::from_str(r#"{"ones": 0.25, "zeros": 0}"#).unwrap();
        assert_eq!(read.knobs, Knobs::default().with(&[("ones", 0.25), ("zeros", 0.0)]));
    }
}
