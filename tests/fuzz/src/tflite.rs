//! Arbitrary bytes as TFLite files: the reader must not panic, and what it accepts must run or be refused.
#![no_main]

use bitfab_import::{Array, ImportOptions, execute, lower, tflite};
use libfuzzer_sys::fuzz_target;

/// Most values of an input, and most steps of a run.
const LIMIT: usize = 1 << 8;
const STEPS: u64 = 1 << 14;

fuzz_target!(|data: &[u8]| {
    let Ok(source) = tflite::read(data) else { return };
    let [input] = source.inputs.as_slice() else { return };
    let dims: Vec<usize> = input.dims.iter().map(|size| size.unwrap_or(1)).collect();
    let Some(count) = Array::count(&dims).filter(|&count| count <= LIMIT) else { return };
    let inputs = [(input.name.clone(), Array::new(dims, vec![1.0; count]))].into();
    if std::hint::black_box(execute::run_within(&source, &inputs, STEPS)).is_ok() {
        let _ = std::hint::black_box(lower(source, &ImportOptions::default()));
    }
});
