//! The rows of the layer table, by operation.

use bitfab_format::{Kind, Layer, Op, PadValue, Region, Tensor, Transform, WORD_BITS};

use super::digits::Digits;
use super::lanes::LayerImage;
use super::row::{AddressWalk, Output, Padding, Residual, Row, Window, WindowSum};
use super::scales;
use super::suits::is_patch;
use super::units::Units;

/// Registers between an accumulator and the packer: count, product, sum, output.
const SCALER_STAGES: u32 = 4;

/// Words of a pixel of a packed tensor, of one of its planes, and its last plane.
fn pixel(tensor: &Tensor) -> (u32, u32, u32) {
    (tensor.pixel_words(), tensor.shape.channel_words(), tensor.kind.planes().max(1) - 1)
}

/// What all rows share: the output, the window's loops and what lies outside the input.
fn base(layer: &Layer<'_>) -> Row {
    let output = layer.output;
    let (_, plane, last_plane) = pixel(&output);
    let raw = output.kind == Kind::I32;
    let (planes, pixel) = if raw { (0, 1) } else { (last_plane, last_plane * plane + 1) };
    Row {
        layer: layer.index,
        window: Window::new(layer),
        padding: Padding { tail: u32::MAX, ..Padding::default() },
        output: Output { raw, base: output.region.start, planes, plane, pixel, ..Output::default() },
        ..Row::default()
    }
}

/// The walk of the row's window over a packed tensor, once the step from tap to tap is known.
///
/// `moved` is how far the window's start has moved within one output pixel.
fn walk(row: &mut Row, layer: &Layer<'_>, moved: u32) {
    row.input.base = row.input.base.wrapping_add(layer.input.region.start);
    row.input.follow(&row.window, layer.input.pixel_words(), moved);
}

/// The encoding's codes are in the patch: copy them to the arena.
pub(crate) fn encode(layer: &Layer<'_>) -> Row {
    let row = copy(layer.index, layer.output.region, base(layer));
    Row { patch: true, window: Window { output: [0; 2], ..row.window.gathered() }, ..row }
}

/// A copy of `region`, word by word.
fn copy(layer: u16, region: Region, row: Row) -> Row {
    let input = AddressWalk { base: region.start, word: 1, ..row.input };
    Row { layer, groups: region.words - 1, pool: true, input, output: Output { pixel: 1, ..row.output }, ..row }
}

/// Sends a packed tensor that the array has finished in another order.
pub(crate) fn copy_out(layer: u16, region: Region) -> Row {
    let mut row = copy(layer, region, Row::default());
    (row.output.send, row.padding.tail) = (true, u32::MAX);
    row
}

/// Max-pool: the planes of each tap from the most significant one, word by word.
pub(crate) fn max_pool(layer: &Layer<'_>) -> Row {
    let mut row = base(layer);
    let (pixel_words, plane, last_plane) = pixel(&layer.input);
    row.pool = true;
    row.settle = row.output.planes;
    row.planes = last_plane;
    row.groups = plane - 1;
    row.input.base = last_plane * plane;
    row.input.plane = 0_u32.wrapping_sub(plane);
    row.input.tap = pixel_words + last_plane * plane;
    row.input.word = 1;
    walk(&mut row, layer, plane - 1);
    row
}

/// Sum-pool: each lane adds the bit of its own channel.
pub(crate) fn sum_pool(layer: &Layer<'_>, units: &Units, digits: &Digits, lanes: u32) -> Row {
    let mut row = base(layer);
    let (pixel_words, plane, last_plane) = pixel(&layer.input);
    row.select = true;
    row.planes = last_plane;
    row.input.plane = plane;
    row.input.tap = pixel_words - last_plane * plane;
    row.input.word = 1;
    walk(&mut row, layer, plane - 1);
    accumulate(&mut row, layer, units, digits, lanes);
    row
}

/// Dense and convolution.
pub(crate) fn weighted(layer: &Layer<'_>, units: &Units, digits: &Digits, image: &LayerImage, lanes: u32) -> Row {
    let mut row = base(layer);
    let (_, plane, last_plane) = pixel(&layer.input);
    row.words = image.words - 1;
    row.passes = digits.passes - 1;
    row.planes = last_plane;
    row.weights = image.layout;
    row.patch = is_patch(layer);
    if row.patch {
        row.window = row.window.gathered();
        (row.planes, row.input.plane) = (7, 1);
    } else {
        row.input.plane = plane - image.words + 1;
        row.input.tap = row.input.plane;
        walk(&mut row, layer, 0);
    }
    if image.layout.listed {
        list(&mut row, image);
    } else if layer.op == Op::Dense && !row.patch {
        flatten(&mut row, layer);
    }
    row.weights.back = 0_u32.wrapping_sub(row.words);
    surround(&mut row, layer);
    if let Some(shared) = digits.shared {
        row.sum = WindowSum {
            shared: true,
            doublings: shared.doublings - 1,
            ratio: shared.ratio.unsigned_abs().reverse_bits() >> (WORD_BITS - shared.doublings),
            subtracts: shared.ratio < 0,
        };
    }
    accumulate(&mut row, layer, units, digits, lanes);
    if digits.depthwise {
        let across = layer.input.pixel_words();
        row.count_channels(plane, across, across * layer.input.shape.width);
    }
    row
}

/// What the lanes see outside the input.
fn surround(row: &mut Row, layer: &Layer<'_>) {
    match layer.pad_value {
        // Bytes outside come from the front.
        PadValue::Level(_) if row.patch || !row.window.padded => {}
        PadValue::Level(level) if level == layer.input.kind.range().1 => row.padding.ones = true,
        PadValue::Level(level) => row.padding.border = level as u32,
        PadValue::Zero | PadValue::MinusOne | PadValue::PlusOne => {
            row.padding.ones = layer.pad_value == PadValue::PlusOne
        }
    }
    row.padding.twice = layer.needs_mask();
    let rest = layer.input.shape.channels % WORD_BITS;
    if rest != 0 && !row.weights.masked && row.padding.has_ones() {
        row.padding.tail = (1 << rest) - 1;
    }
}

/// A listed layer stays at the window's start: its words are found from there.
fn list(row: &mut Row, image: &LayerImage) {
    row.input.plane = row.input.plane.wrapping_add(row.words);
    row.words = image.longest - 1;
    row.window.kernel = [0; 2];
}

/// A dense layer reads its input from end to end: one long tap, or one row of taps where there are several planes.
fn flatten(row: &mut Row, layer: &Layer<'_>) {
    if row.planes == 0 {
        (row.window.kernel, row.words) = ([0; 2], layer.input.region.words - 1);
    } else {
        row.window.kernel = [0, layer.input.shape.pixels() - 1];
    }
}

/// What layers with accumulators share.
fn accumulate(row: &mut Row, layer: &Layer<'_>, units: &Units, digits: &Digits, lanes: u32) {
    let channels = layer.output.shape.channels;
    row.groups = channels.div_ceil(lanes) - 1;
    row.output.last_lane = (channels - 1) % lanes;
    row.shift = units.shift;
    row.scaling.requant = matches!(layer.transform, Transform::Requant { .. });
    row.scaling.affine = scales::of(layer).is_some() && !row.scaling.requant;
    if row.scaling.affine {
        row.settle = 3; // selected, multiplied, added, shifted and sent
    }
    if row.scaling.requant {
        // One lane a cycle, then one plane; what is known of a group stays for the stages between the two.
        row.spacing = lanes.max(row.output.planes + 1).max(SCALER_STAGES) - 1;
    }
    row.thresholds = if row.output.raw || row.scaling.requant { 0 } else { (1 << layer.output.kind.planes()) - 2 };
    row.output.double = row.output.raw && !row.scaling.affine && units.unit == 2;
    let moved = units.offset(layer, digits.places(0)) + scales::plain_offset(layer, 0);
    row.output.odd = row.output.double && moved.rem_euclid(2) == 1;
    if let Some(residual) = layer.residual {
        let (_, plane, last_plane) = pixel(&residual.tensor);
        let (base, pixel) = (residual.tensor.region.start, last_plane * plane + 1);
        row.residual = Residual { added: true, planes: last_plane, base, plane, pixel, shift: units.r_shift };
    }
}
