//! The search for the form that stores thresholds in the fewest words.

use alloc::vec;
use alloc::vec::Vec;

use super::pack::{pack, width};
use super::parts::Form;

/// The least and the greatest of thresholds that are equally good, both in `i32`.
type Range = [i64; 2];

/// Most binary digits of a line behind the point that are tried, and the most in front of it that are zero.
const MOST_POINT: i8 = 15;
const LEAST_POINT: i8 = -15;
/// As `MOST_POINT`, of lines from which thresholds differ.
const MOST_POINT_OF_RESTS: i8 = 6;

/// Thresholds as they are stored.
#[derive(Clone, Debug, Default)]
struct Stored {
    form: Form,
    bases: Vec<i32>,
    steps: Vec<i32>,
    rests: Vec<i32>,
}

/// Of thresholds that are as good as each other the ones that take the fewest words (SPEC.md 7.1).
///
/// `ranges` holds the least and the greatest value of each threshold, channel by channel, `per_channel` each, both
/// ascending within a channel.
pub fn choose_thresholds(ranges: &[[i32; 2]], per_channel: u32) -> Vec<i32> {
    let ranges: Vec<Range> = ranges.iter().map(|range| range.map(i64::from)).collect();
    smallest(&ranges, per_channel.max(1) as usize).values(&ranges, per_channel.max(1) as usize)
}

/// The section of these thresholds, direction bits included, and its form.
pub(crate) fn thresholds(values: &[i32], directions: &[u32], per_channel: u32) -> (Form, Vec<u32>) {
    let ranges: Vec<Range> = values.iter().map(|&value| [i64::from(value); 2]).collect();
    let stored = smallest(&ranges, per_channel.max(1) as usize);
    let form = Form { has_directions: directions.iter().any(|&word| word != 0), ..stored.form };
    let numbers = |of: &[i32]| of.iter().map(|&number| i64::from(number)).collect::<Vec<_>>();
    let mut words = pack(numbers(&stored.bases), form.base);
    words.extend(pack(numbers(&stored.steps), form.step));
    words.extend(pack(numbers(&stored.rests), form.rest));
    words.extend(directions.iter().filter(|_| form.has_directions));
    (form, words)
}

impl Stored {
    /// Words of the section.
    fn words(&self, per_channel: usize) -> u32 {
        let channels = self.bases.len().max(self.rests.len() / per_channel);
        self.form.words(channels as u32, per_channel as u32)
    }

    /// The thresholds, each in its range.
    fn values(&self, ranges: &[Range], per_channel: usize) -> Vec<i32> {
        let value = |(at, range): (usize, &Range)| {
            let (channel, index) = (at / per_channel, (at % per_channel) as i64);
            let number = |of: &[i32]| of.get(channel).map_or(0, |&number| i64::from(number));
            let line = shifted(number(&self.bases) + index * number(&self.steps), self.form.point);
            line.clamp(range[0], range[1]) as i32
        };
        ranges.iter().enumerate().map(value).collect()
    }
}

/// `line / 2^point`, rounded down.
fn shifted(line: i64, point: i8) -> i64 {
    if point < 0 { line << -point } else { line >> point }
}

/// The numbers whose [`shifted`] value lies in `range`.
fn scaled([low, high]: Range, point: i8) -> Range {
    if point < 0 {
        let unit = 1 << -point;
        return [-(-low).div_euclid(unit), high.div_euclid(unit)];
    }
    [low << point, ((high + 1) << point) - 1]
}

/// The number of `range`, which is not empty, that is nearest to zero.
fn nearest([low, high]: Range) -> i64 {
    0i64.clamp(low, high)
}

fn smallest(ranges: &[Range], per_channel: usize) -> Stored {
    if per_channel == 1 { bases(ranges) } else { lines(ranges, per_channel) }
}

/// One threshold a channel: the multiples of a power of two that take the fewest bits.
fn bases(ranges: &[Range]) -> Stored {
    let of = |point: i8| {
        let scaled: Vec<Range> = ranges.iter().map(|&range| scaled(range, point)).collect();
        let fits = scaled.iter().all(|[low, high]| low <= high);
        fits.then(|| -> Vec<i64> { scaled.into_iter().map(nearest).collect() }).map(|numbers| (point, numbers))
    };
    let all = (LEAST_POINT..=0).rev().map_while(of);
    let best = all.min_by_key(|(_, numbers)| width(numbers.iter().copied()));
    let (point, numbers) = best.unwrap_or_default();
    let form = Form { base: width(numbers.iter().copied()), point, ..Form::default() };
    Stored { form, bases: numbers.into_iter().map(|number| number as i32).collect(), ..Stored::default() }
}

/// Several thresholds a channel: as they are, or lines with rests of the fewest bits that are worth it.
fn lines(ranges: &[Range], per_channel: usize) -> Stored {
    let plain: Vec<i64> = ranges.iter().map(|&range| nearest(range)).collect();
    let rest = width(plain.iter().copied());
    let rests = plain.into_iter().map(|number| number as i32).collect();
    let mut best = Stored { form: Form { rest, ..Form::default() }, rests, ..Stored::default() };
    for rest in 0..best.form.rest {
        let alone = Form { rest, ..Form::default() }.words((ranges.len() / per_channel) as u32, per_channel as u32);
        if alone > best.words(per_channel) {
            break;
        }
        let points = if rest == 0 { LEAST_POINT..=MOST_POINT } else { 0..=MOST_POINT_OF_RESTS };
        let found = points.into_iter().find_map(|point| lines_of(ranges, per_channel, point, rest));
        // Of forms of one length the one with fewer bits to read.
        let cost = |stored: &Stored| (stored.words(per_channel), stored.form.rest);
        best = found.into_iter().chain([best]).min_by_key(cost).unwrap_or_default();
    }
    best
}

/// A line for each channel from which no threshold differs by more than `rest` bits say; `None` if one has none.
fn lines_of(ranges: &[Range], per_channel: usize, point: i8, rest: u8) -> Option<Stored> {
    let (least, most) = if rest == 0 { (0, 0) } else { (-(1i64 << (rest - 1)), (1i64 << (rest - 1)) - 1) };
    let line = |channel: &[Range]| {
        let wide = channel.iter().map(|[low, high]| scaled([low - most, high - least], point));
        line(&wide.map(|[low, high]| [low.max(i32::MIN.into()), high.min(i32::MAX.into())]).collect::<Vec<_>>())
    };
    let (bases, steps): (Vec<i32>, Vec<i32>) =
        ranges.chunks(per_channel).map(line).collect::<Option<Vec<_>>>()?.into_iter().unzip();
    // A step is never negative, so that it needs no sign.
    let step = width(steps.iter().map(|&step| i64::from(step))).saturating_sub(1);
    let base = width(bases.iter().map(|&base| i64::from(base)));
    let mut stored =
        Stored { form: Form { base, step, rest, point, has_directions: false }, bases, steps, rests: vec![] };
    if rest != 0 {
        let values = stored.values(ranges, per_channel);
        let rests = values.iter().enumerate().map(|(at, &value)| {
            let (channel, index) = (at / per_channel, (at % per_channel) as i64);
            let line = i64::from(stored.bases[channel]) + index * i64::from(stored.steps[channel]);
            (i64::from(value) - shifted(line, point)) as i32
        });
        stored.rests = rests.collect();
    }
    Some(stored)
}

/// Base and step, 0 or more, of a line whose place `i` lies in range `i`; the smallest of them.
fn line(ranges: &[Range]) -> Option<(i32, i32)> {
    let (mut least, mut most) = (0i64, i64::from(i32::MAX));
    for (i, [low, high]) in ranges.iter().enumerate() {
        for (apart, [next_low, next_high]) in (1i64..).zip(&ranges[i + 1..]) {
            least = least.max(-(high - next_low).div_euclid(apart));
            most = most.min((next_high - low).div_euclid(apart));
        }
    }
    // Ranges meet if every two of them do, so that each of these steps has a base.
    let step = (least <= most).then_some(least)?;
    let places = (0i64..).zip(ranges);
    let [low, high] = places.fold([i64::MIN, i64::MAX], |[least, most], (i, [low, high])| {
        [least.max(low - i * step), most.min(high - i * step)]
    });
    let last = ranges.len() as i64 - 1;
    let base = (low <= high).then(|| nearest([low, high]))?;
    // The last place is within its range, which fits 32 bits; so does the first.
    (base + last * step <= i64::from(i32::MAX)).then_some((base as i32, step as i32))
}
