//! Descriptions and archives that are built here: what they become, and what is refused.

mod hostile;

use std::io::{Cursor, Write};

use proptest::prelude::*;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::read;
use crate::{Array, Attribute, ImportError, ImportOptions, Input, Source, SourceNode, execute, lower};

/// A `.npy` file.
fn npy(kind: &str, is_turned: bool, dims: &[usize], values: &[u8]) -> Vec<u8> {
    let order = if is_turned { "True" } else { "False" };
    let sizes: String = dims.iter().map(|size| format!("{size}, ")).collect();
    let head = format!("{{'descr': '{kind}', 'fortran_order': {order}, 'shape': ({sizes}), }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((head.len() as u16).to_le_bytes());
    bytes.extend(head.as_bytes());
    bytes.extend(values);
    bytes
}

fn floats(dims: &[usize], values: &[f32]) -> Vec<u8> {
    npy("<f4", false, dims, &values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>())
}

fn npz(arrays: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in arrays {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        zip.start_file(format!("{name}.npy"), options).expect("a name");
        zip.write_all(bytes).expect("memory");
    }
    zip.finish().expect("memory").into_inner()
}

fn problem(result: Result<Source, ImportError>) -> String {
    result.expect_err("a description that should be refused").to_string()
}

/// One layer behind four values.
fn one(layer: &str, arrays: &[(&str, Vec<u8>)]) -> Result<Source, ImportError> {
    read(&format!("[input]\nshape = [4]\n[[layer]]\nname = \"a\"\n{layer}"), &npz(arrays))
}

/// The result for one input.
fn run(source: &Source, input: Array) -> Array {
    let tensors = execute::run(source, &[("input".to_string(), input)].into()).expect("it runs");
    tensors[&source.outputs[0]].clone()
}

/// Numbers without a pattern, of both signs.
fn some(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / f32::from(1u16 << 12) / 2048.0 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

const IMAGE: &str = r#"
framework = "keras"
[input]
shape = [6, 5, 2]
bytes = "i8*0.25"
[[layer]]
kind = "conv"
name = "conv"
weights = "k"
padding = "same"
quantizer = { kind = "integer", bits = 4, scale = 0.125 }
bias = "b"
activation = { kind = "relu", bits = 3, scale = 0.5 }
[[layer]]
kind = "max-pool"
name = "pool"
size = 2
[[layer]]
kind = "flatten"
name = "flat"
[[layer]]
kind = "dense"
name = "scores"
weights = "w"
quantizer = { kind = "ternary" }
batch-norm = { gamma = "g", beta = "be", mean = "m", variance = "v" }
"#;

fn image_arrays() -> Vec<(&'static str, Vec<u8>)> {
    let positive: Vec<f32> = some(5, 4).iter().map(|value| value.abs() + 0.1).collect();
    vec![
        ("k", floats(&[3, 3, 2, 3], &some(54, 1))),
        ("b", floats(&[3], &some(3, 2))),
        ("w", floats(&[18, 5], &some(90, 3))),
        ("g", floats(&[5], &positive)),
        ("be", floats(&[5], &some(5, 5))),
        ("m", floats(&[5], &some(5, 6))),
        ("v", floats(&[5], &positive)),
    ]
}

/// What QONNX has for [`IMAGE`], written by hand.
struct Export(Source);

impl Export {
    fn constant(&mut self, name: &str, dims: &[usize], values: Vec<f64>) {
        self.0.constants.insert(name.into(), Array::new(dims, values));
    }

    fn node(&mut self, name: &str, op: &str, inputs: &[&str], attributes: &[(&str, Attribute)]) {
        self.0.nodes.push(SourceNode {
            name: name.into(),
            op: op.into(),
            domain: String::new(),
            inputs: inputs.iter().map(|&name| name.into()).collect(),
            outputs: vec![name.into()],
            attributes: attributes.iter().map(|(name, value)| ((*name).into(), value.clone())).collect(),
        });
    }
}

fn reals(values: &[f32]) -> Vec<f64> {
    values.iter().copied().map(f64::from).collect()
}

fn exported() -> Source {
    let dims = vec![None, Some(2), Some(6), Some(5)];
    let mut export = Export(Source {
        inputs: vec![Input { name: "x".into(), dims }],
        outputs: vec!["bn".into()],
        opset: 13,
        ..Source::default()
    });
    let scalars = [("s", 0.125), ("z", 0.0), ("four", 4.0), ("s2", 0.5), ("three", 3.0), ("one", 1.0), ("two", 2.0)];
    for (name, value) in scalars {
        export.constant(name, &[], vec![value]);
    }
    // Filters: outputs, inputs, height, width.
    let k = some(54, 1);
    let at = |o: usize, i: usize, y: usize, x: usize| f64::from(k[((y * 3 + x) * 2 + i) * 3 + o]);
    let filters = (0..54).map(|n| at(n / 18, n / 9 % 2, n / 3 % 3, n % 3)).collect();
    export.constant("k", &[3, 2, 3, 3], filters);
    export.constant("b", &[3], reals(&some(3, 2)));
    export.constant("w", &[18, 5], reals(&some(90, 3)));
    let positive: Vec<f64> = reals(&some(5, 4).iter().map(|value| value.abs() + 0.1).collect::<Vec<_>>());
    export.constant("g", &[5], positive.clone());
    export.constant("be", &[5], reals(&some(5, 5)));
    export.constant("m", &[5], reals(&some(5, 6)));
    export.constant("v", &[5], positive);
    let int = Attribute::Int;
    let ints = |values: &[i64]| Attribute::Ints(values.to_vec());
    export.node("kq", "Quant", &["k", "s", "z", "four"], &[("signed", int(1)), ("narrow", int(0))]);
    export.node("conv", "Conv", &["x", "kq", "b"], &[("pads", ints(&[1, 1, 1, 1]))]);
    export.node("relu", "Relu", &["conv"], &[]);
    export.node("conv:activation", "Quant", &["relu", "s2", "z", "three"], &[("signed", int(0))]);
    let window = [("kernel_shape", ints(&[2, 2])), ("strides", ints(&[2, 2]))];
    export.node("pool", "MaxPool", &["conv:activation"], &window);
    export.node("last", "Transpose", &["pool"], &[("perm", ints(&[0, 2, 3, 1]))]);
    export.node("flat", "Flatten", &["last"], &[]);
    export.node("wq", "Quant", &["w", "one", "z", "two"], &[("narrow", int(1))]);
    export.node("scores", "MatMul", &["flat", "wq"], &[]);
    export.node("bn", "BatchNormalization", &["scores", "g", "be", "m", "v"], &[("epsilon", Attribute::Float(1e-3))]);
    export.0
}

#[test]
fn a_description_becomes_the_graph_that_an_export_becomes() {
    let described = read(IMAGE, &npz(&image_arrays())).expect("a model");
    let described = lower(described, &ImportOptions::default()).expect("it lowers");
    let input = Some("i8*0.25".parse().expect("a map"));
    let exported = lower(exported(), &ImportOptions { input }).expect("it lowers");
    assert_eq!(described.graph, exported.graph);
    assert_eq!(described.input, exported.input);
    assert_eq!((described.input_dims, described.input_places), (exported.input_dims, exported.input_places));
}

#[test]
fn the_example_of_the_readme_is_read() {
    let readme = include_str!("../../README.md");
    let (_, rest) = readme.split_once("```toml\n").expect("a description");
    let (text, _) = rest.split_once("```").expect("its end");
    let channels = || floats(&[64], &[1.0; 64]);
    let arrays = [
        ("w1", floats(&[784, 64], &some(784 * 64, 1))),
        ("g1", channels()),
        ("be1", channels()),
        ("m1", channels()),
        ("v1", channels()),
        ("w2", floats(&[64, 10], &some(640, 2))),
        ("b2", floats(&[10], &some(10, 3))),
    ];
    let source = read(text, &npz(&arrays)).expect("a model");
    let imported = lower(source, &ImportOptions::default()).expect("it lowers");
    let layers: Vec<&str> = imported.folded.iter().map(|one| one.node.as_str()).collect();
    assert_eq!(layers, ["hidden", "scores"]);
}

#[test]
fn arrays_of_pytorch_and_of_keras_become_one_graph() {
    let keras =
        lower(read(IMAGE, &npz(&image_arrays())).expect("a model"), &ImportOptions::default()).expect("it lowers");
    let mut arrays = image_arrays();
    let (k, w) = (some(54, 1), some(90, 3));
    let filters: Vec<f32> = (0..54).map(|n| k[((n / 3 % 3 * 3 + n % 3) * 2 + n / 9 % 2) * 3 + n / 18]).collect();
    // Rows of outputs, their inputs with channels first.
    let rows: Vec<f32> =
        (0..90).map(|n| (n / 18, n % 18)).map(|(output, input)| w[(input % 6 * 3 + input / 6) * 5 + output]).collect();
    arrays[0].1 = floats(&[3, 2, 3, 3], &filters);
    arrays[2].1 = floats(&[5, 18], &rows);
    let text =
        IMAGE.replace("\"keras\"", "\"pytorch\"").replace("variance = \"v\"", "variance = \"v\", epsilon = 1e-3");
    let pytorch = lower(read(&text, &npz(&arrays)).expect("a model"), &ImportOptions::default()).expect("it lowers");
    assert_eq!(keras.graph, pytorch.graph);
}

#[test]
fn orders_may_be_said_layer_by_layer() {
    let text = IMAGE
        .replace("framework = \"keras\"", "")
        .replace("weights = \"k\"", "weights = \"k\"\norder = \"hwio\"")
        .replace("weights = \"w\"", "weights = \"w\"\norder = \"io\"")
        .replace("name = \"flat\"", "name = \"flat\"\norder = \"hwc\"")
        .replace("variance = \"v\"", "variance = \"v\", epsilon = 1e-3");
    assert_eq!(read(&text, &npz(&image_arrays())), read(IMAGE, &npz(&image_arrays())));
    for order in ["order = \"hwio\"\n", "order = \"io\"\n", "order = \"hwc\"\n"] {
        let name = if order.contains("hwc") { "`flat`: order: is missing" } else { "order: is missing" };
        assert!(problem(read(&text.replace(order, ""), &npz(&image_arrays()))).contains(name), "{order}");
    }
}

#[test]
fn every_type_of_number_is_read() {
    let dense = "kind = \"dense\"\nweights = \"w\"\norder = \"io\"";
    let input = || Array::new([1, 4], vec![1.0, 10.0, 100.0, 1000.0]);
    let read = |kind: &str, bytes: &[u8]| {
        let source = one(dense, &[("w", npy(kind, false, &[4, 1], bytes))]).unwrap_or_else(|error| panic!("{error}"));
        run(&source, input()).values
    };
    let bytes = |each: &[&[u8]]| each.concat();
    assert_eq!(read("|b1", &[1, 0, 1, 0]), [101.0]);
    assert_eq!(read("|i1", &[1, 0xff, 2, 0x80]), [1.0 - 10.0 + 200.0 - 128_000.0]);
    assert_eq!(read("|u1", &[1, 0xff, 2, 0]), [1.0 + 2550.0 + 200.0]);
    assert_eq!(read("<i2", &bytes(&[&[1, 0], &[0xff, 0xff], &[0, 1], &[0, 0]])), [1.0 - 10.0 + 25_600.0]);
    assert_eq!(read(">i2", &bytes(&[&[0, 1], &[0xff, 0xff], &[1, 0], &[0, 0]])), [1.0 - 10.0 + 25_600.0]);
    assert_eq!(read(">u4", &bytes(&[&[0, 0, 0, 1], &[0; 4], &[0; 4], &[0; 4]])), [1.0]);
    assert_eq!(read("<i8", &[[0xff; 8], [0; 8], [0; 8], [0; 8]].concat()), [-1.0]);
    assert_eq!(read("<f2", &bytes(&[&[0x00, 0x3c], &[0x00, 0xc0], &[0, 0], &[0, 0]])), [1.0 - 20.0]);
    assert_eq!(read(">f4", &[1.5f32, -2.0, 0.0, 0.0].map(f32::to_be_bytes).concat()), [1.5 - 20.0]);
    assert_eq!(read("<f8", &[0.1f64, 0.0, 0.0, 0.0].map(f64::to_le_bytes).concat()), [0.1]);
}

#[test]
fn columns_of_fortran_are_turned() {
    let values: Vec<u8> = (1..=8).collect();
    let source = |is_turned, values: &[u8]| {
        one("kind = \"dense\"\nweights = \"w\"\norder = \"io\"", &[("w", npy("|i1", is_turned, &[4, 2], values))])
    };
    let turned: Vec<u8> = [1, 3, 5, 7, 2, 4, 6, 8].into();
    assert_eq!(source(false, &values).expect("rows"), source(true, &turned).expect("columns"));
}

/// The weights that a quantiser makes of four values.
fn quantised(quantizer: &str, values: &[f32; 4]) -> Vec<f64> {
    let layer = format!("kind = \"dense\"\nweights = \"w\"\norder = \"io\"\nquantizer = {quantizer}");
    let source = one(&layer, &[("w", floats(&[4, 1], values))]).unwrap_or_else(|error| panic!("{error}"));
    let weight = |at: usize| {
        let unit = (0..4).map(|i| f64::from(u8::from(i == at))).collect();
        run(&source, Array::new([1, 4], unit)).values[0]
    };
    (0..4).map(weight).collect()
}

#[test]
fn quantisers_round_as_they_say() {
    let binary = "{ kind = \"binary\", scale = 0.5 }";
    assert_eq!(quantised(binary, &[0.3, -0.1, 0.0, -7.0]), [0.5, -0.5, 0.5, -0.5]);
    let ternary = "{ kind = \"ternary\", threshold = 0.25, scale = 3 }";
    assert_eq!(quantised(ternary, &[0.25, -0.25, 0.26, -9.0]), [0.0, 0.0, 3.0, -3.0]);
    let integer = "{ kind = \"integer\", bits = 3, scale = 0.5 }";
    assert_eq!(quantised(integer, &[0.25, 0.75, -9.0, 9.0]), [0.0, 1.0, -2.0, 1.5]);
    let narrow = "{ kind = \"integer\", bits = 3, scale = 0.5, narrow = true, rounding = \"half-up\" }";
    assert_eq!(quantised(narrow, &[0.25, 0.75, -9.0, 9.0]), [0.5, 1.0, -1.5, 1.5]);
    let unsigned = "{ kind = \"integer\", bits = 3, scale = 1, signed = false, rounding = \"floor\" }";
    assert_eq!(quantised(unsigned, &[0.9, 7.9, -9.0, 9.0]), [0.0, 7.0, 0.0, 7.0]);
    let power = "{ kind = \"power-of-two\", bits = 3 }";
    assert_eq!(quantised(power, &[0.36, -0.35, 0.0, 5.0]), [0.5, -0.25, 0.0625, 1.0]);
    let above = "{ kind = \"power-of-two\", bits = 4, max = 64 }";
    assert_eq!(quantised(above, &[9.0, -2.9, 0.01, 0.0]), [8.0, -4.0, 0.0625, 0.0625]);
    let from = "{ kind = \"power-of-two\", min = 0.5, max = 4 }";
    assert_eq!(quantised(from, &[9.0, -2.9, 0.01, -0.01]), [4.0, -4.0, 0.5, -0.5]);
}

#[test]
fn scales_may_be_arrays_of_one_number_an_output() {
    let quantizer = "quantizer = { kind = \"binary\", scale = \"s\" }";
    let (io, oi) = (some(8, 1), some(8, 1));
    let turned: Vec<f32> = (0..8).map(|n| oi[n % 4 * 2 + n / 4]).collect();
    let scale = ("s", floats(&[2], &[0.5, 2.0]));
    let run = |order: &str, weights: Vec<u8>| {
        let layer = format!("kind = \"dense\"\nweights = \"w\"\norder = \"{order}\"\n{quantizer}");
        let source = one(&layer, &[("w", weights), scale.clone()]).expect("a model");
        run(&source, Array::new([1, 4], vec![1.0, 2.0, 4.0, 8.0])).values
    };
    let values = run("io", floats(&[4, 2], &io));
    let sign = |at: usize, place: i32| 2f64.powi(place) * if io[at] < 0.0 { -1.0 } else { 1.0 };
    let sum = |output: usize| (0..4).map(|i| sign(i * 2 + output, i as i32)).sum::<f64>();
    assert_eq!(values, [sum(0) * 0.5, sum(1) * 2.0]);
    assert_eq!(values, run("oi", floats(&[2, 4], &turned)));
}

#[test]
fn activations_are_what_they_say() {
    let run = |activation: &str| {
        let layer = format!("kind = \"activation\"\nactivation = {activation}");
        let source = one(&layer, &[("t", floats(&[4, 2], &[0.0, 1.0, -1.0, 1.0, 0.0, 0.5, 2.0, 3.0]))]);
        run(&source.expect("a model"), Array::new([1, 4], vec![-2.0, 0.0, 0.5, 3.0])).values
    };
    assert_eq!(run("{ kind = \"sign\" }"), [-1.0, 1.0, 1.0, 1.0]);
    assert_eq!(run("{ kind = \"ternary\" }"), [-1.0, 0.0, 0.0, 1.0]);
    assert_eq!(run("{ kind = \"relu\", bits = 2, scale = 0.5 }"), [0.0, 0.0, 0.5, 1.5]);
    assert_eq!(run("{ kind = \"quant\", bits = 2, scale = 1, narrow = true }"), [-1.0, 0.0, 0.0, 1.0]);
    assert_eq!(run("{ kind = \"thresholds\", array = \"t\", low = -1, step = 2 }"), [-1.0, 1.0, 3.0, 3.0]);
    let softmax = run("{ kind = \"softmax\" }");
    assert!((softmax.iter().sum::<f64>() - 1.0).abs() < 1e-12 && softmax[3] > softmax[2]);
}

#[test]
fn branches_lines_and_borders_are_computed() {
    let text = r#"
framework = "keras"
[input]
shape = [3, 2]
[[layer]]
kind = "conv"
name = "line"
weights = "line"
activation = { kind = "sign" }
[[layer]]
kind = "conv"
name = "side"
input = "input"
weights = "line"
[[layer]]
kind = "add"
with = "line"
"#;
    let line = ("line", floats(&[2, 2, 1], &[1.0, 2.0, 3.0, 4.0]));
    let source = read(text, &npz(&[line])).expect("a model");
    // Channels first: three steps of each of two channels.
    let input = Array::new([1, 2, 3], vec![1.0, -1.0, 0.0, 0.0, 1.0, -1.0]);
    let side = [1.0 - 3.0 + 4.0, -1.0 + 2.0 - 4.0];
    assert_eq!(run(&source, input).values, side.map(|value: f64| value + value.signum()));

    // An even window has its border behind, as Keras has it.
    let text = "framework = \"keras\"\n[input]\nshape = [3, 1]\n[[layer]]\nkind = \"conv\"\nweights = \"w\"\npadding = \"same\"";
    let source = read(text, &npz(&[("w", floats(&[2, 1, 1], &[1.0, 10.0]))])).expect("a model");
    assert_eq!(run(&source, Array::new([1, 1, 3], vec![1.0, 2.0, 3.0])).values, [21.0, 32.0, 3.0]);
}

#[test]
fn depthwise_layers_and_means_are_computed() {
    let text = r#"
[input]
shape = [2, 2, 2]
[[layer]]
kind = "conv"
weights = "w"
order = "hwcm"
[[layer]]
kind = "average-pool"
"#;
    // Height, width, channel, outputs a channel.
    let weights = ("w", floats(&[1, 1, 2, 2], &[1.0, 2.0, 3.0, 4.0]));
    let source = read(text, &npz(&[weights])).expect("a model");
    let input = Array::new([1, 2, 2, 2], vec![1.0, 2.0, 3.0, 6.0, 1.0, 1.0, 1.0, 5.0]);
    assert_eq!(run(&source, input).values, [3.0, 6.0, 6.0, 8.0]);
}
