//! What the sums of each channel can be: less than the bound of the layer, which is that of its largest row, and often
//! every second number only.

use bitfab_format::{Bound, Kind, Layer, PadValue};
use bitfab_graph::Weights;

/// The sums of one channel: from `bound.low` to `bound.high`, those that are `one` plus a multiple of `step`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sums {
    pub bound: Bound,
    /// 0 where there is only one sum.
    step: i64,
    one: i64,
}

/// The sums of every channel of a layer within `bound`, by its weights and what it reads; `negated` rows are so.
pub(crate) fn sums(layer: &Layer<'_>, weights: Option<&Weights>, negated: &[bool], bound: Bound) -> Vec<Sums> {
    let channels = layer.output.shape.channels as usize;
    let Some(weights) = weights else {
        let row = vec![1; layer.fan_in() as usize];
        return vec![Sums { bound, ..of_row(layer, &row, 1, bound) }; channels];
    };
    let rows = weights.quantized();
    let rows = rows.chunks_exact(weights.fan_in()).zip(negated);
    rows.map(|(row, &negated)| of_row(layer, row, if negated { -1 } else { 1 }, bound)).collect()
}

/// The sums of one row times `sign`.
fn of_row(layer: &Layer<'_>, row: &[i32], sign: i64, bound: Bound) -> Sums {
    let (low, high) = layer.input.kind.range();
    let sum = |pick: fn(i64, i64) -> i64| -> i64 {
        let ends = [i64::from(low) * sign, i64::from(high) * sign];
        row.iter().map(|&w| pick(i64::from(w) * ends[0], i64::from(w) * ends[1])).sum()
    };
    // Taps on the border may add nothing at all.
    let (mut least, mut most) = (sum(i64::min).min(0), sum(i64::max).max(0));
    let divisor = row.iter().fold(0, |all, &w| gcd(all, i64::from(w.unsigned_abs())));
    let is_sign = layer.input.kind == Kind::Sign;
    let has_zeros = layer.pad_value == PadValue::Zero && layer.window.is_padded();
    let mut step = if is_sign && !has_zeros { 2 * divisor } else { divisor };
    let mut one = if is_sign { row.iter().map(|&w| i64::from(w) * sign).sum() } else { 0 };
    if let Some(residual) = layer.residual {
        let [low, high] = <[i32; 2]>::from(residual.tensor.kind.range()).map(|end| i64::from(end) << residual.shift);
        let is_sign = residual.tensor.kind == Kind::Sign;
        (least, most) = (least + low, most + high);
        step = gcd(step, 1 << (residual.shift + u32::from(is_sign)));
        one += if is_sign { high } else { 0 };
    }
    let within = |value: i64| value.clamp(bound.low.into(), bound.high.into()) as i32;
    Sums { bound: Bound { low: within(least), high: within(most) }, step, one }
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

impl Sums {
    /// The least and the greatest number that as many of the sums reach as reach `threshold`.
    pub fn alike(&self, threshold: i64) -> [i32; 2] {
        let (low, high) = (i64::from(self.bound.low), i64::from(self.bound.high));
        let step = self.step.max(1);
        let up = |to: i64| self.one + (to - self.one + step - 1).div_euclid(step) * step;
        let (first, last) = match self.step {
            0 => (self.one, self.one),
            _ => (up(low), up(high + 1) - step),
        };
        let next = up(threshold).max(first);
        let (before, next) = if next > last { (last, None) } else { (next - step, Some(next)) };
        let least = if before < first { i32::MIN } else { (before + 1) as i32 };
        [least, next.map_or(i32::MAX, |next| next as i32)]
    }
}
