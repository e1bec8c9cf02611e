//! Engines that need more than Rust: whether they are here and how to get them.

use std::path::Path;

/// A program and what it would add.
const TOOLS: [(&str, &str); 4] = [
    ("qemu-system-arm", "QEMU: the firmware on emulated Cortex-M and RISC-V boards"),
    ("iverilog", "Icarus: the Verilog, event by event"),
    ("verilator", "Verilator: the Verilog, compiled"),
    ("yosys", "Yosys and nextpnr: size and speed on an FPGA"),
];

/// Whether a program is on the search path.
fn is_here(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// What was not run and how to run it.
pub fn not_run(out: &Path) -> String {
    let mut text = "Not run here, because the demo needs nothing but Rust:\n".to_owned();
    for (program, what) in TOOLS {
        let state = if is_here(program) { "installed" } else { "missing" };
        text += &format!("  {state:9} {what}\n");
    }
    let model = out.join("digits.bfab");
    let model = model.display();
    text += "One command installs them and runs every test on every engine:\n  tests/run\nThen, by hand:\n";
    text += &format!(
        "  cargo bitfab verify {model} --data digits --engines icarus,verilator,qemu-m4 --subset icarus=20,qemu-m4=50\n"
    );
    text + &format!("  cargo bitfab synth {model} --target up5k")
}
