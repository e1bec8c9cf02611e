//! From the words of one record to a checked [`Layer`].

use super::extension::{self, Entry};
use super::record::{Fault, Header, NO_TENSOR, Record, field, header};
use crate::limits::{MAX_NAME, MAX_THRESHOLD_BITS, MAX_VOLUME};
use crate::transform::parts::Parts;
use crate::weights;
use crate::{
    Bound, Form, Kind, Layer, Op, PadValue, Reason, Region, Rescale, Residual, Scales, Shape, Tensor, Thresholds,
    Transform, Weights, Window,
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
pub(crate) const fn input(reader: &Header<'_>, tensor: &mut Tensor) -> Result<(), Fault> {
    let [height, width] = reader.halves(header::INPUT_SIZE);
    tensor.shape = Shape::new(height, width, reader.word(header::INPUT_CHANNELS));
    tensor.kind = match reader.word(header::INPUT_KIND) {
        1 => Kind::U8,
        2 => Kind::I8,
        _ => return Err(Fault::new(header::INPUT_KIND, Reason::UnknownCode)),
    };
    match tensor.place(0) {
        Ok(()) => Ok(()),
        Err(reason) => Err(Fault::new(header::INPUT_SIZE, reason)),
    }
}

/// A layer's output as its record states it, checked for size.
fn output(reader: &Record<'_>, tensor: &mut Tensor) -> Result<(), Fault> {
    let [height, width] = reader.halves(field::OUTPUT_SIZE);
    tensor.shape = Shape::new(height, width, reader.word(field::OUTPUT_CHANNELS));
    let kind = Kind::from_code(reader.nibble(field::TENSORS, 5), reader.nibble(field::TENSORS, 6));
    let kind = kind.filter(|kind| !kind.is_bytes());
    tensor.kind = kind.ok_or(Fault::new(field::TENSORS, Reason::UnknownCode))?;
    tensor.place(reader.word(field::REGION)).map_err(|reason| Fault::new(field::OUTPUT_SIZE, reason))
}

/// Reads tensor `index` as the header or an earlier layer states it; in place, as [`layer`] is.
#[inline(never)]
pub(crate) fn tensor(words: &[u32], index: u16, tensor: &mut Tensor) -> Result<(), Fault> {
    let missing = Fault::new(field::CODES, Reason::Truncated);
    match index.checked_sub(1) {
        None => input(&Header::new(words).ok_or(missing)?, tensor),
        Some(layer) => output(&Record::new(words, layer).ok_or(missing)?, tensor),
    }
}

/// Decodes and checks layer `index` into `layer`: all but the contents of its sections and what concerns other layers'
/// regions. Where it fails, `layer` means nothing.
///
/// Takes a short, constant time, so that inference may decode again rather than keep decoded layers in memory; in place,
/// since to move a layer takes as much code and time as to decode it.
pub(crate) fn layer<'a>(file: File<'a>, index: u16, layer: &mut Layer<'a>) -> Result<(), Fault> {
    let words = file.words;
    let reader = &Record::new(words, index).ok_or(Fault::new(field::CODES, Reason::Truncated))?;
    let transform_code = reader.nibble(field::CODES, 2);
    frame(words, reader, index, layer)?;
    check_kinds(layer)?;
    check_shape(reader, layer)?;
    check_reserved(reader, layer.pad_value)?;
    weights::decode::weights(reader, layer)?;
    let start = reader.word(field::SECTIONS);
    let thresholds = start.saturating_add(reader.word(field::WEIGHT_WORDS));
    let parts = parts(reader.word(field::FORM), transform_code, &layer.output)?;
    let length = section_words(transform_code, parts);
    let mut section = (thresholds, length, parts);
    if let Some(Entry { thresholds: Some(start), form, .. }) = extend(file, start, layer)? {
        let parts = self::parts(form, transform_code, &layer.output)?;
        section = (start, section_words(transform_code, parts), parts);
    }
    residual(words, reader, layer)?;
    scratch(reader, layer)?;
    transform(reader, layer, transform_code, section)?;
    layer.name = name(reader, thresholds.saturating_add(length)).ok_or(Fault::new(field::FORM, Reason::Name))?;
    Ok(())
}

/// What the record says by itself: not weights, transform, residual, scratch and name.
fn frame<'a>(words: &'a [u32], reader: &Record<'a>, index: u16, layer: &mut Layer<'a>) -> Result<(), Fault> {
    let unknown = Fault::new(field::CODES, Reason::UnknownCode);
    layer.index = index;
    layer.op = Op::from_code(reader.nibble(field::CODES, 0)).ok_or(unknown)?;
    let [input, ..] = reader.bytes(field::TENSORS);
    layer.input_index = u16::from(input);
    if layer.input_index > index || tensor(words, layer.input_index, &mut layer.input).is_err() {
        return Err(Fault::new(field::TENSORS, Reason::TensorIndex));
    }
    tensor(words, index.wrapping_add(1), &mut layer.output)?;
    layer.window = window(reader);
    let [_, level] = reader.signed_halves(field::NUMBERS);
    layer.pad_value = PadValue::from_code(reader.nibble(field::CODES, 3), level).ok_or(unknown)?;
    layer.groups = reader.halves(field::STRIDE)[1];
    Ok(())
}

/// The parts of thresholds or scales by the form that a word states; nothing else has one.
fn parts(word: u32, transform: u8, output: &Tensor) -> Result<Parts, Fault> {
    let per_channel = if transform == THRESHOLDS { per_channel(output) } else { 1 };
    let form = word & ((1 << Form::BITS) - 1);
    let parts = Parts { form, channels: output.shape.channels, per_channel };
    let is_valid = match transform {
        THRESHOLDS => parts.suit_thresholds(),
        4 | 5 => !cfg!(feature = "kinds") || parts.suit_scales(),
        _ => form == 0,
    };
    if is_valid { Ok(parts) } else { Err(Fault::new(field::FORM, Reason::ThresholdForm)) }
}

/// Words of the section of a transform.
const fn section_words(transform: u8, parts: Parts) -> u32 {
    match transform {
        1 => parts.channels.div_ceil(4),
        // Other transforms have an empty form.
        _ => parts.start(Parts::END),
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
    weights::decode::check(layer).map_err(|reason| Fault::new(field::SECTIONS, reason))?;
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
    // Less code as `from_utf8`.
    match bytes.utf8_chunks().next() {
        None => Some(""),
        Some(chunk) if chunk.invalid().is_empty() => Some(chunk.valid()),
        Some(_) => None,
    }
}

fn window(reader: &Record<'_>) -> Window {
    let [down, right, ..] = reader.bytes(field::STRIDE);
    let stride = [down.into(), right.into()];
    let [above, left, below, right] = reader.bytes(field::PADDING);
    let padding = [above.into(), left.into(), below.into(), right.into()];
    Window { kernel: reader.halves(field::KERNEL), stride, padding }
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

fn check_shape(reader: &Record<'_>, layer: &Layer<'_>) -> Result<(), Fault> {
    let (input, output, groups) = (layer.input.shape, layer.output.shape, layer.groups);
    let divides = |channels: u32| channels.checked_rem(groups) == Some(0);
    let grouped =
        if layer.op == Op::Conv2d { divides(input.channels) && divides(output.channels) } else { groups == 1 };
    if !grouped {
        return Err(Fault::new(field::STRIDE, Reason::Groups));
    }
    // The kernel of an operation that has no choice, as the record states it.
    let kernel = match layer.op {
        Op::Encode => Some(1 | 1 << 16),
        Op::Dense => Some(input.height | input.width << 16),
        _ => None,
    };
    let moves = reader.halves(field::STRIDE)[0] != (1 | 1 << 8) || reader.word(field::PADDING) != 0;
    if kernel.is_some_and(|kernel| kernel != reader.word(field::KERNEL) || moves) {
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

fn residual<'a>(words: &'a [u32], reader: &Record<'a>, layer: &mut Layer<'a>) -> Result<(), Fault> {
    let ([_, index, ..], shift) = (reader.bytes(field::TENSORS), reader.nibble(field::TENSORS, 4));
    layer.residual = None;
    if index == NO_TENSOR {
        return if shift == 0 { Ok(()) } else { Err(Fault::new(field::TENSORS, Reason::Reserved)) };
    }
    let mut residual = Residual { index: u16::from(index), tensor: Tensor::EMPTY, shift: u32::from(shift) };
    let fits = !matches!(layer.op, Op::Encode | Op::MaxPool)
        && residual.index <= layer.index
        && tensor(words, residual.index, &mut residual.tensor).is_ok()
        && residual.tensor.kind.is_packed()
        && residual.tensor.shape == layer.output.shape;
    layer.residual = Some(residual);
    if fits { Ok(()) } else { Err(Fault::new(field::TENSORS, Reason::TensorIndex)) }
}

fn scratch(reader: &Record<'_>, layer: &mut Layer<'_>) -> Result<(), Fault> {
    let (start, words) = (reader.word(field::SCRATCH), layer.scratch_words());
    if words == 0 && start != 0 {
        return Err(Fault::new(field::SCRATCH, Reason::Reserved));
    }
    layer.scratch = Region::new(start, words).ok_or(Fault::new(field::SCRATCH, Reason::Arena))?;
    Ok(())
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
    layer: &mut Layer<'a>,
    code: u8,
    (start, length, parts): (u32, u32, Parts),
) -> Result<(), Fault> {
    let section = reader.slice(start, length).ok_or(Fault::new(field::SECTIONS, Reason::Section))?;
    let kind = layer.output.kind;
    let is_raw = kind == Kind::I32;
    let sums = matches!(layer.op, Op::Dense | Op::Conv2d | Op::SumPool);
    let fits = match code {
        0 => layer.op == Op::MaxPool,
        1 => layer.op == Op::Encode,
        2 => sums && is_raw,
        THRESHOLDS => sums && !is_raw && kind.planes() <= MAX_THRESHOLD_BITS,
        4 | 5 if !cfg!(feature = "kinds") => return Err(Fault::new(field::CODES, Reason::LeftOut)),
        4 => sums && matches!(kind, Kind::Unsigned { .. }),
        5 => sums && is_raw,
        _ => return Err(Fault::new(field::CODES, Reason::UnknownCode)),
    };
    if !fits {
        return Err(Fault::new(field::CODES, Reason::Kind));
    }
    layer.transform = match code {
        0 => Transform::None,
        1 => return encoding(reader, section, layer),
        2 => Transform::Raw,
        THRESHOLDS => Transform::Thresholds(Thresholds::new(section, parts)),
        4 => Transform::Requant { scales: Scales::new(section, parts) },
        _ => Transform::Affine { scales: Scales::new(section, parts) },
    };
    Ok(())
}

fn encoding<'a>(reader: &Record<'a>, section: &'a [u32], layer: &mut Layer<'a>) -> Result<(), Fault> {
    let [.., per_channel] = reader.bytes(field::CODES);
    let per_channel = u32::from(per_channel);
    let channels = u64::from(layer.input.shape.channels) * u64::from(per_channel);
    if channels != u64::from(layer.output.shape.channels) {
        return Err(Fault::new(field::OUTPUT_CHANNELS, Reason::OutputShape));
    }
    let bytes = bytemuck::cast_slice::<u32, u8>(section);
    let (thresholds, pad) = bytes.split_at_checked(channels as usize).unwrap_or((bytes, &[]));
    if pad.iter().any(|&byte| byte != 0) {
        return Err(Fault::new(field::SECTIONS, Reason::PadBits));
    }
    layer.transform = Transform::Encode { per_channel, thresholds };
    Ok(())
}
