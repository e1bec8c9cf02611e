#![doc = include_str!("../README.md")]
#![no_std]
#![deny(unsafe_code)] // allowed under `arch` alone, each block with a proof

#[cfg(not(target_os = "none"))]
extern crate std; // run-time detection of the laptop's instructions; firmware never links it

mod arch;
mod bit_rows;
mod depthwise;
mod dot;
mod encode;
mod join;
mod place;
mod pool;
#[cfg(not(target_os = "none"))]
pub mod reference;
mod transform;
#[cfg(feature = "value-rows")]
mod value_rows;
pub mod values;
mod weighted;
mod window;

#[cfg(feature = "value-rows")]
use bitfab_format::Packing;
use bitfab_format::{Layer, Op, TransformKind, WeightKind, Weights};

/// The memory of one layer; each slice has exactly the size that the layer states, or is empty.
#[derive(Debug)]
pub struct Views<'a> {
    /// The model's input, for layers that read tensor 0.
    pub bytes: &'a [u8],
    /// The input tensor's words.
    pub input: &'a [u32],
    /// The residual tensor's words.
    pub residual: &'a [u32],
    /// The output tensor's words.
    pub output: &'a mut [u32],
    /// Working memory.
    pub scratch: &'a mut [u32],
}

/// The feature of this crate that a kind of weights or a transform takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Feature {
    /// Its name in the manifest; empty where nothing needs to be turned on.
    pub name: &'static str,
    /// Whether it is on.
    pub is_on: bool,
}

/// A feature by its name.
macro_rules! feature {
    ($name:literal) => {
        Feature { name: $name, is_on: cfg!(feature = $name) }
    };
}

/// What is always there.
const ALWAYS: Feature = Feature { name: "", is_on: true };

/// The feature that computes weights of `kind`.
pub const fn feature_of_weights(kind: WeightKind) -> Feature {
    match kind {
        WeightKind::None | WeightKind::Binary => ALWAYS,
        WeightKind::SparseBinary => feature!("sparse-binary"),
        WeightKind::Ternary => feature!("ternary"),
        WeightKind::PowerOfTwo => feature!("power-of-two"),
        WeightKind::Planes => feature!("planes"),
        WeightKind::Integer => feature!("integer"),
        WeightKind::SmartDeal => feature!("smart-deal"),
    }
}

/// The feature that computes transforms of `kind`.
pub const fn feature_of_transform(kind: TransformKind) -> Feature {
    match kind {
        TransformKind::Requant => feature!("requant"),
        TransformKind::Affine => feature!("affine"),
        TransformKind::None | TransformKind::Encode | TransformKind::Raw | TransformKind::Thresholds => ALWAYS,
    }
}

/// Whether [`run`] computes `layer`: the features of this crate may leave out kinds of weights and transforms.
///
/// Always true with the default features.
pub const fn supports(layer: &Layer<'_>) -> bool {
    feature_of_weights(layer.weights.kind()).is_on && feature_of_transform(layer.transform.kind()).is_on
}

/// Computes one layer of a checked model that is [supported](supports); the output is that of [`reference::run`], bit
/// for bit.
///
/// Every word of the output is written, pad bits as zeros.
/// Slices that are shorter than the layer states do not panic: words that cannot be computed are left as they were
/// or hold partial sums.
pub fn run(layer: &Layer<'_>, views: Views<'_>) {
    match (layer.op, layer.weights) {
        (Op::Encode, _) => encode::run(layer, views),
        (Op::Conv2d, Weights::Binary(rows)) if !cfg!(feature = "small") && depthwise::fits(layer) => {
            depthwise::run(layer, rows, views)
        }
        #[cfg(feature = "value-rows")]
        (Op::Dense | Op::Conv2d, _) if layer.packing() == Packing::Bytes => value_rows::run(layer, views),
        (Op::Dense | Op::Conv2d, _) => bit_rows::run(layer, views),
        (Op::MaxPool, _) => pool::max(layer, views),
        (Op::SumPool, _) => pool::sum(layer, views),
    }
}

/// The index of the largest score; of equal scores the lowest index (NUMERICS 6.1); 0 for no scores.
///
/// ```
/// assert_eq!(bitfab_kernels::arg_max(&[-3, 7, 7, 2]), 1);
/// ```
pub fn arg_max(scores: &[i32]) -> usize {
    let start = (0, scores.first().copied().unwrap_or(0));
    let better =
        |best: (usize, i32), (index, &score): (usize, &i32)| if score > best.1 { (index, score) } else { best };
    scores.iter().enumerate().fold(start, better).0
}

#[cfg(test)]
mod tests {
    use super::arg_max;

    #[test]
    fn arg_max_takes_the_first_of_equal_scores() {
        assert_eq!(arg_max(&[]), 0);
        assert_eq!(arg_max(&[i32::MIN]), 0);
        assert_eq!(arg_max(&[i32::MIN, i32::MIN]), 0);
        assert_eq!(arg_max(&[i32::MIN, i32::MAX, i32::MAX]), 1);
        assert_eq!(arg_max(&[-5, -7, -5, -4]), 3);
    }
}
