//! What `bitfab verilog` writes beside the accelerator, as the tools of its readers take it.

use std::path::Path;
use std::process::Command;

use crate::common::{Learned, bitfab};

/// What a tool prints that must succeed in a folder.
fn tool(folder: &Path, program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).current_dir(folder).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}; install the Debian package {program}"));
    let printed = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {printed}");
    printed
}

#[test]
fn axi4_stream_has_its_ports_and_a_test_bench_that_passes() {
    let learned = Learned::new("mlp:16");
    let write = ["verilog", "net.bfab", "--interface", "axis", "--name", "digits", "--vectors", "2", "-o", "out"];
    bitfab(learned.path()).args(write).assert().success();
    let readme = String::from_utf8(learned.read("out/README.md")).unwrap();
    for said in ["| `aresetn` | in | 1 | low returns", "`s_axis_tlast` comes early", "`aresetn` may be tied to 1"] {
        assert!(readme.contains(said), "{said}");
    }
    assert!(!readme.contains('@') && !readme.contains("in_last"), "{readme}");
    let folder = learned.file("out");
    for edition in ["-g2005", "-g2012"] {
        tool(&folder, "iverilog", &[edition, "-Wall", "-o", "bench", "testbench.v", "digits.v"]);
        assert!(tool(&folder, "vvp", &["bench"]).contains("PASS: 80 bytes equal"), "{edition}");
    }
    let lint = tool(&folder, "verilator", &["--lint-only", "-Wall", "digits.v"]);
    assert_eq!(lint, "", "verilator");
}
