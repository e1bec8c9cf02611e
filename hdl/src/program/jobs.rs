//! What the front does with a frame: which patches it makes of the bytes.

use bitfab_format::{Kind, Layer, Op, Transform, WORD_BITS};

use super::row::{AddressWalk, Window};

/// One layer that reads the bytes of the input, in the order of the layers.
///
/// Counts are stored as their last index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Job {
    /// Whether bytes become thermometer codes instead of planes.
    pub encode: bool,
    /// Last channel of a tap.
    pub channels: u32,
    /// The loops over taps and output pixels.
    pub window: Window,
    /// Where the bytes of windows lie in a stored frame.
    pub(crate) input: AddressWalk,
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
    pub(crate) t_base: u32,
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
                job.window.kernel[1] = input.pixels() - 1;
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
        let channels = layer.input.shape.channels;
        self.channels = channels - 1;
        self.window = Window::new(layer);
        self.input.tap = 1;
        self.input.follow(&self.window, channels, 0);
        self.border = layer.pad_value.value() as u8 ^ byte_offset(layer.input.kind);
        self.words = (layer.window.taps() * channels).div_ceil(WORD_BITS);
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
