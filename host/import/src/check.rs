//! The oracle beside the integers: every tied tensor of the source against the model's values.
//!
//! A tensor is computed by the source's nodes from what the device has for the tensors before it, so that each layer is
//! judged alone: where everything is exact, that is the source's own arithmetic from end to end.

use std::collections::{BTreeMap, BTreeSet};

use crate::lower::{Imported, Tie};
use crate::operators::MAX_STEPS;
use crate::{Array, ImportError, execute};

/// How far a real number may lie off its integer, in units of it: the oracle computes in 64 bits.
const TOLERANCE: f64 = 1e-6;
/// How far a stated output may lie off, in units of it: its constant is rounded to 2^-32, by less than this.
const STATED: f64 = 0.02;
/// How far a product with a unit of 32 bits may lie off, as part of it.
const UNIT: f64 = 1.0 / (1u64 << 31) as f64;

/// What is said of a model's integers.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Said {
    /// Nodes of the graph, some of whose sums get a neighbouring level.
    pub neighbours: BTreeSet<String>,
    /// What the output stands for, as a user of the device can know it; where it is left out, what the import says of
    /// each channel of levels is taken.
    pub output: Option<Stated>,
}

/// What the integers of the output stand for: `value * unit + constant`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stated {
    /// One unit.
    pub unit: f64,
    /// What is to be added.
    pub constant: f64,
    /// How many units a score may lie off.
    pub error: u32,
}

/// How a row's tensors agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Agreement {
    /// Tensors that were compared.
    pub tensors: usize,
    /// Values that have a neighbouring level, where that is said.
    pub neighbours: usize,
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
        execute::run(&self.source, &self.inputs(bytes))
    }

    fn inputs(&self, bytes: &[u8]) -> BTreeMap<String, Array> {
        let input = self.source.inputs.first().map(|input| input.name.clone()).unwrap_or_default();
        BTreeMap::from([(input, self.reals(bytes))])
    }

    /// The source's tensor of scores, or of the levels that are the result.
    pub fn scores(&self) -> Option<&str> {
        self.ties.last().map(|tie| tie.tensor.strip_suffix(crate::cure::QUANTISED).unwrap_or(&tie.tensor))
    }

    /// Compares the oracle's tensors for a row of bytes with integers of the layers: `integers` gives those of a layer
    /// by its name. Each tensor must be what the integers stand for, those of the output as they are `said` to; where
    /// that is said, levels may be neighbouring ones.
    ///
    /// # Errors
    /// The node that cannot be computed; the first difference within. A tensor or a layer that is not there is one, of
    /// values that are no numbers.
    ///
    /// # Panics
    /// As [`reals`](Self::reals).
    pub fn compare(
        &self,
        bytes: &[u8],
        integers: &dyn Fn(&str) -> Option<Vec<i32>>,
        said: &Said,
    ) -> Result<Result<Agreement, Box<Difference>>, ImportError> {
        let (mut agreement, mut first, mut seen) = (Agreement::default(), None, BTreeSet::new());
        let mut see = |name: &str, array: &mut Array| {
            let Some(index) = self.ties.iter().position(|tie| tie.tensor == name) else { return };
            match self.judge(index, array, integers, said) {
                Ok(neighbours) => agreement.neighbours += neighbours,
                Err(why) => drop(first.get_or_insert(why)),
            }
            agreement.tensors += 1;
            seen.insert(index);
        };
        execute::walk(&self.source, &self.inputs(bytes), MAX_STEPS, &mut see)?;
        if let Some(why) = first {
            return Ok(Err(why));
        }
        let missing = (0..self.ties.len()).find(|index| !seen.contains(index));
        Ok(missing.map_or(Ok(agreement), |index| Err(self.ties[index].difference(0, f64::NAN, f64::NAN))))
    }

    /// How many integers of a tied tensor lie beside the source's real numbers where they may.
    fn judge(
        &self,
        index: usize,
        array: &mut Array,
        integers: &dyn Fn(&str) -> Option<Vec<i32>>,
        said: &Said,
    ) -> Result<usize, Box<Difference>> {
        let tie = &self.ties[index];
        let judge = Judge {
            stated: said.output.filter(|_| index + 1 == self.ties.len()),
            may_differ: self.path(tie).any(|node| said.neighbours.contains(node)),
        };
        let found = integers(&tie.node).ok_or_else(|| tie.difference(0, f64::NAN, f64::NAN))?;
        judge.tie(tie, array, &found)
    }

    /// The graph's nodes between the tensors before it that are compared, and a tied tensor.
    fn path(&self, tie: &Tie) -> impl Iterator<Item = &str> {
        let is_known = |at: usize| at == 0 || at != tie.at && self.ties.iter().any(|other| other.at == at);
        let mut at = tie.at;
        std::iter::from_fn(move || {
            let node = (!is_known(at)).then(|| &self.graph.nodes[at - 1])?;
            at = node.inputs[0];
            Some(node.name.as_str())
        })
    }
}

/// By which rule a tensor is judged.
struct Judge {
    /// What the output stands for, at the output.
    stated: Option<Stated>,
    /// Whether levels may be neighbouring ones.
    may_differ: bool,
}

impl Judge {
    /// How many values have a neighbouring level, which the source's nodes then go on with.
    fn tie(&self, tie: &Tie, array: &mut Array, found: &[i32]) -> Result<usize, Box<Difference>> {
        let (channels, mut neighbours) = (tie.offset.len(), 0);
        if tie.places.len() != array.values.len() {
            return Err(tie.difference(0, f64::NAN, f64::NAN));
        }
        for (element, (&place, expected)) in tie.places.iter().zip(&mut array.values).enumerate() {
            let (value, step, slack) = match self.stated {
                Some(stated) => stated.value(found.get(place as usize).copied()),
                None => tie.value(found, place as usize, place as usize % channels),
            };
            let off = (value - *expected).abs();
            if off <= slack {
                continue;
            }
            if !self.may_differ || off.is_nan() || off > slack + step {
                return Err(tie.difference(element, *expected, value));
            }
            neighbours += 1;
            *expected = value;
        }
        Ok(neighbours)
    }
}

impl Stated {
    /// What an integer stands for, a unit, and how far the value may lie off.
    fn value(&self, integer: Option<i32>) -> (f64, f64, f64) {
        let product = integer.map_or(f64::NAN, f64::from) * self.unit;
        let slack = (f64::from(self.error) + STATED) * self.unit + product.abs() * UNIT;
        (product + self.constant, self.unit, slack)
    }
}

impl Tie {
    fn difference(&self, element: usize, expected: f64, found: f64) -> Box<Difference> {
        let (tensor, layer) = (self.tensor.clone(), self.node.clone());
        Box::new(Difference { tensor, layer, element, expected, found })
    }

    /// What the integers of one element stand for, the smallest step of it, and how far it may lie off.
    fn value(&self, found: &[i32], place: usize, channel: usize) -> (f64, f64, f64) {
        let scales = &self.scale[channel * self.each..][..self.each];
        let step = scales.iter().map(|scale| scale.abs()).filter(|&scale| scale > 0.0).fold(f64::INFINITY, f64::min);
        let step = if step.is_finite() { step } else { 1.0 };
        let Some(integers) = found.get(place * self.each..(place + 1) * self.each) else {
            return (f64::NAN, step, 0.0);
        };
        let terms = scales.iter().zip(integers).map(|(scale, &integer)| scale * f64::from(integer));
        (self.offset[channel] + terms.sum::<f64>(), step, TOLERANCE * step)
    }
}
