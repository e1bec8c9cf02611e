//! The window of one output pixel as runs of words that rows of weights meet (SPEC.md 6.2 and 6.3).

mod bytes;
mod packed;

use bitfab_format::{Kind, Layer, Op, Packing, Weights};

use crate::dot;
use crate::join::Join;
use crate::place::Place;

/// Words of the stack buffer in which windows of packed tensors are gathered; longer windows come in pieces.
pub(crate) const BUFFER: usize = 96;

/// What does not change from window to window: the layer, and what takes a while to tell from it.
struct Layout<'a> {
    layer: &'a Layer<'a>,
    /// Signs: otherwise planes of unsigned values, or bytes.
    is_sign: bool,
    is_bytes: bool,
    is_i8: bool,
    /// Words of one row of weights.
    row_words: usize,
    /// Values that one accumulator sums.
    fan_in: i32,
    /// Channels of a group.
    group_channels: usize,
    /// Words of one tap of one plane of a group (tap packing).
    tap_words: usize,
    /// Words of a pixel of the input, and of one of its planes.
    pixel_words: usize,
    plane_words: usize,
    /// Planes of the input.
    planes: usize,
    /// Whether the window is one run of words in the input.
    is_direct: bool,
    is_patch: bool,
    needs_mask: bool,
    /// Most words of a piece that is gathered: scratch holds whole windows.
    most_words: usize,
}

impl<'a> Layout<'a> {
    fn new(layer: &'a Layer<'a>) -> Self {
        let is_patch = layer.packing() == Packing::Patch;
        let is_sign = layer.input.kind == Kind::Sign;
        let is_one_run = (layer.op == Op::Dense && is_sign) || (layer.window.taps() == 1 && !layer.window.is_padded());
        let (group_channels, needs_mask) = (layer.group_channels(), layer.needs_mask());
        let planes = layer.input.kind.planes() as usize;
        let runs = planes + usize::from(needs_mask);
        Self {
            layer,
            is_sign,
            is_bytes: layer.input.kind.is_bytes(),
            is_i8: layer.input.kind == Kind::I8,
            row_words: layer.row_words() as usize,
            fan_in: layer.fan_in() as i32,
            group_channels: group_channels as usize,
            tap_words: group_channels.div_ceil(32) as usize,
            pixel_words: layer.input.pixel_words() as usize,
            plane_words: layer.input.shape.channel_words() as usize,
            planes,
            is_direct: is_one_run && !is_patch,
            is_patch,
            needs_mask,
            most_words: if is_patch { usize::MAX } else { BUFFER.checked_div(runs).unwrap_or(0) },
        }
    }

    /// Whether the sum of the window is wanted.
    fn needs_sum(&self) -> bool {
        cfg!(any(feature = "sparse-binary", feature = "ternary"))
            && !matches!(self.layer.weights, Weights::Binary(_) | Weights::Planes(_))
    }
}

/// Words `start .. start + len` of the window that one group of channels sees, one run a plane.
#[derive(Default)]
struct Piece {
    group: usize,
    start: usize,
    len: usize,
    /// Words from run to run.
    stride: usize,
    /// Runs, with the mask where there is one; none before anything is gathered.
    runs: usize,
    /// First word of the input, where the window lies there; else it is in the gatherer's memory.
    direct: usize,
    /// Whether the last run is the mask of the values inside (NUMERICS 3.4).
    is_masked: bool,
    /// What every accumulator starts with.
    base: i32,
    /// The sum of the values, where it is wanted.
    sum: i32,
}

/// Brings windows into runs of words, and multiplies them with rows of weights.
pub(crate) struct Gatherer<'a> {
    layout: Layout<'a>,
    bytes: &'a [u8],
    input: &'a [u32],
    /// Scratch, or a buffer on the stack.
    memory: &'a mut [u32],
    piece: Piece,
}

impl<'a> Gatherer<'a> {
    /// A gatherer that has nothing yet.
    pub fn new(layer: &'a Layer<'a>, bytes: &'a [u8], input: &'a [u32], memory: &'a mut [u32]) -> Self {
        Self { layout: Layout::new(layer), bytes, input, memory, piece: Piece::default() }
    }

    /// Forgets the pixel that was gathered.
    pub fn reset(&mut self) {
        self.piece.runs = 0;
    }

    /// Adds the dot products of the window at `place` with `rows`, one row an accumulator, all of one group and `stride`
    /// words apart, or makes accumulators that are 0 what they are; returns the sum of the window, or anything where the
    /// layer needs none.
    #[inline(never)]
    pub fn accumulate(
        &mut self,
        place: &Place,
        group: usize,
        mut rows: &[u32],
        stride: usize,
        accumulators: &mut [i32],
        are_zero: bool,
    ) -> i32 {
        let (mut start, mut sum) = (0, 0i32);
        while start < self.layout.row_words {
            if self.piece.runs == 0 || self.piece.group != group || self.piece.start != start {
                self.gather(place, group, start);
            }
            sum = sum.wrapping_add(self.piece.sum);
            // Pieces but the first mostly have nothing that no weight changes.
            match self.piece.base {
                base if are_zero && start == 0 => accumulators.fill(base),
                0 => {}
                base => accumulators.iter_mut().for_each(|acc| *acc = acc.wrapping_add(base)),
            }
            if self.layout.is_bytes {
                bytes::add(&self.layout, self.memory, rows, stride, accumulators);
            } else {
                self.add(rows, stride, accumulators);
            }
            let done = self.piece.len.max(1);
            rows = rows.get(done..).unwrap_or_default();
            start = start.saturating_add(done);
        }
        sum
    }

    /// Gathers the piece of the window that begins with word `start`.
    #[inline(never)]
    fn gather(&mut self, place: &Place, group: usize, start: usize) {
        let Self { layout, bytes, input, memory, piece } = self;
        piece.is_masked = layout.needs_mask && !place.is_inside();
        piece.len = layout.row_words.saturating_sub(start);
        piece.stride = piece.len;
        piece.runs = layout.planes + usize::from(piece.is_masked);
        (piece.group, piece.start) = (group, start);
        if layout.is_bytes {
            piece.base = bytes::gather(layout, bytes, memory, place, group);
            piece.sum = piece.base.wrapping_neg();
            return;
        }
        if layout.is_direct {
            let in_pixel = group.wrapping_mul(layout.tap_words);
            piece.direct = place.first().wrapping_mul(layout.pixel_words).wrapping_add(in_pixel);
            piece.stride = layout.plane_words;
        } else {
            piece.len = piece.len.min(layout.most_words);
            piece.stride = piece.len;
            packed::gather(layout, input, memory, place, piece);
        }
        self.piece.base = self.base();
        if self.layout.needs_sum() {
            self.piece.sum = self.sum();
        }
    }

    /// The sum of the values of the piece; those of signs are counted with the first piece.
    fn sum(&self) -> i32 {
        if !self.is_xor() {
            return self.piece.base.wrapping_neg();
        }
        let run = self.run(0);
        (dot::count(Join::And, run, run) as i32).wrapping_mul(2).wrapping_sub(self.piece.base)
    }

    /// The words of run `index` of the piece.
    fn run(&self, index: usize) -> &[u32] {
        let from = if self.layout.is_direct { self.input } else { &*self.memory };
        let first = self.piece.direct.wrapping_add(index.wrapping_mul(self.piece.stride));
        from.get(first..first.wrapping_add(self.piece.len)).unwrap_or_default()
    }

    /// Whether signs are joined with weights as they are; masked signs are two planes (see [`significance`]).
    fn is_xor(&self) -> bool {
        self.layout.is_sign && !self.piece.is_masked
    }

    /// The part of the dot products that no weight changes (NUMERICS 3.4 and 3.5).
    fn base(&self) -> i32 {
        if self.is_xor() {
            return if self.piece.start == 0 { self.layout.fan_in } else { 0 };
        }
        (0..self.piece.runs).fold(0, |base: i32, index| {
            let run = self.run(index);
            let ones = dot::count(Join::And, run, run) as i32;
            base.wrapping_sub(ones.wrapping_mul(significance(self.layout.is_sign, index)))
        })
    }

    fn add(&self, rows: &[u32], stride: usize, accumulators: &mut [i32]) {
        for index in 0..self.piece.runs {
            let (join, scale) = match self.is_xor() {
                true => (Join::Xor, -2),
                false => (Join::And, significance(self.layout.is_sign, index).wrapping_mul(2)),
            };
            dot::add_counts(join, scale, self.run(index), rows, stride, accumulators);
        }
    }
}

/// What a one in run `index` is worth.
///
/// A sign that may be outside is `2 bit - inside`: its bit counts 2, the mask that follows counts -1.
const fn significance(is_sign: bool, index: usize) -> i32 {
    match (is_sign, index) {
        (true, 0) => 2,
        (true, _) => -1,
        (false, _) => 1i32.wrapping_shl(index as u32),
    }
}
