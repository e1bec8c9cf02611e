//! Scaled outputs, one lane after the other: multiply, add, shift; then clamp and collect, or send as a score (the
//! requantiser).

use super::Array;
use super::emission::Emission;
use super::memories::BLOCK;
use crate::circuit::{LOGIC, Wire, width};
use crate::program::Row;
use crate::sequencer::flag;

/// So many factors and addends are one look-up table a bit; in block RAM, 16 bits wide, they would fill several.
const FEW: usize = 16;

/// What comes out of the stages.
pub(super) struct Scaler<'b> {
    /// A score is finished, and the score.
    pub scored: Wire<'b>,
    pub score: Wire<'b>,
    /// Outputs of the lanes so far, a word a plane; the last one is in the highest lane.
    pub collected: Vec<Wire<'b>>,
}

impl<'b> Scaler<'b> {
    pub fn new(array: &Array<'b, '_>, emission: &Emission<'b>) -> Self {
        let (c, program, bits) = (array.c, array.program, array.program.scale_bits);
        let emits = (array.flags.late(flag::EMIT) & array.is_affine) | emission.requants;
        let emits = emits.named("scales_lane");
        let (addend, factor) = entry(array, emission, emits);
        let count = c.delay("count", emission.count);
        let product = match factor {
            Some(factor) => count.times(factor, bits),
            None => {
                let count = if count.width() > bits { count.bits(0, bits) } else { count.extend_signed(bits) };
                match program.factor_shift() {
                    0 => count,
                    shift => c.join(&[c.constant(0, shift), count.bits(0, bits - shift)]),
                }
            }
        };
        let (product, addend) = (c.delay("product", product), c.delay("addend", addend));
        let total = c.delay("total", product + addend);
        let done =
            ["chosen_valid", "product_valid", "total_valid"].iter().fold(emits, |valid, name| c.delay(name, valid));
        let scored = if array.is_requant.constant() == Some(0) { done } else { done & array.is_affine };
        let score = |row: &Row| {
            let used = program.score_bits(row);
            total.bits(row.scaling.shift.min(bits - 1), used).extend_signed(32)
        };
        let score = by_row(array, |row| row.scaling.affine, score).unwrap_or(c.constant(0, 32)).named("score");
        Self { scored, score, collected: collected(array, total, done) }
    }
}

/// What belongs to the next lane: its addend, and its factor where there is one.
fn entry<'b>(array: &Array<'b, '_>, emission: &Emission<'b>, emits: Wire<'b>) -> (Wire<'b>, Option<Wire<'b>>) {
    let (c, program, flags) = (array.c, array.program, &array.flags);
    let (factor, bits) = (program.factor_bits(), program.scale_bits);
    let cut = |value: u64, bits: u32| if bits == 64 { value } else { value & ((1 << bits) - 1) };
    let widths: Vec<u32> =
        [bits.min(64), bits.saturating_sub(64), factor].into_iter().filter(|bits| *bits > 0).collect();
    let row = |(multiplier, addend): &(i64, i128)| {
        let fields = [(*addend as u64, bits.min(64)), ((*addend >> 64) as u64, bits.saturating_sub(64))];
        let fields = fields.into_iter().chain([(multiplier.cast_unsigned(), factor)]);
        fields.filter(|(_, bits)| *bits > 0).map(|(value, bits)| cut(value, bits)).collect::<Vec<_>>()
    };
    let count = program.scales.len();
    let entry = c.register("entry", width(count as u64));
    let q_base = array.of.word("q_base", entry.width(), |r| r.scaling.base);
    let scored = flags.late(flag::DONE) & flags.late(flag::PIXEL) & !array.is_requant;
    let starts = flags.now(flag::LOAD) | scored | emission.pixel_end;
    c.next(entry, &[(starts, q_base), (emits, entry.next())]);
    let style = if count <= FEW { LOGIC } else { BLOCK };
    let memory = c.rom("scales", style, &widths, program.scales.iter().flat_map(row).collect());
    let mut read = memory.read(entry.bits(0, width(count as u64 - 1)));
    let factor = if factor == 0 { None } else { read.pop() };
    (c.join(&read), factor)
}

/// What differs by row, of the rows that use it; nothing where none does.
fn by_row<'b>(array: &Array<'b, '_>, uses: fn(&Row) -> bool, value: impl Fn(&Row) -> Wire<'b>) -> Option<Wire<'b>> {
    let rows = &array.program.rows;
    let first = value(rows.iter().find(|row| uses(row))?);
    let values: Vec<Wire<'b>> = rows.iter().map(|row| if uses(row) { value(row) } else { first }).collect();
    Some(array.c.select(array.row_index.bits(0, width(rows.len() as u64 - 1)), &values))
}

/// The shifted and clamped sums of the lanes, plane by plane.
fn collected<'b>(array: &Array<'b, '_>, total: Wire<'b>, done: Wire<'b>) -> Vec<Wire<'b>> {
    let (c, bits, planes) = (array.c, array.program.scale_bits, array.program.scaled_planes());
    // Above the planes of the output, any bit of a sum that is not negative means that it is too large.
    let field = |row: &Row| {
        let (low, high) = (row.scaling.shift, row.scaling.shift + row.output.planes + 1);
        let over = if high < bits - 1 { total.bits(high, bits - 1 - high).any() } else { c.low() };
        let left = (bits - 1).saturating_sub(low).min(planes);
        let field = if left == 0 { c.constant(0, planes) } else { total.bits(low, left).extend(planes) };
        c.join(&[field, over])
    };
    let Some(shifted) = by_row(array, |row| row.scaling.requant, field) else { return Vec::new() };
    let shifted = shifted.named("shifted_total");
    let clamped = shifted.bits(0, planes) | shifted.top().repeat(planes);
    let output = total.top().mux(c.constant(0, planes), clamped).named("output_bits");
    let collect = |plane: u32| {
        let lanes = array.program.options.lanes;
        let register = c.register(&format!("collected_{plane}"), lanes);
        let next =
            if lanes == 1 { output.bit(plane) } else { c.join(&[register.bits(1, lanes - 1), output.bit(plane)]) };
        c.next(register, &[(done, next)]);
        register
    };
    (0..planes).map(collect).collect()
}
