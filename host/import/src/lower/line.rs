//! Whether levels are one straight line over sums: only that is one multiplication and one addition.

/// The steepest line that is looked for: all levels lie between two neighbouring sums then.
const STEEPEST: f64 = 512.0;

/// Where one level begins, over sums that are counted in the direction in which levels rise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Begin {
    pub level: usize,
    /// The least sum that has it; `None` if none has.
    pub reached: Option<i64>,
    /// The greatest sum that does not have it; `None` if all have it.
    pub missed: Option<i64>,
}

/// `slope * sum + offset`, whose whole part is the level.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Line {
    pub slope: f64,
    pub offset: f64,
}

impl Line {
    /// A line in the middle of those that begin each level where it begins, but for `slack` levels: at most half a
    /// level gives every sum its own level or a neighbouring one.
    ///
    /// It lies above some points and below others, which some offset does at every slope that each pair allows.
    pub fn through(begins: &[Begin], slack: f64) -> Option<Self> {
        let point = |sum: Option<i64>, level: f64| sum.map(|sum| (sum as f64, level));
        let below: Vec<(f64, f64)> =
            begins.iter().filter_map(|one| point(one.reached, one.level as f64 - slack)).collect();
        let above: Vec<(f64, f64)> =
            begins.iter().filter_map(|one| point(one.missed, one.level as f64 + slack)).collect();
        let (mut least, mut most) = (0.0f64, STEEPEST);
        for &(x, low) in &below {
            for &(other, high) in &above {
                let (run, rise) = (x - other, low - high);
                if run > 0.0 {
                    least = least.max(rise / run);
                } else if run < 0.0 {
                    most = most.min(rise / run);
                } else if rise >= 0.0 {
                    return None;
                }
            }
        }
        // The flattest of steep ones: no number of the file grows for nothing.
        let slope = (least + most.min(least + 1.0)) / 2.0;
        let low = below.iter().map(|(x, y)| y - slope * x).fold(f64::NEG_INFINITY, f64::max);
        let high = above.iter().map(|(x, y)| y - slope * x).fold(f64::INFINITY, f64::min);
        let offset = match (low.is_finite(), high.is_finite()) {
            (true, true) => (low + high) / 2.0,
            (true, false) => low + 0.5,
            (false, true) => high - 0.5,
            (false, false) => 0.0,
        };
        (least < most && low < high).then_some(Self { slope, offset })
    }

    /// The least sum that reaches a level.
    pub fn begin(&self, level: f64) -> f64 {
        ((level - self.offset) / self.slope).ceil()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where the levels 1 to `most` of a rising function begin, over sums from `low` to `high`.
    fn begins(low: i64, high: i64, most: usize, level: impl Fn(i64) -> i64) -> Vec<Begin> {
        let begin = |wanted: usize| {
            let reached = (low..=high).find(|&sum| level(sum) >= wanted as i64);
            let missed = (low..=high).rev().find(|&sum| level(sum) < wanted as i64);
            Begin { level: wanted, reached, missed }
        };
        (1..=most).map(begin).collect()
    }

    /// How far the levels of a line, cut at 0 and `most`, lie off.
    fn off(line: Line, low: i64, high: i64, most: i64, level: impl Fn(i64) -> i64) -> i64 {
        let found = |sum: i64| ((line.slope * sum as f64 + line.offset).floor() as i64).clamp(0, most);
        (low..=high).map(|sum| (found(sum) - level(sum)).abs()).max().unwrap_or(0)
    }

    #[test]
    fn a_cut_line_is_found_and_gives_every_sum_its_level() {
        for (slope, offset) in [(0.31, 7.2), (0.021, -3.7), (1.0, 0.0), (2.9, 100.0), (0.25, 0.5)] {
            let level = |sum: i64| ((slope * sum as f64 + offset).floor() as i64).clamp(0, 255);
            let line = Line::through(&begins(-900, 900, 255, level), 0.0).expect("a line");
            assert_eq!(off(line, -900, 900, 255, level), 0, "{slope} {offset}");
        }
    }

    #[test]
    fn a_cut_below_the_greatest_level_is_no_line_and_neither_is_a_bend() {
        let cut = |sum: i64| (sum.div_euclid(5)).clamp(0, 120);
        assert_eq!(Line::through(&begins(-900, 900, 255, cut), 0.5), None);
        assert!(Line::through(&begins(-900, 900, 120, cut), 0.0).is_some(), "it is one up to the cut");
        let bend = |sum: i64| if sum < 0 { 50 + sum.div_euclid(40) } else { 50 + sum / 8 };
        assert_eq!(Line::through(&begins(-900, 900, 255, bend), 0.5), None);
    }

    #[test]
    fn halves_to_even_are_a_line_but_for_half_a_level() {
        let even = |sum: i64| ((sum as f64 / 4.0).round_ties_even() as i64).clamp(0, 100);
        let begins = begins(-50, 300, 63, even);
        assert_eq!(Line::through(&begins[..20], 0.0), None);
        let line = Line::through(&begins[..60], 0.5).expect("a line");
        assert!(off(line, 0, 235, 255, even) <= 1);
    }

    #[test]
    fn channels_of_one_level_or_one_step_have_a_line() {
        for level in [0, 3, 200] {
            assert!(Line::through(&begins(-9, 9, 255, |_| level), 0.0).is_some(), "{level}");
        }
        assert!(Line::through(&begins(4, 4, 255, |_| 7), 0.0).is_some());
        let line = Line::through(&begins(-9, 9, 1, |sum| i64::from(sum > 2)), 0.0).expect("a line");
        assert_eq!(line.begin(1.0), 3.0);
    }
}
