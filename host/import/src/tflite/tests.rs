//! The reader against files that are built here, whole and damaged.

mod build;

use proptest::prelude::*;

use super::read;
use crate::{Array, ImportOptions, Source, execute, lower};
use build::{Graph, UINT8, byte, small, word};

fn run(source: &Source, bytes: &[f64]) -> Vec<f64> {
    let dims: Vec<usize> = source.inputs[0].dims.iter().flatten().copied().collect();
    let input = (source.inputs[0].name.clone(), Array::new(dims, bytes.to_vec()));
    execute::run(source, &[input].into()).unwrap()[&source.outputs[0]].values.clone()
}

#[test]
fn a_model_computes_with_its_integers() {
    let source = read(&small().file()).unwrap();
    assert_eq!(source.type_of("x"), Some("int8"));
    // Pixels less 1 are (4, -2) and (40, 60): sums 4-4+10 = 10, -12-8-20 = -40 and 40+120+10 = 170, -120+240-20 = 100;
    // times 0.125 and 0.25, rounded: 1 (1.25), -10, 21 (21.25), 25; the relu and the zero point make bytes of it.
    let bytes = [5.0, -1.0, 41.0, 61.0];
    let tensors = execute::run(&source, &[("x".to_string(), Array::new([1, 1, 2, 2], bytes.to_vec()))].into()).unwrap();
    assert_eq!(tensors["y"].values, [-127.0, -107.0, -128.0, -103.0], "channels first");
    // 1 - 0 + 2 * 21 + 3 * 25 = 118, times 0.25: 29.5 goes up to 30.
    assert_eq!(run(&source, &bytes), [35.0]);
    let imported = lower(source, &ImportOptions::default()).unwrap();
    assert_eq!(imported.input.to_string(), "i8");
    assert_eq!(imported.folded.len(), 2);
}

/// The error that a changed model gives.
fn problem(change: impl FnOnce(&mut Graph)) -> String {
    let mut graph = small();
    change(&mut graph);
    read(&graph.file()).expect_err("a model that should be refused").to_string()
}

#[test]
fn what_cannot_be_read_names_the_operator_and_the_tensor() {
    let says = |change: &dyn Fn(&mut Graph), words: &str| {
        let found = problem(change);
        assert!(found.contains(words), "{found}\ndoes not say: {words}");
    };
    says(&|g| g.tensors[0].kind = 0, "node 0 `y` (CONV_2D): `x` is float32, it must be int8 or uint8; quantise it");
    says(&|g| g.tensors[0].kind = 7, "`x` is int16");
    says(&|g| g.operators[1].code = 2, "node 1 `z` (CONCATENATION): CONCATENATION of `y` (int8) has no integer form");
    says(&|g| g.operators[1].code = 119, "node 1 `z` (WHILE): calls another graph");
    says(&|g| g.operators[1].code = 143, "keeps a variable");
    says(&|g| g.operators[1].code = 32, "(CUSTOM ``)");
    says(&|g| g.operators[1].code = 999, "(operator 999)");
    says(&|g| g.operators[0].options = vec![byte(1), word(1), word(1), byte(1), word(2)], "is dilated by [1, 2]");
    says(&|g| g.operators[0].options = vec![byte(7), word(1), word(1)], "its padding has the code 7");
    says(&|g| g.operators[0].options = vec![byte(1), word(0), word(1)], "strides [1, 0]");
    says(&|g| g.operators[0].options = vec![byte(1), word(1), word(1), byte(4)], "activation is TANH");
    says(&|g| g.operators[0].kind = 5, "its options are of kind 5, 1 are its own");
    says(&|g| g.operators[0].inputs = vec![0], "its input 1 is missing");
    says(&|g| g.operators[0].inputs = vec![0, 99, 2], "tensor 99 of 6");
    says(&|g| g.operators[0].inputs = vec![5, 1, 2], "reads `z`, which nothing before it yields");
    says(&|g| g.operators[0].outputs = vec![3, 3], "it yields 2 tensors");
}

#[test]
fn sizes_and_quantisation_that_cannot_be_are_refused() {
    let says = |change: &dyn Fn(&mut Graph), words: &str| {
        let found = problem(change);
        assert!(found.contains(words), "{found}\ndoes not say: {words}");
    };
    for scale in [0.0, -1.0, f32::NAN, f32::INFINITY] {
        says(&|g| g.tensors[3].scales = vec![scale], "which is not positive and finite");
        says(&|g| g.tensors[1].scales = vec![0.5, scale], "which is not positive and finite");
    }
    says(&|g| g.tensors[3].scales = vec![1e-40], "no multiplier of 31 bits has it");
    says(&|g| g.tensors[0].zeros = vec![128], "`x` has the zero point 128, no int8 is it");
    says(&|g| g.tensors[0].zeros = vec![i64::MIN], "has the zero point");
    says(&|g| g.tensors[0].scales = vec![], "`x` has 0 scales and 1 zero points");
    says(&|g| g.tensors[1].scales = vec![0.5; 3], "3 scales");
    says(&|g| g.tensors[1].axis = 3, "2 scales along axis 3, 2 along axis 0 are needed");
    says(&|g| g.tensors[1].zeros = vec![1, 0], "have the zero point 1");
    says(&|g| g.tensors[1].kind = UINT8, "the weights `w` are uint8, its input is not");
    says(&|g| g.tensors[1].data = vec![0; 3], "`w` has 3 bytes for sizes [2, 1, 1, 2] of int8");
    says(&|g| g.tensors[1].data = vec![], "`w` is computed or empty");
    says(&|g| g.tensors[2].dims = vec![1], "`b` has 8 bytes");
    says(&|g| g.tensors[3].dims = vec![1, 2, 2, 1], "the file says [1, 2, 2, 1]");
    says(&|g| g.tensors[0].dims = vec![2, 1, 2, 2], "one image of four axes");
    says(&|g| g.tensors[0].dims = vec![1, -1, 2, 2], "has sizes [1, -1, 2, 2]");
    says(&|g| g.tensors[0].dims = vec![i32::MAX; 4], "fixed sizes and 1 to 16777216 values");
    says(&|g| g.tensors[4].dims = vec![2, 2], "weights of sizes [2, 2] for one row");
    let nine_bits = |g: &mut Graph| {
        for at in [0, 1, 3] {
            g.tensors[at].kind = UINT8;
            (g.tensors[at].scales, g.tensors[at].zeros) = (vec![1.0], vec![132]);
        }
        g.tensors[1].data = vec![1, 255, 132, 132];
    };
    says(&nine_bits, "the weights `w` less their zero point 132 go from -131 to 123, which takes 9 bits");
}

#[test]
fn what_is_no_such_file_is_refused() {
    let says = |bytes: &[u8], words: &str| {
        let found = read(bytes).expect_err("no model").to_string();
        assert!(found.contains(words), "{found}");
    };
    says(b"", "bytes 4 to 7 are not `TFL3`");
    says(b"\x08\0\0\0TFL3", "its 8 bytes are damaged or cut: a table at byte 8 lies outside of the file");
    let root = |fields| build::file(&build::Part::Table(fields));
    says(&root(vec![word(2)]), "version 2");
    says(&root(vec![word(3)]), "it has no graph");
    let bomb = build::Part::List(u32::MAX as usize, vec![0; 8]);
    says(&root(vec![word(3), build::far(bomb)]), "is longer than the file");
    // A table that contains itself: its first field leads back to where it is.
    let mut cyclic = root(vec![word(3), build::far(build::Part::List(1, vec![0; 4])), None]);
    let end = cyclic.len() - 4;
    cyclic[end..].copy_from_slice(&u32::MAX.to_le_bytes());
    says(&cyclic, "lies outside of the file");
}

#[test]
fn every_cut_file_is_an_error() {
    let file = small().file();
    // The last 18 bytes are the empty buffer of the result, which nothing reads.
    for length in 0..file.len() - 18 {
        assert!(read(&file[..length]).is_err(), "{length} of {} bytes", file.len());
    }
}

#[test]
fn no_damaged_byte_panics() {
    let file = small().file();
    for at in 0..file.len() {
        for flip in [1, 0x80, 0xff, 0x10] {
            let mut damaged = file.clone();
            damaged[at] ^= flip;
            check(&damaged);
        }
    }
}

/// Reads, and runs and lowers what is accepted.
fn check(bytes: &[u8]) {
    let Ok(source) = read(bytes) else { return };
    let [input] = source.inputs.as_slice() else { return };
    let dims: Vec<usize> = input.dims.iter().flatten().copied().collect();
    let Some(count) = Array::count(&dims).filter(|&count| count <= 256) else { return };
    let inputs = [(input.name.clone(), Array::new(dims, vec![1.0; count]))].into();
    if execute::run_within(&source, &inputs, 1 << 14).is_ok() {
        let _ = lower(source, &ImportOptions::default());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_bytes_panic(edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12)) {
        let mut file = small().file();
        for (at, value) in edits {
            let at = at.index(file.len());
            file[at] = value;
        }
        check(&file);
    }

    #[test]
    fn no_noise_panics(noise in prop::collection::vec(any::<u8>(), 0..200)) {
        check(&[&[8, 0, 0, 0], &b"TFL3"[..], &noise].concat());
    }
}
