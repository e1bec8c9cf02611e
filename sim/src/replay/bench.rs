//! The testbench: fixed text but for the number of cycles.

/// A testbench that drives `top` for `cycles` cycles from `stimulus.hex`.
///
/// A line of the stimulus holds, from the highest of its 20 bits: `in_valid`, `in_data`, `out_ready`,
/// and what is expected: `in_ready`, `out_valid`, `out_data`.
/// A bit of a port that is unknown after the first edge counts as a difference.
/// It prints `O` with each byte of the result, `E` with each cycle whose ports differ, and `END` with their number.
pub fn testbench(cycles: usize) -> String {
    format!(
        "`timescale 1ns/1ps
module bench;
  reg [19:0] stimulus [0:{last}];
  reg [19:0] now = 0;
  reg clock = 0;
  reg unknown;
  wire in_ready;
  wire out_valid;
  wire [7:0] out_data;
  integer at;
  integer errors = 0;
  top dut(.clock(clock), .in_valid(now[19]), .in_data(now[18:11]), .out_ready(now[10]),
    .in_ready(in_ready), .out_valid(out_valid), .out_data(out_data));
  initial begin
    $readmemh(\"stimulus.hex\", stimulus);
    for (at = 0; at < {cycles}; at = at + 1) begin
      now = stimulus[at];
      #1;
      unknown = (at != 0) && ((^out_data) === 1'bx);
      if ((in_ready !== now[9]) || (out_valid !== now[8]) || (now[8] && (out_data !== now[7:0])) || unknown) begin
        errors = errors + 1;
        if (errors <= 20) $display(\"E %0d %b %b %h\", at, in_ready, out_valid, out_data);
      end
      if (out_valid && now[10]) $display(\"O %h\", out_data);
      clock = 1;
      #1 clock = 0;
    end
    $display(\"END %0d\", errors);
    $finish;
  end
endmodule
",
        last = cycles.max(1) - 1,
    )
}
