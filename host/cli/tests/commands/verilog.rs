//! What `bitfab verilog` writes beside the accelerator, as the tools of its readers take it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::{Learned, bitfab, json};
use serde_json::Value;

/// What a tool prints that must succeed in a folder.
fn tool(folder: &Path, program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).current_dir(folder).env("HOME", folder).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}; tests/run --install brings it"));
    let printed = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {printed}");
    printed
}

/// Writes the accelerator of a learned model to `out`.
fn write(learned: &Learned, arguments: &[&str]) -> PathBuf {
    bitfab(learned.path()).args(["verilog", "net.bfab", "-o", "out"]).args(arguments).assert().success();
    learned.file("out")
}

fn text(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn axi4_stream_has_its_ports_and_a_test_bench_that_passes() {
    let learned = Learned::new("mlp:16");
    let folder = write(&learned, &["--interface", "axis", "--name", "digits", "--vectors", "2"]);
    let readme = text(&folder, "README.md");
    for said in ["| `aresetn` | in | 1 | low returns", "`s_axis_tlast` comes early", "`aresetn` may be tied to 1"] {
        assert!(readme.contains(said), "{said}");
    }
    assert!(!readme.contains('@') && !readme.contains("in_last"), "{readme}");
    for edition in ["-g2005", "-g2012"] {
        tool(&folder, "iverilog", &[edition, "-Wall", "-o", "bench", "testbench.v", "digits.v"]);
        assert!(tool(&folder, "vvp", &["bench"]).contains("PASS: 80 bytes equal"), "{edition}");
    }
    let lint = tool(&folder, "verilator", &["--lint-only", "-Wall", "digits.v"]);
    assert_eq!(lint, "", "verilator");
}

/// A program of the virtual environment that `tests/run` makes.
fn installed(program: &str) -> String {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/venv");
    let path = std::env::var_os("BITFAB_VENV").map_or(default, PathBuf::from).join("bin").join(program);
    assert!(path.is_file(), "{} is missing: install it by tests/run --install", path.display());
    path.canonicalize().unwrap().to_str().unwrap().into()
}

#[test]
fn fusesoc_simulates_and_lints_the_core_with_the_files_of_its_memories() {
    let learned = Learned::new("mlp:128");
    // One lane: the memory of the weights is deep enough to be a file.
    let folder = write(&learned, &["--lanes", "1", "--name", "digits", "--vectors", "1"]);
    let core = text(&folder, "digits.core");
    assert!(core.contains("digits_weights.hex") && !core.contains('@'), "{core}");
    for file in core.lines().filter_map(|line| line.trim().strip_prefix("- ")?.split_once(": {")) {
        assert!(folder.join(file.0).is_file(), "{} is named and not there", file.0);
    }
    let run = |target| {
        let arguments = ["--cores-root", ".", "run", "--target", target, "bitfab:accelerator:digits"];
        tool(&folder, &installed("fusesoc"), &arguments)
    };
    assert!(run("sim").contains("PASS: 40 bytes equal"), "{}", run("sim"));
    assert!(!run("lint").contains("%Warning"), "{}", run("lint"));
    let vhdl =
        tool(&folder, &installed("fusesoc"), &["--cores-root", ".", "core", "show", "bitfab:accelerator:digits"]);
    assert!(["default", "vhdl", "sim", "lint"].iter().all(|target| vhdl.contains(target)), "{vhdl}");
    write(&learned, &["--lanes", "1", "--name", "digits", "--vectors", "1", "--weights", "loaded"]);
    assert!(run("sim").contains("PASS: 40 bytes equal"), "{}", run("sim"));
}

/// Direction and width of each port, as Yosys reads the Verilog.
fn ports(folder: &Path, name: &str) -> HashMap<String, (String, usize)> {
    let script = format!("read_verilog {name}.v; hierarchy -top {name}; proc; write_json ports.json");
    tool(folder, "yosys", &["-q", "-p", &script]);
    let read: Value = serde_json::from_str(&text(folder, "ports.json")).unwrap();
    let ports = read["modules"][name]["ports"].as_object().unwrap().clone();
    let port = |port: &Value| (port["direction"].as_str().unwrap().to_owned(), port["bits"].as_array().unwrap().len());
    ports.iter().map(|(name, found)| (name.clone(), port(found))).collect()
}

/// The ports of the component.
fn declared(vhdl: &str) -> HashMap<String, (String, usize)> {
    let lines = vhdl.lines().skip_while(|line| !line.contains("port (")).skip(1).take_while(|line| line.trim() != ");");
    let port = |line: &str| {
        let (name, kind) = line.trim().split_once(':').unwrap();
        let direction = if kind.trim().starts_with("in ") { "input" } else { "output" };
        let high = kind.split_once("vector(").map_or("0", |(_, range)| range.split(' ').next().unwrap());
        (name.trim().to_owned(), (direction.to_owned(), high.parse::<usize>().unwrap() + 1))
    };
    lines.map(port).collect()
}

#[test]
fn the_component_has_the_ports_of_the_verilog_and_vhdl_takes_it() {
    let learned = Learned::new("mlp:16");
    for (interface, name, weights, count) in [("plain", "digits", "contents", 11), ("axis", "Digits_2", "loaded", 17)] {
        let folder = write(&learned, &["--interface", interface, "--name", name, "--weights", weights]);
        let package = format!("{name}_component.vhd");
        let component = declared(&text(&folder, &package));
        assert_eq!((component.len(), &component), (count, &ports(&folder, name)), "{interface}, {weights}");
        if weights == "loaded" {
            let bytes = std::fs::metadata(folder.join("weights.bin")).unwrap().len();
            assert!(text(&folder, &format!("{name}.vh")).contains(&format!("DIGITS_2_IMAGE_BYTES = {bytes};")));
            assert!(text(&folder, &package).contains(&format!("IMAGE_BYTES  : positive := {bytes};")));
            assert!(text(&folder, "timing.svg").contains("first bytes; the input waits"));
        }
        let map = component.keys().map(|port| format!("{port} => {port}_s")).collect::<Vec<_>>().join(", ");
        let signal = |(port, (_, width)): (&String, &(String, usize))| match width {
            1 => format!("signal {port}_s : std_logic;\n"),
            _ => format!("signal {port}_s : std_logic_vector(DATA_BITS - 1 downto 0);\n"),
        };
        let signals: String = component.iter().map(signal).collect();
        let user = format!(
            "library ieee; use ieee.std_logic_1164.all; use work.{name}_component.all;\nentity user is end entity;\n\
             architecture of_it of user is\n{signals}begin\n  it : {name} port map ({map});\n\
             assert LATENCY >= INTERVAL severity failure;\nend architecture;\n"
        );
        std::fs::write(folder.join("user.vhd"), user).unwrap();
        for edition in ["--std=93", "--std=08"] {
            tool(&folder, "ghdl", &["-a", edition, &package, "user.vhd"]);
        }
    }
}

#[test]
fn figures_are_those_of_the_cycle_model_in_both_languages() {
    let learned = Learned::new("mlp:16");
    let folder = write(&learned, &["--lanes", "4"]);
    let (header, vhdl) = (text(&folder, "bitfab.vh"), text(&folder, "bitfab_component.vhd"));
    let spec = json(learned.path(), &["synth", "net.bfab", "--target", "hx8k", "--lanes", "4", "--seeds", "1"]);
    let interval = spec[0]["cycles"].as_u64().unwrap();
    let readme = text(&folder, "README.md");
    for (name, value) in
        [("LANES", 4), ("INPUT_BYTES", 64), ("OUTPUT_BYTES", 40), ("OUTPUT_WORDS", 10), ("INTERVAL", interval)]
    {
        assert!(header.contains(&format!("localparam BITFAB_{name} = {value};")), "{name} {value}: {header}");
        assert!(vhdl.contains(&format!("constant {name:<12} : positive := {value};")), "{name} {value}: {vhdl}");
    }
    let latency = header.split("BITFAB_LATENCY = ").nth(1).unwrap().split(';').next().unwrap();
    assert!(
        readme.contains(&format!("takes {interval} cycles")) && readme.contains(&format!("and {latency} cycles from"))
    );
    // A module that includes the header and uses half of it is clean.
    let user = "module user(output [BITFAB_DATA_BITS-1:0] lanes);\n  `include \"bitfab.vh\"\n  assign lanes = BITFAB_LANES;\nendmodule\n";
    std::fs::write(folder.join("user.v"), user.replace("[BITFAB_DATA_BITS-1:0]", "[31:0]")).unwrap();
    assert_eq!(tool(&folder, "verilator", &["--lint-only", "-Wall", "user.v"]), "");
}

/// Drives the Verilog as the recording was made, and prints every port in every cycle.
const REPLAY: &str = r#"
module replay;
  `include "bitfab.vh"
  reg [7:0] bytes [0:4*BITFAB_INPUT_BYTES-1];
  reg clock = 0, reset = 1;
  integer sent = 0, pause = 2, cycle;
  wire in_valid = !reset && sent < BITFAB_INPUT_BYTES, in_last = in_valid && sent == BITFAB_INPUT_BYTES - 1;
  wire [7:0] in_data = in_valid ? bytes[sent] : 8'd0;
  wire out_ready = pause == 0;
  wire in_ready, frame_error, out_valid, out_last;
  wire takes = in_valid && in_ready;
  wire [7:0] out_data;
  bitfab it(.clock(clock), .reset(reset), .in_valid(in_valid), .in_data(in_data), .in_last(in_last), .in_ready(in_ready),
    .frame_error(frame_error), .out_valid(out_valid), .out_data(out_data), .out_last(out_last), .out_ready(out_ready));
  initial begin
    $readmemh("input.hex", bytes);
    for (cycle = 0; cycle < BITFAB_LATENCY + 10; cycle = cycle + 1) begin
      #1 $display("%0d reset=%b in_valid=%b in_ready=%b in_last=%b out_valid=%b out_ready=%b out_last=%b frame_error=%b in_data=%h out_data=%h",
        cycle, reset, in_valid, in_ready, in_last, out_valid, out_ready, out_last, frame_error, in_data, out_data);
      #1 clock = 1;
      #1 reset = 0;
      sent = sent + takes_before;
      pause = pause - (valid_before && pause != 0);
      clock = 0;
    end
    $finish;
  end
  // What was so before the edge.
  reg takes_before = 0, valid_before = 0;
  always @(posedge clock) begin
    takes_before = takes;
    valid_before = out_valid;
  end
endmodule
"#;

/// What a lane shows, by cycle; bytes that nobody reads are left out.
fn shown(lane: &Value, cycles: &[Option<u64>]) -> HashMap<u64, String> {
    let (mut now, mut found) = (String::new(), HashMap::new());
    let mut data = lane["data"].as_array().into_iter().flatten();
    let wave = lane["wave"].as_str().unwrap();
    assert_eq!(wave.len(), cycles.len(), "{lane}");
    for (sign, cycle) in wave.chars().zip(cycles) {
        match sign {
            '=' => now = data.next().unwrap().as_str().unwrap().into(),
            '.' | '|' => {}
            other => now = other.to_string(),
        }
        if let Some(cycle) = cycle.filter(|_| now != "x") {
            found.insert(cycle, now.clone());
        }
    }
    assert_eq!(data.next(), None, "{lane}");
    found
}

#[test]
fn the_timing_diagram_is_what_the_verilog_does() {
    let learned = Learned::new("mlp:16");
    let folder = write(&learned, &["--data", "digits"]);
    std::fs::write(folder.join("replay.v"), REPLAY).unwrap();
    tool(&folder, "iverilog", &["-g2005", "-o", "replay", "replay.v", "bitfab.v"]);
    let printed = tool(&folder, "vvp", &["-n", "replay"]);
    let row = |line: &str| {
        let (cycle, ports) = line.split_once(' ')?;
        let ports = ports.split(' ').filter_map(|port| port.split_once('='));
        let ports: HashMap<String, String> = ports.map(|(name, value)| (name.into(), value.into())).collect();
        Some((cycle.parse::<u64>().ok()?, ports))
    };
    let simulated: HashMap<u64, _> = printed.lines().filter_map(row).collect();
    let diagram: Value = serde_json::from_str(&text(&folder, "timing.json")).unwrap();
    let lanes = diagram["signal"].as_array().unwrap();
    let mut numbers =
        lanes[0]["data"].as_array().unwrap().iter().map(|number| number.as_str().unwrap().parse().unwrap());
    let signs = lanes[0]["wave"].as_str().unwrap().chars();
    let cycles: Vec<Option<u64>> = signs.map(|sign| if sign == '|' { None } else { numbers.next() }).collect();
    let mut compared = 0;
    for lane in lanes.iter().skip(2) {
        let name = lane["name"].as_str().unwrap();
        for (cycle, value) in shown(lane, &cycles) {
            assert_eq!(simulated[&cycle][name], value, "{name} in cycle {cycle}");
            compared += 1;
        }
    }
    assert!(compared > 300, "{compared} values compared");
    let svg = text(&folder, "timing.svg");
    assert!(["the input waits", "last byte in", "last byte out", "out_ready"].iter().all(|text| svg.contains(text)));
}
