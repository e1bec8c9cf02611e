//! The window of one output pixel as runs of words that rows of weights meet (SPEC.md 6.2 and 6.3).

mod patch;
mod taps;

use bitfab_format::{Kind, Layer, Op, Packing};

use crate::dot::{self, Join};
use crate::place::Place;

/// Words of the stack buffer in which windows of packed tensors are gathered; longer windows come in pieces.
pub(crate) const BUFFER: usize = 96;

/// Words `start .. start + len` of the window that one group of channels sees, one run a plane.
#[derive(Clone, Copy)]
pub(crate) struct Piece {
    group: usize,
    start: usize,
    len: usize,
    /// Runs, with the mask where there is one.
    runs: usize,
    /// First word of the input, where the window lies there in one run; else it is in the gatherer's memory.
    direct: Option<usize>,
    /// Words from run to run.
    stride: usize,
    /// Whether the last run is the mask of the values inside (NUMERICS 3.4).
    is_masked: bool,
    /// What every accumulator starts with.
    base: i32,
}

/// Brings windows into runs of words.
pub(crate) struct Gatherer<'a> {
    layer: &'a Layer<'a>,
    bytes: &'a [u8],
    input: &'a [u32],
    /// Scratch, or a buffer on the stack.
    memory: &'a mut [u32],
    ready: Option<Piece>,
}

impl<'a> Gatherer<'a> {
    /// A gatherer that has nothing yet.
    pub fn new(layer: &'a Layer<'a>, bytes: &'a [u8], input: &'a [u32], memory: &'a mut [u32]) -> Self {
        Self { layer, bytes, input, memory, ready: None }
    }

    /// Forgets the pixel that was gathered.
    pub fn reset(&mut self) {
        self.ready = None;
    }

    /// Adds the dot products of the window at `place` with `rows`, one row an accumulator, all of one group.
    pub fn accumulate(&mut self, place: Place, group: usize, rows: &[u32], accumulators: &mut [i32]) {
        let row_words = self.layer.row_words() as usize;
        let mut start = 0;
        while start < row_words {
            let piece = self.piece(place, group, start);
            let rows = rows.get(start..).unwrap_or_default();
            self.add(&piece, rows, row_words, accumulators);
            start = start.saturating_add(piece.len.max(1));
        }
    }

    /// The piece of the window that begins with word `start`: the one at hand, or a newly gathered one.
    fn piece(&mut self, place: Place, group: usize, start: usize) -> Piece {
        if let Some(piece) = self.ready
            && piece.group == group
            && piece.start == start
        {
            return piece;
        }
        let is_masked = self.layer.needs_mask() && !place.is_inside();
        let planes = self.layer.input.kind.planes() as usize;
        let mut piece = Piece {
            group,
            start,
            len: self.layer.row_words() as usize - start,
            runs: planes + usize::from(is_masked),
            direct: None,
            stride: 0,
            is_masked,
            base: 0,
        };
        match self.layer.packing() {
            Packing::Patch => {
                piece.stride = piece.len;
                patch::gather(self, place, &piece);
            }
            Packing::Tap => self.gather_taps(place, &mut piece),
        }
        piece.base = self.base(&piece);
        self.ready = Some(piece);
        piece
    }

    fn gather_taps(&mut self, place: Place, piece: &mut Piece) {
        let layer = self.layer;
        let is_one_run = layer.op == Op::Dense && layer.input.kind == Kind::Sign;
        if is_one_run || (layer.window.taps() == 1 && !layer.window.is_padded()) {
            let pixel = place.taps().flatten().next().unwrap_or(0);
            let in_pixel = piece.group.wrapping_mul(layer.group_channels() as usize / 32);
            piece.direct = Some(pixel.wrapping_mul(layer.input.pixel_words() as usize).wrapping_add(in_pixel));
            piece.stride = layer.input.shape.channel_words() as usize;
            return;
        }
        piece.len = piece.len.min(BUFFER.checked_div(piece.runs).unwrap_or(0));
        piece.stride = piece.len;
        taps::gather(self, place, piece);
    }

    /// The words of run `index` of the piece.
    fn run(&self, piece: &Piece, index: usize) -> &[u32] {
        let (from, first) = match piece.direct {
            Some(first) => (self.input, first),
            None => (&*self.memory, 0),
        };
        let first = first.wrapping_add(index.wrapping_mul(piece.stride));
        from.get(first..first.wrapping_add(piece.len)).unwrap_or_default()
    }

    /// How values of signs are joined with weights: masked signs are two planes (see [`significance`]).
    fn join(&self, piece: &Piece) -> Join {
        if self.layer.input.kind == Kind::Sign && !piece.is_masked { Join::Xor } else { Join::And }
    }

    /// The part of the dot products that no weight changes (NUMERICS 3.4 and 3.5).
    fn base(&self, piece: &Piece) -> i32 {
        if self.join(piece) == Join::Xor {
            return if piece.start == 0 { self.layer.fan_in() as i32 } else { 0 };
        }
        (0..piece.runs).fold(0, |base: i32, index| {
            let run = self.run(piece, index);
            let ones = dot::count(Join::And, run, run) as i32;
            base.wrapping_sub(ones.wrapping_mul(significance(self.layer.input.kind, index)))
        })
    }

    fn add(&self, piece: &Piece, rows: &[u32], row_words: usize, accumulators: &mut [i32]) {
        let join = self.join(piece);
        accumulators.iter_mut().for_each(|acc| *acc = acc.wrapping_add(piece.base));
        for index in 0..piece.runs {
            let scale = match join {
                Join::Xor => -2,
                Join::And => significance(self.layer.input.kind, index).wrapping_mul(2),
            };
            dot::add_counts(join, scale, self.run(piece, index), rows, row_words, accumulators);
        }
    }
}

/// What a one in run `index` is worth.
///
/// A sign that may be outside is `2 bit - inside`: its bit counts 2, the mask that follows counts -1.
const fn significance(kind: Kind, index: usize) -> i32 {
    match (kind, index) {
        (Kind::Sign, 0) => 2,
        (Kind::Sign, _) => -1,
        (Kind::I8, 7) => -128,
        _ => 1i32.wrapping_shl(index as u32),
    }
}
