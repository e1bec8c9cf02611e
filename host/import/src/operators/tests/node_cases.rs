//! The node tests of ONNX, if they lie on this machine: one folder a case, named by `BITFAB_ONNX_NODE_TESTS`.
//!
//! A case has `model.onnx`, and in `test_data_set_0` its `input_N.pb` and `output_N.pb`, each one tensor.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use prost::Message;

use crate::onnx::{self, proto, tensor};
use crate::{Array, ImportError, execute};

/// Types of elements in ONNX files.
const FLOAT16: i32 = 10;
const BFLOAT16: i32 = 16;

/// Cases whose values are not those of exact arithmetic: how far they are off, and why.
const ROUNDED: &[(&str, f64, &str)] = &[
    ("test_averagepool_2d_ceil_last_window_starts_on_pad", 1e-3, "its values have four digits"),
    ("test_dynamicquantizelinear_expanded", 0.05, "a tie, because its scale is rounded to single precision"),
    ("test_flexattention_fp16_expanded_ver26", 1e-3, "it rounds to half precision between its steps"),
];

/// What came of one case.
enum Outcome {
    Passed,
    /// The reader or the executor says that it cannot do this.
    Refused(String),
    Wrong(String),
}

fn proto_of(path: &Path) -> Result<proto::Tensor, String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    proto::Tensor::decode(bytes.as_slice()).map_err(|error| error.to_string())
}

fn tensor_of(path: &Path) -> Result<Array, String> {
    let tensor = proto_of(path)?;
    tensor::array(&tensor, &mut tensor::Store::new(&mut |_| Err(std::io::ErrorKind::NotFound.into())))
}

/// How far exact values may be from stored ones, whose type has few bits.
fn precision(path: &Path) -> f64 {
    match proto_of(path).map_or(0, |tensor| tensor.data_type) {
        FLOAT16 => 5e-4,
        BFLOAT16 => 4e-3,
        _ => 1e-5,
    }
}

/// Whether a float of single precision could be this value.
fn is_close(found: f64, expected: f64, relative: f64) -> bool {
    found == expected
        || found.is_nan() && expected.is_nan()
        || (found - expected).abs() <= 1e-6 + relative * expected.abs()
}

fn differ(found: &Array, expected: &Array, relative: f64) -> Option<String> {
    if found.dims != expected.dims {
        return Some(format!("sizes {:?}, expected {:?}", found.dims, expected.dims));
    }
    let mut pairs = found.values.iter().zip(&expected.values).enumerate();
    let at = pairs.find(|(_, (found, expected))| !is_close(**found, **expected, relative));
    at.map(|(at, (found, expected))| format!("element {at} is {found}, expected {expected}"))
}

/// The values of the case's inputs by name; those that are left out are not there.
fn inputs_of(folder: &Path, graph: &proto::Graph) -> Result<BTreeMap<String, Array>, String> {
    let mut inputs = BTreeMap::new();
    for (at, input) in graph.input.iter().enumerate() {
        inputs.insert(input.name.clone(), tensor_of(&folder.join(format!("input_{at}.pb")))?);
    }
    Ok(inputs)
}

fn run(folder: &Path) -> Outcome {
    let bytes = std::fs::read(folder.join("model.onnx")).unwrap();
    let model = proto::Model::decode(bytes.as_slice()).unwrap();
    let graph = model.graph.unwrap();
    let source = match onnx::read(bytes, &mut |_| Err(std::io::ErrorKind::NotFound.into())) {
        Ok(source) => source,
        Err(error) => return Outcome::Refused(error.to_string()),
    };
    let data = folder.join("test_data_set_0");
    let inputs = match inputs_of(&data, &graph) {
        Ok(inputs) => inputs,
        Err(error) => return Outcome::Refused(format!("input: {error}")),
    };
    let tensors = match execute::run(&source, &inputs) {
        Ok(tensors) => tensors,
        Err(ImportError::Node { op, problem, .. }) => return Outcome::Refused(format!("{op}: {problem}")),
        Err(error) => return Outcome::Refused(error.to_string()),
    };
    let rounded = ROUNDED.iter().find(|(case, ..)| folder.ends_with(case));
    for (at, name) in source.outputs.iter().enumerate() {
        let path = data.join(format!("output_{at}.pb"));
        let Ok(expected) = tensor_of(&path) else { continue };
        let relative = rounded.map_or_else(|| precision(&path), |(_, relative, _)| *relative);
        let Some(found) = tensors.get(name).or_else(|| source.constants.get(name)) else {
            return Outcome::Wrong(format!("no output `{name}`"));
        };
        if let Some(difference) = differ(found, &expected, relative) {
            return Outcome::Wrong(format!("output `{name}`: {difference}"));
        }
    }
    Outcome::Passed
}

/// The operators of a case, in the file's order.
fn operators(folder: &Path) -> String {
    let bytes = std::fs::read(folder.join("model.onnx")).unwrap();
    let graph = proto::Model::decode(bytes.as_slice()).unwrap().graph.unwrap();
    graph.node.first().map_or(String::new(), |node| node.op_type.clone())
}

#[test]
fn cases_of_onnx_give_the_values_that_they_ask_for() {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/models/onnx_node_tests");
    let root = std::env::var_os("BITFAB_ONNX_NODE_TESTS").map_or(default, PathBuf::from);
    assert!(root.is_dir(), "{} is missing: fetch ONNX's cases by tests/run --install", root.display());
    let entries = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    let mut folders: Vec<_> = entries.filter(|path| path.is_dir()).collect();
    folders.sort();
    let mut counts: BTreeMap<String, [usize; 3]> = BTreeMap::new();
    let mut wrong = Vec::new();
    for folder in folders {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let count = counts.entry(operators(&folder)).or_default();
        match run(&folder) {
            Outcome::Passed => count[0] += 1,
            Outcome::Refused(why) => {
                count[1] += 1;
                println!("refused {name}: {why}");
            }
            Outcome::Wrong(what) => {
                count[2] += 1;
                wrong.push(format!("{name}: {what}"));
            }
        }
    }
    for (op, [passed, refused, wrong]) in counts.iter().filter(|(_, [passed, _, wrong])| passed + wrong > 0) {
        println!("{op}: {passed} passed, {refused} refused, {wrong} wrong");
    }
    let sum = |at: usize| counts.values().map(|count| count[at]).sum::<usize>();
    println!("all: {} passed, {} refused, {} wrong", sum(0), sum(1), sum(2));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
