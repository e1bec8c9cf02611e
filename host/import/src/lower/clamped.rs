//! Whether what stands behind sums is a line between two limits: only that has a multiplier for eight bits of levels.

use crate::cure::QUANTISED;
use crate::lower::coded::Coded;
use crate::lower::lowering::Lowering;

/// Places at which the slope is taken.
const PARTS: i64 = 32;
/// How far two slopes may differ, as part of the larger.
const SAME: f64 = 0.01;

impl Lowering<'_> {
    /// Bits for a quantiser behind the tensor `name`: eight, or the four of thresholds that may lie anywhere.
    pub fn bits_for(&self, name: &str) -> u32 {
        // One that was added before is judged by what it quantises.
        let name = name.strip_suffix(QUANTISED).unwrap_or(name);
        let is_line = self.values.get(name).is_none_or(|coded| self.is_clamped(coded).unwrap_or(false));
        if is_line { 8 } else { 4 }
    }

    fn is_clamped(&self, coded: &Coded) -> Option<bool> {
        let (first, last) = self.between_limits(coded)?;
        let channels = coded.channels();
        let codes = |part: i64| -> Vec<f64> {
            (0..channels).map(|c| (first[c] + (last[c] - first[c]) * part / PARTS) as f64).collect()
        };
        let columns: Option<Vec<_>> =
            (0..=PARTS).map(|part| Some((codes(part), self.values(coded, &codes(part)).ok()?))).collect();
        let columns = columns?;
        let slopes = |channel: usize| -> Vec<f64> {
            let pairs = columns.windows(2).map(|pair| {
                let [(a, before), (b, after)] = [&pair[0], &pair[1]];
                (b[channel] - a[channel], after[channel] - before[channel])
            });
            pairs.filter(|(run, _)| *run > 0.0).map(|(run, rise)| rise / run).collect()
        };
        Some((0..channels).all(|channel| is_even(&slopes(channel))))
    }

    /// The last integer of each channel that has the value of its least, and the first that has that of its greatest.
    fn between_limits(&self, coded: &Coded) -> Option<(Vec<i64>, Vec<i64>)> {
        let ends: Vec<(i64, i64)> = (0..coded.channels()).map(|channel| coded.code.range(channel)).collect();
        let (low, high): (Vec<i64>, Vec<i64>) = ends.into_iter().unzip();
        Some((self.last_like(coded, low.clone(), high.clone())?, self.last_like(coded, high, low)?))
    }

    /// Bisects, for each channel, to the last integer on the way from `from` to `to` that has the value of `from`.
    fn last_like(&self, coded: &Coded, from: Vec<i64>, to: Vec<i64>) -> Option<Vec<i64>> {
        let at = |codes: &[i64]| self.values(coded, &codes.iter().map(|&code| code as f64).collect::<Vec<_>>()).ok();
        let limit = at(&from)?;
        let (mut same, mut other) = (from, to);
        while same.iter().zip(&other).any(|(same, other)| same.abs_diff(*other) > 1) {
            let middle: Vec<i64> = same.iter().zip(&other).map(|(same, other)| same + (other - same) / 2).collect();
            let found = at(&middle)?;
            let is_limit = found.iter().zip(&limit).map(|(found, limit)| found == limit);
            for (channel, is_limit) in is_limit.enumerate() {
                let half = if is_limit { &mut same } else { &mut other };
                half[channel] = middle[channel];
            }
        }
        Some(same)
    }
}

/// Whether all slopes but the first and the last, which may hold a limit, are the same.
fn is_even(slopes: &[f64]) -> bool {
    let inner = slopes.get(1..slopes.len().saturating_sub(1)).unwrap_or(&[]);
    let most = inner.iter().map(|slope| slope.abs()).fold(0.0, f64::max);
    inner.iter().all(|slope| (slope - inner[0]).abs() <= SAME * most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slopes_between_limits_are_even_or_not() {
        assert!(is_even(&[0.1, 0.5, 0.5, 0.5, 0.2]));
        assert!(is_even(&[]) && is_even(&[1.0, 2.0]));
        assert!(!is_even(&[0.1, 0.5, 0.4, 0.5, 0.2]));
        assert!(!is_even(&[0.5, 0.5, 0.0, 0.5]));
    }
}
