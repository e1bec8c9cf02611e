//! What models say of their input and classes: every coder that is valid, whether or not it makes sense.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::Random;
use crate::{Coding, Count, Draft, DraftInterface, Limits};

/// A random interface that fits `draft`: coders of all values, of channels, of each value or none, with and without
/// counts, and names.
pub fn interface(draft: &Draft, random: &mut Random) -> DraftInterface {
    let shape = draft.input.shape;
    let mut lists = || [0, 1, shape.channels, shape.volume()][random.between(0, 3) as usize];
    let [codings, names, units] = [lists(), lists(), lists()];
    let limits = limits(draft, random);
    let has_counts = random.once_in(2);
    let text = |what: &str, count: u32| -> Vec<String> { (0..count).map(|at| format!("{what} {at}")).collect() };
    let classes = draft.layers.last().map_or(0, |last| last.output.shape.channels);
    let learned = random.size(0, 9);
    DraftInterface {
        codings: (0..codings).map(|_| coding(limits, has_counts, random)).collect(),
        limits: (codings != 0).then_some(limits),
        names: text("value", if names == 1 { 0 } else { names }),
        units: text("m/s²", units),
        classes: text("class", if random.once_in(2) { classes } else { 0 }),
        learned_rows: learned,
        fingerprints: (0..learned).map(|at| at << 20).collect(),
    }
}

/// Limits within the kind of the input, mostly its own.
fn limits(draft: &Draft, random: &mut Random) -> Limits {
    let whole = Limits::of(draft.input.kind);
    if random.once_in(2) {
        return whole;
    }
    let mut one = || random.between(whole.low.into(), whole.high.into()) as i16;
    let (a, b) = (one(), one());
    Limits { low: a.min(b), high: a.max(b) }
}

/// Half of the coders are such that 16 bits of a value decide on the byte, the others have any fields.
fn coding(limits: Limits, has_count: bool, random: &mut Random) -> Coding {
    let base = random.between(limits.low.into(), limits.high.into()) as i16;
    let count = has_count.then(|| Count { mantissa: 1 + (random.word() >> random.size(2, 31)), shift: shift(random) });
    if random.once_in(2) {
        let fraction = random.between(-64, 64) as i8;
        let multiplier = random.word() >> random.size(2, 31);
        return Coding { fraction, zero: random.word() as i32, multiplier, shift: shift(random), base, count };
    }
    let (digits, fraction) = (random.size(10, 29), random.between(-8, 16) as i8);
    let multiplier = 1 << digits | random.word() >> (32 - digits);
    let zero = random.between(-30_000, 30_000);
    // As many counts of 16 bits are about one byte.
    Coding { fraction, zero, multiplier, shift: (digits + random.size(0, 8)) as u8, base, count }
}

fn shift(random: &mut Random) -> u8 {
    random.size(0, 47) as u8
}
