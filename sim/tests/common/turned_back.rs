//! A bitstream turned back into Verilog, by the tools of icestorm.

use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Output};

use bitfab_format::Model;
use bitfab_hdl::Options;
use bitfab_sim::board::{Board, BoardWire, BuildOptions, Built, build};

/// Runs a tool to its end.
pub fn run(command: &mut Command, package: &str) -> Output {
    let program = command.get_program().display().to_string();
    let output = command.output().unwrap_or_else(|error| match error.kind() {
        ErrorKind::NotFound => panic!("`{program}` is not installed: install the Debian package `{package}`"),
        _ => panic!("{program}: {error}"),
    });
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// The clock of an iCEBreaker.
pub const KILOHERTZ: u32 = 12_000;

/// The bitstream of an iCEBreaker, one placement, behind SPI.
pub fn icebreaker(model: &Model<'_>, options: Options, digests: bool) -> Built {
    let asked = BuildOptions { options, wire: BoardWire::Spi, digests, kilohertz: Some(KILOHERTZ), seeds: 1 };
    build(model, &Board::named("icebreaker").unwrap(), &asked, &|_| {}).unwrap()
}

/// The Verilog that the file for the FPGA says it is, after a change of the text that stands for its bits.
pub fn turned_back(built: &Built, folder: &Path, change: &dyn Fn(String) -> String) -> String {
    let file = |end: &str| built.files.iter().find(|file| file.name.ends_with(end)).unwrap();
    std::fs::write(folder.join("x.bin"), &file(".bin").bytes).unwrap();
    std::fs::write(folder.join("x.pcf"), &file(".pcf").bytes).unwrap();
    let tool = |program: &str, arguments: &[&str]| {
        let output = run(Command::new(program).current_dir(folder).args(arguments), "fpga-icestorm");
        String::from_utf8(output.stdout).unwrap()
    };
    tool("iceunpack", &["x.bin", "x.asc"]);
    let bits = std::fs::read_to_string(folder.join("x.asc")).unwrap();
    std::fs::write(folder.join("x.asc"), change(bits)).unwrap();
    tool("icebox_vlog", &["-s", "-l", "-n", "board", "-p", "x.pcf", "x.asc"])
}
