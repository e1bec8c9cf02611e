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

#[cfg(test)]
mod tests {
    use bitfab_format::{Op, Region, Residual, Shape, Tensor, Transform, Weights as View, Window, choose_thresholds};

    use super::*;

    const fn tensor(channels: u32, kind: Kind) -> Tensor {
        Tensor { shape: Shape::vector(channels), kind, region: Region { start: 0, words: 0 } }
    }

    /// A layer over `inputs` values of `kind`, which taps outside may leave out.
    fn layer(inputs: u32, kind: Kind, is_padded: bool, residual: Option<Residual>) -> Layer<'static> {
        let padding = if is_padded { [1, 0, 0, 0] } else { [0; 4] };
        Layer {
            index: 0,
            name: "",
            op: Op::Conv2d,
            input_index: 0,
            input: tensor(inputs, kind),
            output: tensor(1, Kind::Sign),
            residual,
            window: Window { kernel: [2, 1], stride: [1, 1], padding },
            pad_value: PadValue::Zero,
            groups: 1,
            weights: View::None,
            transform: Transform::None,
            scratch: Region::default(),
        }
    }

    /// All values of `kind`.
    fn values(kind: Kind) -> Vec<i64> {
        let (low, high) = kind.range();
        (low..=high).filter(|&value| kind != Kind::Sign || value != 0).map(i64::from).collect()
    }

    /// Every sum that a row can have, by trying all inputs.
    fn all_sums(layer: &Layer<'_>, row: &[i32], sign: i64) -> Vec<i64> {
        let mut inputs = values(layer.input.kind);
        if layer.window.is_padded() {
            inputs.push(0);
        }
        let mut sums = vec![0];
        for &weight in row {
            sums = sums.iter().flat_map(|sum| inputs.iter().map(move |x| sum + sign * i64::from(weight) * x)).collect();
        }
        if let Some(residual) = layer.residual {
            let added = values(residual.tensor.kind);
            sums = sums.iter().flat_map(|sum| added.iter().map(move |x| sum + (x << residual.shift))).collect();
        }
        sums.sort_unstable();
        sums.dedup();
        sums
    }

    #[test]
    fn numbers_that_are_alike_are_reached_by_the_same_sums() {
        let wide = Bound { low: -100_000, high: 100_000 };
        let kinds = [Kind::Sign, Kind::Unsigned { bits: 2 }];
        let residual = |kind, shift| Some(Residual { index: 1, tensor: tensor(1, kind), shift });
        let residuals = [None, residual(Kind::Sign, 0), residual(Kind::Sign, 2), residual(kinds[1], 1)];
        let rows: [&[i32]; 7] = [&[1, -1, 1], &[1, 1, 1, -1], &[0, 0], &[2, -2, 4], &[3, 9, -6], &[5], &[0, 1, -1, 0]];
        let mut alone = 0;
        for kind in kinds {
            for (residual, is_padded) in residuals.iter().flat_map(|one| [(*one, false), (*one, true)]) {
                for (row, sign) in rows.iter().flat_map(|row| [(row, 1), (row, -1)]) {
                    let layer = layer(row.len() as u32, kind, is_padded, residual);
                    let (sums, found) = (of_row(&layer, row, sign, wide), all_sums(&layer, row, sign));
                    assert!(i64::from(sums.bound.low) <= found[0] && found[found.len() - 1] <= sums.bound.high.into());
                    for threshold in (found[0] - 5..=found[found.len() - 1] + 5).chain([i32::MIN.into(), 1 << 31]) {
                        let [low, high] = sums.alike(threshold);
                        assert!(low <= high && i64::from(low) <= threshold && threshold <= i64::from(high) + 1);
                        for other in [low, high] {
                            let same = found.iter().all(|&sum| (sum >= threshold) == (sum >= other.into()));
                            assert!(same, "{kind:?}, {row:?} x {sign}: {threshold} and {other} of {found:?}");
                        }
                        alone += usize::from(high - low == 1);
                    }
                }
            }
        }
        assert!(alone > 300, "sums of signs are every second number: {alone}");
    }

    #[test]
    fn thresholds_of_signs_lose_their_lowest_bit() {
        let bound = Bound { low: -64, high: 64 };
        let layer = layer(64, Kind::Sign, false, None);
        let sums = of_row(&layer, &[1; 64], 1, bound);
        let ranges = [-33, 7, 20, i32::MAX].map(|threshold| sums.alike(threshold.into()));
        let chosen = choose_thresholds(&ranges, 1);
        assert!(chosen.iter().all(|value| value % 2 == 0), "{chosen:?}");
        assert!(chosen.iter().all(|&value| (-64..=128).contains(&value)), "{chosen:?}");
    }
}
