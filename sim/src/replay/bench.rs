//! The testbench: fixed text but for the name and the ports of the accelerator and the number of cycles.

use bitfab_hdl::{Sources, TopPort};

/// The ports of an accelerator, connected to wires that have the names of the plain interface.
pub fn connections(sources: &Sources) -> String {
    let port = |port: TopPort| format!(".{}({}{})", port.name, if port.is_inverted { "!" } else { "" }, port.signal);
    sources.ports().map(port).collect::<Vec<_>>().join(",\n    ")
}

/// A testbench that drives the accelerator of `sources` for `cycles` cycles from `stimulus.hex`.
///
/// A line of the stimulus holds, from the highest of its 24 bits: `reset`, `in_valid`, `in_last`, `in_data`, `out_ready`,
/// and what is expected: `in_ready`, `frame_error`, `out_valid`, `out_last`, `out_data`.
/// Where weights are loaded, 13 bits lie above: `load_valid`, `load_last`, `load_data`, and what is expected: `load_ready`,
/// `loaded`, `load_error`.
/// A bit of a port that is unknown after the first edge counts as a difference.
/// It prints `O` with each byte of the result, `E` with each cycle whose ports differ, and `END` with their number.
pub fn testbench(sources: &Sources, cycles: usize) -> String {
    let name = &sources.name;
    let (high, [load, judge, format, shown]) = if sources.is_loaded { LOADED } else { PLAIN };
    format!(
        "`timescale 1ns/1ps
module bench;
  reg [{high}:0] stimulus [0:{last}];
  reg [{high}:0] now = 0;
  reg clock = 0;
  reg unknown;
  wire in_ready, frame_error, out_valid, out_last;
  wire [7:0] out_data;
  integer at;
  integer errors = 0;
  wire reset = now[23], in_valid = now[22], in_last = now[21], out_ready = now[12];
  wire [7:0] in_data = now[20:13];{load}
  {name} dut({ports});
  initial begin
    $readmemh(\"stimulus.hex\", stimulus);
    for (at = 0; at < {cycles}; at = at + 1) begin
      now = stimulus[at];
      #1;
      unknown = ({judge}) || ((at != 0) && ((^{{out_last, out_data}}) === 1'bx));
      if ((in_ready !== now[11]) || (frame_error !== now[10]) || (out_valid !== now[9]) || unknown ||
          (now[9] && ({{out_last, out_data}} !== now[8:0]))) begin
        errors = errors + 1;
        if (errors <= 20) $display(\"E %0d %b %b %b %b %h{format}\", at, in_ready, frame_error, out_valid, out_last,
          out_data{shown});
      end
      if (out_valid && out_ready) $display(\"O %h\", out_data);
      clock = 1;
      #1 clock = 0;
    end
    $display(\"END %0d\", errors);
    $finish;
  end
endmodule
",
        last = cycles.max(1) - 1,
        ports = connections(sources),
    )
}

/// The highest bit of the stimulus; the wires of the load port, whether it is wrong, and how it is shown.
type Port = (u32, [&'static str; 4]);
const LOADED: Port = (36, [LOAD, "load !== now[26:24]", " %b", ", load"]);
const PLAIN: Port = (23, ["", "1'b0", "", ""]);

/// The wires of the load port.
const LOAD: &str = "
  wire load_valid = now[36], load_last = now[35];
  wire load_ready, loaded, load_error;
  wire [7:0] load_data = now[34:27];
  wire [2:0] load = {load_ready, loaded, load_error};";
