//! The sender in Verilog.

use crate::program::Program;
use crate::text::width;

/// What does not depend on the model.
const EDGES: &str = "reg next_valid = 0;
reg [31:0] rest;
reg [2:0] left = 0;
wire takes = out_ready && (left != 3'd0);
wire loads = next_valid && ((left == 3'd0) || (takes && (left == 3'd1)));
wire reads = !next_valid && (used != 0);
always @(posedge clock) begin
  if (result_valid) begin
    buffer[written] <= result[];
    written <= written + 1'd1;
  end
  if (reads) begin
    next <= buffer[taken];
    taken <= taken + 1'd1;
  end
  if (result_valid && !reads) used <= used + 1'd1;
  else if (reads && !result_valid) used <= used - 1'd1;
  if (reads) next_valid <= 1;
  else if (loads) next_valid <= 0;
  if (loads) rest <= extended;
  else if (takes) rest <= {8'd0, rest[31:8]};
  if (loads) left <= 3'd4;
  else if (takes) left <= left - 3'd1;
end
always @(*) out_valid = left != 3'd0;
always @(*) out_data = rest[7:0];
";

/// The body of the sender's module.
pub(crate) fn text(program: &Program) -> String {
    let size = program.buffer_words;
    let address = width(u64::from(size) - 1);
    // Raw results are as wide as an accumulator, doubled ones a bit wider, scaled ones as their sums without what is
    // shifted out; they are extended when they leave.
    let row = program.rows.iter().find(|row| row.send);
    let bits = match row {
        Some(row) if row.affine => program.score_bits(row),
        Some(row) if row.raw => (program.accumulator_bits + u32::from(row.double)).min(32),
        _ => 32,
    };
    let extended =
        if bits < 32 { format!("{{{{{}{{next[{}]}}}}, next}}", 32 - bits, bits - 1) } else { "next".to_owned() };
    let last = bits - 1;
    let (top, low) = (size - 1, address - 1);
    let declarations = format!(
        "reg [{last}:0] buffer [0:{top}];
reg [{low}:0] written = 0;
reg [{low}:0] taken = 0;
reg [{address}:0] used = 0;
reg [{last}:0] next;
wire [31:0] extended = {extended};
"
    );
    let edges = EDGES.replace("result[]", &format!("result[{last}:0]"));
    format!("{declarations}{edges}always @(*) room = used[{address}:{low}] == 2'd0;\n")
}
