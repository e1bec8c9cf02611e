//! From the words of one record to a checked [`Layer`].

use crate::error::{FormatError, Reason};
use crate::record::{MAX_NAME, NO_TENSOR, Reader, field};
use crate::tensor::MAX_VOLUME;
use crate::{
    Bound, Kind, Layer, Op, Packing, PadValue, Region, Residual, Shape, Tensor, Transform, WORD_BITS, Weights, Window,
};

/// Shape, kind and place of tensor `index` as the file states them, checked for size.
pub(crate) fn tensor(words: &[u32], index: u16) -> Result<Tensor, FormatError> {
    match index.checked_sub(1) {
        None => input(words),
        Some(layer) => output(&Reader::layer(words, layer)),
    }
}

fn input(words: &[u32]) -> Result<Tensor, FormatError> {
    use crate::record::header;
    let reader = Reader::header(words);
    let [height, width] = reader.halves(header::INPUT_SIZE)?;
    let shape = Shape::new(height, width, reader.word(header::INPUT_CHANNELS)?);
    let kind = match reader.word(header::INPUT_KIND)? {
        1 => Kind::U8,
        2 => Kind::I8,
        _ => return Err(reader.error(header::INPUT_KIND, Reason::UnknownCode)),
    };
    Tensor::new(shape, kind, 0).map_err(|reason| reader.error(header::INPUT_SIZE, reason))
}

fn output(reader: &Reader<'_>) -> Result<Tensor, FormatError> {
    let [height, width] = reader.halves(field::OUTPUT_SIZE)?;
    let shape = Shape::new(height, width, reader.word(field::OUTPUT_CHANNELS)?);
    let [_, code, bits, _] = reader.bytes(field::OUTPUT)?;
    let kind = Kind::from_code(code, bits).filter(|kind| !kind.is_bytes());
    let kind = kind.ok_or(reader.error(field::OUTPUT, Reason::UnknownCode))?;
    Tensor::new(shape, kind, reader.word(field::REGION)?).map_err(|reason| reader.error(field::OUTPUT_SIZE, reason))
}

/// Decodes and checks layer `index`, all but what concerns other layers' regions.
pub(crate) fn layer(words: &[u32], index: u16) -> Result<Layer<'_>, FormatError> {
    let reader = Reader::layer(words, index);
    let codes = reader.bytes(field::CODES)?;
    let unknown = reader.error(field::CODES, Reason::UnknownCode);
    let op = Op::from_code(codes[0]).ok_or(unknown)?;
    let pad_value = PadValue::from_code(codes[3]).ok_or(unknown)?;
    let [input_index, residual_index] = reader.halves(field::TENSORS)?;
    if input_index > u32::from(index) {
        return Err(reader.error(field::TENSORS, Reason::TensorIndex));
    }
    let input = tensor(words, input_index as u16)?;
    let mut layer = Layer {
        index,
        name: name(&reader)?,
        op,
        input_index: input_index as u16,
        input,
        output: output(&reader)?,
        residual: None,
        window: window(&reader)?,
        pad_value,
        groups: reader.word(field::GROUPS)?,
        weights: Weights::None,
        transform: Transform::None,
        bound: Bound::default(),
        scratch: Region::default(),
    };
    check_kinds(&reader, &layer)?;
    check_shape(&reader, &layer)?;
    layer.residual = residual(words, &reader, &layer, residual_index)?;
    layer.scratch = scratch(&reader, &layer)?;
    layer.bound = bound(&reader, &layer)?;
    layer.weights = weights(&reader, &layer, codes[1])?;
    layer.transform = transform(&reader, &layer, codes[2])?;
    Ok(layer)
}

fn name<'a>(reader: &Reader<'a>) -> Result<&'a str, FormatError> {
    let wrong = reader.error(field::NAME, Reason::Name);
    let (start, length) = (reader.word(field::NAME)?, reader.word(field::NAME_BYTES)?);
    if length > MAX_NAME {
        return Err(wrong);
    }
    let words = reader.slice(start, length.div_ceil(4)).ok_or(wrong)?;
    let bytes = bytemuck::cast_slice::<u32, u8>(words).get(..length as usize).ok_or(wrong)?;
    core::str::from_utf8(bytes).map_err(|_| wrong)
}

fn window(reader: &Reader<'_>) -> Result<Window, FormatError> {
    let [top, left] = reader.halves(field::PADDING)?;
    let [bottom, right] = reader.halves(field::PADDING_END)?;
    let (kernel, stride) = (reader.halves(field::KERNEL)?, reader.halves(field::STRIDE)?);
    Ok(Window { kernel, stride, padding: [top, left, bottom, right] })
}

/// Which kinds an operation takes and yields (SPEC.md, section 5).
fn check_kinds(reader: &Reader<'_>, layer: &Layer<'_>) -> Result<(), FormatError> {
    let (input, output) = (layer.input.kind, layer.output.kind);
    let fits = match layer.op {
        Op::Encode => input.is_bytes() && output == Kind::Sign,
        Op::Dense | Op::Conv2d => input != Kind::I32,
        Op::MaxPool => input.is_packed() && output == input,
        Op::SumPool => input.is_packed(),
    };
    let padding_fits = layer.pad_value == PadValue::Zero || (layer.op == Op::Conv2d && input == Kind::Sign);
    let padding_fits = padding_fits && !(layer.op == Op::SumPool && layer.window.is_padded());
    if !fits || !padding_fits {
        return Err(reader.error(field::CODES, Reason::Kind));
    }
    Ok(())
}

fn check_shape(reader: &Reader<'_>, layer: &Layer<'_>) -> Result<(), FormatError> {
    let (input, output, groups) = (layer.input.shape, layer.output.shape, layer.groups);
    let divides = |channels: u32| channels.checked_rem(groups) == Some(0);
    let grouped =
        if layer.op == Op::Conv2d { divides(input.channels) && divides(output.channels) } else { groups == 1 };
    if !grouped {
        return Err(reader.error(field::GROUPS, Reason::Groups));
    }
    let fixed = match layer.op {
        Op::Encode => Some(Window::unit()),
        Op::Dense => Some(Window::whole(input)),
        _ => None,
    };
    if fixed.is_some_and(|window| window != layer.window) {
        return Err(reader.error(field::KERNEL, Reason::Window));
    }
    let [height, width] = layer.window.output(input).map_err(|reason| reader.error(field::KERNEL, reason))?;
    let keeps_channels = matches!(layer.op, Op::MaxPool | Op::SumPool);
    if [height, width] != [output.height, output.width] || (keeps_channels && input.channels != output.channels) {
        return Err(reader.error(field::OUTPUT_SIZE, Reason::OutputShape));
    }
    let fan_in = u64::from(layer.window.taps()) * u64::from(input.channels);
    if u64::from(layer.window.kernel[0]) * u64::from(layer.window.kernel[1]) > MAX_VOLUME || fan_in > MAX_VOLUME {
        return Err(reader.error(field::KERNEL, Reason::Shape));
    }
    Ok(())
}

fn residual(
    words: &[u32],
    reader: &Reader<'_>,
    layer: &Layer<'_>,
    index: u32,
) -> Result<Option<Residual>, FormatError> {
    let [shift, _, _, _] = reader.bytes(field::OUTPUT)?;
    let wrong = reader.error(field::TENSORS, Reason::TensorIndex);
    if index == u32::from(NO_TENSOR) {
        return if shift == 0 { Ok(None) } else { Err(reader.error(field::OUTPUT, Reason::Reserved)) };
    }
    if index > u32::from(layer.index) || shift > 15 || matches!(layer.op, Op::Encode | Op::MaxPool) {
        return Err(wrong);
    }
    let index = index as u16;
    let tensor = tensor(words, index)?;
    if !tensor.kind.is_packed() || tensor.shape != layer.output.shape {
        return Err(wrong);
    }
    Ok(Some(Residual { index, tensor, shift: u32::from(shift) }))
}

fn scratch(reader: &Reader<'_>, layer: &Layer<'_>) -> Result<Region, FormatError> {
    let (start, words) = (reader.word(field::SCRATCH)?, layer.scratch_words());
    if words == 0 && start != 0 {
        return Err(reader.error(field::SCRATCH, Reason::Reserved));
    }
    if u64::from(start) + u64::from(words) > MAX_VOLUME {
        return Err(reader.error(field::SCRATCH, Reason::Arena));
    }
    Ok(Region { start, words })
}

fn bound(reader: &Reader<'_>, layer: &Layer<'_>) -> Result<Bound, FormatError> {
    let (low, high) = (reader.word(field::BOUND_LOW)? as i32, reader.word(field::BOUND_HIGH)? as i32);
    let inside = low > i32::MIN && high < i32::MAX;
    if !inside || (i64::from(low), i64::from(high)) != layer.implied_bound() {
        return Err(reader.error(field::BOUND_LOW, Reason::Bound));
    }
    Ok(Bound { low, high })
}

fn weights<'a>(reader: &Reader<'a>, layer: &Layer<'_>, code: u8) -> Result<Weights<'a>, FormatError> {
    match (code, layer.op.is_weighted()) {
        (0, false) => reader.section(field::WEIGHTS, 0).map(|_| Weights::None),
        (1, true) => {
            let expect = u64::from(layer.row_words()) * u64::from(layer.output.shape.channels);
            let rows = reader.section(field::WEIGHTS, expect)?;
            if !pad_bits_are_zero(rows, layer) {
                return Err(reader.error(field::WEIGHTS, Reason::PadBits));
            }
            Ok(Weights::Binary(rows))
        }
        _ => Err(reader.error(field::CODES, Reason::UnknownCode)),
    }
}

/// Whether the bits past each run of weights (a tap's channels, or a whole row) are zero.
fn pad_bits_are_zero(rows: &[u32], layer: &Layer<'_>) -> bool {
    let run = match layer.packing() {
        Packing::Tap => layer.group_channels(),
        Packing::Patch => layer.fan_in(),
    };
    let used = run % WORD_BITS;
    if used == 0 {
        return true;
    }
    let mut runs = rows.chunks_exact(run.div_ceil(WORD_BITS).max(1) as usize);
    runs.all(|words| words.last().is_some_and(|last| last >> used == 0))
}

fn transform<'a>(reader: &Reader<'a>, layer: &Layer<'_>, code: u8) -> Result<Transform<'a>, FormatError> {
    let [_, _, _, per_channel] = reader.bytes(field::OUTPUT)?;
    let wrong = reader.error(field::CODES, Reason::Kind);
    let is_raw = layer.output.kind == Kind::I32;
    match (code, layer.op) {
        (0, Op::MaxPool) => reader.section(field::THRESHOLDS, 0).map(|_| Transform::None),
        (1, Op::Encode) => encoding(reader, layer, u32::from(per_channel)),
        (2, Op::Dense | Op::Conv2d | Op::SumPool) if is_raw => {
            reader.section(field::THRESHOLDS, 0).map(|_| Transform::Raw)
        }
        (3, Op::Dense | Op::Conv2d | Op::SumPool) if !is_raw => thresholds(reader, layer),
        (0..=3, _) => Err(wrong),
        _ => Err(reader.error(field::CODES, Reason::UnknownCode)),
    }
}

fn encoding<'a>(reader: &Reader<'a>, layer: &Layer<'_>, per_channel: u32) -> Result<Transform<'a>, FormatError> {
    let channels = u64::from(layer.input.shape.channels) * u64::from(per_channel);
    if channels != u64::from(layer.output.shape.channels) {
        return Err(reader.error(field::OUTPUT_CHANNELS, Reason::OutputShape));
    }
    let words = reader.section(field::THRESHOLDS, channels.div_ceil(4))?;
    let bytes = bytemuck::cast_slice::<u32, u8>(words);
    let (thresholds, rest) = bytes.split_at_checked(channels as usize).unwrap_or((bytes, &[]));
    if rest.iter().any(|&byte| byte != 0) {
        return Err(reader.error(field::THRESHOLDS, Reason::PadBits));
    }
    Ok(Transform::Encode { per_channel, thresholds })
}

fn thresholds<'a>(reader: &Reader<'a>, layer: &Layer<'_>) -> Result<Transform<'a>, FormatError> {
    let channels = layer.output.shape.channels;
    let per_channel = (1u32 << layer.output.kind.planes()) - 1;
    let values = u64::from(channels) * u64::from(per_channel);
    let words = layer.output.shape.channel_words();
    let section = reader.section(field::THRESHOLDS, values + u64::from(words))?;
    let wrong = |reason| reader.error(field::THRESHOLDS, reason);
    let (values, directions) = section.split_at_checked(values as usize).ok_or(wrong(Reason::Section))?;
    let values = bytemuck::cast_slice::<u32, i32>(values);
    // Not `is_sorted`: it keeps a panic path that no input reaches.
    let ascend = |values: &[i32]| values.iter().zip(values.iter().skip(1)).all(|(low, high)| low <= high);
    if !values.chunks(per_channel.max(1) as usize).all(ascend) {
        return Err(wrong(Reason::ThresholdOrder));
    }
    let used = channels % WORD_BITS;
    if used != 0 && directions.last().is_some_and(|last| last >> used != 0) {
        return Err(wrong(Reason::PadBits));
    }
    Ok(Transform::Thresholds { per_channel, values, directions })
}
