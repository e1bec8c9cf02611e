//! The end of the graph: scores of 32 bits, or what the model quantises them to.

use bitfab_graph::Op;

use crate::Source;
use crate::lower::coded::{Code, Coded, Link};
use crate::lower::imported::{Imported, Tie};
use crate::lower::lowering::{Fault, Lowering};
use crate::lower::nodes::is_passive;

/// How far a score may lie off a straight line, as part of the largest.
const TOLERANCE: f64 = 1e-9;
/// How far two slopes may differ and be the same, as part of them.
const SAME: f64 = 1e-12;
/// How far a class may lie off a whole number of units.
const STEP: f64 = 1e-7;

/// Units of levels, and their constants, that any file can say.
const LEAST_UNIT: f64 = 1.0 / (1 << 24) as f64;
const LARGEST: f64 = (1 << 30) as f64;

/// A slope and an offset a channel.
type Line = (Vec<f64>, Vec<f64>);

impl Lowering<'_> {
    /// Emits the result and judges the graph.
    pub fn finish(mut self) -> Result<Imported, Fault> {
        let name = self.without_activation(self.output()?);
        let coded = self.values[&name].clone();
        match self.line(&coded)? {
            Some((multiplier, offset)) => self.scores(&name, &coded, multiplier, offset),
            None => {
                let plain = self.plain(&name)?;
                if plain.code.at() != Some(self.graph.nodes.len()) {
                    return Err(self.trouble(&name, "the model's result is not that of its last layer"));
                }
                self.explain_levels(&name, &plain);
                self.state_levels(&name, &plain);
            }
        }
        self.graph.check()?;
        let Self { graph, input, input_layout, ties, folded, notes, .. } = self;
        let source = Source::default();
        let (input_dims, input_places) = (input_layout.dims, input_layout.places.to_vec());
        Ok(Imported { source, graph, input, input_dims, input_places, ties, folded, notes })
    }

    /// Lets the file say what its levels or signs are worth, where one line says it for all channels.
    fn state_levels(&mut self, name: &str, plain: &Coded) {
        let (unit, constant) = (plain.scale[0], plain.offset[0]);
        let is_one = plain.each == 1
            && plain.scale.iter().all(|&other| other == unit)
            && plain.offset.iter().all(|&other| other == constant);
        // Within what the file's numbers can say.
        if is_one && (LEAST_UNIT..LARGEST).contains(&unit) && constant.abs() < LARGEST {
            let at = self.graph.nodes.len();
            let op = Op::Affine { multiplier: vec![unit], offset: vec![constant] };
            self.push(&format!("{name}.worth"), vec![at], op);
        }
    }

    /// Says which integers of a TFLite model the device's levels are.
    fn explain_levels(&mut self, name: &str, plain: &Coded) {
        let is_integer = self.operators.iter().flatten().any(|operator| operator.is_tflite());
        let first = plain.offset[0];
        let is_even = plain.scale.iter().all(|&step| step == 1.0) && plain.offset.iter().all(|&other| other == first);
        if is_integer && is_even && matches!(plain.code, Code::Levels { .. }) {
            self.notes.push(format!("`{name}`: the device gives levels; the model's bytes are level + {first}"));
        }
    }

    /// The source's one result that is computed; several that are one tensor before an ending count as one.
    fn output(&self) -> Result<String, Fault> {
        let source = self.source;
        let Some(name) = source.outputs.iter().find(|name| self.values.contains_key(*name)) else {
            let name = source.outputs.first().cloned().unwrap_or_else(|| "output".into());
            return Err(Fault::Value { name, problem: "the model's result does not depend on its input".into() });
        };
        let others = source.outputs.iter().filter(|other| *other != name && !self.ended.contains_key(*other)).count();
        if others > 0 {
            let problem = format!("the model has {} results, it needs exactly one", source.outputs.len());
            return Err(Fault::Value { name: name.clone(), problem });
        }
        Ok(self.ended.get(name).unwrap_or(name).clone())
    }

    /// The scores before a last function that rises strictly and is the same for all: the largest is the same class.
    fn without_activation(&mut self, name: String) -> String {
        let coded = &self.values[&name];
        // Sizes may change behind it.
        let is_more = |index: &usize| !self.operators[*index].is_some_and(is_passive);
        let nodes = coded.chain.iter().rev().map_while(|link| match link {
            Link::Node { index, variable: 0 } => Some(*index),
            _ => None,
        });
        let last =
            nodes.into_iter().find(is_more).filter(|&index| self.operators[index].is_some_and(|one| one.is_strict));
        match last.map(|index| &self.source.nodes[index]) {
            Some(node) if matches!(coded.code, Code::Sums { .. }) => {
                self.leave(node);
                node.inputs[0].clone()
            }
            _ => name,
        }
    }

    /// Slope and offset of every channel, if the chain behind the sums is a straight line.
    fn line(&self, coded: &Coded) -> Result<Option<Line>, Fault> {
        if !matches!(coded.code, Code::Sums { .. }) || coded.chain.iter().any(|link| matches!(link, Link::Pool { .. }))
        {
            return Ok(None);
        }
        let range = |channel: usize| coded.code.range(channel);
        let at = |part: f64| -> Result<(Vec<f64>, Vec<f64>), Fault> {
            let code = |channel: usize| {
                let (low, high) = (range(channel).0 as f64, range(channel).1 as f64);
                (low + (high - low) * part).round()
            };
            let codes: Vec<f64> = (0..coded.channels()).map(code).collect();
            let values = self.values(coded, &codes).map_err(|(index, problem)| self.fault(index, problem))?;
            Ok((codes, values))
        };
        let (first, last) = (at(0.0)?, at(1.0)?);
        let slope = |c: usize| (last.1[c] - first.1[c]) / (last.0[c] - first.0[c]).max(1.0);
        let mut slopes: Vec<f64> = (0..coded.channels()).map(slope).collect();
        // Any slope does for a channel of one sum; that of another channel may spare a scale of its own.
        let other = slopes.iter().copied().find(|&slope| slope != 0.0).unwrap_or(1.0);
        (0..slopes.len()).filter(|&c| first.0[c] == last.0[c]).for_each(|c| slopes[c] = other);
        let offsets: Vec<f64> = slopes.iter().enumerate().map(|(c, slope)| first.1[c] - slope * first.0[c]).collect();
        for part in [0.07, 0.25, 0.43, 0.5, 0.51, 0.64, 0.83, 0.96] {
            let (codes, values) = at(part)?;
            for channel in 0..codes.len() {
                let size = first.1[channel].abs().max(last.1[channel].abs());
                let off = slopes[channel] * codes[channel] + offsets[channel] - values[channel];
                if off.abs() > TOLERANCE * size {
                    return Ok(None);
                }
            }
        }
        Ok(Some((slopes, offsets)))
    }

    /// Emits the last sums and their worth.
    fn scores(&mut self, name: &str, coded: &Coded, multiplier: Vec<f64>, offset: Vec<f64>) {
        let at = self.emit(coded);
        let node = self.layer(at);
        let (mut factors, mut offsets) = (multiplier.clone(), offset.clone());
        if let Some((unit, moved)) = one_unit(&multiplier, &offset) {
            factors.fill(unit);
            offsets = moved;
        }
        self.push(&format!("{node}.scale"), vec![at], Op::Affine { multiplier: factors, offset: offsets });
        let places = coded.layout.places.to_vec();
        self.ties.push(Tie { tensor: name.into(), node, at, places, each: 1, scale: multiplier, offset });
    }
}

/// A unit that all classes share, and their offsets in whole numbers of it, or in whole numbers and what they have in
/// common, if they are that but for the rounding of 64 bits.
///
/// The unit is cut to 32 bits, as many as the file has for it, so that its multiples are exact.
fn one_unit(multiplier: &[f64], offset: &[f64]) -> Option<(f64, Vec<f64>)> {
    let unit = multiplier[0];
    if unit <= 0.0 || multiplier.iter().any(|other| (other - unit).abs() > SAME * unit) {
        return None;
    }
    let cut = cut(unit);
    let from = |base: f64| -> Option<Vec<f64>> {
        let steps = offset.iter().map(|offset| (offset - base) / unit);
        let whole = |step: f64| (step - step.round()).abs() < STEP && step.abs() < 1e6;
        steps.map(|step| whole(step).then_some(cut * step.round() + base)).collect()
    };
    let offsets = from(0.0).or_else(|| from(offset[0]));
    offsets.filter(|_| cut.is_normal()).map(|offsets| (cut, offsets))
}

/// The nearest number of 32 bits.
fn cut(value: f64) -> f64 {
    let spare = f64::MANTISSA_DIGITS - 32;
    f64::from_bits((value.to_bits() + (1 << (spare - 1))) >> spare << spare)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_unit_has_32_bits_and_is_near() {
        for value in [0.1, 1.0, 3e-12, 1.999_999_999_999, 7e20] {
            let found = cut(value);
            assert!((found - value).abs() <= value / f64::from(1u32 << 31) / 2.0);
            assert_eq!(found.to_bits() << 43, 0, "{found}");
            assert_eq!(found * 999_999.0 / found, 999_999.0);
        }
    }

    #[test]
    fn offsets_are_whole_units_or_whole_units_apart() {
        let unit = cut(0.1);
        assert_eq!(one_unit(&[0.1; 2], &[0.3, -0.5]), Some((unit, vec![3.0 * unit, -5.0 * unit])));
        assert_eq!(one_unit(&[0.1; 2], &[0.33, 0.53]), Some((unit, vec![0.33, 2.0 * unit + 0.33])));
        assert_eq!(one_unit(&[0.1], &[0.33]), Some((unit, vec![0.33])));
        assert_eq!(one_unit(&[0.1; 2], &[0.33, 0.54]), None);
        assert_eq!(one_unit(&[0.1, 0.2], &[0.0, 0.0]), None);
    }
}
