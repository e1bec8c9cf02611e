//! Verilator: a circuit to C++ to a program; what all circuits are linked with is compiled once.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::run_tool;
use crate::error::SimError;
use crate::qemu::target_folder;

/// Verilator's own run time, which takes longer to compile than a small circuit.
const RUN_TIME: [&str; 2] = ["verilated.o", "verilated_timing.o"];

/// Builds `bench.v` and the accelerator's `verilog` of `folder` and returns what the program printed.
pub(super) fn run(folder: &Path, verilog: &str) -> Result<String, SimError> {
    let translate = [
        "--cc",
        "--main",
        "--exe",
        "--timing",
        "-O3",
        "-Wall",
        "-DBITFAB_TRACE",
        "--top-module",
        "bench",
        "-o",
        "bench",
        "bench.v",
        verilog,
    ];
    run_tool(Command::new("verilator").current_dir(folder).args(translate), "verilator", "verilator")?;
    let objects = folder.join("obj_dir");
    let kept = kept(&objects);
    if let Some(kept) = &kept {
        copy(kept, &objects);
    }
    run_tool(Command::new("make").current_dir(&objects).args(["-f", "Vbench.mk"]), "make", "make")?;
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
