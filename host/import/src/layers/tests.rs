//! Descriptions and archives that are built here: what they become, and what is refused.

use std::io::{Cursor, Write};

use proptest::prelude::*;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::read;
use crate::{Array, Attribute, ImportError, Input, Options, Source, SourceNode, execute, lower};

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
    let described = lower(described, &Options::default()).expect("it lowers");
    let input = Some("i8*0.25".parse().expect("a map"));
    let exported = lower(exported(), &Options { input }).expect("it lowers");
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
    let imported = lower(source, &Options::default()).expect("it lowers");
    let layers: Vec<&str> = imported.folded.iter().map(|one| one.node.as_str()).collect();
    assert_eq!(layers, ["hidden", "scores"]);
}

#[test]
fn arrays_of_pytorch_and_of_keras_become_one_graph() {
    let keras = lower(read(IMAGE, &npz(&image_arrays())).expect("a model"), &Options::default()).expect("it lowers");
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
    let pytorch = lower(read(&text, &npz(&arrays)).expect("a model"), &Options::default()).expect("it lowers");
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
fn branches_lines_borders_and_depthwise_layers_are_computed() {
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

#[test]
fn messages_name_the_layer_and_the_key() {
    let w = || ("w", floats(&[4, 2], &some(8, 1)));
    let refused = |layer: &str, parts: &[&str]| {
        let arrays = [w(), ("b", floats(&[3], &[0.0; 3])), ("nan", floats(&[4, 2], &[f32::NAN; 8]))];
        let found = problem(one(layer, &arrays));
        for part in parts {
            assert!(found.contains(part), "{found:?} lacks {part:?}");
        }
    };
    let dense = "kind = \"dense\"\norder = \"io\"\nweights = \"w\"\n";
    refused("", &["`a`", "no kind", "dense, conv"]);
    refused("kind = \"dnse\"", &["`a`", "`dnse`", "dense, conv"]);
    refused("kind = 3", &["`a`", "kind"]);
    refused("kind = \"dense\"", &["`a`", "weights", "missing"]);
    refused(&format!("{dense}wieghts = 1"), &["`a`", "wieghts", "`bias-quantizer`", "batch-norm"]);
    refused(&format!("{dense}quantizer = {{ kind = \"int\" }}"), &["`a`", "`int`", "`integer`", "`power-of-two`"]);
    refused(&format!("{dense}quantizer = {{ kind = \"binary\", bits = 3 }}"), &["`a`", "quantizer", "bits", "scale"]);
    refused(&format!("{dense}quantizer = {{ kind = \"integer\", bits = 3 }}"), &["`a`", "scale"]);
    refused(&format!("{dense}quantizer = {{ kind = \"integer\", bits = 9, scale = 1 }}"), &["`a`", "bits", "2 to 8"]);
    refused(&format!("{dense}quantizer = {{ kind = \"binary\", scale = -1 }}"), &["`a`", "scale", "not positive"]);
    refused(&format!("{dense}quantizer = {{ kind = \"binary\", scale = [1] }}"), &["`a`", "a scale is a number"]);
    refused(&format!("{dense}quantizer = {{ kind = \"binary\", scale = \"b\" }}"), &["`a`", "scale", "3 values for 2"]);
    refused(&format!("{dense}quantizer = {{ kind = \"ternary\", threshold = nan }}"), &["`a`", "threshold"]);
    refused(&format!("{dense}quantizer = {{ kind = \"power-of-two\" }}"), &["`a`", "quantizer", "bits or min"]);
    refused(&format!("{dense}quantizer = {{ kind = \"power-of-two\", bits = 9 }}"), &["`a`", "bits", "2 to 6"]);
    refused(&format!("{dense}quantizer = {{ kind = \"power-of-two\", bits = 4, max = 3 }}"), &["`a`", "max"]);
    refused(&format!("{dense}bias = \"b\""), &["`a`", "bias", "3 values for 2"]);
    refused(&format!("{dense}bias-quantizer = {{ kind = \"binary\" }}"), &["`a`", "bias-quantizer"]);
    refused(&format!("{dense}activation = {{ kind = \"sgn\" }}"), &["`a`", "activation", "`sgn`", "`sign`"]);
    refused(&format!("{dense}activation = \"sign\""), &["`a`", "activation"]);
    refused(
        &format!("{dense}activation = {{ kind = \"relu\", bits = 4, scale = 0 }}"),
        &["`a`", "activation", "scale"],
    );
    refused(&format!("{dense}activation = {{ kind = \"thresholds\", array = \"b2\" }}"), &["`a`", "array", "`b2`"]);
    refused(&format!("{dense}batch-norm = {{ mean = \"b\" }}"), &["`a`", "batch-norm", "variance"]);
    refused(&format!("{dense}batch-norm = {{ mean = \"b\", variance = \"b\" }}"), &["`a`", "epsilon", "1e-3"]);
    refused(
        &format!("{dense}batch-norm = {{ mean = \"b\", variance = \"b\", epsilon = 0 }}"),
        &["`a`", "batch-norm", "mean", "3 values for 2"],
    );
    refused(&dense.replace("\"w\"", "\"gone\""), &["`a`", "weights", "`gone`", "b, nan, w"]);
    refused(&dense.replace("\"w\"", "\"b\""), &["`a`", "weights", "[3]", "[4, outputs]"]);
    refused(&dense.replace("\"w\"", "\"nan\""), &["`a`", "weights", "`nan`", "finite"]);
    refused(&dense.replace("\"io\"", "\"oi\""), &["`a`", "weights", "[outputs, 4]"]);
    refused(&dense.replace("\"io\"", "\"hwio\""), &["`a`", "`hwio`", "`io`"]);
    refused("kind = \"conv\"\nweights = \"w\"", &["`a`", "[4]", "[height, width, channels]"]);
    refused("kind = \"max-pool\"\nsize = 2", &["`a`", "[4]"]);
    refused("kind = \"max-pool\"\nsize = 0", &["`a`", "size", "1 to 65535"]);
    refused("kind = \"max-pool\"\nsize = 2\npadding = \"full\"", &["`a`", "padding", "\"same\""]);
    refused("kind = \"add\"\nwith = \"b\"", &["`a`", "with", "`b`"]);
    refused("kind = \"flatten\"\ninput = \"b\"", &["`a`", "input", "`b`"]);
    refused("kind = \"activation\"", &["`a`", "no activation"]);
    refused(&format!("{dense}[[layer]]\nname = \"a\"\nkind = \"flatten\""), &["`a`", "two layers"]);
    refused(&format!("{dense}[[layer]]\ninput = \"input\"\nkind = \"flatten\""), &["`a`", "nothing reads"]);
    for name in ["", "input", "x:y"] {
        let text = format!("[input]\nshape = [4]\n[[layer]]\nkind = \"flatten\"\nname = \"{name}\"");
        assert!(problem(read(&text, &npz(&[]))).contains("name"), "{name}");
    }
}

#[test]
fn descriptions_that_are_none_say_where() {
    let flatten = "[[layer]]\nkind = \"flatten\"";
    let read = |text: &str| problem(read(text, &npz(&[])));
    assert!(read("[input\n").contains("line 1"));
    assert!(read("").contains("input"));
    assert!(read("[input]\nshape = [4]").contains("layer"));
    assert!(read("layer = []\n[input]\nshape = [4]").contains("0 [[layer]]"));
    assert!(read(&format!("frame = 1\n[input]\nshape = [4]\n{flatten}")).contains("`framework`"));
    assert!(read(&format!("framework = \"jax\"\n[input]\nshape = [4]\n{flatten}")).contains("`pytorch`"));
    assert!(read(&format!("[input]\nshape = [4]\nbyte = 1\n{flatten}")).contains("`bytes`"));
    assert!(read(&format!("[input]\nshape = [4]\nbytes = \"u9\"\n{flatten}")).contains("u8/255"));
    for shape in ["[]", "[0]", "[1, 1, 1, 1]", "[4294967296, 4294967296]", "[-1]", "4"] {
        assert!(read(&format!("[input]\nshape = {shape}\n{flatten}")).contains("`input`: "), "{shape}");
    }
}

#[test]
fn archives_that_lie_are_refused() {
    let dense = "kind = \"dense\"\norder = \"io\"\nweights = \"w\"\n";
    let refused = |bytes: Vec<u8>, part: &str| {
        let found = problem(one(dense, &[("w", bytes)]));
        assert!(found.starts_with("`a`: weights: array `w`: ") && found.contains(part), "{found:?} lacks {part:?}");
    };
    refused(Vec::new(), "head");
    refused(b"\x93NUMPY\x01\x00\xff\xff{".to_vec(), "head");
    refused(b"\x93NUMPY\x02\x00\xff\xff\xff\xff{".to_vec(), "4294967295");
    refused(b"PK\x03\x04123456789".to_vec(), "no .npy");
    refused(npy("<f4", false, &[4, 2], &[0; 31]), "there are 31");
    refused(npy("<f4", false, &[4, 2], &[0; 33]), "there are more");
    refused(npy("<f4", false, &[4, usize::MAX], &[0; 32]), "too many");
    refused(npy("<f4", false, &[1 << 32, 1 << 32], &[0; 32]), "too many");
    refused(npy("<f4", false, &[0, 1 << 40], &[]), "too many");
    refused(npy("<f4", false, &[4, 1 << 24], &[0; 32]), "too many");
    refused(npy("<f4", false, &[1; 9], &[0; 4]), "axes");
    refused(npy("<c8", false, &[4, 2], &[0; 64]), "<c8");
    refused(npy("|O", false, &[4, 2], &[0; 64]), "|O");
    refused(npy("<f4', 'x': '", false, &[4, 2], &[0; 16]), "there are 16");
    refused(npy("<f8", false, &[1, 2], &[f64::NAN.to_le_bytes(), [0; 8]].concat()), "NaN");
    refused(npy("<f8", false, &[1, 2], &[f64::INFINITY.to_le_bytes(), [0; 8]].concat()), "inf");
    let nested = [b"\x93NUMPY\x01\x00\xff\xff".to_vec(), vec![b'('; 0xffff]].concat();
    refused(nested, "descr");
    assert!(problem(one(dense, &[])).contains("none"));
    let empty = problem(read("[input]\nshape = [4]\n[[layer]]\nkind = \"flatten\"", b""));
    assert!(empty.contains("numpy.savez"), "{empty}");
}

#[test]
fn a_bomb_is_read_no_further_than_its_promise() {
    // 256 megabytes of zeros in a small file.
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("w.npy", options).expect("a name");
    zip.write_all(&npy("<f4", false, &[4, 2], &[])).expect("memory");
    let zeros = vec![0; 1 << 20];
    for _ in 0..256 {
        zip.write_all(&zeros).expect("memory");
    }
    let bytes = zip.finish().expect("memory").into_inner();
    let text = "[input]\nshape = [4]\n[[layer]]\nname = \"a\"\nkind = \"dense\"\norder = \"io\"\nweights = \"w\"";
    assert!(problem(read(text, &bytes)).contains("promise 32 bytes of values, there are more"));
}

#[test]
fn many_layers_cannot_name_one_large_array() {
    let arrays = npz(&[("w", npy("|u1", false, &[1 << 12, 1 << 12], &vec![1; 1 << 24]))]);
    let layer = "[[layer]]\nkind = \"dense\"\nweights = \"w\"\norder = \"io\"\n";
    let text = format!("[input]\nshape = [4096]\n{}", layer.repeat(2));
    let found = problem(read(&text, &arrays));
    assert!(found.contains("`dense2`") && found.contains("too many values"), "{found}");
}

#[test]
fn every_cut_of_an_archive_is_refused() {
    let bytes = npz(&image_arrays());
    for length in 0..bytes.len() {
        read(IMAGE, &bytes[..length]).expect_err("a cut archive");
    }
}

proptest! {
    #[test]
    fn flipped_bytes_never_panic(flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let (mut bytes, mut text) = (npz(&image_arrays()), IMAGE.as_bytes().to_vec());
        for (at, value) in flips {
            let place = at.index(bytes.len());
            bytes[place] = value;
            let place = at.index(text.len());
            text[place] = value % 128;
        }
        let _ = read(IMAGE, &bytes);
        let text = String::from_utf8(text).expect("ASCII");
        if let Ok(source) = read(&text, &npz(&image_arrays())) {
            let _ = lower(source, &Options::default());
        }
    }

    #[test]
    fn damaged_heads_never_panic(head in "\\{'descr': '[<>|=]?[a-z][0-9]?', 'fortran_order': (True|False), 'shape': \\([0-9, ()]{0,24}\\), \\}") {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((head.len() as u16).to_le_bytes());
        bytes.extend(head.as_bytes());
        bytes.extend([0; 64]);
        let _ = one("kind = \"dense\"\nweights = \"w\"\norder = \"io\"", &[("w", bytes)]);
    }
}
