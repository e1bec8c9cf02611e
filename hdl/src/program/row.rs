//! One row of the layer table: what the sequencer and the array know about a layer.

/// A row of the layer table.
///
/// Counts are stored as their last index, steps of addresses as wrapping 32-bit differences.
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
    /// Last column of the kernel.
    pub kernel_columns: u32,
    /// Last row of the kernel.
    pub kernel_rows: u32,
    /// Last group of output channels: as many as there are lanes, or one word of a pool.
    pub groups: u32,
    /// Last column of the output.
    pub columns: u32,
    /// Last row of the output.
    pub rows: u32,
    /// Whether the input is a patch that the front gathers, in one of two places.
    pub patch: bool,
    /// First word that is read.
    pub x_base: u32,
    /// The same in the second place of patches.
    pub x_other: u32,
    /// Step from the last word of a plane to the next plane.
    pub x_plane: u32,
    /// Step from the last word of a tap to the next.
    pub x_tap: u32,
    /// Step from the last word of a row of the kernel to the next row.
    pub x_line: u32,
    /// Step from the last tap of a pass to the first one of the next, of depthwise rows.
    pub x_pass: u32,
    /// Step of the window's start when an output word is complete (pools and aligned groups: 1).
    pub x_word: u32,
    /// Step of the window's start to the next output column.
    pub x_column: u32,
    /// Step of the window's start to the next output row.
    pub x_row: u32,
    /// First word of the weights.
    pub w_base: u32,
    /// Step of the weights back to the first word of a tap, for its next plane; of depthwise rows back to the first
    /// tap.
    pub w_back: u32,
    /// First bias.
    pub b_base: u32,
    /// Last threshold of a channel.
    pub thresholds: u32,
    /// Whether each address of the weights says where its words lie, and when its pass ends.
    pub listed: bool,
    /// Whether the bits of the weights say which bits of a word each lane sees; else they are its negative digits.
    pub masked: bool,
    /// Whether all channels of a word are counted at once, a pass a plane from the most significant one, before the
    /// lanes take their counts group by group.
    pub depthwise: bool,
    /// Whether the memory of signs says which digits are negative; only masked rows.
    pub signed: bool,
    /// Whether all digits of the first pass are negative, and none of the others; only masked rows without signs.
    pub minus: bool,
    /// First word of the signs, or a word without any.
    pub s_base: u32,
    /// Step of the signs from the last word of a pass to the next pass.
    pub s_pass: u32,
    /// Whether the rebuilder makes the weights of each group of lanes before its window.
    pub rebuilt: bool,
    /// Whether each lane takes the bit of its own channel instead of a product (sum-pool).
    pub select: bool,
    /// Whether it is a max-pool, or a copy (a max-pool of one tap).
    pub pool: bool,
    /// Whether the output is the accumulator.
    pub raw: bool,
    /// Whether a raw accumulator counts in twos, and what is added.
    pub double: bool,
    /// The lowest bit of doubled accumulators.
    pub odd: bool,
    /// Whether the output goes to the sender instead of the activation memory.
    pub send: bool,
    /// Whether taps can lie outside the input.
    pub padded: bool,
    /// Input height, where padded.
    pub height: u32,
    /// Input width, where padded.
    pub width: u32,
    /// Rows above the input.
    pub top: u32,
    /// Columns left of the input.
    pub left: u32,
    /// Rows from one window to the next.
    pub stride_down: u32,
    /// Columns from one window to the next.
    pub stride_right: u32,
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
    /// Left shift of the first plane.
    pub shift: u32,
    /// Whether planes come from the most significant one, and the accumulator doubles before each next one:
    /// layers of one tap and one pass in models that need no shifter otherwise.
    pub doubles: bool,
    /// Whether the sum of the window, counted before the first group, takes part.
    pub shared: bool,
    /// Last doubling of the accumulators before the residual, where the sum takes part.
    pub doublings: u32,
    /// In which of these doublings the sum is added: the first in the lowest bit.
    pub ratio: u32,
    /// Whether the sum is subtracted.
    pub subtracts: bool,
    /// Whether the output is requantised.
    pub requant: bool,
    /// Whether the output is a scaled score; then it is raw too, since it leaves lane by lane as accumulators do.
    pub affine: bool,
    /// First entry of the memory of factors and addends.
    pub q_base: u32,
    /// Right shift of a scaled sum.
    pub out_shift: u32,
    /// Last cycle at the end of a group: as many planes as a pool has, or what scaling of scores takes.
    pub settle: u32,
    /// Cycles that must lie between the ends of two groups: the one before is requantised and written meanwhile.
    pub spacing: u32,
    /// Whether a residual is added.
    pub residual: bool,
    /// Last plane of the residual.
    pub r_planes: u32,
    /// First word of the residual.
    pub r_base: u32,
    /// Step from a plane of the residual to the next.
    pub r_plane: u32,
    /// Step from the last word of a plane to the next pixel.
    pub r_pixel: u32,
    /// Left shift of the residual's first plane.
    pub r_shift: u32,
    /// First word of the output.
    pub out_base: u32,
    /// Last plane of the output.
    pub out_planes: u32,
    /// Step from a plane of the output to the next.
    pub out_plane: u32,
    /// Step from the last word of a plane to the next pixel.
    pub out_pixel: u32,
    /// Last channel of the last group of lanes.
    pub last_lane: u32,
}

impl Row {
    /// Whether the accumulators are multiplied, moved and shifted on their way out.
    pub(crate) fn is_scaled(&self) -> bool {
        self.requant || self.affine
    }

    /// Whether it multiplies the planes of a single tap.
    pub(crate) fn is_one_tap(&self) -> bool {
        !self.pool
            && !self.select
            && !self.twice
            && self.passes == 0
            && self.kernel_columns == 0
            && self.kernel_rows == 0
    }
}
