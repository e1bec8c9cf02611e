//! What an operation yields, bit by bit.

use super::op::Op;

/// All ones.
pub(super) fn mask(width: u32) -> u128 {
    u128::MAX >> (128 - width)
}

/// What an operation of `width` bits makes of constants and their widths.
pub(super) fn compute(op: &Op, values: &[(u128, u32)], width: u32) -> u128 {
    let value = |at: usize| values[at].0;
    let signed = |at: usize| (values[at].0 << (128 - values[at].1)).cast_signed() >> (128 - values[at].1);
    let bits = match op {
        Op::Constant(value) => *value,
        Op::Not(_) => !value(0),
        Op::And(..) => value(0) & value(1),
        Op::Or(..) => value(0) | value(1),
        Op::Xor(..) => value(0) ^ value(1),
        Op::Add(..) => value(0).wrapping_add(value(1)),
        Op::Subtract(..) => value(0).wrapping_sub(value(1)),
        Op::Multiply(..) => signed(0).wrapping_mul(signed(1)).cast_unsigned(),
        Op::ShiftLeft(..) => u32::try_from(value(1)).ok().and_then(|by| value(0).checked_shl(by)).unwrap_or(0),
        Op::Equal(..) => (value(0) == value(1)).into(),
        Op::Less(..) => (value(0) < value(1)).into(),
        Op::Any(_) => (value(0) != 0).into(),
        Op::Repeat(_) => value(0).wrapping_neg(),
        Op::Mux(..) => value(2 - value(0) as usize),
        Op::Slice(_, low) => value(0) >> low,
        Op::Join(_) => values.iter().rev().fold(0, |word, (value, bits)| word << bits | value),
        Op::Sum(_) => values.iter().map(|(value, _)| value).sum(),
        Op::Select(..) => values[1..].get(value(0) as usize).unwrap_or(&values[1]).0,
        Op::Table(_, rows) => rows.get(value(0) as usize).copied().unwrap_or(rows[0]),
        Op::Input | Op::Register(_) | Op::Column(..) => 0,
    };
    bits & mask(width)
}
