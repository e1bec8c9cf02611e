//! Every operator with random attributes, sizes and constants: a result or a sentence, but no panic.

use proptest::prelude::*;

use crate::operators::{Mode, apply};
use crate::{Array, Attribute, SourceNode};

const OPS: &str = "Add Mean Max Div Pow Clip Cast BatchNormalization PRelu Selu Where Dropout Quant BipolarQuant Trunc \
    MultiThreshold QuantizeLinear DequantizeLinear MatMul Gemm Conv Conv QLinearMatMul QLinearConv QGemm MatMulInteger \
    ConvInteger MaxPool MaxPool AveragePool GlobalMaxPool GlobalAveragePool Flatten Reshape Squeeze Unsqueeze Transpose Concat \
    Gather Slice Pad Shape Expand ConstantOfShape Split Constant ReduceMean ReduceMax Softmax LogSoftmax ArgMax TopK";

const LISTS: &str = "kernel_shape pads strides dilations axes perm shape split starts ends steps";

const NUMBERS: &str = "axis group ceil_mode count_include_pad keepdims transA transB k to start end block_size signed \
    allowzero training_mode";

/// Sizes that often fit each other.
const SIZES: &[&[usize]] = &[
    &[],
    &[],
    &[1],
    &[2],
    &[2],
    &[2, 2],
    &[2, 2],
    &[1, 2, 3, 3],
    &[2, 2, 2, 2],
    &[2, 2, 1, 1],
    &[1, 2, 4],
    &[2, 2, 2],
];

fn array() -> impl Strategy<Value = Array> {
    let value = prop_oneof![-3i8..6, Just(-128), Just(127)].prop_map(f64::from);
    let fitting = prop::sample::select(SIZES).prop_map(<[usize]>::to_vec);
    prop_oneof![3 => fitting, 1 => prop::collection::vec(0usize..4, 0..5)].prop_flat_map(move |dims| {
        let count = dims.iter().product::<usize>();
        prop::collection::vec(value.clone(), count).prop_map(move |values| Array::new(dims.clone(), values))
    })
}

fn whole() -> impl Strategy<Value = i64> {
    prop_oneof![8 => -3i64..5, 1 => Just(i64::MAX), 1 => Just(i64::MIN), 1 => Just(1 << 40)]
}

fn word(list: &'static str) -> impl Strategy<Value = String> {
    prop::sample::select(list.split_whitespace().collect::<Vec<_>>()).prop_map(str::to_owned)
}

fn attribute() -> impl Strategy<Value = (String, Attribute)> {
    let lists = prop::collection::vec(whole(), 0..5).prop_map(Attribute::Ints);
    let pads = word("NOTSET VALID SAME_UPPER SAME_LOWER").prop_map(Attribute::Text);
    let modes = word("constant edge wrap reflect FLOOR HALF_UP").prop_map(Attribute::Text);
    let layouts = word("NCHW NHWC NC").prop_map(Attribute::Text);
    let kernels = prop::collection::vec(1i64..4, 2).prop_map(Attribute::Ints);
    let borders = prop::collection::vec(0i64..2, 4).prop_map(Attribute::Ints);
    prop_oneof![
        4 => (Just("kernel_shape".to_string()), kernels.clone()),
        2 => (word("strides dilations"), kernels),
        2 => (Just("pads".to_string()), borders),
        4 => (word(LISTS), lists),
        4 => (word(NUMBERS), whole().prop_map(Attribute::Int)),
        1 => (Just("auto_pad".to_string()), pads),
        1 => (word("mode rounding_mode"), modes),
        1 => (Just("data_layout".to_string()), layouts),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn operators_never_panic(
        op in word(OPS),
        is_last in prop::bool::weighted(0.1),
        inputs in prop::collection::vec(prop::option::weighted(0.95, array()), 1..10),
        attributes in prop::collection::vec(attribute(), 0..5),
        opset in 1i64..20,
    ) {
        let domain = if is_last { "qonnx.custom_op.channels_last" } else { "" };
        let attributes = attributes.into_iter().collect();
        let node = SourceNode { op, domain: domain.into(), outputs: vec!["y".into()], attributes, ..Default::default() };
        let inputs: Vec<Option<&Array>> = inputs.iter().map(Option::as_ref).collect();
        if let Ok(outputs) = apply(&node, &inputs, opset, &Mode::new(1 << 16)) {
            for output in outputs {
                prop_assert_eq!(output.values.len(), output.dims.iter().product::<usize>());
            }
        }
    }
}
