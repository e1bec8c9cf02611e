//! Links with the board's `memory.x`; puts the model of `BITFAB_MODEL` into the program, and the self-test that the
//! laptop computes of it.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

use bitfab_format::{Model, align};
use bitfab_runtime::{Digests, run};

/// Without another one.
const DEFAULT: &str = "../../../tests/vectors/chain_of_2.bfab";
/// Inputs of the self-test.
const ROWS: usize = 4;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = env::var("CARGO_MANIFEST_DIR")?;
    println!("cargo:rerun-if-changed=memory.x");
    println!("cargo:rustc-link-search={folder}");
    println!("cargo:rustc-link-arg-bins=--nmagic");
    println!("cargo:rustc-link-arg-bins=-Tlink.x");

    println!("cargo:rerun-if-env-changed=BITFAB_MODEL");
    let named = env::var("BITFAB_MODEL").unwrap_or_else(|_| DEFAULT.into());
    let path = Path::new(&folder).join(&named);
    let bytes = fs::read(&path).map_err(|error| format!("BITFAB_MODEL, {}: {error}", path.display()))?;
    println!("cargo:rerun-if-changed={}", path.display());
    println!("cargo:rustc-env=BITFAB_MODEL_FILE={}", path.display());
    let words = align(&bytes);
    let model = Model::from_words(&words).map_err(|error| format!("BITFAB_MODEL, {}: {error}", path.display()))?;
    fs::write(Path::new(&env::var("OUT_DIR")?).join("self_test.rs"), self_test(&model)?)?;
    Ok(())
}

/// Rows of noise with the digest of every layer, as Rust.
fn self_test(model: &Model<'_>) -> Result<String, Box<dyn Error>> {
    let mut state = 0x9e37_79b9_u32;
    let mut noise = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 24) as u8
    };
    let mut rows = Vec::new();
    for _ in 0..ROWS {
        let input: Vec<u8> = (0..model.input_bytes()).map(|_| noise()).collect();
        let (mut arena, mut digests) = (vec![0; model.arena_words()], Digests::<255>::new());
        run(model, &input, &mut arena, &mut digests)?;
        rows.push((input, digests.as_slice().to_vec()));
    }
    let (words, layers, bytes) = (model.output().region.words, model.layer_count(), model.input_bytes());
    Ok(format!(
        "/// Words of the model's output.\nconst WORDS: usize = {words};\n/// Its layers.\nconst LAYERS: usize = {layers};\n\
         /// Inputs, and the digest of every layer's output.\n\
         static SELF_TEST: [([u8; {bytes}], [u32; {layers}]); {ROWS}] = {rows:?};\n"
    ))
}
