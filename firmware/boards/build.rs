//! Shared by all boards: links with the board's own `memory.x` and the runtime crate's `link.x`.

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let memory = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("memory.x");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::copy(&memory, out.join("memory.x"))?;
    println!("cargo:rerun-if-changed={}", memory.display());
    println!("cargo:rerun-if-changed=../build.rs");
    println!("cargo:rustc-link-search={}", out.display());
    println!("cargo:rustc-link-arg-bins=--nmagic");
    println!("cargo:rustc-link-arg-bins=-Tlink.x");
    if env::var_os("CARGO_FEATURE_DEFMT").is_some() {
        println!("cargo:rustc-link-arg-bins=-Tdefmt.x");
    }
    Ok(())
}
