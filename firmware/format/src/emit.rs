//! The writer: the inverse of [`crate::Model::new`].

use alloc::string::String;
use alloc::vec::Vec;

use crate::record::{HEADER_WORDS, MAGIC, NO_TENSOR, RECORD_WORDS, VERSION, field, header};
use crate::thresholds::Form;
use crate::{
    DraftInterface, DraftWeights, Kind, Layer, Model, Op, OutputScale, PadValue, Rescale, Shape, Transform, Window,
    digest,
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
    /// Thresholds of accumulators; the writer finds the form that stores them in the fewest words.
    Thresholds {
        /// Channel by channel, ascending.
        values: Vec<i32>,
        /// One bit a channel: 0 counts `acc >= t`, 1 counts `acc < t`.
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

/// `low` and `high` in the halves of a byte; a number that does not fit makes it 255, which no pair of codes is.
const fn codes(low: u8, high: u8) -> u8 {
    if low < 16 && high < 16 { low | high << 4 } else { 0xff }
}

/// Numbers of one byte each; `None` if one of them is larger.
fn small<const COUNT: usize>(numbers: [u32; COUNT]) -> Option<[u8; COUNT]> {
    numbers.iter().all(|&number| number < 256).then(|| numbers.map(|number| number as u8))
}

impl DraftLayer {
    /// Thresholds of one channel, if it has any.
    pub(crate) fn per_channel(&self) -> u32 {
        (1 << self.output.kind.planes()) - 1
    }

    /// Appends the sections of this layer and returns its record.
    ///
    /// What does not fit its field becomes something that no reader accepts.
    fn record(&self, words: &mut Vec<u32>) -> [u32; RECORD_WORDS as usize] {
        let mut record = [0; RECORD_WORDS as usize];
        let mut set = |field: u32, value: u32| record[field as usize] = value;
        let (form, thresholds) = self.transform.stored(self.per_channel());
        let window = &self.window;
        let steps = small(window.stride).zip(small(window.padding)).unwrap_or_default();
        let groups = if self.groups < 1 << 16 { self.groups } else { 0 };
        set(field::CODES, self.codes());
        set(field::TENSORS, self.tensors());
        set(field::OUTPUT_SIZE, halves(self.output.shape.height, self.output.shape.width));
        set(field::OUTPUT_CHANNELS, self.output.shape.channels);
        set(field::KERNEL, halves(window.kernel[0], window.kernel[1]));
        let ([down, right], padding) = steps;
        set(field::STRIDE, u32::from_le_bytes([down, right, 0, 0]) | groups << 16);
        set(field::PADDING, u32::from_le_bytes(padding));
        let sections = [&self.weights.words, &thresholds, &align(self.name.as_bytes())];
        let start = words.len() as u32;
        words.extend(sections.into_iter().flatten());
        let is_whole = self.transform.suits(self.output.shape.channels, self.per_channel());
        set(field::SECTIONS, if is_whole { start } else { u32::MAX });
        set(field::WEIGHT_WORDS, self.weights.words.len() as u32);
        set(field::FORM, form.to_word() | (self.name.len().min(127) as u32) << Form::BITS);
        set(field::REGION, self.output.start);
        set(field::SCRATCH, self.scratch);
        let level = if let PadValue::Level(level) = self.pad_value { level } else { 0 };
        set(field::NUMBERS, halves(self.weights.ratio as u32, level.clamp(i16::MIN.into(), i16::MAX.into()) as u32));
        record
    }

    /// What is done, and how weights are stored.
    fn codes(&self) -> u32 {
        let weights = &self.weights;
        let parameter = match &self.transform {
            DraftTransform::Encode { per_channel, .. } => *per_channel,
            _ => weights.parameter,
        };
        let is_ratio = i16::try_from(weights.ratio).is_ok();
        u32::from_le_bytes([
            codes(self.op.code(), weights.kind.code()),
            codes(self.transform.code(), self.pad_value.code()),
            codes(weights.coder.code(), if is_ratio { weights.bits } else { 16 }),
            parameter,
        ])
    }

    /// What is read, and the kind of what is written.
    fn tensors(&self) -> u32 {
        let (kind, bits) = self.output.kind.code();
        let (residual, shift) = self.residual.unwrap_or((NO_TENSOR.into(), 0));
        // Tensor 255 is the output of the last layer that a model can have, so that none reads it.
        let input = if residual < 256 && shift < 16 { self.input.min(255) } else { 255 };
        u32::from_le_bytes([input as u8, residual as u8, codes(shift.min(15), kind), codes(bits, 0)])
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
        }
    }
}

impl DraftTransform {
    /// The code in the file.
    const fn code(&self) -> u8 {
        match self {
            Self::None => 0,
            Self::Encode { .. } => 1,
            Self::Raw => 2,
            Self::Thresholds { .. } => 3,
            Self::Requant { .. } => 4,
            Self::Affine { .. } => 5,
        }
    }

    /// The section of an encoding.
    pub(crate) fn section(&self) -> Vec<u32> {
        match self {
            Self::Encode { thresholds, .. } => align(thresholds),
            _ => Vec::new(),
        }
    }

    /// Whether there are as many numbers as so many channels need; a file says how many by its shapes alone.
    pub(crate) fn suits(&self, channels: u32, per_channel: u32) -> bool {
        let channels = channels as usize;
        match self {
            Self::None | Self::Raw => true,
            Self::Encode { thresholds, .. } => thresholds.len() == channels,
            Self::Thresholds { values, directions } => {
                values.len() == channels * per_channel as usize && directions.len() == channels.div_ceil(32)
            }
            Self::Requant { scales } | Self::Affine { scales } => scales.len() == channels,
        }
    }

    fn of(transform: &Transform<'_>) -> Self {
        match *transform {
            Transform::None => Self::None,
            Transform::Raw => Self::Raw,
            Transform::Encode { per_channel, thresholds } => {
                Self::Encode { per_channel: per_channel as u8, thresholds: thresholds.into() }
            }
            Transform::Thresholds(thresholds) => thresholds.draft(),
            Transform::Requant { scales } => Self::Requant { scales: scales.iter().collect() },
            Transform::Affine { scales } => Self::Affine { scales: scales.iter().collect() },
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
