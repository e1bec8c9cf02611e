//! The writer: the inverse of [`crate::Model::new`].

use alloc::vec::Vec;

use super::extension::{ENTRY, EXTENSION_MAGIC, HEAD};
use super::record::{HEADER_WORDS, MAGIC, NO_TENSOR, RECORD_WORDS, VERSION, field, header};
use crate::draft::{Draft, DraftLayer, DraftTransform};
use crate::interface::OutputScale;
use crate::transform::Form;
use crate::{PadValue, WeightKind, align, digest};

impl Draft {
    /// The words of the file; nothing is checked here, [`crate::Model::new`] does that.
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

    /// The block that raises a file of `planes` planes to this draft, which is the same model with more planes:
    /// append it to the file, nothing before it changes.
    pub fn extension(&self, planes: u32) -> Vec<u32> {
        let table = HEAD + self.layers.len() as u32 * ENTRY;
        let mut words = alloc::vec![0; table as usize];
        let mut until = planes;
        for (index, layer) in self.layers.iter().enumerate() {
            let mut entry = [0; ENTRY as usize];
            if layer.weights.kind == WeightKind::Planes {
                until = until.max(u32::from(layer.weights.bits));
                let size = layer.weights.words.len() / usize::from(layer.weights.bits.max(1));
                entry[0] = words.len() as u32;
                words.extend(layer.weights.words.iter().skip(size * planes as usize));
            }
            let (form, thresholds) = layer.transform.stored(layer.per_channel());
            // All thresholds may be zero, which takes no words.
            if !thresholds.is_empty() || matches!(layer.transform, DraftTransform::Thresholds { .. }) {
                (entry[1], entry[2]) = (words.len() as u32, form.to_word());
                words.extend(thresholds);
            }
            let at = (HEAD + index as u32 * ENTRY) as usize;
            words[at..at + ENTRY as usize].copy_from_slice(&entry);
        }
        let scale = self.scale.map_or([0; 4], OutputScale::to_words);
        let head = [EXTENSION_MAGIC, words.len() as u32 * 4, 0, until, scale[0], scale[1], scale[2], scale[3]];
        words[..HEAD as usize].copy_from_slice(&head);
        words[2] = digest(&words[3..]);
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
}
