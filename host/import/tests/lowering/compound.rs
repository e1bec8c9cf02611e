//! Operators that stand for several: what they are written out to computes what they compute themselves.

use bitfab_compile::{CompileOptions, compile_with};
use bitfab_import::{Attribute, ImportOptions, Source, execute, lower};

use crate::compare;
use crate::small::{Constant, Line, ints, model};

/// Scale and zero points that all models share; quantised weights in two layouts.
const CONSTANTS: &[Constant<'static>] = &[
    ("s", &[], &[0.5]),
    ("z", &[], &[0.0]),
    ("w", &[2, 1, 2, 2], &[1.0, -2.0, 3.0, 1.0, -1.0, 4.0, 2.0, -3.0]),
    ("v", &[2, 2, 2, 1], &[1.0, -2.0, 3.0, 1.0, -1.0, 4.0, 2.0, -3.0]),
    ("m", &[4, 3], &[1.0, -2.0, 3.0, 1.0, -1.0, 4.0, 2.0, -3.0, 1.0, 1.0, 2.0, -2.0]),
    ("t", &[3, 2], &[-4.0, 6.0, 0.0, 1.0, 2.0, 9.0]),
    ("b", &[2], &[5.0, -7.0]),
    ("c", &[3], &[5.0, -7.0, 1.0]),
    ("one", &[], &[1.0]),
    // No sum is a tie: those go to even, which one multiplication cannot.
    ("out", &[], &[4.1]),
];

/// Lowers `source`, which reads bytes as they are, and compares it with `expected` and with its integers.
fn agrees(source: Source, rows: &[(&[u8], &[f64])]) {
    let own = source.clone();
    let imported = lower(source, &ImportOptions { input: Some("u8".parse().expect("a map")) }).expect("it is lowered");
    for (row, expected) in rows {
        let oracle = imported.oracle(row).expect("the oracle runs");
        assert_eq!(oracle["y"].values, *expected, "{:?}", imported.source.nodes);
        // Where the executor knows the operator itself, it gives the same.
        if let Ok(tensors) = execute::run(&own, &[("x".to_string(), imported.reals(row))].into()) {
            assert_eq!(tensors["y"].values, *expected, "by itself");
        }
    }
    let compiled = compile_with(&imported.graph, &CompileOptions::default()).expect("it compiles");
    assert!(compiled.rounded.is_empty(), "{:?}", compiled.rounded);
    assert!(compare(&imported, &compiled, 1) > 0);
}

/// The type of a zero point, as the reader remembers it.
fn signed() -> (&'static str, Attribute) {
    ("zero_point_type", Attribute::Text("int8".into()))
}

#[test]
fn quantised_products_are_written_out() {
    let q = ["x", "one", "z", "w", "s", "z", "out", "z", "b"];
    let source = model(&[1, 1, 2, 2], CONSTANTS, &[("QLinearConv", &q, "y", &[signed()])]);
    // (10 - 40 + 90 + 40 + 5) / 8.2 and (-10 + 80 + 60 - 120 - 7) / 8.2.
    agrees(source, &[(&[10, 20, 30, 40], &[13.0, 0.0]), (&[0; 4], &[1.0, -1.0]), (&[255; 4], &[94.0, 61.0])]);

    let q = ["x", "one", "z", "m", "s", "z", "out", "z"];
    let source = model(&[1, 4], CONSTANTS, &[("QLinearMatMul", &q, "y", &[signed()])]);
    agrees(source, &[(&[1, 2, 3, 40], &[6.0, 8.0, -8.0]), (&[0; 4], &[0.0; 3])]);

    let q = ["x", "one", "z", "m", "s", "z", "c", "out", "z"];
    let source = model(&[1, 4], CONSTANTS, &[("com.microsoft.QGemm", &q, "y", &[signed()])]);
    agrees(source, &[(&[1, 2, 3, 40], &[7.0, 7.0, -8.0]), (&[0; 4], &[1.0, -1.0, 0.0])]);
}

#[test]
fn quantised_sums_and_means_are_written_out() {
    let q = ["x", "one", "z", "w", "s", "z", "out", "z"];
    let conv = ("QLinearConv", &q[..], "a", &[signed()][..]);
    let pool = ["a", "out", "z", "one", "z"];
    let mean = ("com.microsoft.QLinearGlobalAveragePool", &pool[..], "y", &[signed()][..]);
    // One place of each channel: 12 and 1, in units of 4.1.
    agrees(model(&[1, 1, 2, 2], CONSTANTS, &[conv, mean]), &[(&[10, 20, 30, 40], &[49.0, 4.0])]);
    let sum = ["a", "out", "z", "a", "out", "z", "out", "z"];
    let sum = ("com.microsoft.QLinearAdd", &sum[..], "y", &[signed()][..]);
    agrees(model(&[1, 1, 2, 2], CONSTANTS, &[conv, sum]), &[(&[10, 20, 30, 40], &[24.0, 2.0])]);
}

#[test]
fn channels_may_be_last() {
    let domain = "qonnx.custom_op.channels_last.Conv";
    let conv = (domain, &["x", "v"][..], "a", &[("kernel_shape", ints(&[2, 2]))][..]);
    let thresholds = ("finn.custom_op.general.MultiThreshold", &["a", "u"][..], "y");
    let layout = [("data_layout", Attribute::Text("NHWC".into()))];
    let constants = [CONSTANTS, &[("u", &[2, 1], &[50.0, 20.0])]].concat();
    let source = model(&[1, 2, 3, 1], &constants, &[conv, (thresholds.0, thresholds.1, thresholds.2, &layout)]);
    // Two places of two channels: 10 - 40 + 120 + 50 and -10 + 80 + 80 - 150, then the window beside it.
    agrees(source, &[(&[10, 20, 30, 40, 50, 60], &[1.0, 0.0, 1.0, 1.0])]);
}

#[test]
fn matrix_vector_units_are_products_and_thresholds() {
    let unit = "finn.custom_op.fpgadataflow.MVAU";
    let bipolar = [("outputDataType", Attribute::Text("BIPOLAR".into()))];
    let narrow = [CONSTANTS, &[("n", &[3, 1], &[5.0, 0.0, -3.0])]].concat();
    // Sums of [1, 2, 3, 4] are 13, -5 and 6.
    let source = model(&[1, 4], &narrow, &[(unit, &["x", "m", "n"], "y", &bipolar)]);
    agrees(source, &[(&[1, 2, 3, 4], &[1.0, -1.0, 1.0])]);
    let counted = [("ActVal", Attribute::Int(-1))];
    let source = model(&[1, 4], CONSTANTS, &[(unit, &["x", "m", "t"], "y", &counted)]);
    agrees(source, &[(&[1, 2, 3, 4], &[1.0, -1.0, 0.0])]);
    let raw = [("noActivation", Attribute::Int(1))];
    agrees(model(&[1, 4], CONSTANTS, &[(unit, &["x", "m"], "y", &raw)]), &[(&[1, 2, 3, 4], &[13.0, -5.0, 6.0])]);
}

#[test]
fn signs_of_a_grey_picture_lie_side_by_side_though_its_sizes_are_asked_for() {
    let constants =
        [("zero", &[][..], &[0.0][..]), ("axes", &[1], &[0.0]), ("rest", &[1], &[-1.0]), ("w", &[16, 2], &[1.0; 32])];
    let to = [("axis", Attribute::Int(0))];
    let lines: [Line<'_>; 7] = [
        ("Shape", &["x"], "sizes", &[]),
        ("Gather", &["sizes", "zero"], "batch", &[]),
        ("Unsqueeze", &["batch", "axes"], "one", &[]),
        ("Concat", &["one", "rest"], "flat", &to),
        ("Reshape", &["x", "flat"], "r", &[]),
        ("Sign", &["r"], "s", &[]),
        ("MatMul", &["s", "w"], "y", &[]),
    ];
    let imported = lower(
        model(&[1, 1, 4, 4], &constants, &lines),
        &ImportOptions { input: Some("u8-128/128".parse().expect("a map")) },
    );
    let imported = imported.expect("it is lowered");
    assert_eq!(
        imported.graph.input,
        bitfab_graph::Shape::flat(16),
        "one word of 32 signs a pixel would be 32 bits a weight"
    );
}

#[test]
fn channels_are_last_though_sizes_are_asked_for_and_a_constant_stands_first() {
    let constants = [("two", &[][..], &[2.0][..]), ("w", &[1, 3, 1, 1], &[1.0, 2.0, -1.0])];
    let (perm, window) = ([("perm", ints(&[0, 3, 1, 2]))], [("kernel_shape", ints(&[1, 1]))]);
    let lines: [Line<'_>; 4] = [
        ("Shape", &["x"], "sizes", &[]),
        ("Mul", &["two", "x"], "m", &[]),
        ("Transpose", &["m"], "t", &perm),
        ("Conv", &["t", "w"], "y", &window),
    ];
    let input = Some("u8".parse().expect("a map"));
    let imported = lower(model(&[1, 4, 5, 3], &constants, &lines), &ImportOptions { input }).expect("it is lowered");
    assert_eq!(imported.graph.input, bitfab_graph::Shape::new(4, 5, 3));
}
