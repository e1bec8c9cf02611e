//! The Verilog of rust-hdl as tools and designs take it: continuous assignments, names of its own, no empty warnings.

use std::fmt::Write;

use crate::{Interface, ModuleName};

/// Ports have the widths of the largest model, because rust-hdl's do; a model of few words leaves their upper bits.
const PORTS_BEGIN: &str =
    "    /* verilator lint_off UNUSEDSIGNAL */ // ports are as wide as the largest model needs them";
const ONE_FILE: &str = "/* verilator lint_off DECLFILENAME */ // all modules of the accelerator are in this file";
const PORTS_END: &str = "    /* verilator lint_on UNUSEDSIGNAL */";

/// Ports that are there or not, besides those that load.
const OPTIONAL: [&str; 8] =
    ["digest_index", "digest_data", "link_ready", "has_weights", "flash_miso", "flash_cs_n", "flash_sck", "flash_mosi"];

/// Modules that only wire others: the top, and the engine inside ports of another standard or behind a link.
const WIRING: [&str; 4] = ["top", "top$engine", "top$linked", "top$linked$engine"];

/// What `generate_verilog` printed, with the wires of [`WIRING`] assigned continuously and all modules under `name`.
///
/// rust-hdl writes a kernel as a block that waits for a change of what it reads; where registers were set before it
/// began to wait, as SystemVerilog orders it, its wires would stay unknown until something changes.
/// A kernel of plain assignments says the same without waiting.
/// It joins names by `$`, which is legal and which many tools do not take.
pub(crate) fn finished(verilog: &str, name: &ModuleName) -> String {
    let (mut is_wiring, mut is_kernel, mut has_ports) = (false, false, false);
    let mut text = String::with_capacity(verilog.len() + verilog.len() / 8);
    for line in verilog.lines() {
        let code = line.trim();
        if let Some(module) = code.strip_prefix("module ").and_then(|rest| rest.split('(').next()) {
            is_wiring = WIRING.contains(&module);
        }
        let starts = is_wiring && code == "always @(*) begin";
        let ends = is_kernel && code == "end";
        let line = match (is_wiring, is_kernel) {
            _ if starts || ends => String::new(),
            (true, true) => format!("    assign {code}"),
            (true, false) => line.replace("output reg", "output wire").replace("    reg ", "    wire "),
            _ => line.to_owned(),
        };
        is_kernel = (is_kernel || starts) && !ends;
        if !is_wiring && code == "// Module arguments" {
            (has_ports, text) = (true, text + PORTS_BEGIN + "\n");
        } else if has_ports && code.is_empty() {
            (has_ports, text) = (false, text + PORTS_END + "\n");
        }
        if !starts && !ends {
            let _ = writeln!(text, "{}", named(line.trim_end(), name, is_wiring)); // a String takes everything
        }
    }
    format!("{ONE_FILE}\n{}", text.trim_start())
}

/// A line with the names of modules, and of wires of [`WIRING`], as designs take them; rust-hdl numbers ports that are
/// there or not.
fn named(line: &str, name: &ModuleName, is_wiring: bool) -> String {
    let is_module = ["module top", "endmodule // top"].iter().any(|start| line.trim_start().starts_with(start));
    let line = if is_module { line.replacen("top", &name.to_string(), 1) } else { line.to_owned() };
    let plain = |line: String, port: &str| line.replace(&format!("{port}$0"), port);
    let loads = Interface::ALL.into_iter().flat_map(Interface::load_ports).map(|port| port.name);
    let optional = loads.chain(OPTIONAL);
    let line = optional.fold(line, plain);
    if is_wiring || is_module { line.replace("top$", &format!("{name}$")).replace('$', "_") } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_becomes_assignments_and_modules_carry_the_name() {
        let printed = "module top(a,b);\n    input wire  a;\n    output reg  b;\n    reg  x$c;\n    top$x x(\n        .c(x$c)\n\
                       \x20   );\n    always @(*) begin\n        b = x$c;\n    end\nendmodule // top\n\
                       module top$x(d);\n\n    // Module arguments\n    output reg  d;\n\n    always @(*) d = 1;\n\
                       \x20   wire e = $signed(f) * $signed(g);\nendmodule // top$x";
        let expected = format!(
            "{ONE_FILE}\nmodule digits(a,b);\n    input wire  a;\n    output wire  b;\n    wire  x_c;\n    digits_x x(\n        .c(x_c)\n\
             \x20   );\n    assign b = x_c;\nendmodule // digits\nmodule digits_x(d);\n\n{PORTS_BEGIN}\n    // Module arguments\n\
             \x20   output reg  d;\n{PORTS_END}\n\n    always @(*) d = 1;\n    wire e = $signed(f) * $signed(g);\n\
             endmodule // digits_x\n"
        );
        assert_eq!(finished(printed, &"digits".parse().unwrap()), expected);
    }

    #[test]
    fn an_engine_inside_other_ports_is_assigned_continuously_too() {
        let printed = "module top(a);\n    output reg  a;\n    top$engine engine(\n        .b(engine$b)\n    );\n\
                       \x20   always @(*) begin\n        a = engine$b;\n    end\nendmodule // top\n\
                       module top$engine(b);\n    output reg  b;\n    always @(*) begin\n        b = front$b;\n    end\n\
                       endmodule // top$engine";
        let expected = format!(
            "{ONE_FILE}\nmodule x(a);\n    output wire  a;\n    x_engine engine(\n        .b(engine_b)\n    );\n\
             \x20   assign a = engine_b;\nendmodule // x\nmodule x_engine(b);\n    output wire  b;\n\
             \x20   assign b = front_b;\nendmodule // x_engine\n"
        );
        assert_eq!(finished(printed, &"x".parse().unwrap()), expected);
    }
}
