//! The top module of rust-hdl with continuous assignments.

use std::fmt::Write;

/// What `generate_verilog` printed, where the top module's wires are assigned continuously.
///
/// rust-hdl writes a kernel as a block that waits for a change of what it reads; where registers were set before it
/// began to wait, as SystemVerilog orders it, its wires would stay unknown until something changes.
/// A kernel of plain assignments says the same without waiting.
pub(crate) fn with_continuous_wires(verilog: &str) -> String {
    let (mut is_top, mut is_kernel) = (false, false);
    let mut text = String::with_capacity(verilog.len());
    for line in verilog.lines() {
        let code = line.trim();
        if code.starts_with("module ") {
            is_top = code.starts_with("module top(");
        }
        let starts = is_top && code == "always @(*) begin";
        let ends = is_kernel && code == "end";
        let line = match (is_top, is_kernel) {
            _ if starts || ends => String::new(),
            (true, true) => format!("    assign {code}"),
            (true, false) => line.replace("output reg", "output wire").replace("    reg ", "    wire "),
            _ => line.to_owned(),
        };
        is_kernel = (is_kernel || starts) && !ends;
        if !starts && !ends {
            let _ = writeln!(text, "{}", line.trim_end()); // a String takes everything
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_becomes_assignments_and_other_modules_stay() {
        let printed = "module top(a,b);\n    input wire  a;\n    output reg  b;\n    reg  c;\n    always @(*) begin\n        \
                       b = a;\n    end\nendmodule // top\nmodule top$x(d);\n    output reg  d;\n    always @(*) d = 1;\nendmodule";
        let expected = "module top(a,b);\n    input wire  a;\n    output wire  b;\n    wire  c;\n    assign b = a;\n\
                        endmodule // top\nmodule top$x(d);\n    output reg  d;\n    always @(*) d = 1;\nendmodule\n";
        assert_eq!(with_continuous_wires(printed), expected);
    }
}
