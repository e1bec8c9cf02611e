//! Who the chip is: what it answers to `IDENTIFY`.

use bitfab_format::{Model, digest};

use super::codes::VERSION;
use crate::{HdlError, Options};

/// What a chip says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Output channels computed at a time.
    pub lanes: u8,
    /// Bytes of an input.
    pub input_bytes: u16,
    /// Bytes of a result.
    pub output_bytes: u16,
    /// The clock in kHz; 65,535 is that or more.
    pub kilohertz: u16,
    /// CRC-32 of the model's file.
    pub model: u32,
    /// Layers of the model.
    pub layers: u8,
}

impl Identity {
    /// That of an accelerator for `model` at a clock of so many kHz.
    ///
    /// # Errors
    /// [`HdlError::TooLarge`] where an input or a result has more bytes than a frame of the link can say.
    pub fn new(model: &Model<'_>, options: &Options, kilohertz: u32) -> Result<Self, HdlError> {
        let output = model.layers().last().map_or(0, |layer| layer.output.region.words);
        let bytes = |memory: &'static str, need: u64| {
            u16::try_from(need).map_err(|_| HdlError::TooLarge { memory, need, limit: u16::MAX.into() })
        };
        Ok(Self {
            lanes: options.check()?.lanes as u8,
            input_bytes: bytes("request of the link", model.input().shape.volume().into())?,
            output_bytes: bytes("answer of the link", 4 * u64::from(output))?,
            kilohertz: kilohertz.min(u16::MAX.into()) as u16,
            model: digest(model.words()),
            layers: model.layer_count() as u8, // a file has at most 255
        })
    }

    /// The payload of the answer.
    pub fn bytes(&self) -> impl Iterator<Item = u8> {
        let head = [VERSION, self.lanes].into_iter();
        let sizes = [self.input_bytes, self.output_bytes, self.kilohertz].into_iter().flat_map(u16::to_le_bytes);
        let flags = 0;
        head.chain(sizes).chain(self.model.to_le_bytes()).chain([flags, self.layers])
    }
}
