//! The nearest model that has an exact integer form: post-training quantisation where a lowering fails, and nowhere else.

use std::collections::BTreeMap;

use crate::cure::{Cure, QUANTISED};
use crate::operators::QUANT;
use crate::{Array, Attribute, ImportError, Source};

/// A change that was made, for people.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    cure: Cure,
    what: String,
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.what)
    }
}

/// A calibration: the least and the greatest value of every tensor over some rows, which the ranges of quantisers are
/// taken from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ranges(BTreeMap<String, (f64, f64)>);

impl Ranges {
    /// Widens the ranges by the tensors of one run.
    pub fn see(&mut self, tensors: &BTreeMap<String, Array>) {
        for (name, array) in tensors {
            let ends = (f64::INFINITY, f64::NEG_INFINITY);
            self.widen(name, array.values.iter().fold(ends, |ends, &value| (ends.0.min(value), ends.1.max(value))));
        }
    }

    /// Widens the ranges by those of other rows.
    pub fn merge(&mut self, other: &Self) {
        other.0.iter().for_each(|(name, &range)| self.widen(name, range));
    }

    fn widen(&mut self, name: &str, (low, high): (f64, f64)) {
        match self.0.get_mut(name) {
            Some(range) => *range = (range.0.min(low), range.1.max(high)),
            None => drop(self.0.insert(name.into(), (low, high))),
        }
    }

    /// The range of all of `names` together, if each was seen.
    fn of(&self, names: &[String]) -> Option<(f64, f64)> {
        let range = |name: &String| self.0.get(name.strip_suffix(QUANTISED).unwrap_or(name)).copied();
        let ranges: Option<Vec<(f64, f64)>> = names.iter().map(range).collect();
        let joined = ranges?.into_iter().reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))?;
        (joined.0.is_finite() && joined.1.is_finite()).then_some(joined)
    }
}

/// Makes the change that `error` asks for; gives it back if there is none, or if it was made before.
pub(crate) fn cure(
    source: &mut Source,
    error: ImportError,
    ranges: &Ranges,
    made: &[Change],
) -> Result<Change, ImportError> {
    let Some(cure) = error.cure().cloned() else { return Err(error) };
    if made.iter().any(|change| change.cure == cure) {
        return Err(error);
    }
    let what = match &cure {
        Cure::Weights { output, weights } => round(source, output, weights),
        Cure::Quantise { tensors, bits } => match ranges.of(tensors) {
            Some(range) => Some(quantise(source, tensors, *bits, range)),
            None => return Err(error),
        },
    };
    match what {
        Some(what) => Ok(Change { cure, what }),
        None => Err(error),
    }
}

/// Puts rounded weights in the place of a node's own.
fn round(source: &mut Source, output: &str, weights: &Array) -> Option<String> {
    let node = source.nodes.iter_mut().find(|node| node.outputs.iter().any(|name| name == output))?;
    let name = format!("{}.nearest", node.inputs.get(1)?);
    let old = source.constants.get(&node.inputs[1])?;
    let off = old.values.iter().zip(&weights.values).map(|(old, new)| (old - new).abs()).fold(0.0, f64::max);
    let largest = old.values.iter().map(|value| value.abs()).fold(f64::MIN_POSITIVE, f64::max);
    let what = format!(
        "`{}`: its weights are rounded to whole numbers of 8 bits, by at most {:.2} % of the largest",
        node.name,
        100.0 * off / largest
    );
    node.inputs[1].clone_from(&name);
    source.constants.insert(name, weights.clone());
    Some(what)
}

/// Puts a quantiser of `bits` behind each of `names`.
pub(crate) fn quantise(source: &mut Source, names: &[String], bits: u32, (low, high): (f64, f64)) -> String {
    let (is_signed, levels) = (low < 0.0, |bits: u32| f64::from((1u32 << bits) - 1));
    let most = if is_signed { high.max(-low) / levels(bits - 1) } else { high / levels(bits) };
    // The file's quantisers have scales of 32 bits; one that is none needs no exact value.
    let scale = if most > 0.0 { f64::from(most as f32).max(f64::from(f32::MIN_POSITIVE)) } else { 1.0 };
    for name in names {
        let quantised = if name.ends_with(QUANTISED) { name.clone() } else { quantiser(source, name) };
        for (part, value) in [("scale", scale), ("zero", 0.0), ("bits", f64::from(bits))] {
            source.constants.insert(format!("{quantised}.{part}"), Array::new([], vec![value]));
        }
        let node = source.nodes.iter_mut().find(|node| node.name == quantised);
        let signed = ("signed".to_string(), Attribute::Int(is_signed.into()));
        node.map(|node| node.attributes.insert(signed.0, signed.1));
    }
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    format!("{}: quantised to {bits} bits of {scale:.3e}, over {low:.4} to {high:.4}", names.join(" and "))
}

/// Puts a quantiser whose constants are to come behind the tensor `name`, for all that read it; gives the name of its result.
fn quantiser(source: &mut Source, name: &str) -> String {
    let quantised = format!("{name}{QUANTISED}");
    let from = source.nodes.iter().position(|node| node.outputs.iter().any(|output| output == name));
    let from = from.map_or(0, |index| index + 1);
    for node in &mut source.nodes[from..] {
        node.inputs.iter_mut().filter(|input| *input == name).for_each(|input| input.clone_from(&quantised));
    }
    source.outputs.iter_mut().filter(|output| *output == name).for_each(|output| output.clone_from(&quantised));
    let constants = ["scale", "zero", "bits"].map(|part| format!("{quantised}.{part}"));
    let inputs = [&[name.to_string()], &constants[..]].concat();
    source.nodes.insert(from, QUANT.node(quantised.clone(), inputs, quantised.clone()));
    quantised
}
