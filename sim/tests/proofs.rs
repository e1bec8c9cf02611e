//! Yosys proves the lanes equal to a second description, for every input and every history.
//!
//! The engine's text sums parts of seven bits, adds unsigned words and looks at the sign bit;
//! the second description counts by folding halves, multiplies, and compares signed numbers.
//! Every proof has a planted fault that must be refuted, as a comparison of nothing would succeed too.

use std::process::Command;

use bitfab_format::arbitrary::{self, Plan, Random};
use bitfab_format::{Draft, Kind, Model, Op, PadValue, Shape, WeightKind};
use bitfab_hdl::{Options, Program, Row, lane_verilog};

/// Whether Yosys finds `left` and `right` (module names of `verilog`) equal in all reachable states.
fn is_equal(verilog: &str, left: &str, right: &str) -> bool {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("lanes.v"), verilog).unwrap();
    let script = format!(
        "read_verilog lanes.v; prep -top {left}; design -stash left; read_verilog lanes.v; prep -top {right}; \
         design -stash right; design -copy-from left -as left {left}; design -copy-from right -as right {right}; \
         miter -equiv -flatten -make_outputs left right both; hierarchy -top both; flatten; opt -full; \
         sat -tempinduct -maxsteps 12 -set-init-def -set-def-inputs -prove trigger 0 -verify both"
    );
    let output = Command::new("yosys").current_dir(folder.path()).args(["-q", "-p", &script]).output();
    let output = output.expect("yosys is needed: install the Debian package yosys");
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let refused = said.contains("proof did fail") || said.contains("Proof failed") || said.contains("Reached maximum");
    assert!(output.status.success() || refused, "yosys failed for another reason: {said}");
    output.status.success()
}

/// What a lane of a program has.
struct Features {
    bits: u32,
    bias_bits: u32,
    /// Cycles from the flags to their word, and to the accumulators.
    fetch: usize,
    depth: usize,
    flips: bool,
    planes: u32,
    several: bool,
    doubles: bool,
    shared: bool,
    shift_bits: u32,
    seen: String,
}

impl Features {
    fn new(program: &Program) -> Self {
        let (rows, fetch) = (&program.rows, program.fetch());
        let weights = if program.weights.is_empty() { "32'd0" } else { "weights_read" };
        let signs = if program.signs.is_empty() { "32'd0" } else { "signs_read" };
        let differs = |from: &str| format!("((word & ~{from}) | (~word & {from}))");
        let seen = format!("is_masked ? {} & {weights} : {}", differs(signs), differs(weights));
        let decides = |row: &&Row| !row.output.raw && !row.pool && !row.scaling.requant;
        let select = rows.iter().any(|row| row.select || row.residual.added);
        Self {
            bits: program.accumulator_bits,
            bias_bits: program.bias_bits(),
            fetch,
            depth: program.depth(),
            flips: program.flips.iter().any(|flip| *flip),
            planes: rows.iter().filter(decides).map(|row| row.output.planes + 1).max().unwrap_or(0),
            several: rows.iter().any(|row| row.thresholds != 0),
            doubles: rows.iter().any(|row| row.doubles || row.passes != 0 || row.sum.shared),
            shared: rows.iter().any(|row| row.sum.shared),
            shift_bits: 32 - program.max_shift().leading_zeros(),
            seen: if select { format!("f{fetch}[1] ? (word & (32'd1 << f{fetch}[22:18])) : ({seen})") } else { seen },
        }
    }
}

/// The lanes (one of them) described a second time.
fn second_description(program: &Program) -> String {
    let has = Features::new(program);
    let outputs: String = (0..has.planes).map(|plane| format!(", output all_outputs_{plane}")).collect();
    let kept =
        if has.shared { format!(", input is_subtracted, output [{}:0] all_kept", has.bits - 1) } else { String::new() };
    let mut text = format!(
        "module second(input clock, input is_masked, input [31:0] word, input [31:0] flags, input [31:0] weights_read,
  input [31:0] signs_read, input [{}:0] biases_read, output [{}:0] all_sums{outputs}{kept});
{ONES}  wire [31:0] seen = {};\n  wire [5:0] n0 = ones(seen);\n",
        has.bias_bits - 1 + u32::from(has.flips),
        has.bits - 1,
        has.seen,
    );
    for stage in 1..=has.depth {
        let before = if stage == 1 { "flags".to_owned() } else { format!("f{}", stage - 1) };
        text += &format!("  reg [31:0] f{stage} = 0; always @(posedge clock) f{stage} <= {before};\n");
    }
    for stage in 1..=has.depth - has.fetch {
        text += &format!("  reg [5:0] n{stage} = 0; always @(posedge clock) n{stage} <= n{};\n", stage - 1);
    }
    text + &accumulator(&has)
}

/// The number of ones, by folding halves.
const ONES: &str = "  function [5:0] ones(input [31:0] v); reg [31:0] a; begin
    a = v - ((v >> 1) & 32'h55555555);
    a = (a & 32'h33333333) + ((a >> 2) & 32'h33333333);
    a = (a + (a >> 4)) & 32'h0f0f0f0f;
    a = a + (a >> 8);
    a = a + (a >> 16);
    ones = a[5:0];
  end endfunction
";

/// Products, signed sums, comparisons.
fn accumulator(has: &Features) -> String {
    let (bits, depth) = (has.bits, has.depth);
    let shift = match has.shift_bits {
        0 => "1".to_owned(),
        shift_bits => format!("(1 << f{depth}[{}:23])", 22 + shift_bits),
    };
    let pipe = depth - has.fetch;
    let (end, sum, kept) = if has.shared {
        let end = format!("f{depth}[6] | f{depth}[16]");
        (end, "total * (is_subtracted ? -1 : 1)", format!("(f{depth}[17] ? kept : {bits}'d0)"))
    } else {
        (format!("f{depth}[6]"), "total", "0".to_owned())
    };
    let factor = if has.doubles { format!("(f{depth}[15] ? 2 : 1)") } else { "1".to_owned() };
    let flip = if has.flips { format!("biases_read[{}]", has.bias_bits) } else { "1'b0".to_owned() };
    let count = if has.several { "count + reached" } else { "reached" };
    let text = format!(
        "  reg ran = 0; always @(posedge clock) ran <= f{}[0];
  wire runs = {};
  reg signed [{last}:0] total = 0;
  reg [{last}:0] kept = 0; always @(posedge clock) if (f{depth}[16]) kept <= {sum};
  wire clear = {end} | flags[14];
  wire signed [{bias_last}:0] own = biases_read[{bias_last}:0]; wire signed [{last}:0] bias = own;
  wire [{last}:0] product = runs ? n{} * {shift} : 0;
  wire reached = total >= $signed({bits}'d0);
  reg [4:0] count = 0;
  always @(posedge clock) begin
    total <= clear ? 0 : total * {factor} + (product | bias | {kept});
    count <= clear ? 0 : count + (f{depth}[5] & reached);
  end
  assign all_sums = total;
  reg flip = 0; always @(posedge clock) flip <= {flip};
  wire [4:0] level = {{5{{{}}}}} ^ ({count});\n",
        (depth - 1).max(1),
        if pipe == 0 { format!("f{depth}[0]") } else { "ran".to_owned() },
        pipe,
        if has.flips { "flip" } else { "1'b0" },
        last = bits - 1,
        bias_last = has.bias_bits - 1,
    );
    text + &outputs(has)
}

/// What the second description shows of itself: enough of its state to prove step by step.
fn outputs(has: &Features) -> String {
    let mut text = String::new();
    if has.shared {
        text += "  assign all_kept = kept;\n";
    }
    for plane in 0..has.planes {
        text += &format!("  assign all_outputs_{plane} = level[{plane}];\n");
    }
    text + "endmodule\n"
}

/// A network that reaches a unit of a lane, by what it has.
fn network(name: &str) -> Draft {
    let sign = Kind::Sign;
    let two = Kind::Unsigned { bits: 2 };
    let build = |shape: Shape, plans: &[Plan]| arbitrary::build(shape, Kind::U8, plans, &mut Random::new(3));
    let grouped = Plan { groups: 3, ..Plan::same(3, PadValue::MinusOne, 6, sign) };
    let (numbers, pixels) = (Shape::vector(40), Shape::new(4, 4, 3));
    let first = Plan::same(1, PadValue::Zero, 6, sign);
    match name {
        "signs and doubled planes" => build(numbers, &[Plan::dense(12, sign), Plan::dense(10, Kind::I32)]),
        "several thresholds" => build(numbers, &[Plan::dense(12, two), Plan::dense(10, Kind::I32)]),
        "true zeros between signs" => build(pixels, &[first, Plan::same(3, PadValue::Zero, 4, sign)]),
        "groups behind masks" => build(pixels, &[first, grouped]),
        "selected bits and flipped directions" => build(pixels, &[first, Plan::pool(Op::SumPool, 2, two)]),
        "digits without zero" => {
            kinds(Shape::vector(20), 4, WeightKind::Planes, |p| p.rows.iter().any(|r| r.passes != 0))
        }
        "digits with signs" => kinds(Shape::vector(20), 4, WeightKind::Integer, |p| !p.signs.is_empty()),
        "bits of digits" => {
            kinds(Shape::vector(20), 4, WeightKind::Integer, |p| p.rows.iter().any(|r| r.weights.minus))
        }
        "a shared sum of lists" => {
            kinds(Shape::vector(100), 12, WeightKind::SparseBinary, |p| p.rows[0].sum.shared && p.fetch() == 2)
        }
        other => panic!("no network has {other}"),
    }
}

/// The first random network of two layers with weights of `kind` whose lanes have what is asked for.
fn kinds(shape: Shape, outputs: u32, kind: WeightKind, has: fn(&Program) -> bool) -> Draft {
    let plans = [Plan::dense(outputs, Kind::Sign).with_weights(kind), Plan::dense(10, Kind::I32)];
    let drafts = (0..100).map(|seed| arbitrary::build(shape, Kind::U8, &plans, &mut Random::new(seed)));
    let found = drafts.into_iter().find(|draft| {
        let words = draft.emit();
        let model = Model::new(bytemuck::cast_slice(&words)).unwrap();
        has(&Program::new(&model, &Options { lanes: 1, ..Options::default() }).unwrap())
    });
    found.expect("one of a hundred networks has it")
}

/// Proves the lanes of a network with `pipe` stages equal to their second description; at the default depth a fault is
/// refuted.
fn prove(name: &str, pipe: u32) {
    let words = network(name).emit();
    let model = Model::new(bytemuck::cast_slice(&words)).unwrap();
    let program = Program::new(&model, &Options { lanes: 1, pipe, ..Options::default() }).unwrap();
    let (lane, second) = (lane_verilog(&program), second_description(&program));
    assert!(is_equal(&format!("{lane}{second}"), "lanes", "second"), "{name}, pipe {pipe}");
    // One input of one sum is taken from the wrong place.
    let fault = lane.replace("product_0[13]}", "product_0[12]}");
    assert!(fault != lane, "the fault must change the text");
    if pipe == 2 {
        assert!(!is_equal(&format!("{fault}{second}"), "lanes", "second"), "{name}: the fault was not seen");
    }
}

/// A proof is a test of its own, as some take minutes: they run side by side.
macro_rules! lanes_equal_a_second_description_and_faults_are_refuted {
    ($($test:ident: $name:literal, $pipe:literal;)*) => {
        $(#[test]
        fn $test() {
            prove($name, $pipe);
        })*
    };
}

// Every depth of the pipeline once, the default with every unit.
lanes_equal_a_second_description_and_faults_are_refuted! {
    lanes_of_signs_without_a_pipeline_are_proven: "signs and doubled planes", 0;
    lanes_of_signs_in_one_stage_are_proven: "signs and doubled planes", 1;
    lanes_of_signs_are_proven: "signs and doubled planes", 2;
    lanes_of_signs_in_three_stages_are_proven: "signs and doubled planes", 3;
    lanes_of_several_thresholds_are_proven: "several thresholds", 2;
    lanes_of_true_zeros_between_signs_are_proven: "true zeros between signs", 2;
    lanes_of_groups_behind_masks_are_proven: "groups behind masks", 2;
    lanes_of_selected_bits_and_flipped_directions_are_proven: "selected bits and flipped directions", 2;
    lanes_of_digits_without_zero_are_proven: "digits without zero", 2;
    lanes_of_digits_with_signs_are_proven: "digits with signs", 2;
    lanes_of_bits_of_digits_are_proven: "bits of digits", 2;
    lanes_of_a_shared_sum_of_lists_are_proven: "a shared sum of lists", 2;
}

/// `acc >= t` by the sign bit of `I + floor((offset - t) / 2)`, against signed numbers compared.
const DECISION: &str = "
module by_sign(input [7:0] count, input signed [9:0] threshold, output reached);
  // 200 signs: acc = 2 count - 200
  wire signed [10:0] bias = (-200 - threshold) >>> 1;
  wire [11:0] sum = {4'd0, count} + {bias[10], bias};
  assign reached = (count > 8'd200) | !sum[11];
endmodule
module by_comparison(input [7:0] count, input signed [9:0] threshold, output reached);
  wire signed [11:0] accumulator = $signed({3'd0, count, 1'b0}) - 12'sd200;
  assign reached = (count > 8'd200) | (accumulator >= threshold);
endmodule
";

#[test]
fn the_sign_bit_equals_the_comparison_and_a_narrow_sum_is_refuted() {
    assert!(is_equal(DECISION, "by_sign", "by_comparison"));
    // A sum one bit too narrow overflows for thresholds far from the accumulator.
    let narrow = DECISION.replace("wire [11:0] sum", "wire [8:0] sum").replace("!sum[11]", "!sum[8]");
    assert_ne!(narrow, DECISION);
    assert!(!is_equal(&narrow, "by_sign", "by_comparison"));
}
