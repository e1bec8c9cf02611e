//! Quantisation as a file has it, and constants as integers.

use super::schema::Tensor;
use crate::Array;

/// What to do with a model that is not of bytes.
pub(super) const QUANTISE: &str = "quantise it: full integer post-training quantisation (a TFLiteConverter with \
     optimizations = [Optimize.DEFAULT], a representative_dataset, and \
     target_spec.supported_ops = [OpsSet.TFLITE_BUILTINS_INT8])";

/// How the bytes of a computed tensor stand for real numbers: `scale * (byte - zero)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Quant {
    pub scale: f32,
    pub zero: i64,
    /// Least and greatest byte.
    pub range: [i64; 2],
}

impl Tensor<'_> {
    /// The quantisation of a computed tensor of int8 or uint8.
    pub fn quant(&self) -> Result<Quant, String> {
        let name = &self.name;
        let range = match self.kind.as_str() {
            "int8" => [-128, 127],
            "uint8" => [0, 255],
            "int16" => return Err(format!("`{name}` is int16, int8 and uint8 are read: {QUANTISE}")),
            kind => return Err(format!("`{name}` is {kind}, it must be int8 or uint8; {QUANTISE}")),
        };
        if self.is_variable {
            return Err(format!(
                "`{name}` is a variable that lives on from run to run; export the model without state"
            ));
        }
        let (&[scale], &[zero]) = (self.scales.as_slice(), self.zeros.as_slice()) else {
            return Err(format!(
                "`{name}` has {} scales and {} zero points, it needs one of each; {QUANTISE}",
                self.scales.len(),
                self.zeros.len()
            ));
        };
        check_scale(name, scale)?;
        if !(range[0]..=range[1]).contains(&zero) {
            return Err(format!("`{name}` has the zero point {zero}, no {} is it; convert it again", self.kind));
        }
        Ok(Quant { scale, zero, range })
    }

    /// The integers of a constant.
    pub fn integers(&self) -> Result<Vec<i64>, String> {
        let name = &self.name;
        if self.is_sparse {
            return Err(format!("`{name}` is sparse; convert the model without sparsity"));
        }
        let width = match self.kind.as_str() {
            "int8" | "uint8" => 1,
            "int32" => 4,
            "int64" => 8,
            kind => return Err(format!("the constant `{name}` is {kind}; int8, uint8, int32 and int64 are read")),
        };
        if self.data.is_empty() {
            return Err(format!("`{name}` is computed or empty, it must be a constant"));
        }
        if self.data.len() != self.count() * width {
            let length = self.data.len();
            return Err(format!("`{name}` has {length} bytes for sizes {:?} of {}", self.dims, self.kind));
        }
        Ok(match self.kind.as_str() {
            "int8" => self.data.iter().map(|&byte| i64::from(byte as i8)).collect(),
            "uint8" => self.data.iter().map(|&byte| i64::from(byte)).collect(),
            "int32" => self.data.as_chunks().0.iter().map(|&bytes| i32::from_le_bytes(bytes).into()).collect(),
            _ => self.data.as_chunks().0.iter().map(|&bytes| i64::from_le_bytes(bytes)).collect(),
        })
    }

    /// Weights less their zero point, and a scale for each of `outputs` along `axis`, or one for all.
    pub fn weights(&self, axis: usize, outputs: usize, input: Quant) -> Result<(Array, Vec<f32>), String> {
        let (name, is_signed) = (&self.name, self.kind == "int8");
        if !is_signed && self.kind != "uint8" {
            return Err(format!("the weights `{name}` are {}, int8 and uint8 are read; {QUANTISE}", self.kind));
        }
        if is_signed != (input.range[0] < 0) {
            return Err(format!("the weights `{name}` are {}, its input is not; convert it again", self.kind));
        }
        let (scales, zeros) = (&self.scales, &self.zeros);
        self.scales.iter().try_for_each(|&scale| check_scale(name, scale))?;
        let many = scales.len();
        if many == 0 || zeros.len() != many && zeros.len() != 1 {
            return Err(format!("the weights `{name}` have {many} scales and {} zero points", zeros.len()));
        }
        if many > 1 && (many != outputs || usize::try_from(self.axis) != Ok(axis) || !is_signed) {
            return Err(format!(
                "the weights `{name}` have {many} scales along axis {}, {outputs} along axis {axis} are needed (int8)",
                self.axis
            ));
        }
        let zero = zeros[0];
        if zeros.iter().any(|&zero| if is_signed { zero != 0 } else { !(0..=255).contains(&zero) }) {
            return Err(format!("the weights `{name}` have the zero point {zero}; 0 (int8) or 0 to 255 are known"));
        }
        let values = self.integers()?;
        let ends = values.iter().fold([0, 0], |[low, high], &w| [(w - zero).min(low), (w - zero).max(high)]);
        if ends[0] < -128 || ends[1] > 127 {
            return Err(format!(
                "the weights `{name}` less their zero point {zero} go from {} to {}, which takes 9 bits; int8 weights \
                 have zero point 0: convert the model with a converter of 2020 or later ({QUANTISE})",
                ends[0], ends[1]
            ));
        }
        Ok((Array::new(self.dims.clone(), values.iter().map(|&w| (w - zero) as f64).collect()), scales.clone()))
    }
}

fn check_scale(name: &str, scale: f32) -> Result<(), String> {
    if scale.is_finite() && scale > 0.0 {
        return Ok(());
    }
    Err(format!("`{name}` has the scale {scale}, which is not positive and finite; convert the model again"))
}
