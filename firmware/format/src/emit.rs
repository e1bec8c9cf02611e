//! The writer: the inverse of [`crate::Model::new`].

use alloc::string::String;
use alloc::vec::Vec;

use crate::record::{HEADER_WORDS, MAGIC, NO_TENSOR, RECORD_WORDS, VERSION, field, header};
use crate::{
    Bound, DraftInterface, DraftWeights, Kind, Layer, Model, Op, OutputScale, PadValue, Rescale, Shape, Transform,
    Window, digest,
};

/// Copies bytes to words, so that [`Model::new`] finds them aligned; missing bytes of the last word are zero.
pub fn align(bytes: &[u8]) -> Vec<u32> {
    let word = |chunk: &[u8]| {
        let mut word = [0; 4];
        word.iter_mut().zip(chunk).for_each(|(to, from)| *to = *from);
        u32::from_le_bytes(word)
    };
    bytes.chunks(4).map(word).collect()
}

/// Shape, kind and first word of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DraftTensor {
    /// Height, width, channels.
    pub shape: Shape,
    /// What the values are.
    pub kind: Kind,
    /// First word in the arena; 0 for bytes.
    pub start: u32,
}

/// A layer before it is written; the fields mean what those of [`Layer`] mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DraftLayer {
    /// Name for people.
    pub name: String,
    /// What it does.
    pub op: Op,
    /// Index of the input tensor.
    pub input: u16,
    /// Index and shift of the residual.
    pub residual: Option<(u16, u8)>,
    /// Kernel, stride, padding.
    pub window: Window,
    /// What lies outside the input.
    pub pad_value: PadValue,
    /// Groups of a convolution.
    pub groups: u32,
    /// Its output.
    pub output: DraftTensor,
    /// First word of scratch; 0 where none is used.
    pub scratch: u32,
    /// Its weights.
    pub weights: DraftWeights,
    /// Its output transform.
    pub transform: DraftTransform,
    /// Its accumulator's bound.
    pub bound: Bound,
}

/// An output transform before it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DraftTransform {
    /// Max-pool.
    None,
    /// Thresholds of bytes.
    Encode {
        /// Thresholds of one input channel.
        per_channel: u8,
        /// Channel by channel.
        thresholds: Vec<u8>,
    },
    /// The accumulator itself.
    Raw,
    /// Thresholds of accumulators.
    Thresholds {
        /// Channel by channel, ascending.
        values: Vec<i32>,
        /// One bit a channel: 1 counts `acc <= t`.
        directions: Vec<u32>,
    },
    /// Multiplied, shifted and clamped accumulators.
    Requant {
        /// One a channel.
        scales: Vec<Rescale>,
    },
    /// Multiplied and shifted accumulators.
    Affine {
        /// One a channel.
        scales: Vec<Rescale>,
    },
}

/// A model before it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Shape and kind of the input.
    pub input: DraftTensor,
    /// Words of the arena.
    pub arena_words: u32,
    /// What the last layer's values are worth.
    pub scale: Option<OutputScale>,
    /// What is said of the input and the classes.
    pub interface: DraftInterface,
    /// The layers in order.
    pub layers: Vec<DraftLayer>,
}

impl Draft {
    /// The words of the file; nothing is checked here, [`Model::new`] does that.
    pub fn emit(&self) -> Vec<u32> {
        let records = self.layers.len() as u32 * RECORD_WORDS;
        let mut words = alloc::vec![0; (HEADER_WORDS + records) as usize];
        for (index, layer) in self.layers.iter().enumerate() {
            let record = layer.record(&mut words);
            let start = HEADER_WORDS as usize + index * RECORD_WORDS as usize;
            words[start..start + RECORD_WORDS as usize].copy_from_slice(&record);
        }
        let section = self.interface.section();
        let place = if section.is_empty() { [0, 0] } else { [append(&mut words, &section), section.len() as u32] };
        self.write_header(&mut words, place);
        words
    }

    fn write_header(&self, words: &mut [u32], [interface, interface_words]: [u32; 2]) {
        let length = words.len() as u32 * 4;
        let mut set = |field: u32, value: u32| words[field as usize] = value;
        let shape = self.input.shape;
        set(header::MAGIC, MAGIC);
        set(header::VERSION, u32::from(VERSION));
        set(header::LAYERS, self.layers.len() as u32);
        set(header::ARENA, self.arena_words);
        set(header::INPUT_SIZE, halves(shape.height, shape.width));
        set(header::INPUT_CHANNELS, shape.channels);
        set(header::INPUT_KIND, u32::from(self.input.kind.code().0));
        if let Some(scale) = self.scale {
            (header::SCALE..).zip(scale.to_words()).for_each(|(field, word)| set(field, word));
        }
        set(header::INTERFACE, interface);
        set(header::INTERFACE + 1, interface_words);
        set(header::LENGTH, length);
        words[header::CHECKSUM as usize] = digest(&words[header::LAYERS as usize..]);
    }
}

/// Appends `section` and returns where it starts.
fn append(words: &mut Vec<u32>, section: &[u32]) -> u32 {
    let start = words.len() as u32;
    words.extend_from_slice(section);
    start
}

fn halves(low: u32, high: u32) -> u32 {
    low & 0xffff | high << 16
}

impl DraftLayer {
    /// Appends the sections of this layer and returns its record.
    fn record(&self, words: &mut Vec<u32>) -> [u32; RECORD_WORDS as usize] {
        let mut record = [0; RECORD_WORDS as usize];
        let mut set = |field: u32, value: u32| record[field as usize] = value;
        let (transform, per_channel, thresholds) = self.transform.section();
        let weights = &self.weights;
        set(field::CODES, u32::from_le_bytes([self.op.code(), weights.kind.code(), transform, self.pad_value.code()]));
        set(field::CODER, u32::from_le_bytes([weights.coder.code(), weights.bits, weights.parameter, 0]));
        set(field::RATIO, weights.ratio as u32);
        if let PadValue::Level(level) = self.pad_value {
            set(field::PAD_LEVEL, level as u32);
        }
        let (residual, shift) = self.residual.unwrap_or((NO_TENSOR, 0));
        set(field::TENSORS, halves(u32::from(self.input), u32::from(residual)));
        let (kind, bits) = self.output.kind.code();
        set(field::OUTPUT, u32::from_le_bytes([shift, kind, bits, per_channel]));
        set(field::OUTPUT_SIZE, halves(self.output.shape.height, self.output.shape.width));
        set(field::OUTPUT_CHANNELS, self.output.shape.channels);
        set(field::KERNEL, halves(self.window.kernel[0], self.window.kernel[1]));
        set(field::STRIDE, halves(self.window.stride[0], self.window.stride[1]));
        let [top, left, bottom, right] = self.window.padding;
        set(field::PADDING, halves(top, left));
        set(field::PADDING_END, halves(bottom, right));
        set(field::GROUPS, self.groups);
        set(field::REGION, self.output.start);
        set(field::SCRATCH, self.scratch);
        set(field::BOUND_LOW, self.bound.low as u32);
        set(field::BOUND_HIGH, self.bound.high as u32);
        let name = align(self.name.as_bytes());
        set(field::NAME_BYTES, self.name.len() as u32);
        let sections = [(field::WEIGHTS, weights.words.as_slice()), (field::THRESHOLDS, &thresholds)];
        for (at, section) in sections {
            set(at, append(words, section));
            set(at + 1, section.len() as u32);
        }
        set(field::NAME, append(words, &name));
        record
    }

    /// The draft that writes `layer`.
    pub fn of(layer: &Layer<'_>) -> Self {
        let tensor = layer.output;
        Self {
            name: layer.name.into(),
            op: layer.op,
            input: layer.input_index,
            residual: layer.residual.map(|residual| (residual.index, residual.shift as u8)),
            window: layer.window,
            pad_value: layer.pad_value,
            groups: layer.groups,
            output: DraftTensor { shape: tensor.shape, kind: tensor.kind, start: tensor.region.start },
            scratch: layer.scratch.start,
            weights: DraftWeights::of(&layer.weights),
            transform: DraftTransform::of(&layer.transform),
            bound: layer.bound,
        }
    }
}

impl DraftTransform {
    /// Code, thresholds of an input channel, section.
    pub(crate) fn section(&self) -> (u8, u8, Vec<u32>) {
        match self {
            Self::None => (0, 0, Vec::new()),
            Self::Encode { per_channel, thresholds } => (1, *per_channel, align(thresholds)),
            Self::Raw => (2, 0, Vec::new()),
            Self::Thresholds { values, directions } => {
                let values = values.iter().map(|&value| value as u32);
                (3, 0, values.chain(directions.iter().copied()).collect())
            }
            Self::Requant { scales } => (4, 0, scales.iter().flat_map(|scale| scale.to_words()).collect()),
            Self::Affine { scales } => (5, 0, scales.iter().flat_map(|scale| scale.to_words()).collect()),
        }
    }

    fn of(transform: &Transform<'_>) -> Self {
        let read = |scales: &[[u32; 4]]| scales.iter().map(|&words| Rescale::from_words(words)).collect();
        match *transform {
            Transform::None => Self::None,
            Transform::Raw => Self::Raw,
            Transform::Encode { per_channel, thresholds } => {
                Self::Encode { per_channel: per_channel as u8, thresholds: thresholds.into() }
            }
            Transform::Thresholds { values, directions, .. } => {
                Self::Thresholds { values: values.into(), directions: directions.into() }
            }
            Transform::Requant { scales } => Self::Requant { scales: read(scales) },
            Transform::Affine { scales } => Self::Affine { scales: read(scales) },
        }
    }
}

impl From<&Model<'_>> for Draft {
    fn from(model: &Model<'_>) -> Self {
        let input = model.input();
        Self {
            input: DraftTensor { shape: input.shape, kind: input.kind, start: 0 },
            arena_words: model.arena_words() as u32,
            scale: model.output_scale(),
            interface: DraftInterface::of(&model.interface()),
            layers: model.layers().map(|layer| DraftLayer::of(&layer)).collect(),
        }
    }
}
