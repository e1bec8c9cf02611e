//! Windows, their groups and their borders.

use alloc::vec::Vec;

use super::{Random, value};
use crate::{Kind, PadValue, Shape, WORD_BITS, Window};

/// What a convolution over values of `kind` sees outside.
pub(super) fn pad_value(kind: Kind, random: &mut Random) -> PadValue {
    if kind == Kind::Sign {
        return random.pick(&[PadValue::Zero, PadValue::MinusOne, PadValue::PlusOne]);
    }
    match if random.once_in(3) { 0 } else { value(kind, random) } {
        0 => PadValue::Zero,
        level => PadValue::Level(level),
    }
}

/// Some divisor of `channels`: often one, all, or one that leaves whole words.
pub(super) fn groups(channels: u32, random: &mut Random) -> u32 {
    let divisors = |keep: &dyn Fn(u32) -> bool| -> Vec<u32> {
        (1..=channels).filter(|&n| channels.is_multiple_of(n) && keep(n)).collect()
    };
    match random.word() % 4 {
        0 => random.pick(&divisors(&|_| true)),
        1 if channels.is_multiple_of(WORD_BITS) => {
            random.pick(&divisors(&|n| (channels / n).is_multiple_of(WORD_BITS)))
        }
        2 => channels,
        _ => 1,
    }
}

/// A window that fits `input`; uneven padding where `may_pad`.
pub(super) fn window(input: Shape, may_pad: bool, random: &mut Random) -> Window {
    loop {
        let kernel = [random.size(1, 5), random.size(1, 5)];
        let mut pad = |axis: usize| if may_pad { random.size(0, kernel[axis] - 1) } else { 0 };
        let padding = [pad(0), pad(1), pad(0), pad(1)];
        let window = Window { kernel, stride: [random.pick(&[1, 1, 2, 3]), random.pick(&[1, 1, 2, 3])], padding };
        // A kernel of 1 x 1 always fits, so this ends.
        if window.output(input).is_ok() {
            return window;
        }
    }
}
