//! Verilator: a circuit to C++ to a program; what all circuits are linked with is compiled once.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::run_tool;
use crate::error::SimError;
use crate::qemu::target_folder;

/// Verilator's own run time, which takes longer to compile than a small circuit.
const RUN_TIME: [&str; 2] = ["verilated.o", "verilated_timing.o"];

/// Models of the cells that a netlist is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cells {
    /// Where they are, and what they include.
    pub folder: &'static str,
    /// Their file.
    pub file: &'static str,
}

/// Builds `bench.v` and the accelerator's `verilog` of `folder`, or a netlist of `cells`, and returns what the program
/// printed.
pub(super) fn run(folder: &Path, verilog: &str, cells: Option<Cells>) -> Result<String, SimError> {
    let mut verilator = Command::new("verilator");
    verilator.current_dir(folder).args(["--cc", "--main", "--exe", "--timing", "-O3", "-DBITFAB_TRACE"]);
    verilator.args(["--top-module", "bench", "-o", "bench", "bench.v", verilog]);
    match cells {
        None => verilator.arg("-Wall"),
        // What Yosys writes is not what lints like.
        Some(Cells { folder, file }) => verilator
            .args(["-Wno-lint", "-Wno-fatal", "-DNO_ICE40_DEFAULT_ASSIGNMENTS", &format!("-I{folder}")])
            .arg(Path::new(folder).join(file)),
    };
    run_tool(&mut verilator, "verilator", "verilator")?;
    let objects = folder.join("obj_dir");
    let kept = kept(&objects);
    if let Some(kept) = &kept {
        copy(kept, &objects);
    }
    let mut make = Command::new("make");
    make.current_dir(&objects).args(["-f", "Vbench.mk"]);
    if cells.is_some() {
        make.args(["OPT_FAST=-O1", "OPT_SLOW=-O0"]); // a netlist compiles for longer than it runs
    }
    run_tool(&mut make, "make", "make")?;
    if let Some(kept) = &kept {
        copy(&objects, kept);
    }
    run_tool(Command::new("./obj_dir/bench").current_dir(folder), "the verilated bench", "verilator")
}

/// Where the run time is kept: under the target folder, by all that decides what it is compiled to; `None` where there
/// is no checkout.
fn kept(objects: &Path) -> Option<PathBuf> {
    let version = run_tool(Command::new("verilator").arg("--version"), "verilator", "verilator").ok()?;
    let compiler = run_tool(Command::new("g++").arg("--version"), "g++", "g++").ok()?;
    let rules = fs::read_to_string(objects.join("Vbench.mk")).ok()?;
    let flags = ["CXX", "CXXFLAGS", "CPPFLAGS", "OPT"].map(|name| std::env::var(name).unwrap_or_default());
    let all = [version, compiler, rules, flags.join("\n")].join("\n");
    let digest = bitfab_format::digest(&bitfab_format::align(all.as_bytes()));
    Some(target_folder().ok()?.join(format!("verilated-{digest:08x}")))
}

/// Copies the run time as far as it is there and wanted; what is not copied is compiled.
fn copy(from: &Path, to: &Path) {
    for name in RUN_TIME {
        let (from, to) = (from.join(name), to.join(name));
        if from.exists() && !to.exists() {
            let _ = put(&from, &to); // a full disk costs time here, and nothing else
        }
    }
}

/// Copies aside and renames, so that nobody ever sees half a file.
fn put(from: &Path, to: &Path) -> std::io::Result<()> {
    let folder = to.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let aside = tempfile::Builder::new().tempfile_in(folder)?.into_temp_path();
    fs::copy(from, &aside)?;
    aside.persist(to).map_err(|error| error.error)
}
