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
use bitfab_link::server::frame_bytes;
use bitfab_runtime::{Digests, run};

/// The inputs of the self-test, where somebody chose them: `BITFAB_INPUTS` names others.
const INPUTS: &str = "inputs.bin";
/// Else so many of noise, and how often the accelerator gets each.
const NOISE: usize = 4;
const ROUNDS: usize = 5;
/// How a sensor measures where nobody chose, and its values at a time.
const SENSOR: &str = "50,2,250";
const AXES: usize = 6;

/// What a board runs its model on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// Inputs, one behind the other.
    pub inputs: Vec<u8>,
    /// The digest of every layer's output, for each input.
    pub digests: Vec<Vec<u32>>,
    /// How often the accelerator gets each input.
    pub rounds: usize,
}

/// Writes `self_test.rs` in `OUT_DIR`: the static `SELF_TEST` with the model of `BITFAB_MODEL`, or of `model` in the
/// package where nobody chooses, and with the rows of `BITFAB_INPUTS`, of the package's `inputs.bin`, or of noise.
///
/// # Errors
/// Where Cargo's variables are missing, a file cannot be read or is of another kind or model; which it was is said.
pub fn self_test(board: &str, model: &str) -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-env-changed=BITFAB_MODEL");
    let folder = env::var("CARGO_MANIFEST_DIR")?;
    let chosen = env::var("BITFAB_MODEL").unwrap_or_else(|_| model.to_string());
    let path = Path::new(&folder).join(chosen);
    println!("cargo:rerun-if-changed={}", path.display());
    let wrong = |error: &dyn Error| format!("BITFAB_MODEL, {}: {error}", path.display());
    let words = align(&fs::read(&path).map_err(|error| wrong(&error))?);
    let model = Model::from_words(&words).map_err(|error| wrong(&error))?;
    let rows = match given(Path::new(&folder))? {
        Some(file) => chosen_rows(&model, &file)?,
        None => noise_rows(&model)?,
    };
    let out = env::var("OUT_DIR")?;
    let (inputs, text) = (Path::new(&out).join("inputs.bin"), Path::new(&out).join("self_test.rs"));
    fs::write(&inputs, &rows.inputs)?;
    let mut program = rust(board, [&path, &inputs], &model, &rows);
    if env::var_os("CARGO_FEATURE_SENSOR").is_some() {
        println!("cargo:rerun-if-env-changed=BITFAB_SENSOR");
        program += &sensor(&model, &env::var("BITFAB_SENSOR").unwrap_or_else(|_| SENSOR.to_string()))?;
    }
    Ok(fs::write(text, program)?)
}

/// How a sensor measures as Rust: samples a second, ranges in g and in degrees a second, by comma, and the values that the
/// model takes of it.
///
/// # Errors
/// Where the text is another, and for a model that takes no counts, or no whole number of samples.
pub fn sensor(model: &Model<'_>, settings: &str) -> Result<String, Box<dyn Error>> {
    let numbers: Vec<u32> = settings.split(',').filter_map(|number| number.trim().parse().ok()).collect();
    let (&[hertz, g, degrees], 2) = (&*numbers, settings.matches(',').count()) else {
        return Err(format!(
            "BITFAB_SENSOR, `{settings}`: say samples a second, g and degrees a second as in {SENSOR}"
        )
        .into());
    };
    let values = model.input_bytes();
    if model.interface().codings() == 0 {
        return Err("the model takes bytes, not what a sensor measures: train it on a table of raw counts".into());
    }
    if !values.is_multiple_of(AXES) {
        return Err(format!("the model takes {values} values, the sensor gives {AXES} at a time").into());
    }
    Ok(format!(
        "/// The values of a window, and how the sensor measures.\nconst VALUES: usize = {values};\n\
         const SENSOR: bitfab_selftest::Settings = bitfab_selftest::Settings {{ hertz: {hertz}, g: {g}, degrees: {degrees} }};\n"
    ))
}

/// The file of rows that somebody chose, if anybody did.
fn given(folder: &Path) -> Result<Option<Vec<u8>>, Box<dyn Error>> {
    println!("cargo:rerun-if-env-changed=BITFAB_INPUTS");
    let named = env::var("BITFAB_INPUTS");
    let path = folder.join(named.as_deref().unwrap_or(INPUTS));
    if named.is_err() && !path.exists() {
        return Ok(None);
    }
    println!("cargo:rerun-if-changed={}", path.display());
    Ok(Some(fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?))
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

/// The rows of a file: of each the input, then the digest of every layer's output, as `bitfab new --inputs` writes them.
///
/// # Errors
/// Where the file is no whole number of rows, and at least one; where the digests are not those of `model`.
pub fn chosen_rows(model: &Model<'_>, file: &[u8]) -> Result<Rows, Box<dyn Error>> {
    let (input, bytes) = (model.input_bytes(), model.input_bytes() + 4 * model.layer_count());
    if file.is_empty() || !file.len().is_multiple_of(bytes) {
        return Err(format!("the inputs: {} bytes are no rows of {bytes}", file.len()).into());
    }
    let mut rows = Rows { rounds: 1, ..Rows::default() };
    for (input, expected) in file.chunks(bytes).map(|row| row.split_at(input)) {
        let found = computed(model, input)?;
        if !found.iter().flat_map(|digest| digest.to_le_bytes()).eq(expected.iter().copied()) {
            return Err("the inputs are of another model: write them anew by `bitfab new --inputs`".into());
        }
        rows.inputs.extend(input);
        rows.digests.push(found);
    }
    Ok(rows)
}

/// A few rows of noise, the same ones each time.
///
/// # Errors
/// Where the runtime refuses the model.
pub fn noise_rows(model: &Model<'_>) -> Result<Rows, Box<dyn Error>> {
    let (mut state, bytes) = (0x9e37_79b9, NOISE * model.input_bytes());
    let inputs: Vec<u8> = (0..bytes).map(|_| noise(&mut state)).collect();
    let rows = inputs.chunks_exact(model.input_bytes()).map(|input| computed(model, input));
    let digests = rows.collect::<Result<_, _>>()?;
    Ok(Rows { inputs, digests, rounds: ROUNDS })
}

/// The digest of every layer's output.
fn computed(model: &Model<'_>, input: &[u8]) -> Result<Vec<u32>, Box<dyn Error>> {
    let mut digests = Digests::<{ MAX_LAYERS as usize }>::new();
    run(model, input, &mut vec![0; model.arena_words()], &mut digests)?;
    Ok(digests.as_slice().to_vec())
}

/// A board's self-test as Rust, with the files of model and inputs.
pub fn rust(board: &str, [path, inputs]: [&Path; 2], model: &Model<'_>, rows: &Rows) -> String {
    let (layers, arena, words) = (model.layer_count(), model.arena_words(), model.output().region.words);
    let (Rows { digests, rounds, .. }, frame) = (rows, frame_bytes(model, layers));
    format!(
        "/// The model, and what this board must compute of it.\n\
         static SELF_TEST: bitfab_selftest::SelfTest<{layers}, {arena}, {words}, {frame}> = bitfab_selftest::SelfTest {{\n    \
         board: {board:?},\n    model: bitfab_runtime::model!({path:?}),\n    inputs: include_bytes!({inputs:?}),\n    \
         digests: &{digests:?},\n    rounds: {rounds},\n}};\n"
    )
}

/// The next byte (xorshift).
fn noise(state: &mut u32) -> u8 {
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    (*state >> 24) as u8
}
