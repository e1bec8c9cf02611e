//! Which end of a grid of more than four bits is its limit: requantised values clamp at 0 and at the greatest level.

use crate::lower::levels::{Grid, Stretch};

/// Moves grids up where their values saturate at the top and not at the bottom, so that the top is the greatest of
/// `2^bits` levels; the levels below are never reached.
pub(crate) fn align(grids: &mut [Grid], bits: u32, stretches: &[Vec<Stretch>], range: impl Fn(usize) -> (i64, i64)) {
    let ends = |channel: usize| limits(&stretches[channel], range(channel), &grids[channel]);
    let all: Vec<[bool; 2]> = (0..grids.len()).map(ends).collect();
    let is_shared = grids.iter().all(|grid| grid == &grids[0]);
    let any = |end: usize| all.iter().any(|limits| limits[end]);
    let shared = [any(0), any(1)];
    for (grid, own) in grids.iter_mut().zip(all) {
        let [bottom, top] = if is_shared { shared } else { own };
        let spare = (1 << bits) - grid.count;
        if top && !bottom {
            grid.first -= grid.step * spare as f64;
            grid.count += spare;
        }
    }
}

/// Whether a channel saturates at the bottom and at the top of its grid: its last values there last for longer than
/// any value between, which differ by one accumulator at most.
fn limits(stretches: &[Stretch], (_, high): (i64, i64), grid: &Grid) -> [bool; 2] {
    let begins = stretches.iter().map(|one| one.first).chain([high + 1]);
    let begins: Vec<i64> = begins.collect();
    let lengths: Vec<i64> = begins.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let Some(longest) = lengths.get(1..lengths.len().saturating_sub(1)).and_then(|inner| inner.iter().max()) else {
        return [false; 2];
    };
    let lasts = |level: usize| {
        let is_end = |&at: &usize| grid.level(stretches[at].value) == Some(level) && lengths[at] > longest + 1;
        [0, lengths.len() - 1].iter().any(is_end)
    };
    [lasts(0), lasts(grid.count - 1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The stretches of `clamp(floor(acc / 4), low, high)` from -40 to 39.
    fn clamped(low: i64, high: i64) -> (Vec<Stretch>, Grid) {
        let mut stretches: Vec<Stretch> = Vec::new();
        for acc in -40..40i64 {
            let value = acc.div_euclid(4).clamp(low, high) as f64;
            if stretches.last().is_none_or(|last| last.value != value) {
                stretches.push(Stretch { first: acc, value });
            }
        }
        let first = stretches[0].value;
        let count = (stretches[stretches.len() - 1].value - first) as usize + 1;
        (stretches, Grid { first, step: 1.0, count })
    }

    #[test]
    fn the_end_that_is_a_limit_is_told() {
        for (low, high, limits_are) in [(-99, 99, [false; 2]), (-3, 99, [true, false]), (-99, 5, [false, true])] {
            let (stretches, grid) = clamped(low, high);
            assert_eq!(limits(&stretches, (-40, 39), &grid), limits_are);
        }
        let (stretches, grid) = clamped(0, 1);
        assert_eq!(limits(&stretches, (-40, 39), &grid), [false; 2], "two values tell nothing");
    }

    #[test]
    fn a_grid_ends_where_its_values_saturate() {
        for (low, high, first) in [(-99, 99, -10.0), (-3, 99, -3.0), (-99, 5, 5.0 - 31.0)] {
            let (stretches, grid) = clamped(low, high);
            let mut grids = [grid];
            align(&mut grids, 5, &[stretches], |_| (-40, 39));
            assert_eq!(grids[0].first, first);
        }
    }
}
