//! Scaled outputs in Verilog: select, multiply, add, shift; then clamp and collect, or send as a score.

use std::fmt::Write;

use super::text::late;
use crate::program::{Program, Row};
use crate::sequencer::flag;
use crate::text::{column, digits, styled_memory, width};

/// So many factors and addends are one look-up table a bit; in block RAM, 16 bits wide, they would fill several.
const FEW: usize = 16;

/// Whether the row that is executed scales its outputs; some row does.
pub(super) fn is_scaled(program: &Program) -> &'static str {
    let any = |uses: fn(&Row) -> bool| program.rows.iter().any(uses);
    match (any(|row| row.requant), any(|row| row.affine)) {
        (true, true) => "(is_requant || is_affine)",
        (true, false) => "is_requant",
        (false, _) => "is_affine",
    }
}

/// The four stages behind `chosen`, the accumulator of the lane that is emitted.
pub(super) fn text(program: &Program) -> String {
    let depth = program.depth();
    let (emit, lanes) = (late(depth, flag::EMIT), program.options.lanes);
    let mut text = entries(program);
    text.push_str(&product(program));
    let bits = program.scale_bits;
    let _ = write!(
        text,
        "reg [2:0] stages = 0;\nalways @(posedge clock) stages <= {{stages[1:0], {emit} && {}}};\n\
         reg signed [{}:0] total;\nalways @(posedge clock) total <= product + addend;\n",
        is_scaled(program),
        bits - 1
    );
    text.push_str(&score(program));
    if program.scaled_planes() != 0 {
        text.push_str(&output(program));
    }
    for plane in 0..program.scaled_planes() {
        let shifted = if lanes == 1 {
            format!("output_bits[{plane}]")
        } else {
            format!("{{output_bits[{plane}], collected_{plane}[{}:1]}}", lanes - 1)
        };
        let _ = write!(
            text,
            "reg [{}:0] collected_{plane};\nalways @(posedge clock) if (stages[2]) collected_{plane} <= {shifted};\n",
            lanes - 1
        );
    }
    text
}

/// The memory of factors and addends, and the address of the next lane's entry.
fn entries(program: &Program) -> String {
    let (factor, bits) = (program.factor_bits(), program.scale_bits);
    let depth = program.depth();
    let row = |(multiplier, addend): &(i64, i128)| {
        let (low, high) = (*addend as u64, (*addend >> 64) as u64);
        digits(&[(low, bits.min(64)), (high, bits.saturating_sub(64)), (*multiplier as u64, factor)])
    };
    let rows: Vec<String> = program.scales.iter().map(row).collect();
    let entry_bits = width(rows.len() as u64);
    let values: Vec<u64> = program.rows.iter().map(|row| u64::from(row.q_base)).collect();
    let mut text = column("q_base", entry_bits, "row_index", &values);
    let _ = write!(
        text,
        "reg [{}:0] entry = 0;\nalways @(posedge clock) if ({} || ({} && {})) entry <= q_base;\n\
         else if ({} && {}) entry <= entry + 1'd1;\n",
        entry_bits - 1,
        late(0, flag::LOAD),
        late(depth, flag::DONE),
        late(depth, flag::PIXEL),
        late(depth, flag::EMIT),
        is_scaled(program),
    );
    let style = if rows.len() <= FEW { "logic" } else { "block" };
    text.push_str(&styled_memory(style, "scales", bits + factor, &rows));
    let last = width(rows.len().max(1) as u64 - 1) - 1;
    let _ = write!(
        text,
        "reg [{}:0] scales_read;\nalways @(posedge clock) scales_read <= scales[entry[{last}:0]];\n",
        bits + factor - 1
    );
    text
}

/// The count of the chosen lane, and its product with the lane's factor if there is a factor.
fn product(program: &Program) -> String {
    let (factor, bits) = (program.factor_bits(), program.scale_bits);
    let count = program.accumulator_bits;
    let product = if factor == 0 {
        format!("count <<< {}", program.factor_shift())
    } else {
        format!("count * $signed(scales_read[{}:{bits}])", bits + factor - 1)
    };
    format!(
        "reg signed [{}:0] count;\nalways @(posedge clock) count <= chosen;\n\
         reg signed [{last}:0] product;\nalways @(posedge clock) product <= {product};\n\
         reg signed [{last}:0] addend;\nalways @(posedge clock) addend <= scales_read[{last}:0];\n",
        count - 1,
        last = bits - 1,
    )
}

/// The shifted sum of rows with scaled scores, extended to a word.
fn score(program: &Program) -> String {
    let bits = program.scale_bits;
    let one = |row: &Row| {
        let used = program.score_bits(row);
        let low = row.out_shift.min(bits - 1);
        let field = format!("total[{}:{low}]", low + used - 1);
        if used == 32 { field } else { format!("{{{{{}{{total[{}]}}}}, {field}}}", 32 - used, bits - 1) }
    };
    by_row(program, "score", 32, |row| row.affine, one)
}

/// A register that has another expression in each of the rows that use it; nothing where none does.
fn by_row(
    program: &Program,
    name: &str,
    bits: u32,
    uses: fn(&Row) -> bool,
    expression: impl Fn(&Row) -> String,
) -> String {
    let rows = || program.rows.iter().enumerate().filter(|(_, row)| uses(row));
    let Some(first) = rows().next().map(|(_, row)| expression(row)) else { return String::new() };
    let mut text = format!("reg [{}:0] {name};\n", bits - 1);
    if rows().all(|(_, row)| expression(row) == first) {
        let _ = writeln!(text, "always @(*) {name} = {first};");
        return text;
    }
    text.push_str("always @(*) case (row_index)\n");
    for (at, row) in rows() {
        let _ = writeln!(text, "  {at}: {name} = {};", expression(row));
    }
    let _ = writeln!(text, "  default: {name} = {first};\nendcase");
    text
}

/// The shifted and clamped sum, by row where rows differ.
fn output(program: &Program) -> String {
    let (bits, planes) = (program.scale_bits, program.scaled_planes());
    let sign = format!("total[{}]", bits - 1);
    // Above the planes of the output, any bit of a sum that is not negative means that it is too large.
    let one = |row: &Row| {
        let (low, high) = (row.out_shift, row.out_shift + row.out_planes + 1);
        let over = if high < bits - 1 { format!("|total[{}:{high}]", bits - 2) } else { "1'b0".to_owned() };
        let field: Vec<String> = (0..planes)
            .rev()
            .map(|plane| low + plane)
            .map(|bit| if bit < bits - 1 { format!("total[{bit}]") } else { "1'b0".to_owned() })
            .collect();
        format!("{{{over}, {}}}", field.join(", "))
    };
    let mut text = by_row(program, "shifted_total", planes + 1, |row| row.requant, one);
    let _ = writeln!(
        text,
        "wire [{last}:0] output_bits = {sign} ? {planes}'d0 : (shifted_total[{last}:0] | {{{planes}{{shifted_total[{planes}]}}}});",
        last = planes - 1
    );
    text
}
