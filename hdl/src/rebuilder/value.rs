//! From bases and coefficients to weights, and from weights to words of their bits.

use super::Steps;
use crate::circuit::{Builder, Wire};
use crate::program::{BASIS_PIECES, PIECE, Program, Rebuild};

/// Bits of a number of a basis, and numbers of one of its rows.
const NUMBER: u32 = 8;
const ROW: u32 = 3;

/// The largest of what `of` says about the layers that are rebuilt.
fn most(program: &Program, of: fn(&Rebuild) -> u32) -> u32 {
    program.rebuilds.iter().map(of).max().unwrap_or(0)
}

/// The weight of this step: the coefficients of its row so far, times their rows of the basis.
pub(super) fn weight<'b>(c: &'b Builder, program: &Program, steps: &Steps<'b>, window: Wire<'b>) -> Wire<'b> {
    // Bits that no weight needs are those of no sum either.
    let bits = most(program, |r| r.common + r.passes + 1);
    let basis = c.data("basis", BASIS_PIECES * PIECE);
    c.next(basis, &[(steps.loads_basis, c.join(&[basis.bits(PIECE, (BASIS_PIECES - 1) * PIECE), window]))]);
    let number = |row: u32, column: u32| basis.bits((row * ROW + column) * NUMBER, NUMBER);
    let row = |column: u32| c.select(steps.coefficient, &(0..ROW).map(|row| number(row, column)).collect::<Vec<_>>());
    let number = c.select(steps.column, &(0..ROW).map(row).collect::<Vec<_>>());
    let number = (number & steps.is_dealt.repeat(NUMBER)).named("basis_number");

    // A coefficient leaves the stream while it meets the first column.
    let kept = c.data("coefficient_kept", PIECE);
    let is_first = steps.column.is(0);
    c.next(kept, &[(is_first, window)]);
    let code = is_first.mux(window, kept).named("coefficient_code");
    let (exponent, negative) = (code.bits(0, 3), (code.bit(3) & steps.is_dealt).named("is_negative"));
    let moved = number.extend_signed(bits.max(NUMBER)).shift_left(exponent).bits(0, bits).named("shifted");
    // The sums of the row's three weights take turns: each column meets its own in the last place.
    let sums = [0, 1, 2].map(|at| c.register(&format!("row_sum_{at}"), bits));
    // One adder: the carry into the lowest bit comes from a bit below it.
    let own = c.join(&[negative, moved ^ negative.repeat(bits)]);
    let sum = (c.join(&[c.high(), sums[0]]) + own).bits(1, bits).named("weight");
    let turn = |next: Wire<'b>| [(steps.begins_row, c.constant(0, bits)), (steps.deals, next)];
    c.next(sums[0], &turn(sums[1]));
    c.next(sums[1], &turn(sums[2]));
    c.next(sums[2], &turn(sum));
    sum
}

/// The word of the lowest bits of the last 32 weights, from which the higher ones follow as words are written.
pub(super) fn planes<'b>(
    c: &'b Builder,
    program: &Program,
    steps: &Steps<'b>,
    (weight, common): (Wire<'b>, Wire<'b>),
) -> Wire<'b> {
    let passes = most(program, |r| r.passes) + 1;
    let factor = most(program, |r| r.common);
    let whole = weight.extend_signed(weight.width().max(factor + passes));
    let digits = c.select(common, &(0..=factor).map(|low| whole.bits(low, passes)).collect::<Vec<_>>());
    let digits = (digits & (!steps.pads).repeat(passes)).named("digits");
    let planes: Vec<Wire<'b>> = (0..passes).map(|plane| c.data(&format!("digits_{plane}"), 32)).collect();
    for (at, plane) in planes.iter().enumerate() {
        let pushed = (steps.makes | steps.pads, c.join(&[plane.bits(1, 31), digits.bit(at as u32)]));
        let above = planes.get(at + 1).map(|above| (steps.writes, *above));
        c.next(*plane, &std::iter::once(pushed).chain(above).collect::<Vec<_>>());
    }
    planes[0]
}
