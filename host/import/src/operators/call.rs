//! One node and the values that it reads, as the functions of the operators get them.

use std::cell::Cell;

use crate::{Array, SourceNode};

/// The most steps of a run, some minutes.
pub(crate) const MAX_STEPS: u64 = 1 << 38;

/// What one operator gives: its outputs, or a sentence that says what is wrong.
pub(crate) type Outputs = Result<Vec<Array>, String>;

/// How nodes are computed.
pub(crate) struct Mode {
    /// Steps that may still be taken: a value, a product, a comparison.
    pub steps: Cell<u64>,
    /// Whether quotients are rounded to 32 bits, as the software did that made the constants.
    pub is_single: bool,
}

impl Mode {
    pub const fn new(steps: u64) -> Self {
        Self { steps: Cell::new(steps), is_single: false }
    }
}

/// One node and the values that it reads.
pub(crate) struct Call<'a> {
    pub node: &'a SourceNode,
    pub inputs: &'a [Option<&'a Array>],
    pub opset: i64,
    pub mode: &'a Mode,
}

impl<'a> Call<'a> {
    /// An input that must be there.
    pub fn input(&self, at: usize) -> Result<&'a Array, String> {
        self.optional(at).ok_or_else(|| format!("input {at} is missing"))
    }

    /// An input that may be left out.
    pub fn optional(&self, at: usize) -> Option<&'a Array> {
        self.inputs.get(at).copied().flatten()
    }

    /// An input of one number.
    pub fn number(&self, at: usize) -> Result<f64, String> {
        match self.input(at)?.values.as_slice() {
            [value] => Ok(*value),
            other => Err(format!("input {at} has {} values, needs one", other.len())),
        }
    }

    /// The number of values of a result of these sizes, each of which takes so many steps.
    pub fn room(&self, dims: &[usize], each: usize) -> Result<usize, String> {
        let count = Array::count(dims).ok_or_else(|| format!("a result of sizes {dims:?} has too many values"))?;
        let need = (count as u64).checked_mul(each.max(1) as u64);
        let left = need.and_then(|need| self.mode.steps.get().checked_sub(need));
        self.mode.steps.set(left.ok_or_else(|| format!("a result of sizes {dims:?} takes too many steps"))?);
        Ok(count)
    }

    /// Whole numbers from an attribute, or else from an input.
    pub fn whole(&self, attribute: &str, at: usize) -> Option<Vec<i64>> {
        let from_input = || self.optional(at).map(|array| array.values.iter().map(|&value| value as i64).collect());
        self.node.ints(attribute).map(<[i64]>::to_vec).or_else(from_input)
    }

    /// An axis, counted from the end where negative.
    pub fn axis(&self, axis: i64, rank: usize) -> Result<usize, String> {
        let at = if axis < 0 { axis + rank as i64 } else { axis };
        if (0..rank as i64).contains(&at) { Ok(at as usize) } else { Err(format!("axis {axis} of {rank} axes")) }
    }
}
