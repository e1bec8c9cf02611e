//! What a model is made of.

use bitfab_format::{HEADER_WORDS, Kind, Layer, Model, RECORD_WORDS, Tensor, Transform, VERSION};
use serde::Serialize;

use crate::Operations;
use crate::operations::nonzeros;

/// Bytes of one word.
const WORD: u64 = 4;

/// A tensor for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TensorSummary {
    /// Height, width, channels.
    pub shape: [u32; 3],
    /// `u8`, `i8`, `sign`, `u1` to `u8` or `i32`.
    pub kind: String,
    /// Bytes in the arena, or in the caller's input for byte kinds.
    pub bytes: u64,
}

impl TensorSummary {
    fn of(tensor: &Tensor) -> Self {
        let kind = match tensor.kind {
            Kind::U8 => "u8".into(),
            Kind::I8 => "i8".into(),
            Kind::Sign => "sign".into(),
            Kind::Unsigned { bits } => format!("u{bits}"),
            Kind::I32 => "i32".into(),
        };
        let shape = tensor.shape;
        let bytes = if tensor.kind.is_bytes() { shape.volume().into() } else { u64::from(tensor.region.words) * WORD };
        Self { shape: [shape.height, shape.width, shape.channels], kind, bytes }
    }

    /// The shape as text: `8x8x1`, or `64` for a vector.
    pub fn shape_text(&self) -> String {
        match self.shape {
            [1, 1, channels] => channels.to_string(),
            [height, width, channels] => format!("{height}x{width}x{channels}"),
        }
    }
}

/// One layer for people.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerSummary {
    /// Position from 0.
    pub index: usize,
    /// Its name; may be empty.
    pub name: String,
    /// `encode`, `dense`, `conv2d`, `max_pool` or `sum_pool`.
    pub op: &'static str,
    /// Kind of its weights: `none`, `binary`, `sparse-binary`, `ternary`, `power-of-two`, `planes`, `integer`
    /// or `smart-deal`.
    pub weights: &'static str,
    /// How they are stored: `plain`, `bitmap`, `rice`, `list` or `trits`.
    pub coder: &'static str,
    /// What makes its outputs of accumulators: `none`, `encode`, `raw`, `thresholds`, `requant` or `affine`.
    pub transform: &'static str,
    /// Number of its weights.
    pub weight_count: u64,
    /// Share of its weights that are not zero (sparse-binary: that are ones), 0 to 1; 0 without weights.
    pub density: f64,
    /// What it reads.
    pub input: TensorSummary,
    /// Tensor it reads: 0 is the model's input, `i` the output of layer `i - 1`.
    pub input_index: u16,
    /// Tensor that is added to the accumulator.
    pub residual_index: Option<u16>,
    /// What it writes.
    pub output: TensorSummary,
    /// Rows and columns of the window.
    pub kernel: [u32; 2],
    /// Rows and columns of a step.
    pub stride: [u32; 2],
    /// Rows above, columns left, rows below, columns right of the input.
    pub padding: [u32; 4],
    /// What lies there: 0, -1, 1, or a level.
    pub pad_value: i32,
    /// Groups of a convolution.
    pub groups: u32,
    /// Thresholds of one output channel; 0 where accumulators leave as they are.
    pub thresholds: u32,
    /// Smallest and largest accumulator that any input can cause.
    pub bound: [i32; 2],
    /// Bytes of its weights in the file.
    pub weight_bytes: u64,
    /// Bytes of its thresholds in the file.
    pub threshold_bytes: u64,
    /// Bytes of its record and name in the file.
    pub record_bytes: u64,
    /// Bytes of the arena that it uses while it runs, besides its tensors.
    pub scratch_bytes: u64,
    /// What one inference costs.
    pub operations: Operations,
}

/// Bytes of the thresholds of a layer in the file, and thresholds of one channel.
fn thresholds(layer: &Layer<'_>) -> (u64, u32) {
    match layer.transform {
        Transform::None | Transform::Raw => (0, 0),
        Transform::Encode { per_channel, thresholds } => {
            ((thresholds.len() as u64).next_multiple_of(WORD), per_channel)
        }
        Transform::Thresholds(thresholds) => (thresholds.words() as u64 * WORD, thresholds.per_channel()),
        Transform::Requant { scales } | Transform::Affine { scales } => (scales.words() as u64 * WORD, 0),
    }
}

impl LayerSummary {
    fn of(layer: &Layer<'_>) -> Self {
        let (threshold_bytes, thresholds) = thresholds(layer);
        let weight_count = layer.weight_count();
        Self {
            weight_count,
            density: if weight_count == 0 { 0.0 } else { nonzeros(layer) as f64 / weight_count as f64 },
            weight_bytes: layer.weights.words() as u64 * WORD,
            ..Self::without_weights(layer, threshold_bytes, thresholds)
        }
    }

    fn without_weights(layer: &Layer<'_>, threshold_bytes: u64, thresholds: u32) -> Self {
        Self {
            index: layer.index.into(),
            name: layer.name.into(),
            op: layer.op.name(),
            weights: layer.weights.name(),
            coder: layer.weights.coder().name(),
            transform: layer.transform.name(),
            weight_count: 0,
            density: 0.0,
            input: TensorSummary::of(&layer.input),
            input_index: layer.input_index,
            residual_index: layer.residual.map(|residual| residual.index),
            output: TensorSummary::of(&layer.output),
            kernel: layer.window.kernel,
            stride: layer.window.stride,
            padding: layer.window.padding,
            pad_value: layer.pad_value.value(),
            groups: layer.groups,
            thresholds,
            bound: [layer.bound().low, layer.bound().high],
            weight_bytes: 0,
            threshold_bytes,
            record_bytes: u64::from(RECORD_WORDS) * WORD + (layer.name.len() as u64).next_multiple_of(WORD),
            scratch_bytes: u64::from(layer.scratch.words) * WORD,
            operations: Operations::of(layer),
        }
    }

    /// Bits a weight as shipped, coder and padding included; 0 without weights.
    pub fn bits_per_weight(&self) -> f64 {
        if self.weight_count == 0 { 0.0 } else { self.weight_bytes as f64 * 8.0 / self.weight_count as f64 }
    }

    /// Bytes of the layer in the file for one weight, thresholds and record included; 0 without weights.
    pub fn bytes_per_weight(&self) -> f64 {
        if self.weight_count == 0 { 0.0 } else { self.bytes() as f64 / self.weight_count as f64 }
    }

    /// Bytes of the layer in the file.
    pub const fn bytes(&self) -> u64 {
        self.weight_bytes + self.threshold_bytes + self.record_bytes
    }

    /// The name, or the position where there is none.
    pub fn title(&self) -> String {
        if self.name.is_empty() { format!("layer {}", self.index) } else { self.name.clone() }
    }

    /// Bits of a two's complement register that holds every accumulator of the layer.
    pub fn accumulator_bits(&self) -> u32 {
        let magnitude = |value: i32| if value < 0 { !value } else { value };
        i32::BITS - magnitude(self.bound[0]).max(magnitude(self.bound[1])).leading_zeros() + 1
    }
}

/// A model for people.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelSummary {
    /// Version of the file's format.
    pub version: u16,
    /// Bytes of the file: [`Self::header_bytes`], the bytes of all layers, and [`Self::spare_bytes`].
    pub file_bytes: u64,
    /// Bytes of blocks of further planes that are not weights or thresholds of this precision:
    /// heads, thresholds of other precisions, planes that are not used.
    pub spare_bytes: u64,
    /// Planes of the precisions besides the base that the file holds.
    pub precisions: Vec<u32>,
    /// Bytes of the file's header.
    pub header_bytes: u64,
    /// Bytes of memory that one inference needs, exactly, besides the input.
    pub arena_bytes: u64,
    /// The input.
    pub input: TensorSummary,
    /// The output of the last layer.
    pub output: TensorSummary,
    /// What one unit of the output's values is worth, where the file says it.
    pub output_scale: Option<f64>,
    /// What is to be added to a value times its unit, where the file says what that is worth.
    pub output_constant: Option<f64>,
    /// Number of weights.
    pub weight_count: u64,
    /// What one inference costs.
    pub operations: Operations,
    /// The layers in order.
    pub layers: Vec<LayerSummary>,
}

impl ModelSummary {
    /// Describes a model that has been checked.
    pub fn new(model: &Model<'_>) -> Self {
        let layers: Vec<LayerSummary> = model.layers().map(|layer| LayerSummary::of(&layer)).collect();
        let file_bytes = size_of_val(model.words()) as u64;
        let header_bytes = u64::from(HEADER_WORDS) * WORD;
        let used = header_bytes + layers.iter().map(LayerSummary::bytes).sum::<u64>();
        Self {
            version: VERSION,
            file_bytes,
            spare_bytes: file_bytes.saturating_sub(used),
            precisions: model.precisions().collect(),
            header_bytes,
            arena_bytes: model.arena_words() as u64 * WORD,
            input: TensorSummary::of(&model.input()),
            output: TensorSummary::of(&model.output()),
            output_scale: model.output_scale().map(|scale| f64::from(scale.mantissa) / 2f64.powi(scale.shift as i32)),
            output_constant: model.output_scale().map(|scale| scale.constant as f64 / 2f64.powi(32)),
            weight_count: layers.iter().map(|layer| layer.weight_count).sum(),
            operations: layers.iter().fold(Operations::default(), |sum, layer| sum.plus(&layer.operations)),
            layers,
        }
    }

    /// Bytes of the whole file, thresholds and all, for one weight; those of the file without weights.
    pub fn bytes_per_weight(&self) -> f64 {
        self.file_bytes as f64 / self.weight_count.max(1) as f64
    }

    /// Bits of all weights as shipped for one weight.
    pub fn bits_per_weight(&self) -> f64 {
        self.shares()[0] as f64 * 8.0 / self.weight_count.max(1) as f64
    }

    /// Bytes of weights, of thresholds, and of header, records, names and the rest; they add up to
    /// [`Self::file_bytes`].
    pub fn shares(&self) -> [u64; 3] {
        let weights = self.layers.iter().map(|layer| layer.weight_bytes).sum();
        let thresholds = self.layers.iter().map(|layer| layer.threshold_bytes).sum();
        let records: u64 = self.layers.iter().map(|layer| layer.record_bytes).sum();
        [weights, thresholds, records + self.header_bytes + self.spare_bytes]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bitfab_format::arbitrary::{Random, chain};

    #[test]
    fn bytes_add_up_and_regions_fit_for_random_models() {
        for seed in 0..200 {
            let words = chain(4, &mut Random::new(seed)).emit();
            let model = Model::from_words(&words).unwrap();
            let summary = ModelSummary::new(&model);
            assert_eq!(summary.file_bytes, words.len() as u64 * 4);
            assert_eq!(summary.shares().iter().sum::<u64>(), summary.file_bytes, "seed {seed}");
            let layers: u64 = summary.layers.iter().map(LayerSummary::bytes).sum();
            assert_eq!(layers + summary.header_bytes, summary.file_bytes, "seed {seed}");
            assert_eq!(summary.spare_bytes, 0);
            for layer in &summary.layers {
                assert!(layer.output.bytes + layer.scratch_bytes <= summary.arena_bytes, "seed {seed}");
                let bits = layer.accumulator_bits();
                let limit = 1i64 << (bits - 1);
                let [low, high] = layer.bound.map(i64::from);
                assert!(-limit <= low && high < limit, "seed {seed}: {bits} bits do not hold {low} to {high}");
                let half = limit / 2;
                assert!(bits == 1 || low < -half || high >= half, "seed {seed}: {bits} bits are too many");
                if matches!(layer.weights, "binary" | "planes") {
                    assert!(layer.operations.binary_macs <= 32 * layer.operations.xnor_popcount_words, "seed {seed}");
                }
                assert!(layer.bits_per_weight() >= 0.0 && (0.0..=1.0).contains(&layer.density));
            }
        }
    }

    #[test]
    fn a_tensor_is_named_by_shape_and_kind() {
        let words = chain(3, &mut Random::new(5)).emit();
        let model = Model::from_words(&words).unwrap();
        let summary = ModelSummary::new(&model);
        let shape = model.input().shape;
        assert_eq!(summary.input.shape_text(), format!("{}x{}x{}", shape.height, shape.width, shape.channels));
        assert_eq!(summary.input.bytes as usize, model.input_bytes());
        let vector = TensorSummary { shape: [1, 1, 7], kind: "u2".into(), bytes: 8 };
        assert_eq!(vector.shape_text(), "7");
    }
}
