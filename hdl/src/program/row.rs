//! One row of the layer table: what the sequencer and the array know about a layer.
//!
//! Counts are stored as their last index, steps of addresses as wrapping 32-bit differences.

use bitfab_format::Layer;

/// A row of the layer table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// The layer of the model whose output the row writes.
    pub layer: u16,
    /// Last word of one plane of one tap; of a listed row the last one of its longest pass.
    pub words: u32,
    /// Last plane of one tap.
    pub planes: u32,
    /// Last pass over the window; the accumulators double before each next one.
    pub passes: u32,
    /// Last group of output channels: as many as there are lanes, or one word of a pool.
    pub groups: u32,
    /// The loops over taps and output pixels.
    pub window: Window,
    /// Whether the input is a patch that the front gathers, in one of two places.
    pub patch: bool,
    /// Where the words of the input are read; of a patch its two places.
    pub(crate) input: AddressWalk,
    /// What the lanes see outside the input.
    pub padding: Padding,
    /// Whether all channels of a word are counted at once, a pass a plane from the most significant one, before the
    /// lanes take their counts group by group.
    pub depthwise: bool,
    /// Whether each lane takes the bit of its own channel instead of a product (sum-pool).
    pub select: bool,
    /// Whether it is a max-pool, or a copy (a max-pool of one tap).
    pub pool: bool,
    /// The digits of the weights in their memories.
    pub weights: WeightLayout,
    /// Left shift of the first plane.
    pub(crate) shift: u32,
    /// Whether planes come from the most significant one, and the accumulator doubles before each next one:
    /// layers of one tap and one pass in models that need no shifter otherwise.
    pub doubles: bool,
    /// The part of two-valued weights that all channels share.
    pub sum: WindowSum,
    /// What is added to the accumulators.
    pub residual: Residual,
    /// First bias.
    pub(crate) bias_base: u32,
    /// Last threshold of a channel.
    pub thresholds: u32,
    /// How accumulators are multiplied on their way out.
    pub scaling: Scaling,
    /// Last cycle at the end of a group: as many planes as a pool has, or what scaling of scores takes.
    pub(crate) settle: u32,
    /// Cycles that must lie between the ends of two groups: the one before is requantised and written meanwhile.
    pub(crate) spacing: u32,
    /// What leaves the lanes, and where it goes.
    pub output: Output,
}

/// The loops of a window over an input, and which of its taps lie outside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// Last row and column of the kernel.
    pub kernel: [u32; 2],
    /// Last row and column of the output.
    pub output: [u32; 2],
    /// Whether taps can lie outside the input.
    pub padded: bool,
    /// Height and width of the input, where padded.
    pub(crate) input: [u32; 2],
    /// Rows above and columns left of the input.
    pub(crate) before: [u32; 2],
    /// Rows and columns from one window to the next.
    pub stride: [u32; 2],
}

/// The address of a word of a packed tensor or of a byte of a frame, and its steps from loop to loop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct AddressWalk {
    /// First word that is read (wraps below zero with padding).
    pub base: u32,
    /// The same in the second place of patches.
    pub other: u32,
    /// Step from the last word of a plane to the next plane.
    pub plane: u32,
    /// Step from the last word of a tap to the next.
    pub tap: u32,
    /// Step from the last word of a row of the kernel to the next row.
    pub line: u32,
    /// Step from the last tap of a pass to the first one of the next, of depthwise rows.
    pub pass: u32,
    /// Step of the window's start when an output word is complete (pools and aligned groups: 1).
    pub word: u32,
    /// Step of the window's start to the next output column.
    pub column: u32,
    /// Step of the window's start to the next output row.
    pub row: u32,
}

/// What the lanes see of taps outside the input: zeros, where nothing else is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Padding {
    /// Taps outside are +1, or the largest level.
    pub ones: bool,
    /// Taps outside are true zeros between signs: they are counted once as zeros and once as ones,
    /// each worth half a tap inside.
    pub twice: bool,
    /// Which planes are all ones outside, plane `j` in bit `j`, of depthwise rows pass `j`: a level that is neither 0
    /// nor the largest one.
    pub border: u32,
    /// Channels of the last word of a tap, as a mask; used for taps whose planes are ones.
    pub tail: u32,
}

/// What the memories of weights and signs hold of a layer, and where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WeightLayout {
    /// Whether each address of the weights says where its words lie, and when its pass ends: bytes that no lane needs
    /// are skipped.
    pub listed: bool,
    /// Whether the bits of the weights say which bits of a word each lane sees; else they are its negative digits.
    pub masked: bool,
    /// Whether the memory of signs says which digits are negative; only where masked.
    pub signed: bool,
    /// Whether all digits of the first pass are negative, and none of the others; only where masked without signs.
    pub minus: bool,
    /// Whether the rebuilder makes the weights of each group of lanes before its window.
    pub rebuilt: bool,
    /// First word of the weights.
    pub(crate) base: u32,
    /// Step of the weights back to the first word of a tap, for its next plane; of depthwise rows back to the first
    /// tap.
    pub(crate) back: u32,
    /// First word of the signs, or a word without any.
    pub(crate) sign_base: u32,
    /// Step of the signs from the last word of a pass to the next pass.
    pub(crate) sign_pass: u32,
}

/// The sum of the window, counted before the first group: what all channels share of two-valued weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WindowSum {
    /// Whether it takes part.
    pub shared: bool,
    /// Last doubling of the accumulators before the residual, where the sum takes part.
    pub doublings: u32,
    /// In which of these doublings the sum is added: the first in the lowest bit.
    pub ratio: u32,
    /// Whether the sum is subtracted.
    pub(crate) subtracts: bool,
}

/// A residual, bit by bit of each lane's own channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Residual {
    /// Whether there is one.
    pub added: bool,
    /// Its last plane.
    pub(crate) planes: u32,
    /// Its first word.
    pub(crate) base: u32,
    /// Step from a plane to the next.
    pub(crate) plane: u32,
    /// Step from the last word of a plane to the next pixel.
    pub(crate) pixel: u32,
    /// Left shift of its first plane.
    pub(crate) shift: u32,
}

/// Factors, addends and the shift of scaled outputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scaling {
    /// Whether the output is requantised.
    pub requant: bool,
    /// Whether the output is a scaled score; then it is raw too, since it leaves lane by lane as accumulators do.
    pub affine: bool,
    /// First entry of the memory of factors and addends.
    pub(crate) base: u32,
    /// Right shift of a scaled sum.
    pub shift: u32,
}

/// What a row writes or sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// Whether the output is the accumulator.
    pub raw: bool,
    /// Whether a raw accumulator counts in twos, and what is added.
    pub(crate) double: bool,
    /// The lowest bit of doubled accumulators.
    pub(crate) odd: bool,
    /// Whether the output goes to the sender instead of the activation memory.
    pub send: bool,
    /// Last plane.
    pub planes: u32,
    /// First word.
    pub(crate) base: u32,
    /// Step from a plane to the next.
    pub(crate) plane: u32,
    /// Step from the last word of a plane to the next pixel.
    pub(crate) pixel: u32,
    /// Last channel of the last group of lanes.
    pub last_lane: u32,
}

impl Row {
    /// Whether the accumulators are multiplied, moved and shifted on their way out.
    pub(crate) fn is_scaled(&self) -> bool {
        self.scaling.requant || self.scaling.affine
    }

    /// Whether it multiplies the planes of a single tap.
    pub(crate) fn is_one_tap(&self) -> bool {
        !self.pool && !self.select && !self.padding.twice && self.passes == 0 && self.window.kernel == [0; 2]
    }
}

impl Padding {
    /// Whether any plane of a tap outside is all ones.
    pub(crate) fn has_ones(&self) -> bool {
        self.ones || self.twice || self.border != 0
    }
}

impl Window {
    /// The window of `layer`.
    pub(crate) fn new(layer: &Layer<'_>) -> Self {
        let (input, output, window) = (layer.input.shape, layer.output.shape, layer.window);
        let [top, left, ..] = window.padding;
        Self {
            kernel: window.kernel.map(|count| count - 1),
            output: [output.height - 1, output.width - 1],
            padded: window.is_padded(),
            input: [input.height, input.width],
            before: [top, left],
            stride: window.stride,
        }
    }

    /// The same where the front has gathered the taps into one.
    pub(crate) fn gathered(self) -> Self {
        Self { kernel: [0; 2], padded: false, before: [0; 2], ..self }
    }

    /// Row and column of the first tap; they wrap below zero.
    pub(crate) fn origin(&self) -> [u32; 2] {
        self.before.map(u32::wrapping_neg)
    }

    /// Whether tap `kernel` of the window of output pixel `output` lies outside the input.
    pub(crate) fn is_outside(&self, output: [u32; 2], kernel: [u32; 2]) -> bool {
        let at = |axis: usize| (output[axis] * self.stride[axis] + kernel[axis]).wrapping_sub(self.before[axis]);
        self.padded && (at(0) >= self.input[0] || at(1) >= self.input[1])
    }

    /// More than any row or column that taps have, borders included.
    pub(crate) fn reach(&self) -> u32 {
        self.input[0].max(self.input[1]) + 2 * (self.kernel[0].max(self.kernel[1]) + 1)
    }
}

impl AddressWalk {
    /// Where and how `window` goes over pixels of `pixel` words, once the step from tap to tap is known.
    ///
    /// `moved` is how far the window's start has moved within one output pixel.
    pub(crate) fn follow(&mut self, window: &Window, pixel: u32, moved: u32) {
        let (width, [top, left]) = (window.input[1], window.before);
        let [line, kernel] = [width, window.kernel[1] + 1].map(|count| count.wrapping_mul(pixel));
        let [down, right] = window.stride.map(|stride| stride.wrapping_mul(pixel));
        let before = top.wrapping_mul(line).wrapping_add(left.wrapping_mul(pixel));
        self.base = self.base.wrapping_sub(before);
        self.line = self.tap.wrapping_add(line).wrapping_sub(kernel);
        self.column = right.wrapping_sub(moved);
        let across = window.output[1].wrapping_mul(right);
        self.row = down.wrapping_mul(width).wrapping_sub(across).wrapping_sub(moved);
    }
}
