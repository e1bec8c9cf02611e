//! From the words of one record to a checked [`Layer`].

use crate::decode_weights;
use crate::extension::{self, Entry};
use crate::record::{Fault, Header, MAX_NAME, NO_TENSOR, Record, field, header};
use crate::tensor::MAX_VOLUME;
use crate::thresholds::{Form, Thresholds};
use crate::{
    Bound, Kind, Layer, Op, PadValue, Reason, Region, Rescale, Residual, Scales, Shape, Tensor, Transform, Weights,
    Window,
};

/// The code of thresholds.
const THRESHOLDS: u8 = 3;

/// A file at one precision.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct File<'a> {
    /// All words, blocks of further planes included.
    pub words: &'a [u32],
    /// Words before the first block.
    pub base: u32,
    /// Blocks are read up to this number of planes; 0 for none.
    pub planes: u32,
}

/// The model's input as the header states it, checked for size.
pub(crate) const fn input(reader: &Header<'_>) -> Result<Tensor, Fault> {
    let [height, width] = reader.halves(header::INPUT_SIZE);
    let shape = Shape::new(height, width, reader.word(header::INPUT_CHANNELS));
    let kind = match reader.word(header::INPUT_KIND) {
        1 => Kind::U8,
        2 => Kind::I8,
        _ => return Err(Fault::new(header::INPUT_KIND, Reason::UnknownCode)),
    };
    match Tensor::new(shape, kind, 0) {
        Ok(tensor) => Ok(tensor),
        Err(reason) => Err(Fault::new(header::INPUT_SIZE, reason)),
    }
}

/// A layer's output as its record states it, checked for size.
pub(crate) fn output(reader: &Record<'_>) -> Result<Tensor, Fault> {
    let [height, width] = reader.halves(field::OUTPUT_SIZE);
    let shape = Shape::new(height, width, reader.word(field::OUTPUT_CHANNELS));
    let [code, bits] = [5, 6].map(|index| reader.nibble(field::TENSORS, index));
    let kind = Kind::from_code(code, bits).filter(|kind| !kind.is_bytes());
    let kind = kind.ok_or(Fault::new(field::TENSORS, Reason::UnknownCode))?;
    Tensor::new(shape, kind, reader.word(field::REGION)).map_err(|reason| Fault::new(field::OUTPUT_SIZE, reason))
}

/// Tensor `index`, which an earlier layer or the header states; `None` where that is not valid.
pub(crate) fn tensor(words: &[u32], index: u16) -> Option<Tensor> {
    match index.checked_sub(1) {
        None => input(&Header::new(words)?).ok(),
        Some(layer) => output(&Record::new(words, layer)?).ok(),
    }
}

/// Decodes and checks layer `index`: all but the contents of its sections and what concerns other layers' regions.
///
/// Takes a short, constant time, so that inference may decode again rather than keep decoded layers in memory.
pub(crate) fn layer(file: File<'_>, index: u16) -> Result<Layer<'_>, Fault> {
    let words = file.words;
    let reader = &Record::new(words, index).ok_or(Fault::new(field::CODES, Reason::Truncated))?;
    let [residual_index, transform_code] = [reader.bytes(field::TENSORS)[1], reader.nibble(field::CODES, 2)];
    let mut layer = frame(words, reader, index)?;
    check_kinds(&layer)?;
    check_shape(&layer)?;
    check_reserved(reader, layer.pad_value)?;
    layer.weights = decode_weights::weights(reader, &layer)?;
    if decode_weights::implied_words(&layer).is_some_and(|words| words != layer.weights.words() as u64) {
        return Err(Fault::new(field::WEIGHT_WORDS, Reason::Section));
    }
    let start = reader.word(field::SECTIONS);
    let form = form(reader.word(field::FORM), transform_code, &layer.output)?;
    let thresholds = start.saturating_add(reader.word(field::WEIGHT_WORDS));
    let length = section_words(&layer.output, transform_code, form);
    let mut section = (thresholds, length, form);
    if let Some(Entry { thresholds: Some(start), form: word, .. }) = extend(file, start, &mut layer)? {
        let form = self::form(word, transform_code, &layer.output)?;
        section = (start, section_words(&layer.output, transform_code, form), form);
    }
    layer.residual = residual(words, reader, &layer, residual_index)?;
    layer.scratch = scratch(reader, &layer)?;
    layer.transform = transform(reader, &layer, transform_code, section)?;
    layer.name = name(reader, thresholds.saturating_add(length)).ok_or(Fault::new(field::FORM, Reason::Name))?;
    Ok(layer)
}

/// What the record says by itself: no weights, transform, residual, scratch or name yet.
fn frame<'a>(words: &'a [u32], reader: &Record<'a>, index: u16) -> Result<Layer<'a>, Fault> {
    let [op, pad_value] = [0, 3].map(|index| reader.nibble(field::CODES, index));
    let unknown = Fault::new(field::CODES, Reason::UnknownCode);
    let input_index = u16::from(reader.bytes(field::TENSORS)[0]);
    let known = if input_index > index { None } else { tensor(words, input_index) };
    let [_, level] = reader.signed_halves(field::NUMBERS);
    Ok(Layer {
        index,
        name: "",
        op: Op::from_code(op).ok_or(unknown)?,
        input_index,
        input: known.ok_or(Fault::new(field::TENSORS, Reason::TensorIndex))?,
        output: output(reader)?,
        residual: None,
        window: window(reader),
        pad_value: PadValue::from_code(pad_value, level).ok_or(unknown)?,
        groups: reader.halves(field::STRIDE)[1],
        weights: Weights::None,
        transform: Transform::None,
        scratch: Region::default(),
    })
}

/// The form of thresholds or scales that a word states; nothing else has one.
fn form(word: u32, transform: u8, output: &Tensor) -> Result<Form, Fault> {
    let form = Form::from_word(word);
    let is_valid = match transform {
        THRESHOLDS => form.suits_thresholds(per_channel(output)),
        4 | 5 => form.suits_scales(),
        _ => form == Form::default(),
    };
    if is_valid { Ok(form) } else { Err(Fault::new(field::FORM, Reason::ThresholdForm)) }
}

/// Words of the section of a transform to `output`.
pub(crate) fn section_words(output: &Tensor, transform: u8, form: Form) -> u32 {
    let channels = output.shape.channels;
    match transform {
        1 => channels.div_ceil(4),
        THRESHOLDS => form.words(channels, per_channel(output)),
        4 | 5 => form.words(channels, 1),
        _ => 0,
    }
}

/// Thresholds of one channel of `output`; those of more than four bits are refused elsewhere.
const fn per_channel(output: &Tensor) -> u32 {
    (1u32.wrapping_shl(output.kind.planes()) - 1) & 15
}

/// Adds the planes of the blocks that are read to those at word `start`, and returns the entry of the last block.
fn extend<'a>(file: File<'a>, start: u32, layer: &mut Layer<'a>) -> Result<Option<Entry>, Fault> {
    let wrong = extension::fault(Reason::Extension);
    let mut last = None;
    if !cfg!(feature = "kinds") {
        return Ok(last);
    }
    for block in extension::each(file.words, file.base).take_while(|block| block.planes() <= file.planes) {
        let entry = block.entry(layer.index);
        match (&mut layer.weights, entry.planes) {
            (Weights::Planes(planes), Some(more)) => {
                if last.is_none() {
                    *planes = planes.within(file.words, start);
                }
                let count = block.planes().checked_sub(planes.count()).filter(|&count| count != 0).ok_or(wrong)?;
                let end = u64::from(more) + u64::from(count) * u64::from(planes.words);
                if end > u64::from(block.end()) {
                    return Err(wrong);
                }
                planes.append(more, count);
            }
            (Weights::Planes(_), None) | (_, Some(_)) => return Err(wrong),
            (_, None) => {}
        }
        last = Some(entry);
    }
    Ok(last)
}

/// Checks what takes longer than the rest: all weights and thresholds of a decoded layer are read.
pub(crate) fn check_contents(layer: &Layer<'_>) -> Result<(), Fault> {
    decode_weights::check(layer).map_err(|reason| Fault::new(field::SECTIONS, reason))?;
    let (low, high) = layer.implied_bound();
    if low <= i64::from(i32::MIN) || high >= i64::from(i32::MAX) {
        return Err(Fault::new(field::WEIGHT_WORDS, Reason::Bound));
    }
    let wrong = |reason| Fault::new(field::FORM, reason);
    match layer.transform {
        Transform::Thresholds(thresholds) => thresholds.check().map_err(wrong),
        Transform::Requant { scales } if cfg!(feature = "kinds") => scales.check(1).map_err(wrong),
        Transform::Affine { scales } if cfg!(feature = "kinds") => {
            scales.check(0).map_err(wrong)?;
            let bound = layer.bound();
            if scales.iter().all(|scale| stays_score(scale, bound)) { Ok(()) } else { Err(wrong(Reason::Score)) }
        }
        _ => Ok(()),
    }
}

/// The name, which begins at word `start`.
fn name<'a>(reader: &Record<'a>, start: u32) -> Option<&'a str> {
    let length = reader.word(field::FORM) >> Form::BITS;
    if length > MAX_NAME {
        return None;
    }
    let words = reader.slice(start, length.div_ceil(4))?;
    let bytes = bytemuck::cast_slice::<u32, u8>(words).get(..length as usize)?;
    core::str::from_utf8(bytes).ok()
}

fn window(reader: &Record<'_>) -> Window {
    let [down, right, ..] = reader.bytes(field::STRIDE);
    let padding = reader.bytes(field::PADDING).map(u32::from);
    Window { kernel: reader.halves(field::KERNEL), stride: [down.into(), right.into()], padding }
}

/// Which kinds an operation takes and yields (SPEC.md, section 5).
fn check_kinds(layer: &Layer<'_>) -> Result<(), Fault> {
    let (input, output) = (layer.input.kind, layer.output.kind);
    let fits = match layer.op {
        Op::Encode => input.is_bytes() && output == Kind::Sign,
        Op::Dense | Op::Conv2d => input != Kind::I32,
        Op::MaxPool => input.is_packed() && output == input,
        Op::SumPool => input.is_packed(),
    };
    let padding_fits = layer.pad_value.suits(input) && (layer.op == Op::Conv2d || layer.pad_value == PadValue::Zero);
    let padding_fits = padding_fits && !(layer.op == Op::SumPool && layer.window.is_padded());
    if !fits || !padding_fits {
        return Err(Fault::new(field::CODES, Reason::Kind));
    }
    Ok(())
}

/// What a layer without a level outside, or any layer, leaves zero.
fn check_reserved(reader: &Record<'_>, pad_value: PadValue) -> Result<(), Fault> {
    if reader.nibble(field::TENSORS, 7) != 0 {
        return Err(Fault::new(field::TENSORS, Reason::Reserved));
    }
    if reader.halves(field::NUMBERS)[1] != 0 && !matches!(pad_value, PadValue::Level(_)) {
        return Err(Fault::new(field::NUMBERS, Reason::Reserved));
    }
    Ok(())
}

fn check_shape(layer: &Layer<'_>) -> Result<(), Fault> {
    let (input, output, groups) = (layer.input.shape, layer.output.shape, layer.groups);
    let divides = |channels: u32| channels.checked_rem(groups) == Some(0);
    let grouped =
        if layer.op == Op::Conv2d { divides(input.channels) && divides(output.channels) } else { groups == 1 };
    if !grouped {
        return Err(Fault::new(field::STRIDE, Reason::Groups));
    }
    let fixed = match layer.op {
        Op::Encode => Some(Window::unit()),
        Op::Dense => Some(Window::whole(input)),
        _ => None,
    };
    if fixed.is_some_and(|window| window != layer.window) {
        return Err(Fault::new(field::KERNEL, Reason::Window));
    }
    let [height, width] = layer.window.output(input).map_err(|reason| Fault::new(field::KERNEL, reason))?;
    let keeps_channels = matches!(layer.op, Op::MaxPool | Op::SumPool);
    if [height, width] != [output.height, output.width] || (keeps_channels && input.channels != output.channels) {
        return Err(Fault::new(field::OUTPUT_SIZE, Reason::OutputShape));
    }
    // Both sides of a kernel are below 2^16, so that the product of taps cannot overflow.
    let fan_in = layer.window.taps().checked_mul(input.channels);
    if fan_in.is_none_or(|fan_in| fan_in > MAX_VOLUME) {
        return Err(Fault::new(field::KERNEL, Reason::Shape));
    }
    Ok(())
}

fn residual(words: &[u32], reader: &Record<'_>, layer: &Layer<'_>, index: u8) -> Result<Option<Residual>, Fault> {
    let shift = reader.nibble(field::TENSORS, 4);
    let wrong = Fault::new(field::TENSORS, Reason::TensorIndex);
    if index == NO_TENSOR {
        return if shift == 0 { Ok(None) } else { Err(Fault::new(field::TENSORS, Reason::Reserved)) };
    }
    let index = u16::from(index);
    if index > layer.index || matches!(layer.op, Op::Encode | Op::MaxPool) {
        return Err(wrong);
    }
    let tensor = tensor(words, index).ok_or(wrong)?;
    if !tensor.kind.is_packed() || tensor.shape != layer.output.shape {
        return Err(wrong);
    }
    Ok(Some(Residual { index, tensor, shift: u32::from(shift) }))
}

fn scratch(reader: &Record<'_>, layer: &Layer<'_>) -> Result<Region, Fault> {
    let (start, words) = (reader.word(field::SCRATCH), layer.scratch_words());
    if words == 0 && start != 0 {
        return Err(Fault::new(field::SCRATCH, Reason::Reserved));
    }
    Region::new(start, words).ok_or(Fault::new(field::SCRATCH, Reason::Arena))
}

/// Whether every accumulator within `bound` gets a score inside 32 bits: those at its ends do (SPEC.md 7.4).
fn stays_score(scale: Rescale, bound: Bound) -> bool {
    let fits = |acc: i32| {
        let score = scale.value(acc);
        score > i64::from(i32::MIN) && score < i64::from(i32::MAX)
    };
    fits(bound.low) && fits(bound.high)
}

/// The transform whose section begins at word `start` and has `length` words.
fn transform<'a>(
    reader: &Record<'a>,
    layer: &Layer<'_>,
    code: u8,
    (start, length, form): (u32, u32, Form),
) -> Result<Transform<'a>, Fault> {
    let [.., per_input] = reader.bytes(field::CODES);
    let section = reader.slice(start, length).ok_or(Fault::new(field::SECTIONS, Reason::Section))?;
    let wrong = Fault::new(field::CODES, Reason::Kind);
    let is_raw = layer.output.kind == Kind::I32;
    match (code, layer.op) {
        (0, Op::MaxPool) => Ok(Transform::None),
        (1, Op::Encode) => encoding(section, layer, u32::from(per_input)),
        (2, Op::Dense | Op::Conv2d | Op::SumPool) if is_raw => Ok(Transform::Raw),
        (THRESHOLDS, Op::Dense | Op::Conv2d | Op::SumPool) if !is_raw && layer.output.kind.planes() <= 4 => {
            let channels = layer.output.shape.channels;
            Ok(Transform::Thresholds(Thresholds::new(section, form, channels, per_channel(&layer.output))))
        }
        (4 | 5, _) if !cfg!(feature = "kinds") => Err(Fault::new(field::CODES, Reason::LeftOut)),
        (4, Op::Dense | Op::Conv2d | Op::SumPool) if matches!(layer.output.kind, Kind::Unsigned { .. }) => {
            Ok(Transform::Requant { scales: Scales::new(section, form, layer.output.shape.channels) })
        }
        (5, Op::Dense | Op::Conv2d | Op::SumPool) if is_raw => {
            Ok(Transform::Affine { scales: Scales::new(section, form, layer.output.shape.channels) })
        }
        (0..=5, _) => Err(wrong),
        _ => Err(Fault::new(field::CODES, Reason::UnknownCode)),
    }
}

fn encoding<'a>(section: &'a [u32], layer: &Layer<'_>, per_channel: u32) -> Result<Transform<'a>, Fault> {
    let channels = u64::from(layer.input.shape.channels) * u64::from(per_channel);
    if channels != u64::from(layer.output.shape.channels) {
        return Err(Fault::new(field::OUTPUT_CHANNELS, Reason::OutputShape));
    }
    let bytes = bytemuck::cast_slice::<u32, u8>(section);
    let (thresholds, pad) = bytes.split_at_checked(channels as usize).unwrap_or((bytes, &[]));
    if pad.iter().any(|&byte| byte != 0) {
        return Err(Fault::new(field::SECTIONS, Reason::PadBits));
    }
    Ok(Transform::Encode { per_channel, thresholds })
}
