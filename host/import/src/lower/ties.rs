//! Sums so near to a tie between two levels that arithmetic of 32 bits, in which models are trained, may round them to
//! the other one.

use crate::lower::coded::Coded;
use crate::lower::levels::Stretch;
use crate::lower::lowering::{Fault, Lowering};
use crate::operators::Operator;

/// How near that is, as part of the real number: some roundings of 32-bit floats.
const NEAR: f64 = 1.0 / (1 << 22) as f64;
/// Low bits of a float of 64 bits that are zero where 32 bits hold its products with others like it.
const SPARE_BITS: u64 = 40;

impl Lowering<'_> {
    /// Says how many of the possible sums lie near a tie; nothing where all constants are short, so that 32 bits hold
    /// every number.
    pub fn say_ties(&mut self, name: &str, coded: &Coded, stretches: &[Vec<Stretch>]) -> Result<(), Fault> {
        if self.is_short(coded) {
            return Ok(());
        }
        let parts: Vec<Coded> = [1.0 - NEAR, 1.0 + NEAR]
            .map(|part| {
                let moved = |values: &[f64]| values.iter().map(|value| value * part).collect::<Vec<_>>().into();
                Coded { scale: moved(&coded.scale), offset: moved(&coded.offset), ..coded.clone() }
            })
            .into();
        let (mut count, longest) = (0, stretches.iter().map(Vec::len).max().unwrap_or(0));
        // The last sum of each channel that was counted: one of its own level lies at two borders.
        let mut counted: Vec<Option<i64>> = vec![None; stretches.len()];
        for border in 1..longest {
            // The last sum of a stretch, and the first of the next.
            for (stretch, back) in [(border - 1, 1), (border, 0)] {
                let code = |(channel, one): (usize, &Vec<Stretch>)| {
                    one.get(border).map_or(coded.code.range(channel).0, |found| found.first - back)
                };
                let codes: Vec<i64> = stretches.iter().enumerate().map(code).collect();
                let found = [self.at(&parts[0], &codes)?, self.at(&parts[1], &codes)?];
                for (channel, one) in stretches.iter().enumerate().filter(|(_, one)| one.len() > border) {
                    let is_near = found.iter().any(|values| values[channel] != one[stretch].value);
                    if is_near && counted[channel] != Some(codes[channel]) {
                        counted[channel] = Some(codes[channel]);
                        count += 1;
                    }
                }
            }
        }
        if count > 0 {
            self.notes.push(format!(
                "`{name}`: {count} of the sums before it lie within 2^-22 of a tie between two levels, which the 32 bits \
                 of training may round to the other one"
            ));
        }
        Ok(())
    }

    /// Whether 32-bit arithmetic is exact on the way from the integers: steps of powers of two, mostly; or integers alone.
    fn is_short(&self, coded: &Coded) -> bool {
        let is_short = |value: &f64| value.to_bits() & ((1 << SPARE_BITS) - 1) == 0;
        let nodes = || self.chain(coded);
        let constants = || nodes().flat_map(|(node, _)| &node.inputs).filter_map(|name| self.constant(name));
        nodes().any(|(_, operator)| operator.is_some_and(Operator::is_tflite))
            || coded.scale.iter().chain(coded.offset.iter()).all(is_short)
                && constants().all(|array| array.values.iter().all(is_short))
    }
}
