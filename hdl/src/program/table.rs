//! The rows of the layer table, by operation.

use bitfab_format::{Kind, Layer, Op, PadValue, Region, Tensor, Transform, WORD_BITS};

use super::digits::Digits;
use super::lanes::LayerImage;
use super::row::Row;
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
    let (output, window) = (layer.output, layer.window);
    let (_, plane, last_plane) = pixel(&output);
    let [top, left, ..] = window.padding;
    let is_raw = output.kind == Kind::I32;
    Row {
        layer: layer.index,
        columns: output.shape.width - 1,
        rows: output.shape.height - 1,
        kernel_columns: window.kernel[1] - 1,
        kernel_rows: window.kernel[0] - 1,
        padded: window.is_padded(),
        height: layer.input.shape.height,
        width: layer.input.shape.width,
        top,
        left,
        stride_down: window.stride[0],
        stride_right: window.stride[1],
        tail: u32::MAX,
        raw: is_raw,
        out_base: output.region.start,
        out_planes: if is_raw { 0 } else { last_plane },
        out_plane: plane,
        out_pixel: if is_raw { 1 } else { last_plane * plane + 1 },
        ..Row::default()
    }
}

/// The steps of a window over a packed tensor, once the step from tap to tap is known.
///
/// `moved` is how far the window's start has moved within one output pixel.
fn walk(row: &mut Row, layer: &Layer<'_>, moved: u32) {
    let (pixel_words, ..) = pixel(&layer.input);
    let line = layer.input.shape.width.wrapping_mul(pixel_words);
    let [down, right] = layer.window.stride.map(|stride| stride.wrapping_mul(pixel_words));
    let start = row.top.wrapping_mul(line).wrapping_add(row.left.wrapping_mul(pixel_words));
    let kernel = layer.window.kernel[1].wrapping_mul(pixel_words);
    row.x_base = row.x_base.wrapping_add(layer.input.region.start).wrapping_sub(start);
    row.x_line = row.x_tap.wrapping_add(line).wrapping_sub(kernel);
    row.x_column = right.wrapping_sub(moved);
    let across = row.columns.wrapping_mul(right);
    row.x_row = down.wrapping_mul(layer.input.shape.width).wrapping_sub(across).wrapping_sub(moved);
}

/// The encoding's codes are in the patch: copy them to the arena.
pub(crate) fn encode(layer: &Layer<'_>) -> Row {
    Row {
        patch: true,
        padded: false,
        top: 0,
        left: 0,
        x_base: 0,
        kernel_columns: 0,
        kernel_rows: 0,
        columns: 0,
        rows: 0,
        ..copy(layer.index, layer.output.region, base(layer))
    }
}

/// A copy of `region`, word by word.
fn copy(layer: u16, region: Region, row: Row) -> Row {
    Row { layer, groups: region.words - 1, pool: true, x_base: region.start, x_word: 1, out_pixel: 1, ..row }
}

/// Sends a packed tensor that the array has finished in another order.
pub(crate) fn copy_out(layer: u16, region: Region) -> Row {
    Row { send: true, tail: u32::MAX, ..copy(layer, region, Row::default()) }
}

/// Max-pool: the planes of each tap from the most significant one, word by word.
pub(crate) fn max_pool(layer: &Layer<'_>) -> Row {
    let mut row = base(layer);
    let (pixel_words, plane, last_plane) = pixel(&layer.input);
    row.pool = true;
    row.settle = row.out_planes;
    row.planes = last_plane;
    row.groups = plane - 1;
    row.x_base = last_plane * plane;
    row.x_plane = 0_u32.wrapping_sub(plane);
    row.x_tap = pixel_words + last_plane * plane;
    row.x_word = 1;
    walk(&mut row, layer, plane - 1);
    row
}

/// Sum-pool: each lane adds the bit of its own channel.
pub(crate) fn sum_pool(layer: &Layer<'_>, units: &Units, digits: &Digits, lanes: u32) -> Row {
    let mut row = base(layer);
    let (pixel_words, plane, last_plane) = pixel(&layer.input);
    row.select = true;
    row.planes = last_plane;
    row.x_plane = plane;
    row.x_tap = pixel_words - last_plane * plane;
    row.x_word = 1;
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
    (row.masked, row.signed, row.minus) = (image.masked, image.signed, image.minus);
    row.s_pass = image.sign_step;
    row.patch = is_patch(layer);
    if row.patch {
        (row.kernel_columns, row.kernel_rows, row.padded, row.top, row.left) = (0, 0, false, 0, 0);
        (row.planes, row.x_plane) = (7, 1);
    } else {
        row.x_plane = plane - image.words + 1;
        row.x_tap = row.x_plane;
        walk(&mut row, layer, 0);
    }
    if image.listed {
        list(&mut row, image);
    } else if layer.op == Op::Dense && !row.patch {
        flatten(&mut row, layer);
    }
    row.w_back = 0_u32.wrapping_sub(row.words);
    surround(&mut row, layer);
    if let Some(shared) = digits.shared {
        row.shared = true;
        row.subtracts = shared.ratio < 0;
        row.doublings = shared.doublings - 1;
        row.ratio = shared.ratio.unsigned_abs().reverse_bits() >> (WORD_BITS - shared.doublings);
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
        PadValue::Level(_) if row.patch || !row.padded => {}
        PadValue::Level(level) if level == layer.input.kind.range().1 => row.ones = true,
        PadValue::Level(level) => row.border = level as u32,
        PadValue::Zero | PadValue::MinusOne | PadValue::PlusOne => row.ones = layer.pad_value == PadValue::PlusOne,
    }
    row.twice = layer.needs_mask();
    let rest = layer.input.shape.channels % WORD_BITS;
    if rest != 0 && !row.masked && (row.ones || row.twice || row.border != 0) {
        row.tail = (1 << rest) - 1;
    }
}

/// A listed layer stays at the window's start: its words are found from there.
fn list(row: &mut Row, image: &LayerImage) {
    row.listed = true;
    row.x_plane = row.x_plane.wrapping_add(row.words);
    row.words = image.longest - 1;
    (row.kernel_columns, row.kernel_rows) = (0, 0);
}

/// A dense layer reads its input from end to end: one long tap, or one row of taps where there are several planes.
fn flatten(row: &mut Row, layer: &Layer<'_>) {
    let pixels = layer.input.shape.pixels();
    row.kernel_rows = 0;
    if row.planes == 0 {
        row.kernel_columns = 0;
        row.words = layer.input.region.words - 1;
    } else {
        row.kernel_columns = pixels - 1;
    }
}

/// What layers with accumulators share.
fn accumulate(row: &mut Row, layer: &Layer<'_>, units: &Units, digits: &Digits, lanes: u32) {
    let channels = layer.output.shape.channels;
    row.groups = channels.div_ceil(lanes) - 1;
    row.last_lane = (channels - 1) % lanes;
    row.shift = units.shift;
    row.requant = matches!(layer.transform, Transform::Requant { .. });
    row.affine = scales::of(layer).is_some() && !row.requant;
    if row.affine {
        row.settle = 3; // selected, multiplied, added, shifted and sent
    }
    if row.requant {
        // One lane a cycle, then one plane; what is known of a group stays for the stages between the two.
        row.spacing = lanes.max(row.out_planes + 1).max(SCALER_STAGES) - 1;
    }
    row.thresholds = if row.raw || row.requant { 0 } else { (1 << layer.output.kind.planes()) - 2 };
    row.double = row.raw && !row.affine && units.unit == 2;
    let moved = units.offset(layer, digits.places(0)) + scales::plain_offset(layer, 0);
    row.odd = row.double && moved.rem_euclid(2) == 1;
    if let Some(residual) = layer.residual {
        let (_, plane, last_plane) = pixel(&residual.tensor);
        row.residual = true;
        row.r_planes = last_plane;
        row.r_base = residual.tensor.region.start;
        row.r_plane = plane;
        row.r_pixel = last_plane * plane + 1;
        row.r_shift = units.r_shift;
    }
}
