//! TFLite's operators that are read, one row each.

use super::activation::Activation;
use super::schema::Operator;
use super::write::{Op, Writer};
use crate::operators::{TFLITE_LOGISTIC, TFLITE_SOFTMAX};

/// Where a kernel may stand in a model.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Anywhere.
    Within,
    /// Anywhere; it gives other sizes, and all inputs but the first are sizes that the tensors have too.
    Sizes,
    /// Anywhere, and before the bytes: of reals, which are the caller's part.
    Quantise,
    /// At the end, where it is left to the caller.
    Ending,
    /// At the end: what the last bytes stand for.
    Dequantise,
}

/// One operator.
pub(super) struct Kernel {
    pub name: &'static str,
    pub place: Place,
    /// Writes its nodes.
    pub write: fn(&mut Writer<'_>, &Op<'_>) -> Result<(), String>,
    /// How it is computed, for people; the same for some that stand together.
    pub how: &'static str,
}

const CONV: &str = "scales a channel or one; fused NONE, RELU, RELU6, RELU_N1_TO_1; padding SAME or VALID; depthwise ones of any \
                    multiplier; rounded twice";
const POOL: &str = "halves away from zero; no border round an average";
const PAD: &str = "a border of zeros before a convolution";
const RELU: &str = "another scale and a cut";
const SIZES: &str = "sizes; what computes the new shape is left out";
const ENDING: &str = "at the end: left to the caller";

/// A kernel that may stand anywhere.
const fn within(
    name: &'static str,
    write: fn(&mut Writer<'_>, &Op<'_>) -> Result<(), String>,
    how: &'static str,
) -> Kernel {
    Kernel { name, place: Place::Within, write, how }
}

static ALL: &[Kernel] = &[
    within("CONV_2D", |writer, op| writer.conv(op, false), CONV),
    within("DEPTHWISE_CONV_2D", |writer, op| writer.conv(op, true), CONV),
    within(
        "FULLY_CONNECTED",
        |writer, op| writer.dense(op),
        "one row; rounded once, as LiteRT 2.3 does it (TFLite Micro rounds twice, which gives another byte in some sums \
         of a thousand)",
    ),
    within("MAX_POOL_2D", |writer, op| writer.pool(op, true), POOL),
    within("AVERAGE_POOL_2D", |writer, op| writer.pool(op, false), POOL),
    within(
        "MEAN",
        |writer, op| writer.mean(op),
        "over height and width; the multiplier is divided by the area and cut, as the kernel does it",
    ),
    within(
        "ADD",
        |writer, op| writer.add(op),
        "of two tensors whose scales are the same or a power of two apart: then the kernel rounds once",
    ),
    within("PAD", |writer, op| writer.pad(op), PAD),
    within("PADV2", |writer, op| writer.pad(op), PAD),
    within("RELU", |writer, op| writer.rescale(op, Activation::Relu), RELU),
    within("RELU6", |writer, op| writer.rescale(op, Activation::Relu6), RELU),
    within("RELU_N1_TO_1", |writer, op| writer.rescale(op, Activation::ReluN1To1), RELU),
    Kernel { place: Place::Sizes, ..within("RESHAPE", |writer, op| writer.sizes(op), SIZES) },
    Kernel { place: Place::Sizes, ..within("SQUEEZE", |writer, op| writer.sizes(op), SIZES) },
    Kernel { place: Place::Sizes, ..within("EXPAND_DIMS", |writer, op| writer.sizes(op), SIZES) },
    Kernel {
        place: Place::Quantise,
        ..within(
            "QUANTIZE",
            |writer, op| writer.quantize(op),
            "of bytes another scale; of reals at the beginning left to the caller",
        )
    },
    Kernel { place: Place::Ending, ..within("SOFTMAX", |writer, op| writer.ending(op, &TFLITE_SOFTMAX), ENDING) },
    Kernel { place: Place::Ending, ..within("LOGISTIC", |writer, op| writer.ending(op, &TFLITE_LOGISTIC), ENDING) },
    Kernel { place: Place::Ending, ..within("ARG_MAX", |writer, op| writer.arg_max(op), ENDING) },
    Kernel {
        place: Place::Dequantise,
        ..within("DEQUANTIZE", |writer, op| writer.dequantize(op), "at the end: what the result stands for")
    },
];

/// The row of an operator, if it is read.
pub(super) fn find(node: &Operator<'_>) -> Option<&'static Kernel> {
    ALL.iter().find(|kernel| kernel.name == node.name)
}

/// What is known, for messages.
pub(super) fn known() -> String {
    let names = |is_last: bool| {
        let is_there = move |kernel: &&Kernel| matches!(kernel.place, Place::Ending | Place::Dequantise) == is_last;
        ALL.iter().filter(is_there).map(|kernel| kernel.name).collect::<Vec<_>>().join(", ")
    };
    format!("known are {}, and {} at the end", names(false), names(true))
}

/// The operators in Markdown, and how they are computed.
pub(crate) fn rows() -> Vec<[String; 2]> {
    let row = |same: &[Kernel]| {
        let names: Vec<String> = same.iter().map(|kernel| format!("`{}`", kernel.name)).collect();
        [names.join(", "), same[0].how.to_owned()]
    };
    ALL.chunk_by(|a, b| a.how == b.how).map(row).collect()
}
