//! Operators that ONNX has no cases for, and what no operator may do.

use std::collections::{BTreeMap, BTreeSet};

use crate::execute::{run, run_within};
use crate::operators::{ALL, Bends, MAX_STEPS, Mode, Role};
use crate::{Array, Attribute, ImportError, Input, Source, SourceNode};

fn apply(node: &SourceNode, inputs: &[Option<&Array>], opset: i64) -> Result<Vec<Array>, String> {
    crate::operators::apply(node, inputs, opset, &Mode::new(MAX_STEPS))
}

fn node(op: &str, attributes: &[(&str, Attribute)]) -> SourceNode {
    let attributes = attributes.iter().map(|(name, value)| (name.to_string(), value.clone())).collect();
    SourceNode { op: op.into(), name: op.into(), attributes, outputs: vec!["y".into()], ..Default::default() }
}

fn text(value: &str) -> Attribute {
    Attribute::Text(value.into())
}

fn row(values: &[f64]) -> Array {
    Array::new([values.len()], values.to_vec())
}

/// The only result of a node.
fn result(node: &SourceNode, inputs: &[&Array]) -> Result<Array, String> {
    let inputs: Vec<Option<&Array>> = inputs.iter().map(|&input| Some(input)).collect();
    apply(node, &inputs, 13).map(|mut outputs| outputs.remove(0))
}

/// Quantises with scale, zero point and bits.
fn quant(attributes: &[(&str, Attribute)], x: &[f64], [scale, zero, bits]: [f64; 3]) -> Vec<f64> {
    let constants = [scale, zero, bits].map(Array::scalar);
    let [scale, zero, bits] = &constants;
    result(&node("Quant", attributes), &[&row(x), scale, zero, bits]).unwrap().values
}

#[test]
fn quant_rounds_in_every_way_of_qonnx() {
    let x = [-2.5, -1.5, -0.6, -0.5, 0.4, 0.5, 1.5, 2.6];
    let cases: &[(&str, [f64; 8])] = &[
        ("ROUND", [-2.0, -2.0, -1.0, 0.0, 0.0, 0.0, 2.0, 3.0]),
        ("half_even", [-2.0, -2.0, -1.0, 0.0, 0.0, 0.0, 2.0, 3.0]),
        ("CEIL", [-2.0, -1.0, 0.0, 0.0, 1.0, 1.0, 2.0, 3.0]),
        ("FLOOR", [-3.0, -2.0, -1.0, -1.0, 0.0, 0.0, 1.0, 2.0]),
        ("UP", [-3.0, -2.0, -1.0, -1.0, 1.0, 1.0, 2.0, 3.0]),
        ("DOWN", [-2.0, -1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 2.0]),
        ("ROUND_TO_ZERO", [-2.0, -1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 2.0]),
        ("HALF_UP", [-3.0, -2.0, -1.0, -1.0, 0.0, 1.0, 2.0, 3.0]),
        ("HALF_DOWN", [-2.0, -1.0, -1.0, 0.0, 0.0, 0.0, 1.0, 3.0]),
    ];
    for (mode, rounded) in cases {
        assert_eq!(quant(&[("rounding_mode", text(mode))], &x, [1.0, 0.0, 4.0]), rounded, "{mode}");
    }
}

#[test]
fn quant_saturates_at_the_ends_of_its_bits() {
    let one = |name: &'static str, value| (name, Attribute::Int(value));
    let ends = |attributes: &[(&str, Attribute)]| quant(attributes, &[-99.0, 99.0], [0.5, 0.0, 4.0]);
    assert_eq!(ends(&[]), [-4.0, 3.5]);
    assert_eq!(ends(&[one("narrow", 1)]), [-3.5, 3.5]);
    assert_eq!(ends(&[one("signed", 0)]), [0.0, 7.5]);
    assert_eq!(ends(&[one("signed", 0), one("narrow", 1)]), [0.0, 7.0]);
    assert_eq!(quant(&[one("signed", 0)], &[-1.0, 0.0, 9.0], [1.0, 2.0, 3.0]), [-1.0, 0.0, 5.0]);
}

#[test]
fn one_signed_bit_is_a_sign() {
    assert_eq!(quant(&[], &[-0.1, 0.0, 3.0], [0.5, 0.0, 1.0]), [-0.5, 0.5, 0.5]);
}

#[test]
fn scales_are_stretched_and_must_be_positive() {
    let (x, scale) = (Array::new([2, 2], vec![1.0; 4]), Array::new([2, 1], vec![1.0, 4.0]));
    let (zero, bits) = (Array::scalar(0.0), Array::scalar(8.0));
    let quantised = result(&node("Quant", &[]), &[&x, &scale, &zero, &bits]).unwrap();
    assert_eq!(quantised, Array::new([2, 2], vec![1.0, 1.0, 0.0, 0.0]));
    for scale in [0.0, -1.0, f64::INFINITY] {
        result(&node("Quant", &[]), &[&x, &Array::scalar(scale), &zero, &bits]).unwrap_err();
    }
    for bits in [0.0, 33.0, f64::NAN] {
        result(&node("Quant", &[]), &[&x, &scale, &zero, &Array::scalar(bits)]).unwrap_err();
    }
}

#[test]
fn celu_rises_for_either_sign_of_alpha_and_needs_one() {
    let of =
        |alpha: f64| result(&node("Celu", &[("alpha", Attribute::Float(alpha))]), &[&row(&[-2.0, -1.0, 0.0, 3.0])]);
    for alpha in [-0.5f64, 2.0] {
        let expected = [alpha * (-2.0 / alpha).exp_m1(), alpha * (-1.0 / alpha).exp_m1(), 0.0, 3.0];
        let values = of(alpha).unwrap().values;
        assert_eq!(values, expected, "{alpha}");
        assert!(values.is_sorted(), "{alpha}");
    }
    of(0.0).unwrap_err();
}

/// What the lowering folds into thresholds: it asks the row, and no row may promise too much.
#[test]
fn elementwise_rows_rise_or_fall_unless_they_say_where_they_bend() {
    let x: Vec<f64> = (-64..=64).map(|at| f64::from(at) / 16.0).collect();
    let rows = ALL.iter().flat_map(|family| family.iter());
    let mut seen = BTreeSet::new();
    for operator in rows.filter(|row| row.role == Role::Elementwise && row.domain.is_empty()) {
        for settings in (0..27).map(|at| [at % 3, at / 3 % 3, at / 9].map(|at: usize| [-0.75, 0.5, 2.0][at])) {
            let named: Vec<(&str, f64)> = ["alpha", "beta", "gamma"].into_iter().zip(settings).collect();
            let bends = |names: &[&str]| named.iter().any(|(name, value)| names.contains(name) && *value < 0.0);
            if matches!(operator.bends, Bends::Attributes(names) if bends(names)) {
                continue;
            }
            let attributes: Vec<_> = named.iter().map(|&(name, value)| (name, Attribute::Float(value))).collect();
            // Those with more operands are no functions of one value.
            let Ok(Array { values, .. }) = result(&node(operator.name, &attributes), &[&row(&x)]) else { continue };
            let is_monotone = values.is_sorted() || values.iter().rev().is_sorted();
            assert!(is_monotone, "{} with {named:?}", operator.name);
            assert!(!operator.is_strict || values.is_sorted_by(|a, b| a < b), "{} is not strict", operator.name);
            seen.insert(operator.name);
        }
    }
    assert!(seen.len() >= 20, "only {seen:?}");
}

#[test]
fn quantisers_need_a_scale_that_is_one() {
    for name in ["QuantizeLinear", "DequantizeLinear"] {
        let of = |inputs: &[&Array]| result(&node(name, &[]), inputs);
        assert_eq!(of(&[&row(&[1.0])]).unwrap_err(), "input 1 is missing");
        for scale in [0.0, f64::NAN, f64::INFINITY] {
            assert_eq!(of(&[&row(&[1.0]), &Array::scalar(scale)]).unwrap_err(), "a scale is zero or not finite");
        }
        assert_eq!(of(&[&row(&[2.0]), &Array::scalar(1.0)]).unwrap().values, [2.0]);
    }
}

#[test]
fn bipolar_quant_takes_zero_as_positive() {
    let signs = result(&node("BipolarQuant", &[]), &[&row(&[-0.0, -1e-9, 2.0]), &Array::scalar(0.25)]).unwrap();
    assert_eq!(signs.values, [0.25, -0.25, 0.25]);
}

#[test]
fn trunc_drops_bits_in_both_versions() {
    let numbers = |values: &[f64]| values.iter().map(|&value| Array::scalar(value)).collect::<Vec<_>>();
    let run = |x: &Array, constants: &[Array]| {
        let inputs: Vec<&Array> = std::iter::once(x).chain(constants).collect();
        result(&node("Trunc", &[]), &inputs).unwrap().values
    };
    let x = row(&[3.5, 7.5, -1.5, -2.25]);
    // 7, 15, -3 and a tie that becomes -4; two bits less.
    assert_eq!(run(&x, &numbers(&[0.5, 0.0, 6.0, 4.0])), [0.5, 1.5, -0.5, -0.5]);
    assert_eq!(run(&x, &numbers(&[0.5, 0.0, 6.0, 2.0, 2.0])), [2.0, 2.0, -2.0, -2.0]);
}

#[test]
fn multi_threshold_counts_the_thresholds_that_are_reached() {
    let thresholds = Array::new([2, 3], vec![0.0, 1.0, 2.0, -1.0, -1.0, 5.0]);
    let of = |dims: &[usize], values: &[f64], attributes: &[(&str, Attribute)]| {
        let x = Array::new(dims, values.to_vec());
        result(&node("MultiThreshold", attributes), &[&x, &thresholds]).map(|array| array.values)
    };
    assert_eq!(of(&[1, 2], &[1.0, -1.0], &[]), Ok(vec![2.0, 2.0]));
    let scaled = [("out_scale", Attribute::Float(2.0)), ("out_bias", Attribute::Float(-3.0))];
    assert_eq!(of(&[1, 2], &[-0.5, 5.0], &scaled), Ok(vec![-3.0, 3.0]));
    assert_eq!(of(&[1, 2, 1, 2], &[0.0, 2.0, 0.0, -2.0], &[]), Ok(vec![1.0, 3.0, 2.0, 0.0]));
    let last = [("data_layout", text("NHWC"))];
    assert_eq!(of(&[1, 1, 2, 2], &[0.0, 2.0, 0.0, -2.0], &last), Ok(vec![1.0, 2.0, 1.0, 0.0]));
    // QONNX takes three axes as batch, width, channels.
    assert_eq!(of(&[1, 2, 2], &[0.0, 2.0, 0.0, -2.0], &[]), Ok(vec![1.0, 2.0, 1.0, 0.0]));
    assert!(of(&[1, 3], &[0.0; 3], &[]).is_err());
}

#[test]
fn q_gemm_requantises_or_gives_reals() {
    let a = Array::new([1, 2], vec![3.0, 5.0]);
    let b = Array::new([2, 2], vec![1.0, 2.0, 3.0, 4.0]);
    let (one, zero, half) = (Array::scalar(1.0), Array::scalar(0.0), Array::scalar(0.5));
    let (scales, bias) = (row(&[1.0, 0.5]), row(&[10.0, -200.0]));
    let gemm = node("QGemm", &[("transB", Attribute::Int(1)), ("zero_point_type", text("int8"))]);
    let mut inputs = vec![&a, &half, &one, &b, &scales, &zero, &bias];
    // (2, 4) times the rows of b and the bias: (20, -178), worth 0.5 and 0.25.
    assert_eq!(result(&gemm, &inputs).unwrap().values, [10.0, -44.5]);
    inputs.extend([&half, &one]);
    assert_eq!(result(&gemm, &inputs).unwrap().values, [21.0, -88.0]);
    let tiny = Array::scalar(0.01);
    inputs[7] = &tiny;
    assert_eq!(result(&gemm, &inputs).unwrap().values, [127.0, -128.0]);
}

/// A line of pixels as a picture of one row.
fn picture(channels: usize, values: &[f64]) -> Array {
    Array::new([1, channels, 1, values.len() / channels], values.to_vec())
}

fn ints(name: &'static str, values: &[i64]) -> (&'static str, Attribute) {
    (name, Attribute::Ints(values.to_vec()))
}

#[test]
fn convolutions_have_groups_and_borders() {
    let (x, w) = (picture(2, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), Array::new([2, 1, 1, 2], vec![1.0, 10.0, 1.0, -1.0]));
    let bias = row(&[0.5, 0.0]);
    let groups = ("group", Attribute::Int(2));
    let of = |more: &[(&str, Attribute)]| {
        let attributes = [std::slice::from_ref(&groups), more].concat();
        result(&node("Conv", &attributes), &[&x, &w, &bias]).unwrap().values
    };
    assert_eq!(of(&[]), [21.5, 32.5, -1.0, -1.0]);
    assert_eq!(of(&[("auto_pad", text("SAME_UPPER"))]), [21.5, 32.5, 3.5, -1.0, -1.0, 6.0]);
    assert_eq!(of(&[("auto_pad", text("SAME_LOWER"))]), [10.5, 21.5, 32.5, -4.0, -1.0, -1.0]);
    assert_eq!(of(&[ints("pads", &[0, 1, 0, 0]), ints("strides", &[1, 2])]), [10.5, 32.5, -4.0, -1.0]);
    assert_eq!(of(&[ints("dilations", &[1, 2])]), [31.5, -2.0]);
}

#[test]
fn pools_round_up_only_to_windows_that_begin_inside() {
    let x = picture(1, &[1.0, 2.0, 3.0, 4.0, 5.0]);
    let of = |op: &str, more: &[(&str, Attribute)]| {
        let attributes = [&[ints("kernel_shape", &[1, 2]), ("ceil_mode", Attribute::Int(1))], more].concat();
        result(&node(op, &attributes), &[&x]).unwrap().values
    };
    assert_eq!(of("MaxPool", &[ints("strides", &[1, 2])]), [2.0, 4.0, 5.0]);
    assert_eq!(of("AveragePool", &[ints("strides", &[1, 2])]), [1.5, 3.5, 5.0]);
    // A fourth window would begin on the border behind.
    let padded = [ints("strides", &[1, 2]), ints("pads", &[0, 1, 0, 1])];
    assert_eq!(of("MaxPool", &padded), [1.0, 3.0, 5.0]);
    assert_eq!(of("AveragePool", &padded), [1.0, 2.5, 4.5]);
    let counted = [&padded[..], &[("count_include_pad", Attribute::Int(1))]].concat();
    assert_eq!(of("AveragePool", &counted), [0.5, 2.5, 4.5]);
}

#[test]
fn norms_and_whole_divisions_are_exact() {
    let constants = [[2.0, 1.0], [0.5, 0.0], [1.0, 0.0], [0.75, 3.75]].map(|values| row(&values));
    let [gamma, beta, mean, variance] = &constants;
    let norm = node("BatchNormalization", &[("epsilon", Attribute::Float(0.25))]);
    let x = picture(2, &[2.0, 0.0, 2.0, 4.0]);
    assert_eq!(result(&norm, &[&x, gamma, beta, mean, variance]).unwrap().values, [2.5, -1.5, 1.0, 2.0]);
    let (a, b) = (row(&[7.0, -7.0]), row(&[2.0, 2.0]));
    assert_eq!(result(&node("Div", &[]), &[&a, &b]).unwrap().values, [3.5, -3.5]);
    assert_eq!(result(&node("Div", &[("whole", Attribute::Int(1))]), &[&a, &b]).unwrap().values, [3.0, -3.0]);
}

#[test]
fn channels_last_is_channels_first_turned() {
    let x: Vec<f64> = (0..18).map(f64::from).collect();
    let w: Vec<f64> = (0..16).map(|v| f64::from(v % 5) - 2.0).collect();
    // Two channels of 3 x 3, and two filters of 2 x 2; the same values in both orders.
    let turn = |v: &[f64], outer: usize, area: usize| -> Vec<f64> {
        let place = |at: usize| (at / (area * 2) * 2 + at % 2) * area + at / 2 % area;
        (0..outer * area * 2).map(|at| v[place(at)]).collect()
    };
    let first =
        result(&node("Conv", &[]), &[&Array::new([1, 2, 3, 3], x.clone()), &Array::new([2, 2, 2, 2], w.clone())])
            .unwrap();
    let mut last = node("Conv", &[]);
    last.domain = "qonnx.custom_op.channels_last".into();
    let (x, w) = (Array::new([1, 3, 3, 2], turn(&x, 1, 9)), Array::new([2, 2, 2, 2], turn(&w, 2, 4)));
    let found = result(&last, &[&x, &w]).unwrap();
    assert_eq!(found, Array::new([1, 2, 2, 2], turn(&first.values, 1, 4)));
}

#[test]
fn what_is_not_known_is_said() {
    let x = row(&[1.0]);
    assert!(result(&node("Gru", &[]), &[&x]).unwrap_err().contains("Gru is not known"));
    let strange = SourceNode { domain: "their.own".into(), ..node("Relu", &[]) };
    assert!(result(&strange, &[&x]).unwrap_err().contains("`their.own`"));
    assert!(result(&node("FloatQuant", &[]), &[&x]).unwrap_err().contains("use Quant"));
    let mut pool = node("MaxPool", &[("kernel_shape", Attribute::Ints(vec![1]))]);
    pool.outputs.push("indices".into());
    assert!(result(&pool, &[&Array::new([1, 1, 1], vec![1.0])]).unwrap_err().contains("output 1"));
}

#[test]
fn sizes_that_would_fill_the_machine_are_refused() {
    let many = |count: usize, axis: usize, rank: usize| {
        let mut dims = vec![1; rank];
        dims[axis] = count;
        Array::new(dims, vec![0.0; count])
    };
    let (column, line) = (many(1 << 15, 0, 2), many(1 << 14, 1, 2));
    result(&node("Add", &[]), &[&column, &line]).unwrap_err();
    result(&node("MatMul", &[]), &[&column, &line]).unwrap_err();
    result(&node("Gather", &[]), &[&line, &many(1 << 15, 0, 1)]).unwrap_err();
    let pixel = Array::new([1, 1, 1, 1], vec![0.0]);
    result(&node("Pad", &[ints("pads", &[0, 0, 1 << 20, 0, 0, 0, 0, 1 << 20])]), &[&pixel]).unwrap_err();
    for kernel in [[1 << 40, 1 << 40], [i64::MAX, i64::MAX], [0, 1], [-1, 1]] {
        let pads = ints("pads", &[1 << 19; 4]);
        result(&node("MaxPool", &[ints("kernel_shape", &kernel), pads]), &[&pixel]).unwrap_err();
    }
}

/// `y = relu(relu(x))`.
fn chain() -> Source {
    let link =
        |from: &str, to: &str| SourceNode { inputs: vec![from.into()], outputs: vec![to.into()], ..node("Relu", &[]) };
    let inputs = vec![Input { name: "x".into(), dims: vec![Some(1), Some(2)] }];
    Source { inputs, outputs: vec!["y".into()], nodes: vec![link("x", "m"), link("m", "y")], ..Default::default() }
}

#[test]
fn inputs_must_be_there_and_fit() {
    let with = |dims: &[usize]| {
        let x = Array::new(dims, vec![-1.0; dims.iter().product()]);
        run(&chain(), &BTreeMap::from([("x".to_string(), x)])).map(|tensors| tensors["y"].values.clone())
    };
    assert_eq!(with(&[1, 2]), Ok(vec![0.0; 2]));
    assert_eq!(with(&[3, 2]), Ok(vec![0.0; 6]), "more images");
    assert!(matches!(with(&[1, 3]), Err(ImportError::Value { .. })));
    assert!(matches!(with(&[2]), Err(ImportError::Value { .. })));
    let mut deep = chain();
    deep.inputs[0].dims = vec![None, Some(2), None, Some(3)];
    let x = Array::new([1, 2, 3, 4], vec![0.0; 24]);
    assert!(matches!(run(&deep, &BTreeMap::from([("x".to_string(), x)])), Err(ImportError::Value { .. })));
    assert!(matches!(run(&chain(), &BTreeMap::new()), Err(ImportError::Value { .. })));
}

#[test]
fn a_run_ends_where_its_steps_are_used_up() {
    let mut source = chain();
    source.nodes[1] = SourceNode { inputs: vec!["m".into(); 2], outputs: vec!["y".into()], ..node("Add", &[]) };
    let inputs = BTreeMap::from([("x".to_string(), Array::new([1, 2], vec![1.0; 2]))]);
    // Two values of the first node, and of the second twice two: once for the sum, once for what it gives.
    run_within(&source, &inputs, 6).unwrap();
    let error = run_within(&source, &inputs, 5).unwrap_err();
    assert!(error.to_string().contains("node 1 `Add` (Add)") && error.to_string().contains("steps"), "{error}");
}
