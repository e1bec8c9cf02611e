//! The oracle beside the integers: every tied tensor of the source against the model's values.

use std::collections::BTreeMap;

use crate::lower::{Imported, Tie};
use crate::{Array, ImportError, execute};

/// How far a real number may lie off its integer, in units of it: the oracle computes in 64 bits.
const TOLERANCE: f64 = 1e-6;

/// What the scores of the device are worth, where it scales them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScoreUnit {
    /// One unit.
    pub unit: f64,
    /// How many units two scores may lie off together.
    pub error: f64,
}

impl ScoreUnit {
    /// A unit of sums that are only moved, or of sums that are multiplied and rounded.
    pub fn new(unit: f64, is_rounded: bool) -> Self {
        Self { unit, error: if is_rounded { 4.0 } else { 0.01 } }
    }
}

/// Where the oracle and the integers first differ.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The source's tensor.
    pub tensor: String,
    /// The layer.
    pub layer: String,
    /// Which element of the source's tensor.
    pub element: usize,
    /// The oracle's value.
    pub expected: f64,
    /// What the integers stand for.
    pub found: f64,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { tensor, layer, element, expected, found } = self;
        write!(f, "tensor `{tensor}`, element {element}: the source has {expected}, layer `{layer}` stands for {found}")
    }
}

impl Imported {
    /// The source's input for a row of bytes in the order of the graph's input.
    ///
    /// # Panics
    /// If the row is shorter than the input.
    pub fn reals(&self, bytes: &[u8]) -> Array {
        self.input.reals(&self.input_dims, &self.input_places, bytes)
    }

    /// Every tensor of the source by the oracle for a row of bytes.
    ///
    /// # Errors
    /// The node that cannot be computed.
    ///
    /// # Panics
    /// As [`reals`](Self::reals).
    pub fn oracle(&self, bytes: &[u8]) -> Result<BTreeMap<String, Array>, ImportError> {
        let input = self.source.inputs.first().map(|input| input.name.clone()).unwrap_or_default();
        execute::run(&self.source, &BTreeMap::from([(input, self.reals(bytes))]))
    }

    /// The source's tensor of scores, or of the levels that are the result.
    pub fn scores(&self) -> Option<&str> {
        self.ties.last().map(|tie| tie.tensor.strip_suffix(crate::nearest::QUANTISED).unwrap_or(&tie.tensor))
    }

    /// Compares the oracle's tensors with integers of the layers: `integers` gives those of a layer by its name,
    /// `unit` is what one unit of the last layer's scores is worth if they are scaled on the device.
    /// Gives the number of tensors that were compared.
    ///
    /// # Errors
    /// The first difference; a tensor or a layer that is not there is one, of values that are no numbers.
    pub fn compare(
        &self,
        oracle: &BTreeMap<String, Array>,
        integers: &dyn Fn(&str) -> Option<Vec<i32>>,
        unit: Option<ScoreUnit>,
    ) -> Result<usize, Box<Difference>> {
        let mut count = 0;
        for (index, tie) in self.ties.iter().enumerate() {
            let missing = || tie.difference(0, f64::NAN, f64::NAN);
            let expected = oracle.get(&tie.tensor).ok_or_else(missing)?;
            let found = integers(&tie.node).ok_or_else(missing)?;
            let unit = unit.filter(|_| index + 1 == self.ties.len());
            tie.compare(expected, &found, unit)?;
            count += 1;
        }
        Ok(count)
    }
}

impl Tie {
    /// The first element whose value is not what its integers stand for.
    fn compare(&self, expected: &Array, found: &[i32], unit: Option<ScoreUnit>) -> Result<(), Box<Difference>> {
        if let Some(unit) = unit {
            return self.compare_scores(expected, found, unit);
        }
        let channels = self.offset.len();
        for (element, (&place, &expected)) in self.places.iter().zip(&expected.values).enumerate() {
            let (value, step) = self.value(found, place as usize, place as usize % channels);
            if (value - expected).abs() > TOLERANCE * step {
                return Err(self.difference(element, expected, value));
            }
        }
        Ok(())
    }

    /// Scores in units of the device, which may leave out a constant that all classes share.
    fn compare_scores(&self, expected: &Array, found: &[i32], worth: ScoreUnit) -> Result<(), Box<Difference>> {
        let score = |&place: &u32| found.get(place as usize).map_or(f64::NAN, |&score| f64::from(score) * worth.unit);
        let scores: Vec<f64> = self.places.iter().map(score).collect();
        let shared = scores.first().zip(expected.values.first()).map_or(0.0, |(score, expected)| expected - score);
        for (element, (&score, &expected)) in scores.iter().zip(&expected.values).enumerate() {
            let off = (score + shared - expected).abs();
            // A unit is stated to 24 bits at least.
            if off.is_nan() || off > worth.error * worth.unit + score.abs() * 2f64.powi(-23) {
                return Err(self.difference(element, expected, score + shared));
            }
        }
        Ok(())
    }

    fn difference(&self, element: usize, expected: f64, found: f64) -> Box<Difference> {
        let (tensor, layer) = (self.tensor.clone(), self.node.clone());
        Box::new(Difference { tensor, layer, element, expected, found })
    }

    /// What the integers of one element stand for, and the smallest step of it.
    fn value(&self, found: &[i32], place: usize, channel: usize) -> (f64, f64) {
        let scales = &self.scale[channel * self.each..][..self.each];
        let integers = found.get(place * self.each..).unwrap_or(&[]);
        let terms = scales.iter().zip(integers).map(|(scale, &integer)| scale * f64::from(integer));
        let step = scales.iter().map(|scale| scale.abs()).filter(|&scale| scale > 0.0).fold(f64::INFINITY, f64::min);
        (self.offset[channel] + terms.sum::<f64>(), if step.is_finite() { step } else { 1.0 })
    }
}
