//! The reader against models that are built here, whole and damaged.

use std::io::ErrorKind;

use proptest::prelude::*;
use prost::Message;
use prost::bytes::Bytes;

use super::proto::{self, Attribute as Attr, Tensor};
use super::{Attribute, read};
use crate::{Array, ImportError, Source, execute};

fn named(name: &str, data_type: i32, dims: &[i64]) -> Tensor {
    Tensor { name: name.into(), data_type, dims: dims.to_vec(), ..Default::default() }
}

fn floats(name: &str, dims: &[i64], values: &[f32]) -> Tensor {
    Tensor { float_data: values.to_vec(), ..named(name, 1, dims) }
}

fn node(op: &str, input: &[&str], output: &[&str], attribute: Vec<Attr>) -> proto::Node {
    let names = |list: &[&str]| list.iter().map(|&name| name.into()).collect();
    proto::Node {
        op_type: op.into(),
        input: names(input),
        output: names(output),
        attribute,
        name: String::new(),
        domain: String::new(),
    }
}

fn info(name: &str, dims: &[i64]) -> proto::ValueInfo {
    let dim = dims.iter().map(|&dim_value| proto::Dimension { dim_value }).collect();
    let tensor_type = Some(proto::TensorType { elem_type: 1, shape: Some(proto::Shape { dim }) });
    proto::ValueInfo { name: name.into(), r#type: Some(proto::Type { tensor_type }) }
}

fn model(graph: proto::Graph) -> proto::Model {
    let opset_import = vec![proto::OperatorSet { domain: String::new(), version: 13 }];
    proto::Model { ir_version: 8, graph: Some(graph), opset_import, functions: vec![] }
}

/// `y = relu(x W) + c`, written backwards, with a node that nobody needs.
fn small() -> proto::Graph {
    let value = Attr { name: "value_float".into(), f: Some(0.5), kind: 1, ..Default::default() };
    proto::Graph {
        node: vec![
            node("Add", &["r", "c"], &["y"], vec![]),
            node("Relu", &["m"], &["r"], vec![]),
            node("Neg", &["m"], &["dead"], vec![]),
            node("MatMul", &["x", "w"], &["m"], vec![]),
            node("Constant", &[], &["c"], vec![value]),
        ],
        initializer: vec![floats("w", &[2, 3], &[1.0, -2.0, 3.0, 4.0, 5.0, -6.0])],
        input: vec![info("x", &[0, 2]), info("w", &[2, 3])],
        output: vec![info("y", &[0, 3])],
        ..Default::default()
    }
}

fn read_graph(graph: proto::Graph) -> Result<Source, ImportError> {
    read(model(graph).encode_to_vec(), &mut |_| Err(ErrorKind::NotFound.into()))
}

fn problem(result: Result<Source, ImportError>) -> String {
    result.expect_err("a model that should be refused").to_string()
}

/// The array of a graph whose only constant is this one.
fn constant(tensor: Tensor) -> Result<Array, ImportError> {
    let name = tensor.name.clone();
    let graph = proto::Graph { initializer: vec![tensor], output: vec![info(&name, &[])], ..Default::default() };
    read_graph(graph).map(|mut source| source.constants.remove(&name).expect("the constant"))
}

#[test]
fn a_model_is_sorted_pruned_and_run() {
    let source = read_graph(small()).unwrap();
    let names: Vec<&str> = source.nodes.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["MatMul_3", "Relu_1", "Add_0"]);
    assert_eq!(source.inputs.len(), 1);
    assert_eq!(source.inputs[0].dims, [None, Some(2)]);
    assert_eq!(source.constants["c"], Array::scalar(0.5));
    assert_eq!((source.opset, source.type_of("w"), source.type_of("c")), (13, Some("float"), Some("float")));
    let x = Array::new([1, 2], vec![1.0, 1.0]);
    let tensors = execute::run(&source, &[("x".to_string(), x)].into()).unwrap();
    assert_eq!(tensors["y"], Array::new([1, 3], vec![5.5, 3.5, 0.5]));
}

#[test]
fn nodes_that_could_run_keep_the_order_of_the_file() {
    let mut graph = small();
    // Both read the input alone.
    graph.node[1].input[0] = "x".into();
    graph.node[3] = node("Neg", &["x"], &["m"], vec![]);
    graph.node[0].input[1] = "m".into();
    let source = read_graph(graph).unwrap();
    let names: Vec<&str> = source.nodes.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["Relu_1", "Neg_3", "Add_0"]);
}

#[test]
fn names_are_made_unique() {
    let mut graph = small();
    graph.node[0].name = "a".into();
    graph.node[1].name = "a".into();
    graph.node[3].name = "a#1".into();
    let source = read_graph(graph).unwrap();
    let names: Vec<&str> = source.nodes.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["a#1#3", "a#1", "a"]);
}

#[test]
fn every_type_of_numbers_is_read_from_bytes() {
    let cases: &[(i32, &[u8], &[f64])] = &[
        (1, &[0, 0, 0xc0, 0x3f, 0, 0, 0x80, 0xff], &[1.5, f64::NEG_INFINITY]),
        (2, &[0, 255], &[0.0, 255.0]),
        (3, &[127, 128], &[127.0, -128.0]),
        (4, &[1, 2, 255, 255], &[513.0, 65_535.0]),
        (5, &[1, 2, 255, 255], &[513.0, -1.0]),
        (6, &[1, 0, 0, 0, 0, 0, 0, 128], &[1.0, -2_147_483_648.0]),
        (7, &[1, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255], &[1.0, -1.0]),
        (9, &[0, 7], &[0.0, 1.0]),
        (10, &[0, 0x3c, 0, 0xc2], &[1.0, -3.0]),
        (11, &[0, 0, 0, 0, 0, 0, 0xf8, 0x3f, 0, 0, 0, 0, 0, 0, 0, 0], &[1.5, 0.0]),
        (12, &[1, 0, 0, 0, 255, 255, 255, 255], &[1.0, 4_294_967_295.0]),
        (13, &[1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0], &[1.0, 256.0]),
        (16, &[0x80, 0x3f, 0x40, 0xc0], &[1.0, -3.0]),
        (21, &[0x2f], &[15.0, 2.0]),
        (22, &[0x2f], &[-1.0, 2.0]),
        (25, &[0b1110], &[2.0, 3.0]),
        (26, &[0b0110], &[-2.0, 1.0]),
    ];
    for (data_type, raw, values) in cases {
        let tensor = Tensor { raw_data: Bytes::from(raw.to_vec()), ..named("t", *data_type, &[2]) };
        assert_eq!(constant(tensor).unwrap().values, *values, "type {data_type}");
        let short = Tensor { raw_data: Bytes::from(raw[1..].to_vec()), ..named("t", *data_type, &[2]) };
        assert!(constant(short).is_err(), "type {data_type}");
    }
}

#[test]
fn every_type_of_numbers_is_read_from_its_field() {
    let words =
        |data_type: i32, int32_data: &[i32]| Tensor { int32_data: int32_data.to_vec(), ..named("t", data_type, &[2]) };
    let cases = [
        (floats("t", &[2], &[0.5, -1.0]), [0.5, -1.0]),
        (words(2, &[3, 255]), [3.0, 255.0]),
        (words(3, &[3, -128]), [3.0, -128.0]),
        (words(9, &[1, 0]), [1.0, 0.0]),
        (words(10, &[0x3c00, 0xc200]), [1.0, -3.0]),
        (words(22, &[0x2f]), [-1.0, 2.0]),
        (Tensor { int64_data: vec![-7, 8], ..named("t", 7, &[2]) }, [-7.0, 8.0]),
        (Tensor { double_data: vec![0.1, 2.0], ..named("t", 11, &[2]) }, [0.1, 2.0]),
        (Tensor { uint64_data: vec![7, 8], ..named("t", 12, &[2]) }, [7.0, 8.0]),
    ];
    for (tensor, values) in cases {
        assert_eq!(constant(tensor.clone()).unwrap().values, values);
        assert!(constant(Tensor { dims: vec![9], ..tensor }).is_err());
    }
}

#[test]
fn sizes_that_lie_are_refused_before_anything_is_allocated() {
    for dims in [&[1 << 40][..], &[1 << 32, 1 << 32], &[i64::MAX, 3], &[-1], &[3]] {
        constant(floats("t", dims, &[1.0, 2.0])).expect_err("sizes that do not fit");
    }
    assert_eq!(constant(floats("t", &[2, 0], &[])).unwrap().dims, [2, 0]);
    constant(floats("t", &[0, i64::MAX, i64::MAX], &[])).expect_err("no value, but strides without bounds");
    assert!(problem(constant_source(floats("t", &[1], &[f32::NAN]))).contains("not a number"));
}

fn constant_source(tensor: Tensor) -> Result<Source, ImportError> {
    read_graph(proto::Graph { initializer: vec![tensor], output: vec![info("t", &[])], ..Default::default() })
}

#[test]
fn data_beside_the_model_stays_inside_its_folder() {
    let outside = |path: &str, offset: &str, length: &str| {
        let entry = |(key, value): (&str, &str)| proto::Entry { key: key.into(), value: value.into() };
        let entries = [("location", path), ("offset", offset), ("length", length)];
        let external_data = entries.map(entry).to_vec();
        let tensor = Tensor { data_location: 1, external_data, ..named("t", 2, &[2]) };
        let graph = proto::Graph { initializer: vec![tensor], output: vec![info("t", &[])], ..Default::default() };
        let mut asked = Vec::new();
        let source = read(model(graph).encode_to_vec(), &mut |path| {
            asked.push(path.to_string());
            Ok(vec![1, 2, 3, 4])
        });
        (source.map(|source| source.constants["t"].values.clone()), asked)
    };
    assert_eq!(outside("data/w.bin", "1", "2"), (Ok(vec![2.0, 3.0]), vec!["data/w.bin".to_string()]));
    for path in ["/etc/passwd", "../w", "a/../../w", "", "c:\\w", "..\\w"] {
        let (result, asked) = outside(path, "0", "2");
        assert!(result.is_err() && asked.is_empty(), "{path}");
    }
    for (offset, length) in [("3", "2"), ("5", "0"), ("-1", "2"), ("0", "18446744073709551615"), ("1", "1")] {
        assert!(outside("w", offset, length).0.is_err(), "{offset} {length}");
    }
}

#[test]
fn attributes_keep_their_kind() {
    let of = |attribute: Attr| {
        let mut graph = small();
        graph.node[3].attribute = vec![Attr { name: "a".into(), ..attribute }];
        read_graph(graph).map(|source| source.nodes[0].attributes.get("a").cloned())
    };
    let none = Attr::default;
    assert_eq!(of(Attr { i: Some(3), ..none() }), Ok(Some(Attribute::Int(3))));
    assert_eq!(of(Attr { kind: 2, ..none() }), Ok(Some(Attribute::Int(0))));
    assert_eq!(of(Attr { f: Some(0.5), kind: 1, ..none() }), Ok(Some(Attribute::Float(0.5))));
    assert_eq!(of(Attr { ints: vec![1, -2], ..none() }), Ok(Some(Attribute::Ints(vec![1, -2]))));
    assert_eq!(of(Attr { kind: 7, ..none() }), Ok(Some(Attribute::Ints(vec![]))));
    assert_eq!(of(Attr { floats: vec![0.5], kind: 6, ..none() }), Ok(Some(Attribute::Floats(vec![0.5]))));
    assert_eq!(of(Attr { s: Some("SAME".into()), kind: 3, ..none() }), Ok(Some(Attribute::Text("SAME".into()))));
    let array = Some(Box::new(floats("", &[1], &[2.0])));
    assert_eq!(of(Attr { t: array, kind: 4, ..none() }), Ok(Some(Attribute::Array(Array::new([1], vec![2.0])))));
    for refused in [
        Attr { g: Some(Bytes::new()), kind: 5, ..none() },
        Attr { kind: 10, ..none() },
        Attr { kind: 11, ..none() },
        Attr { f: Some(f32::NAN), kind: 1, ..none() },
        Attr { s: Some(Bytes::from_static(&[0xff])), kind: 3, ..none() },
    ] {
        of(refused.clone()).expect_err("an attribute that is not read");
    }
}

#[test]
fn graphs_that_cannot_be_run_name_the_culprit() {
    let with = |change: &dyn Fn(&mut proto::Graph)| {
        let mut graph = small();
        change(&mut graph);
        problem(read_graph(graph))
    };
    assert!(with(&|graph| graph.node[1].input[0] = "r".into()).contains("`Relu_1` (Relu): waits for its own result"));
    assert!(with(&|graph| graph.node[1].input[0] = "gone".into()).contains("reads `gone`"));
    assert!(with(&|graph| graph.node[1].output[0] = "m".into()).contains("`m`, which is defined already"));
    assert!(with(&|graph| graph.node[1].output[0] = "w".into()).contains("`w`, which is defined already"));
    assert!(with(&|graph| graph.initializer.push(floats("w", &[], &[1.0]))).contains("`w`"));
    assert!(with(&|graph| graph.input.push(info("x", &[1]))).contains("`x`: is an input twice"));
    assert!(with(&|graph| graph.input[0].r#type = None).contains("`x`: is no dense tensor"));
    assert!(with(&|graph| graph.output[0].name = "gone".into()).contains("`gone`"));
    assert!(with(&|graph| graph.node[0].output.clear()).contains("yields nothing"));
    assert!(with(&|graph| graph.sparse_initializer.push(Bytes::new())).contains("sparse"));
}

#[test]
fn old_formats_and_functions_are_refused() {
    let with = |change: &dyn Fn(&mut proto::Model)| {
        let mut model = model(small());
        change(&mut model);
        problem(read(model.encode_to_vec(), &mut |_| Err(ErrorKind::NotFound.into())))
    };
    assert!(with(&|model| model.ir_version = 2).contains("version 2"));
    assert!(with(&|model| model.graph = None).contains("without a graph"));
    assert!(with(&|model| model.functions.push(proto::Function { name: "f".into() })).contains("`f`"));
}

#[test]
fn a_quantiser_learns_its_type_from_its_zero_point() {
    let zero = Tensor { int32_data: vec![0], ..named("z", 3, &[]) };
    let graph = proto::Graph {
        node: vec![node("QuantizeLinear", &["x", "s", "z"], &["q"], vec![])],
        initializer: vec![floats("s", &[], &[1.0]), zero],
        input: vec![info("x", &[2])],
        output: vec![info("q", &[2])],
        ..Default::default()
    };
    let source = read_graph(graph.clone()).unwrap();
    let x = Array::new([2], vec![200.0, -200.0]);
    let inputs = [("x".to_string(), x)].into();
    assert_eq!(execute::run(&source, &inputs).unwrap()["q"].values, [127.0, -128.0]);
    let mut unsigned = graph;
    unsigned.node[0].input.truncate(2);
    assert_eq!(execute::run(&read_graph(unsigned).unwrap(), &inputs).unwrap()["q"].values, [200.0, 0.0]);
}

#[test]
fn integers_divide_whole() {
    let graph = proto::Graph {
        node: vec![node("Div", &["i", "i2"], &["q"], vec![]), node("Div", &["f", "f"], &["r"], vec![])],
        initializer: vec![
            Tensor { int64_data: vec![-7], ..named("i", 7, &[1]) },
            Tensor { int64_data: vec![2], ..named("i2", 7, &[1]) },
            floats("f", &[1], &[3.0]),
        ],
        output: vec![info("q", &[1]), info("r", &[1])],
        ..Default::default()
    };
    let source = read_graph(graph).unwrap();
    assert_eq!([source.nodes[0].int("whole"), source.nodes[1].int("whole")], [Some(1), None]);
    assert_eq!(execute::run(&source, &[].into()).unwrap()["q"].values, [-3.0]);
}

#[test]
fn floods_of_empty_messages_are_refused_before_they_are_decoded() {
    let message = |tag: u8, body: &[u8]| {
        let mut bytes = vec![tag << 3 | 2];
        prost::encoding::encode_varint(body.len() as u64, &mut bytes);
        [bytes.as_slice(), body].concat()
    };
    let flood = |tag: u8| message(tag, &[]).repeat(2 << 20);
    // Nodes, attributes of one node, sizes of one input.
    let sizes = message(11, &message(2, &message(1, &message(2, &flood(1)))));
    for graph in [flood(1), message(1, &flood(5)), sizes] {
        let result = read(message(7, &graph), &mut |_| Err(ErrorKind::NotFound.into()));
        assert!(problem(result).contains("more than"));
    }
}

#[test]
fn every_cut_of_a_model_is_refused_or_read() {
    let bytes = model(small()).encode_to_vec();
    for length in 0..bytes.len() {
        // A cut between two fields may still be a model.
        let _ = read(&bytes[..length], &mut |_| Err(ErrorKind::NotFound.into()));
    }
    let half = read(&bytes[..bytes.len() / 2], &mut |_| Err(ErrorKind::NotFound.into()));
    assert!(problem(half).contains("damaged or cut"));
}

proptest! {
    #[test]
    fn flipped_bytes_never_panic(flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let mut bytes = model(small()).encode_to_vec();
        for (at, value) in flips {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Ok(source) = read(bytes, &mut |_| Err(ErrorKind::NotFound.into())) {
            let _ = execute::run_within(&source, &[("x".to_string(), Array::new([1, 2], vec![1.0; 2]))].into(), 1 << 16);
        }
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(bytes, &mut |_| Err(ErrorKind::NotFound.into()));
    }
}
