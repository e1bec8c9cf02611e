//! From the words of one record to a checked [`Layer`].

use crate::decode_weights;
use crate::extension::{self, Entry};
use crate::record::{Fault, Header, MAX_NAME, NO_TENSOR, Record, field, header};
use crate::tensor::MAX_VOLUME;
use crate::{
    Bound, Kind, Layer, Op, PadValue, Reason, Region, Rescale, Residual, Shape, Tensor, Transform, WORD_BITS, Weights,
    Window,
};

/// The largest shift of a requantisation or a score, and how far those of a layer may lie apart.
const MAX_SHIFT: u32 = 47;
const MAX_SPREAD: u32 = 16;

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
    let [_, code, bits, _] = reader.bytes(field::OUTPUT);
    let kind = Kind::from_code(code, bits).filter(|kind| !kind.is_bytes());
    let kind = kind.ok_or(Fault::new(field::OUTPUT, Reason::UnknownCode))?;
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
    let reader = &mut Record::new(words, index).ok_or(Fault::new(field::CODES, Reason::Truncated))?;
    let [op, weights_code, transform_code, pad_value] = reader.bytes(field::CODES);
    let unknown = Fault::new(field::CODES, Reason::UnknownCode);
    let [input_index, residual_index] = reader.halves(field::TENSORS);
    let known = if input_index > u32::from(index) { None } else { tensor(words, input_index as u16) };
    let mut layer = Layer {
        index,
        name: name(reader).ok_or(Fault::new(field::NAME, Reason::Name))?,
        op: Op::from_code(op).ok_or(unknown)?,
        input_index: input_index as u16,
        input: known.ok_or(Fault::new(field::TENSORS, Reason::TensorIndex))?,
        output: output(reader)?,
        residual: None,
        window: window(reader),
        pad_value: PadValue::from_code(pad_value, reader.word(field::PAD_LEVEL)).ok_or(unknown)?,
        groups: reader.word(field::GROUPS),
        weights: Weights::None,
        transform: Transform::None,
        bound: Bound::default(),
        scratch: Region::default(),
    };
    check_kinds(&layer)?;
    check_shape(&layer)?;
    check_reserved(reader, layer.pad_value)?;
    layer.weights = decode_weights::weights(reader, &layer, weights_code)?;
    if decode_weights::implied_words(&layer).is_some_and(|words| words != layer.weights.words() as u64) {
        return Err(Fault::new(field::WEIGHTS + 1, Reason::Section));
    }
    let entry = extend(file, reader.word(field::WEIGHTS), &mut layer)?;
    reader.move_thresholds(entry.and_then(|entry| entry.thresholds));
    layer.residual = residual(words, reader, &layer, residual_index)?;
    layer.scratch = scratch(reader, &layer)?;
    layer.bound = bound(reader, &layer, entry)?;
    layer.transform = transform(reader, &layer, transform_code)?;
    Ok(layer)
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
    decode_weights::check(layer).map_err(|reason| Fault::new(field::WEIGHTS, reason))?;
    if (i64::from(layer.bound.low), i64::from(layer.bound.high)) != layer.implied_bound() {
        return Err(Fault::new(field::BOUND_LOW, Reason::Bound));
    }
    // `is_sorted` would keep a panic path.
    let ascend = |channel: &[i32]| channel.iter().zip(channel.iter().skip(1)).all(|(a, b)| a <= b);
    match layer.transform {
        Transform::Thresholds { per_channel, values, .. }
            if !values.chunks(per_channel.max(1) as usize).all(ascend) =>
        {
            Err(Fault::new(field::THRESHOLDS, Reason::ThresholdOrder))
        }
        Transform::Requant { scales } if cfg!(feature = "kinds") && !scales_are_valid(scales, 1) => {
            Err(Fault::new(field::THRESHOLDS, Reason::Requant))
        }
        Transform::Affine { scales } if cfg!(feature = "kinds") => {
            let are_scores = scales.iter().all(|&words| stays_score(Rescale::from_words(words), layer.bound));
            match (scales_are_valid(scales, 0), are_scores) {
                (false, _) => Err(Fault::new(field::THRESHOLDS, Reason::Requant)),
                (true, false) => Err(Fault::new(field::THRESHOLDS, Reason::Score)),
                (true, true) => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

fn name<'a>(reader: &Record<'a>) -> Option<&'a str> {
    let (start, length) = (reader.word(field::NAME), reader.word(field::NAME_BYTES));
    if length > MAX_NAME {
        return None;
    }
    let words = reader.slice(start, length.div_ceil(4))?;
    let bytes = bytemuck::cast_slice::<u32, u8>(words).get(..length as usize)?;
    core::str::from_utf8(bytes).ok()
}

fn window(reader: &Record<'_>) -> Window {
    let [top, left] = reader.halves(field::PADDING);
    let [bottom, right] = reader.halves(field::PADDING_END);
    let (kernel, stride) = (reader.halves(field::KERNEL), reader.halves(field::STRIDE));
    Window { kernel, stride, padding: [top, left, bottom, right] }
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

/// The words that a layer without a level outside, or any layer, leaves zero.
fn check_reserved(reader: &Record<'_>, pad_value: PadValue) -> Result<(), Fault> {
    if reader.word(field::RESERVED) != 0 {
        return Err(Fault::new(field::RESERVED, Reason::Reserved));
    }
    if reader.word(field::PAD_LEVEL) != 0 && !matches!(pad_value, PadValue::Level(_)) {
        return Err(Fault::new(field::PAD_LEVEL, Reason::Reserved));
    }
    Ok(())
}

fn check_shape(layer: &Layer<'_>) -> Result<(), Fault> {
    let (input, output, groups) = (layer.input.shape, layer.output.shape, layer.groups);
    let divides = |channels: u32| channels.checked_rem(groups) == Some(0);
    let grouped =
        if layer.op == Op::Conv2d { divides(input.channels) && divides(output.channels) } else { groups == 1 };
    if !grouped {
        return Err(Fault::new(field::GROUPS, Reason::Groups));
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

fn residual(words: &[u32], reader: &Record<'_>, layer: &Layer<'_>, index: u32) -> Result<Option<Residual>, Fault> {
    let [shift, _, _, _] = reader.bytes(field::OUTPUT);
    let wrong = Fault::new(field::TENSORS, Reason::TensorIndex);
    if index == u32::from(NO_TENSOR) {
        return if shift == 0 { Ok(None) } else { Err(Fault::new(field::OUTPUT, Reason::Reserved)) };
    }
    if index > u32::from(layer.index) || shift > 15 || matches!(layer.op, Op::Encode | Op::MaxPool) {
        return Err(wrong);
    }
    let index = index as u16;
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

/// Whether `acc * multiplier + offset` and its rounding stay inside 64 bits, and shifts differ by 16 at most.
fn scales_are_valid(scales: &[[u32; 4]], least_shift: u32) -> bool {
    let (mut least, mut most) = (MAX_SHIFT, least_shift);
    let each = scales.iter().all(|&words| {
        let scale = Rescale::from_words(words);
        (least, most) = (least.min(scale.shift), most.max(scale.shift));
        (least_shift..=MAX_SHIFT).contains(&scale.shift) && scale.offset.unsigned_abs() <= 1 << 61
    });
    each && most.saturating_sub(least) <= MAX_SPREAD
}

/// Whether every accumulator within `bound` gets a score inside 32 bits: those at its ends do (SPEC.md 7.4).
fn stays_score(scale: Rescale, bound: Bound) -> bool {
    let fits = |acc: i32| {
        let score = scale.value(acc);
        score > i64::from(i32::MIN) && score < i64::from(i32::MAX)
    };
    fits(bound.low) && fits(bound.high)
}

/// The bound as stated; [`check_contents`] compares it with the weights.
fn bound(reader: &Record<'_>, layer: &Layer<'_>, entry: Option<Entry>) -> Result<Bound, Fault> {
    let stated = [reader.word(field::BOUND_LOW) as i32, reader.word(field::BOUND_HIGH) as i32];
    let is_plane_layer = matches!(layer.weights, Weights::Planes(_));
    let [low, high] = entry.filter(|_| is_plane_layer).map_or(stated, |entry| entry.bound);
    if low == i32::MIN || high == i32::MAX {
        return Err(Fault::new(field::BOUND_LOW, Reason::Bound));
    }
    Ok(Bound { low, high })
}

fn transform<'a>(reader: &Record<'a>, layer: &Layer<'_>, code: u8) -> Result<Transform<'a>, Fault> {
    let [_, _, _, per_channel] = reader.bytes(field::OUTPUT);
    let wrong = Fault::new(field::CODES, Reason::Kind);
    let is_raw = layer.output.kind == Kind::I32;
    match (code, layer.op) {
        (0, Op::MaxPool) => reader.section(field::THRESHOLDS, 0).map(|_| Transform::None),
        (1, Op::Encode) => encoding(reader, layer, u32::from(per_channel)),
        (2, Op::Dense | Op::Conv2d | Op::SumPool) if is_raw => {
            reader.section(field::THRESHOLDS, 0).map(|_| Transform::Raw)
        }
        (3, Op::Dense | Op::Conv2d | Op::SumPool) if !is_raw => thresholds(reader, layer),
        (4 | 5, _) if !cfg!(feature = "kinds") => Err(Fault::new(field::CODES, Reason::LeftOut)),
        (4, Op::Dense | Op::Conv2d | Op::SumPool) if matches!(layer.output.kind, Kind::Unsigned { .. }) => {
            rescales(reader, layer).map(|scales| Transform::Requant { scales })
        }
        (5, Op::Dense | Op::Conv2d | Op::SumPool) if is_raw => {
            rescales(reader, layer).map(|scales| Transform::Affine { scales })
        }
        (0..=5, _) => Err(wrong),
        _ => Err(Fault::new(field::CODES, Reason::UnknownCode)),
    }
}

/// Checks that a section's last word is zero past its `used` bits; 0 means that all are used.
fn pad_is_zero(section: &[u32], used: u32) -> Result<(), Fault> {
    match section.last() {
        Some(last) if used != 0 && last >> used != 0 => Err(Fault::new(field::THRESHOLDS, Reason::PadBits)),
        _ => Ok(()),
    }
}

fn encoding<'a>(reader: &Record<'a>, layer: &Layer<'_>, per_channel: u32) -> Result<Transform<'a>, Fault> {
    let channels = u64::from(layer.input.shape.channels) * u64::from(per_channel);
    if channels != u64::from(layer.output.shape.channels) {
        return Err(Fault::new(field::OUTPUT_CHANNELS, Reason::OutputShape));
    }
    let words = reader.section(field::THRESHOLDS, channels.div_ceil(4))?;
    let bytes = bytemuck::cast_slice::<u32, u8>(words);
    let thresholds = bytes.get(..channels as usize).unwrap_or(bytes);
    pad_is_zero(words, channels as u32 % 4 * 8)?;
    Ok(Transform::Encode { per_channel, thresholds })
}

fn thresholds<'a>(reader: &Record<'a>, layer: &Layer<'_>) -> Result<Transform<'a>, Fault> {
    let channels = layer.output.shape.channels;
    if layer.output.kind.planes() > 4 {
        return Err(Fault::new(field::CODES, Reason::Kind));
    }
    let per_channel = (1u32 << layer.output.kind.planes()) - 1;
    let values = u64::from(channels) * u64::from(per_channel);
    let words = layer.output.shape.channel_words();
    let section = reader.section(field::THRESHOLDS, values + u64::from(words))?;
    let wrong = Fault::new(field::THRESHOLDS, Reason::Section);
    let (values, directions) = section.split_at_checked(values as usize).ok_or(wrong)?;
    let values = bytemuck::cast_slice::<u32, i32>(values);
    pad_is_zero(directions, channels % WORD_BITS)?;
    Ok(Transform::Thresholds { per_channel, values, directions })
}

/// Four words a channel.
fn rescales<'a>(reader: &Record<'a>, layer: &Layer<'_>) -> Result<&'a [[u32; 4]], Fault> {
    let section = reader.section(field::THRESHOLDS, 4 * u64::from(layer.output.shape.channels))?;
    Ok(section.as_chunks().0)
}
