//! What the front does with a frame: which patches it makes of the bytes.

use bitfab_format::{Kind, Layer, Op, Transform, WORD_BITS};

/// One layer that reads the bytes of the input, in the order of the layers.
///
/// Counts are stored as their last index, steps as wrapping 32-bit differences of byte addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Job {
    /// Whether bytes become thermometer codes instead of planes.
    pub encode: bool,
    /// Last channel of a tap.
    pub channels: u32,
    /// Last column of the kernel.
    pub kernel_columns: u32,
    /// Last row of the kernel.
    pub kernel_rows: u32,
    /// Last column of the output.
    pub columns: u32,
    /// Last row of the output.
    pub rows: u32,
    /// Step from the last byte of a row of the kernel to the next row.
    pub line: u32,
    /// Step of the window's start to the next output column.
    pub column: u32,
    /// Step of the window's start to the next output row.
    pub row: u32,
    /// First byte of the first window (wraps below zero with padding).
    pub start: u32,
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
    /// What bytes outside the input are, counted from 0.
    pub border: u8,
    /// First word of the first of two places for patches.
    pub base: u32,
    /// First word of the second place.
    pub other: u32,
    /// Words of one plane of a patch.
    pub words: u32,
    /// Last threshold of a byte (encode).
    pub thresholds: u32,
    /// First threshold in the front's memory.
    pub t_base: u32,
}

impl Job {
    /// The job of `layer`, which reads the input; its patches start at `base`.
    pub(crate) fn new(layer: &Layer<'_>, base: u32) -> Self {
        let input = layer.input.shape;
        let mut job = Self { base, ..Self::default() };
        match layer.op {
            Op::Conv2d => job.convolve(layer),
            Op::Encode => {
                job.encode = true;
                job.channels = input.channels - 1;
                job.kernel_columns = input.pixels() - 1;
                job.words = layer.output.region.words;
                if let Transform::Encode { per_channel, .. } = layer.transform {
                    job.thresholds = per_channel - 1;
                }
            }
            _ => {
                job.channels = input.volume() - 1;
                job.words = input.volume().div_ceil(WORD_BITS);
            }
        }
        job.other = base + job.patch_words();
        job
    }

    /// The walk of a convolution.
    fn convolve(&mut self, layer: &Layer<'_>) {
        let (input, window) = (layer.input.shape, layer.window);
        let [down, right] = window.stride;
        let [top, left, ..] = window.padding;
        let line = input.width.wrapping_mul(input.channels);
        let kernel = window.kernel[1].wrapping_mul(input.channels);
        self.channels = input.channels - 1;
        self.kernel_columns = window.kernel[1] - 1;
        self.kernel_rows = window.kernel[0] - 1;
        self.columns = layer.output.shape.width - 1;
        self.rows = layer.output.shape.height - 1;
        self.line = line.wrapping_sub(kernel).wrapping_add(1);
        self.column = right.wrapping_mul(input.channels);
        self.row = down.wrapping_mul(line).wrapping_sub(self.columns.wrapping_mul(self.column));
        let before = top.wrapping_mul(line).wrapping_add(left.wrapping_mul(input.channels));
        self.start = 0_u32.wrapping_sub(before);
        self.padded = window.is_padded();
        self.border = layer.pad_value.value() as u8 ^ byte_offset(layer.input.kind);
        (self.height, self.width, self.top, self.left) = (input.height, input.width, top, left);
        (self.stride_down, self.stride_right) = (down, right);
        self.words = (window.taps() * input.channels).div_ceil(WORD_BITS);
    }

    /// Words of one patch.
    pub fn patch_words(&self) -> u32 {
        if self.encode { self.words } else { 8 * self.words }
    }
}

/// What is added (without carry) to a byte so that it counts from 0: the sign bit of I8.
pub(crate) fn byte_offset(kind: Kind) -> u8 {
    if kind == Kind::I8 { 0x80 } else { 0 }
}
