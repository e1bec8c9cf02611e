//! Quantisers of weights and activations, as QONNX's operators.

use super::describe::{Activation, Quantizer, Rounding, Scale};
use super::writer::{Value, Writer};
use crate::Array;
use crate::operators::{BIPOLAR_QUANT, DIV, MUL, MULTI_THRESHOLD, QUANT, RELU, SOFTMAX};
use crate::source::Attribute;

/// The most bits of a weight or an activation, and of a bias.
const MAX_BITS: u32 = 8;
const MAX_BIAS_BITS: u32 = 32;

/// Whole numbers of a range, times a scale.
struct Grid {
    bits: u32,
    signed: bool,
    narrow: bool,
    rounding: Rounding,
}

impl Grid {
    fn check(&self, most: u32) -> Result<(), String> {
        let least = if self.signed { 2 } else { 1 };
        if (least..=most).contains(&self.bits) {
            return Ok(());
        }
        let kind = if self.signed { "signed" } else { "unsigned" };
        Err(format!("bits: {}; {kind} ones have {least} to {most}", self.bits))
    }
}

impl Writer<'_> {
    /// Weights whose outputs lie along the axis that is not 1 in `along`; gives the tensor.
    pub fn weights(
        &mut self,
        layer: &str,
        array: Array,
        along: &[usize],
        quantizer: Option<&Quantizer>,
    ) -> Result<String, String> {
        self.quantised(layer, "weights", array, along, quantizer, MAX_BITS)
            .map_err(|problem| format!("quantizer: {problem}"))
    }

    /// A bias for each output; gives the tensor.
    pub fn biases(&mut self, layer: &str, array: Array, quantizer: Option<&Quantizer>) -> Result<String, String> {
        let along = array.dims.clone();
        self.quantised(layer, "bias", array, &along, quantizer, MAX_BIAS_BITS)
            .map_err(|problem| format!("bias-quantizer: {problem}"))
    }

    fn quantised(
        &mut self,
        layer: &str,
        part: &str,
        array: Array,
        along: &[usize],
        quantizer: Option<&Quantizer>,
        most: u32,
    ) -> Result<String, String> {
        let name = format!("{layer}:{part}");
        match quantizer {
            None => Ok(self.constant(name, array)),
            Some(Quantizer::PowerOfTwo { bits, max, min }) => {
                let (least, greatest) = exponents(*bits, *max, *min)?;
                Ok(self.constant(name, powers(array, least, greatest)))
            }
            Some(Quantizer::Binary { scale }) => {
                let values = self.constant(format!("{name}.values"), array);
                let scale = self.scale(&name, scale, along)?;
                Ok(self.node(name, &BIPOLAR_QUANT, vec![values, scale], Vec::new()))
            }
            Some(Quantizer::Ternary { threshold, scale }) => {
                let values = self.constant(format!("{name}.values"), array);
                let scale = self.scale(&name, scale, along)?;
                self.ternary(&name, values, *threshold, scale)
            }
            Some(&Quantizer::Integer { bits, ref scale, signed, narrow, rounding }) => {
                let grid = Grid { bits, signed, narrow, rounding };
                grid.check(most)?;
                let values = self.constant(format!("{name}.values"), array);
                let scale = self.scale(&name, scale, along)?;
                Ok(self.quant(name, values, scale, &grid))
            }
        }
    }

    /// One scale, or one for each output; gives its name.
    fn scale(&mut self, name: &str, scale: &Scale, along: &[usize]) -> Result<String, String> {
        let array = match scale {
            Scale::Number(number) => Array::scalar(*number),
            Scale::Array(array) => {
                let count = along.iter().product();
                Array::new(along, self.vector("scale", array, count)?.values)
            }
        };
        match array.values.iter().find(|&&scale| !(scale.is_finite() && scale > 0.0)) {
            Some(scale) => Err(format!("scale: {scale} is not positive")),
            None => Ok(self.constant(format!("{name}.scale"), array)),
        }
    }

    fn quant(&mut self, name: String, values: String, scale: String, grid: &Grid) -> String {
        let zero = self.constant(format!("{name}.zero"), Array::scalar(0.0));
        let bits = self.constant(format!("{name}.bits"), Array::scalar(grid.bits.into()));
        let attributes = vec![
            ("signed", Attribute::Int(grid.signed.into())),
            ("narrow", Attribute::Int(grid.narrow.into())),
            ("rounding_mode", Attribute::Text(grid.rounding.name().into())),
        ];
        self.node(name, &QUANT, vec![values, scale, zero, bits], attributes)
    }

    /// -1, 0 and +1 times a scale: 0 up to the threshold.
    fn ternary(&mut self, name: &str, values: String, threshold: f64, scale: String) -> Result<String, String> {
        if !(threshold.is_finite() && threshold > 0.0) {
            return Err(format!("threshold: {threshold} is not positive"));
        }
        // Rounding has its threshold at a half.
        let whole = self.constant(format!("{name}.whole"), Array::scalar(2.0 * threshold));
        let parts = self.node(format!("{name}.parts"), &DIV, vec![values, whole], Vec::new());
        let one = self.constant(format!("{name}.one"), Array::scalar(1.0));
        let grid = Grid { bits: 2, signed: true, narrow: true, rounding: Rounding::HalfEven };
        let signs = self.quant(format!("{name}.signs"), parts, one, &grid);
        Ok(self.node(name.into(), &MUL, vec![signs, scale], Vec::new()))
    }

    /// What follows the sums of a layer; gives the tensor.
    ///
    /// # Errors
    /// A sentence that names the key.
    pub fn activate(&mut self, layer: &str, activation: &Activation, value: &Value) -> Result<String, String> {
        let (name, from) = (format!("{layer}:activation"), value.tensor.clone());
        match *activation {
            Activation::Sign { scale } => {
                let scale = self.scale(&name, &Scale::Number(scale), &[])?;
                Ok(self.node(name, &BIPOLAR_QUANT, vec![from, scale], Vec::new()))
            }
            Activation::Ternary { threshold, scale } => {
                let scale = self.scale(&name, &Scale::Number(scale), &[])?;
                self.ternary(&name, from, threshold, scale)
            }
            Activation::Relu { bits, scale, narrow, rounding } => {
                let grid = Grid { bits, signed: false, narrow, rounding };
                let positive = self.node(format!("{name}.relu"), &RELU, vec![from], Vec::new());
                self.stepped(name, positive, scale, &grid)
            }
            Activation::Quant { bits, scale, signed, narrow, rounding } => {
                self.stepped(name, from, scale, &Grid { bits, signed, narrow, rounding })
            }
            Activation::Thresholds { ref array, low, step } => self.thresholds(name, array, low, step, value),
            Activation::Softmax {} if value.dims.len() > 1 => {
                Err(format!("softmax over sizes {:?}; put a layer of kind flatten before it", value.dims))
            }
            Activation::Softmax {} => Ok(self.node(name, &SOFTMAX, vec![from], vec![("axis", Attribute::Int(1))])),
        }
    }

    fn stepped(&mut self, name: String, from: String, scale: f64, grid: &Grid) -> Result<String, String> {
        grid.check(MAX_BITS)?;
        let scale = self.scale(&name, &Scale::Number(scale), &[])?;
        Ok(self.quant(name, from, scale, grid))
    }

    /// `low + step * number of thresholds that are reached`.
    fn thresholds(&mut self, name: String, array: &str, low: f64, step: f64, value: &Value) -> Result<String, String> {
        let channels = value.channels();
        let found = self.archive.array(array).map_err(|problem| format!("array: {problem}"))?;
        let dims = match found.dims[..] {
            [each] if each > 0 => vec![1, each],
            [rows, each] if each > 0 && (rows == 1 || rows == channels) => vec![rows, each],
            _ => {
                let dims = &found.dims;
                return Err(format!(
                    "array: `{array}` has sizes {dims:?}; it needs [thresholds] for all or [{channels}, thresholds]"
                ));
            }
        };
        if !(low.is_finite() && step.is_finite() && step > 0.0) {
            return Err(format!("low {low} and step {step}; both are finite and the step is positive"));
        }
        let values = self.constant(format!("{name}.thresholds"), Array::new(dims, found.values));
        let layout = ["NC", "NCW", "NCHW"][value.spatial().len().min(2)];
        let attributes = vec![
            ("out_scale", Attribute::Float(step)),
            ("out_bias", Attribute::Float(low)),
            ("data_layout", Attribute::Text(layout.into())),
        ];
        Ok(self.node(name, &MULTI_THRESHOLD, vec![value.tensor.clone(), values], attributes))
    }
}

/// Least and greatest exponent; `bits` are a sign and an exponent as QKeras counts them.
fn exponents(bits: Option<u32>, max: f64, min: Option<f64>) -> Result<(i32, i32), String> {
    let exponent = |key: &str, value: f64| {
        let exponent = value.log2();
        let is_power = exponent.fract() == 0.0 && exponent.abs() <= 64.0;
        if is_power { Ok(exponent as i32) } else { Err(format!("{key}: {value} is not a power of two")) }
    };
    let greatest = exponent("max", max)?;
    let (least, greatest) = match (bits, min) {
        (None, Some(min)) => (exponent("min", min)?, greatest),
        // An exponent that may be positive has a sign of its own.
        (Some(bits @ 3..=6), None) if greatest > 0 => (-(1 << (bits - 2)), greatest.min((1 << (bits - 2)) - 1)),
        (Some(bits @ 2..=6), None) => (-(1 << (bits - 1)), greatest),
        (Some(bits), None) => return Err(format!("bits: {bits}; 2 to 6 are allowed, 3 to 6 with a max above 1")),
        _ => return Err("needs either bits or min, the least magnitude".into()),
    };
    if least <= greatest { Ok((least, greatest)) } else { Err("min: is greater than max".into()) }
}

/// Each value as the power of two nearest in its logarithm, with its sign; zero is the least, and positive.
fn powers(array: Array, least: i32, greatest: i32) -> Array {
    let power = |value: &f64| {
        let exponent = value.abs().log2().round_ties_even().clamp(least.into(), greatest.into());
        let size = 2f64.powi(exponent as i32);
        if *value < 0.0 { -size } else { size }
    };
    Array::new(array.dims, array.values.iter().map(power).collect())
}
