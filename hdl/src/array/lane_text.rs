//! The lanes in Verilog: XNOR, population count, shift, accumulator, threshold counter.

use std::fmt::Write;

use super::text::late;
use crate::program::Program;
use crate::sequencer::flag;
use crate::text::width;

/// What the lanes of a model need.
pub(crate) struct Lane {
    /// Bits of an accumulator.
    pub bits: u32,
    /// Whether any channel complements its count.
    pub flips: bool,
    masks: bool,
    weights: bool,
    select: bool,
    max_shift: u32,
    doubles: bool,
    /// Whether the sum of the window is added.
    shared: bool,
    planes: u32,
    count_bits: u32,
}

impl Lane {
    pub fn new(program: &Program) -> Self {
        let thresholds = program.rows.iter().map(|row| row.thresholds).max().unwrap_or(0);
        Self {
            bits: program.accumulator_bits,
            flips: program.flips.iter().any(|flip| *flip),
            masks: !program.masks.is_empty(),
            weights: !program.weights.is_empty(),
            select: program.rows.iter().any(|row| row.select || row.residual),
            max_shift: program.max_shift(),
            doubles: program.rows.iter().any(|row| row.doubles || row.passes != 0 || row.shared),
            shared: program.rows.iter().any(|row| row.shared),
            planes: program.decided_planes(),
            count_bits: width(u64::from(thresholds) + 1),
        }
    }
}

/// The sum of some bits of `name`.
fn count_text(name: &str, low: u32, bits: u32) -> String {
    let bits: Vec<String> = (low..low + bits).map(|bit| format!("{name}[{bit}]")).collect();
    bits.join(" + ")
}

/// The lanes alone, as a module `lanes` whose memories and flags are inputs: for proofs.
///
/// The flags of stage [`Program::fetch`] belong to `word` (`words` where several are read in a cycle), those of the last stage arrive at the accumulators.
pub fn lane_verilog(program: &Program) -> String {
    let lane = Lane::new(program);
    let lanes = program.options.lanes;
    let (words, bits) = (32 * lanes - 1, lanes * lane.bits - 1);
    let biases = lanes * (lane.bits + u32::from(lane.flips)) - 1;
    let word = if program.reads() == 1 { "word" } else { "words" };
    let mut ports = format!("input clock, input is_masked, input [{}:0] {word}", 32 * program.reads() - 1);
    ports.push_str(", input [31:0] flags");
    let _ =
        write!(ports, ", input [{words}:0] weights_read, input [{words}:0] masks_read, input [{biases}:0] biases_read");
    let _ = write!(ports, ", output [{bits}:0] all_sums");
    let mut body = super::text::delays(program.depth());
    body.push_str(&lanes_text(program, &lane));
    body.push_str("assign all_sums = sums;\n");
    if lane.shared {
        let _ = write!(ports, ", input is_subtracted, output [{}:0] all_kept", lane.bits - 1);
        body.push_str("assign all_kept = kept;\n");
    }
    for plane in 0..lane.planes {
        let _ = write!(ports, ", output [{}:0] all_outputs_{plane}", lanes - 1);
        let _ = writeln!(body, "assign all_outputs_{plane} = outputs_{plane};");
    }
    format!("module lanes({ports});\n{body}endmodule\n")
}

/// All lanes: a loop over one body, and the wires that collect their outputs.
pub(crate) fn lanes_text(program: &Program, lane: &Lane) -> String {
    let lanes = program.options.lanes;
    let depth = program.depth();
    let mut text = String::new();
    for plane in 0..lane.planes {
        let _ = writeln!(text, "wire [{}:0] outputs_{plane};", lanes - 1);
    }
    let bits = lane.bits;
    let _ = writeln!(
        text,
        "wire [{}:0] sums;\nwire clear = {} || {}{};",
        lanes * bits - 1,
        late(depth, flag::DONE),
        late(0, flag::LOAD),
        if lane.shared { format!(" || {}", late(depth, flag::KEEP)) } else { String::new() },
    );
    if lane.shared {
        let _ = write!(
            text,
            "reg [{0}:0] kept = 0;\nalways @(posedge clock) if ({1}) kept <= is_subtracted ? (0 - sums[{0}:0]) : sums[{0}:0];\n\
             wire [{0}:0] shared = kept & {{{bits}{{{2}}}}};\n",
            bits - 1,
            late(depth, flag::KEEP),
            late(depth, flag::ADD),
        );
    }
    text.push_str(&selection(program, lane));
    let _ = writeln!(text, "genvar i;\ngenerate for (i = 0; i < {lanes}; i = i + 1) begin : lane");
    text.push_str(&product(program, lane));
    text.push_str(&count(program));
    text.push_str(&accumulate(program, lane));
    if lane.planes != 0 {
        text.push_str(&level(program, lane));
    }
    text.push_str("end endgenerate\n");
    text
}

/// The bits of the group's channels, for selections.
fn selection(program: &Program, lane: &Lane) -> String {
    if !lane.select {
        return String::new();
    }
    let (slots, lanes, low) = (program.slots(), program.options.lanes, flag::SLOT);
    let stage = program.fetch();
    let mut text = String::from("wire [31:0] group_bits;\n");
    for slot in 0..slots {
        let here = format!("{{{lanes}{{flags_{stage}[{}:{low}] == 5'd{slot}}}}}", low + 4);
        let _ = writeln!(text, "assign group_bits[{} +: {lanes}] = {here};", slot * lanes);
    }
    text
}

/// The bits that are counted: products, or the bit of the lane's own channel.
fn product(program: &Program, lane: &Lane) -> String {
    let lanes = program.options.lanes;
    let word = match program.reads() {
        1 => "word".to_owned(),
        reads => format!("words[32*(i/{}) +: 32]", lanes as usize / reads),
    };
    let weights = if lane.weights { format!("({word} ^ weights_read[32*i +: 32])") } else { word.clone() };
    let seen =
        if lane.masks { format!("({weights} & (masks_read[32*i +: 32] | {{32{{!is_masked}}}}))") } else { weights };
    let bits = if lane.select {
        // One bit in every `lanes` belongs to this lane.
        let own = (0..32 / lanes).fold(0_u32, |own, slot| own | 1 << (slot * lanes));
        format!("{} ? ({word} & group_bits & (32'h{own:x} << i)) : {seen}", late(program.fetch(), flag::SELECT))
    } else {
        seen
    };
    let mut text = format!("  wire [31:0] product_now = {bits};\n");
    if program.options.pipe >= 3 {
        text.push_str("  reg [31:0] product;\n  always @(posedge clock) product <= product_now;\n");
    } else {
        text.push_str("  wire [31:0] product = product_now;\n");
    }
    text
}

/// The population count, with a register in its middle and one behind it.
fn count(program: &Program) -> String {
    let pipe = program.options.pipe;
    let mut text = String::new();
    // Seven bits make three without a loose end; the last four bits are the carries of the final sum.
    for part in 0..4 {
        let _ = writeln!(text, "  wire [2:0] part_{part}_now = {};", count_text("product", 7 * part, 7));
        let _ = writeln!(text, "{}", stage(pipe >= 2, 3, &format!("part_{part}")));
    }
    let _ = writeln!(text, "  wire [3:0] rest_now = product[31:28];\n{}", stage(pipe >= 2, 4, "rest"));
    let _ = writeln!(text, "  wire [5:0] total = part_0 + part_1 + part_2 + part_3 + {};", count_text("rest", 0, 4));
    let run = late(program.fetch() - 1 + pipe.max(1) as usize, flag::RUN);
    if pipe >= 1 {
        let _ = writeln!(text, "  reg [5:0] counted = 0;\n  always @(posedge clock) counted <= {run} ? total : 6'd0;");
    } else {
        let _ = writeln!(text, "  wire [5:0] counted = {run} ? total : 6'd0;");
    }
    text
}

/// A register after `name_now`, or a wire.
fn stage(is_register: bool, bits: u32, name: &str) -> String {
    let last = bits - 1;
    if is_register {
        format!("  reg [{last}:0] {name};\n  always @(posedge clock) {name} <= {name}_now;")
    } else {
        format!("  wire [{last}:0] {name} = {name}_now;")
    }
}

fn accumulate(program: &Program, lane: &Lane) -> String {
    let depth = program.depth();
    let bits = lane.bits;
    let last = bits - 1;
    let field = bits + u32::from(lane.flips);
    let mut text = format!("  wire [{}:0] wide = counted;\n", bits.max(6) - 1);
    if lane.max_shift == 0 {
        let _ = writeln!(text, "  wire [{last}:0] shifted = wide;");
    } else {
        let shift = width(u64::from(lane.max_shift)) + flag::SHIFT - 1;
        let _ = writeln!(text, "  wire [{last}:0] shifted = wide << flags_{depth}[{shift}:{}];", flag::SHIFT);
    }
    let _ = writeln!(text, "  reg [{last}:0] sum = 0;");
    let old = if lane.doubles {
        let double = late(depth, flag::DOUBLE);
        let _ = writeln!(text, "  wire [{last}:0] old = {double} ? {{sum[{}:0], 1'b0}} : sum;", last - 1);
        "old"
    } else {
        "sum"
    };
    let shared = if lane.shared { " | shared" } else { "" };
    let _ = write!(
        text,
        "  \
         always @(posedge clock) if (clear) sum <= 0; else sum <= {old} + (shifted | biases_read[{field}*i +: {bits}]{shared});\n  \
         wire reached = !sum[{last}];\n  assign sums[{bits}*i +: {bits}] = sum;\n",
    );
    text
}

/// The outputs of a lane: how many thresholds are reached, complemented where the channel counts downwards.
fn level(program: &Program, lane: &Lane) -> String {
    let (count, bits) = (lane.count_bits, lane.bits);
    let field = bits + u32::from(lane.flips);
    let mut text = String::new();
    if count > 1 {
        let _ = write!(
            text,
            "  reg [{0}:0] reached_before = 0;\n  always @(posedge clock)\n    \
             if (clear) reached_before <= 0; else if ({1}) reached_before <= reached_before + reached;\n  \
             wire [{0}:0] level = reached_before + reached;\n",
            count - 1,
            late(program.depth(), flag::COUNT),
        );
    } else {
        text.push_str("  wire [0:0] level = reached;\n");
    }
    let flip = if lane.flips {
        let _ = writeln!(text, "  reg flip;\n  always @(posedge clock) flip <= biases_read[{field}*i + {bits}];");
        "flip"
    } else {
        "1'b0"
    };
    for plane in 0..lane.planes {
        let bit = if plane < count { format!("level[{plane}] ^ {flip}") } else { flip.to_owned() };
        let _ = writeln!(text, "  assign outputs_{plane}[i] = {bit};");
    }
    text
}
