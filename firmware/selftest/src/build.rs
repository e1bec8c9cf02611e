//! For a board's build script: puts a model into the program, with what it must compute.

use std::boxed::Box;
use std::error::Error;
use std::format;
use std::path::Path;
use std::string::{String, ToString};
use std::vec::Vec;
use std::{env, fs, println, vec};

use bitfab_format::limits::MAX_LAYERS;
use bitfab_format::{Model, align};
use bitfab_runtime::{Digests, run};

/// Inputs of the self-test.
const ROWS: usize = 4;

/// Writes `self_test.rs` in `OUT_DIR`: the static `SELF_TEST` with the model of `BITFAB_MODEL`, or of `model` in the
/// package where nobody chooses.
///
/// # Errors
/// Where Cargo's variables are missing, the file cannot be read, or it is no model; which it was is said.
pub fn self_test(board: &str, model: &str) -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-env-changed=BITFAB_MODEL");
    let chosen = env::var("BITFAB_MODEL").unwrap_or_else(|_| model.to_string());
    let path = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join(chosen);
    println!("cargo:rerun-if-changed={}", path.display());
    let wrong = |error: &dyn Error| format!("BITFAB_MODEL, {}: {error}", path.display());
    let words = align(&fs::read(&path).map_err(|error| wrong(&error))?);
    let model = Model::from_words(&words).map_err(|error| wrong(&error))?;
    let text = rust(board, &path, &model)?;
    Ok(fs::write(Path::new(&env::var("OUT_DIR")?).join("self_test.rs"), text)?)
}

/// Links with the package's `memory.x`, if it has one, and with the linker's scripts that crates bring.
///
/// # Errors
/// Where Cargo's variables are missing.
pub fn link(scripts: &[&str]) -> Result<(), Box<dyn Error>> {
    let folder = env::var("CARGO_MANIFEST_DIR")?;
    println!("cargo:rerun-if-changed=build.rs");
    if Path::new(&folder).join("memory.x").is_file() {
        println!("cargo:rerun-if-changed=memory.x");
        println!("cargo:rustc-link-search={folder}");
        println!("cargo:rustc-link-arg-bins=--nmagic");
    }
    scripts.iter().for_each(|script| println!("cargo:rustc-link-arg-bins=-T{script}"));
    Ok(())
}

/// A board's model at `path` and its self-test, rows of noise with the digest of every layer, as Rust.
///
/// # Errors
/// Where the runtime refuses the model.
pub fn rust(board: &str, path: &Path, model: &Model<'_>) -> Result<String, Box<dyn Error>> {
    let (input, layers) = (model.input_bytes(), model.layer_count());
    let (arena, words) = (model.arena_words(), model.output().region.words);
    let mut state = 0x9e37_79b9;
    let mut rows = Vec::new();
    for _ in 0..ROWS {
        let input: Vec<u8> = (0..input).map(|_| noise(&mut state)).collect();
        let mut digests = Digests::<{ MAX_LAYERS as usize }>::new();
        run(model, &input, &mut vec![0; arena], &mut digests)?;
        rows.push((input, digests.as_slice().to_vec()));
    }
    Ok(format!(
        "/// The model, and what this board must compute of it.\n\
         static SELF_TEST: bitfab_selftest::SelfTest<{input}, {layers}, {arena}, {words}> = bitfab_selftest::SelfTest {{\n    \
         board: {board:?},\n    model: bitfab_runtime::model!({path:?}),\n    rows: &{rows:?},\n}};\n"
    ))
}

/// The next byte (xorshift).
fn noise(state: &mut u32) -> u8 {
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    (*state >> 24) as u8
}
