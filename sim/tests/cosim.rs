//! The files that a person flashes, together: the UF2 of a Raspberry Pi Pico, in rp2040js, asks the bitstream of an
//! iCEBreaker, turned back into Verilog.

#[path = "common/turned_back.rs"]
mod turned_back;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bitfab_format::arbitrary::{self, Plan, Random};
use bitfab_format::{Kind, Model, Shape, digest};
use bitfab_hdl::Options;
use bitfab_sim::qemu::Chip;
use bitfab_sim::uf2::uf2;
use tempfile::TempDir;

use turned_back::{KILOHERTZ, icebreaker, run, turned_back};

/// Yosys' models of an iCE40's cells.
const CELLS: &str = "/usr/share/yosys/ice40/cells_sim.v";

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The program for a Pico with the model of a file, or with the one that it has where nobody chooses, as UF2.
fn pico(folder: &Path, model: Option<&Path>) -> PathBuf {
    let elf = std::fs::read(Chip::PICO.build(model).unwrap()).unwrap();
    let path = folder.join(if model.is_some() { "chosen.uf2" } else { "default.uf2" });
    std::fs::write(&path, uf2(&elf).unwrap()).unwrap();
    path
}

/// A program that has the pins of a board's FPGA.
struct Fpga(TempDir);

/// Compiles Verilog with the module `board`, and what it needs besides.
fn verilated(folder: TempDir, sources: &[&str]) -> Fpga {
    let mut verilator = Command::new("verilator");
    // Cells of iCE40 and what icebox_vlog writes are not what lints like.
    verilator.current_dir(folder.path()).args([
        "--cc",
        "--exe",
        "-O3",
        "--output-split",
        "0",
        "-Wno-lint",
        "-Wno-fatal",
    ]);
    verilator.args(["-DNO_ICE40_DEFAULT_ASSIGNMENTS", "--top-module", "board", "-o", "fpga"]).args(sources);
    run(verilator.arg(here("cosim/fpga.cpp")), "verilator");
    let quick = ["-f", "Vboard.mk", "OPT_FAST=-O1", "OPT_SLOW=-O0", "OPT_GLOBAL=-O0"];
    run(Command::new("make").current_dir(folder.path().join("obj_dir")).args(quick), "make");
    Fpga(folder)
}

/// The rp2040js that `tests/run` installs.
fn node_path() -> PathBuf {
    let path = std::env::var_os("BITFAB_NODE").map_or(here("../target/node"), PathBuf::from).join("node_modules");
    assert!(path.join("rp2040js").is_dir(), "{} has no rp2040js: install it by tests/run --install", path.display());
    path
}

impl Fpga {
    /// What a Pico with this file says, wired to it.
    fn asked_by(&self, uf2: &Path) -> String {
        let mut fpga = Command::new(self.0.path().join("obj_dir/fpga"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut node = Command::new("node");
        node.arg(here("cosim/pico.js")).arg(uf2).arg(KILOHERTZ.to_string()).env("NODE_PATH", node_path());
        node.stdin(fpga.stdout.take().unwrap()).stdout(fpga.stdin.take().unwrap());
        let output = node.output();
        drop(node); // its ends of both pipes
        fpga.wait().unwrap();
        let output = output.unwrap_or_else(|error| match error.kind() {
            ErrorKind::NotFound => panic!("`node` is not installed: install the Debian package `nodejs`"),
            _ => panic!("node: {error}"),
        });
        let said = String::from_utf8_lossy(&output.stderr).replace('\r', "");
        println!("{said}");
        said
    }
}

/// Turns a bit of every memory that holds something: twenty answers need not show a single weight, and the placement
/// decides which memory holds what.
fn flipped(bits: String) -> String {
    let mut parts = bits.split(".ram_data");
    parts.next().unwrap().to_owned() + &parts.map(with_a_bit_turned).collect::<String>()
}

/// A memory's place and contents, and what follows it, with the first bit turned that is set.
fn with_a_bit_turned(memory: &str) -> String {
    let (place, data) = memory.split_once('\n').unwrap();
    let contents = data.split('.').next().unwrap();
    let Some(at) = contents.find(|digit: char| digit.is_ascii_hexdigit() && digit != '0') else {
        return format!(".ram_data{memory}");
    };
    let digit = u8::from_str_radix(&data[at..=at], 16).unwrap();
    format!(".ram_data{place}\n{}{:x}{}", &data[..at], digit & (digit - 1), &data[at + 1..])
}

/// The Verilog of a bitstream as Verilator takes it: icebox_vlog declares ports twice, of which Yosys makes one.
fn gates(built: &bitfab_sim::board::Built, change: &dyn Fn(String) -> String) -> Fpga {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("back.v"), turned_back(built, folder.path(), change)).unwrap();
    let script = "read_verilog back.v; proc; opt_clean; write_verilog -noattr gates.v";
    run(Command::new("yosys").current_dir(folder.path()).args(["-q", "-p", script]), "yosys");
    verilated(folder, &["gates.v", CELLS])
}

#[test]
fn a_pico_and_an_icebreaker_compute_the_same_from_the_files_that_are_flashed() {
    node_path(); // not after minutes of work
    let folder = tempfile::tempdir().unwrap();
    // Scores as they are: no threshold hides a mistake.
    let plans = [Plan::dense(32, Kind::Sign), Plan::dense(10, Kind::I32)];
    let words = arbitrary::build(Shape::vector(64), Kind::U8, &plans, &mut Random::new(3)).emit();
    let (model, path) = (Model::from_words(&words).unwrap(), folder.path().join("model.bfab"));
    std::fs::write(&path, bytemuck::cast_slice(&words)).unwrap();
    let pico_file = pico(folder.path(), Some(&path));
    let built = icebreaker(&model, Options::default().with_lanes(4), false);
    let (version, number) = (env!("CARGO_PKG_VERSION"), digest(&words));
    let linked = format!(
        "bitfab {version} pico model {number:08x}\nself-test ok 4 inputs 8 digests\n\
         link 4 lanes 64 in 40 out model {number:08x}\n"
    );
    let well = format!("{linked}link ok 20 equal no digests\nend\n");

    let fpga = gates(&built, &|bits| bits);
    assert_eq!(fpga.asked_by(&pico_file), well);
    // Before synthesis, which says where to look should the bitstream differ.
    let texts = tempfile::tempdir().unwrap();
    built.files.iter().for_each(|file| std::fs::write(texts.path().join(&file.name), &file.bytes).unwrap());
    assert_eq!(verilated(texts, &["board.v", "chip.v"]).asked_by(&pico_file), well);

    // Memories of which a bit is wrong are seen.
    let wrong = gates(&built, &flipped).asked_by(&pico_file);
    assert!(wrong.contains("self-test ok") && wrong.contains("link: ") && !wrong.contains("link ok"), "{wrong}");
    // And a pair of files that are not of one model.
    let other = fpga.asked_by(&pico(folder.path(), None));
    let refused = format!("link: the other side holds model {number:08x}, not ");
    assert!(other.contains("self-test ok") && other.contains(&refused) && !other.contains("link ok"), "{other}");
}
