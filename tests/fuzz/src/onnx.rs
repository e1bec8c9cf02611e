//! Arbitrary bytes as ONNX files: the reader must not panic, and what it accepts must run or be refused.
#![no_main]

use std::collections::BTreeMap;

use bitfab_import::{Array, ImportOptions, execute, lower, onnx};
use libfuzzer_sys::fuzz_target;

/// Most values of an input, and most steps of a run.
const LIMIT: usize = 1 << 8;
const STEPS: u64 = 1 << 14;

fuzz_target!(|data: &[u8]| {
    let mut beside = |_: &str| Ok(data.to_vec());
    let Ok(source) = onnx::read(data, &mut beside) else { return };
    let mut inputs = BTreeMap::new();
    for input in &source.inputs {
        let dims: Vec<usize> = input.dims.iter().map(|size| size.unwrap_or(1)).collect();
        let Some(count) = Array::count(&dims).filter(|&count| count <= LIMIT) else { return };
        inputs.insert(input.name.clone(), Array::new(dims, vec![0.0; count]));
    }
    if std::hint::black_box(execute::run_within(&source, &inputs, STEPS)).is_err() {
        return;
    }
    // What runs in few steps is lowered in bounded time: bisection runs parts of it some thousand times.
    for input in [None, "u8/255".parse().ok()] {
        let _ = std::hint::black_box(lower(source.clone(), &ImportOptions { input }));
    }
});
