//! Somebody else's model through the library: exact, nearest, and with rows that are not its own.

use bitfab::import::{Array, Entry, Input, Prepared, Source, SourceNode, Start, onnx, tflite};
use bitfab::{Accelerator, EngineName, Error, Inputs, Names, Origin, Share, quiet};

/// `inputs` real values to 3 scores by these weights.
fn source(inputs: usize, weight: impl Fn(usize) -> f64) -> Source {
    let weights = Array::new([inputs, 3], (0..3 * inputs).map(weight).collect());
    let node = SourceNode {
        name: "dense".into(),
        op: "MatMul".into(),
        inputs: vec!["x".into(), "w".into()],
        outputs: vec!["y".into()],
        ..SourceNode::default()
    };
    Source {
        inputs: vec![Input { name: "x".into(), dims: vec![Some(1), Some(inputs)] }],
        outputs: vec!["y".into()],
        nodes: vec![node],
        constants: [("w".to_owned(), weights)].into(),
        opset: 13,
        ..Source::default()
    }
}

fn signs(index: usize) -> f64 {
    if index % 3 == index % 2 { 0.25 } else { -0.25 }
}

fn reals(index: usize) -> f64 {
    (index as f64 + 1.0).sin()
}

fn prepared(source: Source, entry: &str) -> Result<Prepared, Error> {
    bitfab::prepare(Start::new(source, Some(entry.parse::<Entry>().unwrap()))?, &[])
}

fn code<T: std::fmt::Debug>(result: Result<T, Error>, words: &str) -> &'static str {
    let error = result.unwrap_err();
    assert!(error.chain().contains(words), "{}", error.chain());
    error.code()
}

#[test]
fn an_import_gives_the_classes_of_its_source_and_names_its_own() {
    let prepared = prepared(source(4, signs), "u8/255").unwrap();
    let names = Names { classes: ["a", "b", "c"].map(str::to_owned).into(), columns: Vec::new() };
    let import = bitfab::import(&prepared, &names).unwrap();
    assert!(import.changes.is_empty() && import.output.unit.is_some());
    let model = import.file.model().unwrap();
    let rows: Vec<Vec<u8>> = (0..20u8).map(|row| vec![row * 9, 255 - row, row * 3, row]).collect();
    let rows: Vec<&[u8]> = rows.iter().map(Vec::as_slice).collect();
    let inputs = Inputs::from_bytes("rows", &model, &rows, None).unwrap();
    assert_eq!(inputs.class_names(), ["a", "b", "c"]);
    let effect = bitfab::effect(&prepared, &import.imported, &model, &inputs, &quiet).unwrap().unwrap();
    assert_eq!((effect.rows, effect.same, effect.model_correct), (20, 20, None));
    let origin = Origin::new(prepared, import.imported, false).unwrap();
    let shares: [Share; 1] = [(EngineName::Kernels, Some(5))];
    let verified = bitfab::verify(&model, &inputs, &shares, Accelerator::default(), Some(&origin), &quiet).unwrap();
    let seen: Vec<_> = verified.verdicts.iter().map(|one| (one.verdict.images, one.verdict.agrees())).collect();
    assert_eq!(seen, [(20, true), (5, true)]);
}

#[test]
fn real_weights_are_curable_and_the_nearest_model_says_what_changed() {
    let prepared = prepared(source(4, reals), "u8/255").unwrap();
    assert_eq!(code(bitfab::import(&prepared, &Names::default()), "dense"), "curable");
    let import = bitfab::import_nearest(&prepared, &Names::default(), Some(&[vec![1, 2, 3, 4]]), &quiet).unwrap();
    assert_eq!(import.changes.len(), 1, "{:?}", import.changes);
}

#[test]
fn rows_that_are_not_the_file_s_are_refused() {
    let small = prepared(source(4, signs), "u8/255").unwrap();
    let large = prepared(source(5, signs), "u8/255").unwrap();
    let short = [vec![1, 2, 3, 4], vec![1, 2]];
    assert_eq!(code(bitfab::nearest(&small, Some(&short), &quiet), "row 1 has 2 values, the file takes 4"), "rows");
    let import = bitfab::import(&small, &Names::default()).unwrap();
    let model = import.file.model().unwrap();
    let inputs = Inputs::from_bytes("x", &model, &[&[1, 2, 3, 4]], None).unwrap();
    assert_eq!(code(bitfab::effect(&large, &import.imported, &model, &inputs, &quiet), "the file takes 5"), "rows");
    let other = bitfab::import(&large, &Names::default()).unwrap();
    let origin = Origin::new(large, other.imported, false).unwrap();
    let found = bitfab::verify(&model, &inputs, &[], Accelerator::default(), Some(&origin), &quiet);
    assert_eq!(code(found, "the file takes 5"), "rows");
    let start = Start::new(source(4, signs), Some(Entry::Values)).unwrap();
    assert_eq!(code(bitfab::prepare(start.clone(), &[vec![0.5; 3]]), "row 0 has 3 values"), "rows");
    assert_eq!(code(bitfab::prepare(start, &[]), "--data"), "import");
}

#[test]
fn a_model_that_is_not_its_source_s_is_told_apart() {
    let right = prepared(source(4, signs), "u8/255").unwrap();
    let wrong = prepared(source(4, |index| -signs(index)), "u8/255").unwrap();
    let file = bitfab::import(&right, &Names::default()).unwrap().file;
    let other = bitfab::import(&wrong, &Names::default()).unwrap();
    let model = file.model().unwrap();
    let inputs = Inputs::from_bytes("x", &model, &[&[0; 4], &[9, 2, 3, 4]], None).unwrap();
    let origin = Origin::new(wrong, other.imported, false).unwrap();
    let found = bitfab::verify(&model, &inputs, &[], Accelerator::default(), Some(&origin), &quiet);
    assert_eq!(code(found, "image 1 differs from its source"), "differs");
}

#[test]
fn files_that_are_no_models_are_errors() {
    let none = |_: &str| Err(std::io::Error::other("no such file"));
    for bytes in [&b""[..], b"TFL3", b"\x08\x07 no model", &[0xff; 64]] {
        assert_eq!(
            code(onnx::read(bytes, &mut { none }).map_err(Error::from).and_then(|s| prepared(s, "u8")), ""),
            "import"
        );
        assert_eq!(code(tflite::read(bytes).map_err(Error::from), ""), "import");
    }
}
