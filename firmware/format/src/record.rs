//! Where each field of the file is: the constants of SPEC.md, and a cursor that reads them.

use crate::{FormatError, Reason};

/// `bfab`, the first four bytes of a model.
pub const MAGIC: u32 = u32::from_le_bytes(*b"bfab");
/// The version of the format that this crate reads and writes.
pub const VERSION: u16 = 1;
/// Words of the header.
pub const HEADER_WORDS: u32 = 16;
/// Words of one layer record.
pub const RECORD_WORDS: u32 = 20;
/// Most layers of one model.
pub const MAX_LAYERS: u32 = 255;
/// Most bytes of a layer's name.
pub(crate) const MAX_NAME: u32 = 64;
/// The residual index that means "no residual".
pub(crate) const NO_TENSOR: u16 = 0xffff;

/// Header fields, in words.
pub(crate) mod header {
    pub const MAGIC: u32 = 0;
    pub const VERSION: u32 = 1;
    pub const LENGTH: u32 = 2;
    pub const CHECKSUM: u32 = 3;
    pub const LAYERS: u32 = 4;
    pub const ARENA: u32 = 5;
    pub const INPUT_SIZE: u32 = 6;
    pub const INPUT_CHANNELS: u32 = 7;
    pub const INPUT_KIND: u32 = 8;
    pub const SCALE: u32 = 9;
    pub const SCALE_SHIFT: u32 = 10;
    pub const RESERVED: u32 = 11;
}

/// Layer record fields, in words.
pub(crate) mod field {
    pub const CODES: u32 = 0;
    pub const TENSORS: u32 = 1;
    pub const OUTPUT: u32 = 2;
    pub const OUTPUT_SIZE: u32 = 3;
    pub const OUTPUT_CHANNELS: u32 = 4;
    pub const KERNEL: u32 = 5;
    pub const STRIDE: u32 = 6;
    pub const PADDING: u32 = 7;
    pub const PADDING_END: u32 = 8;
    pub const GROUPS: u32 = 9;
    /// Offset; the length follows it.
    pub const WEIGHTS: u32 = 10;
    /// Offset; the length follows it.
    pub const THRESHOLDS: u32 = 12;
    pub const REGION: u32 = 14;
    pub const SCRATCH: u32 = 15;
    pub const BOUND_LOW: u32 = 16;
    pub const BOUND_HIGH: u32 = 17;
    pub const NAME: u32 = 18;
    pub const NAME_BYTES: u32 = 19;
}

/// The words of a file, read without panics.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    words: &'a [u32],
    /// First word of the part that is read.
    base: u32,
    layer: Option<u16>,
}

impl<'a> Reader<'a> {
    pub const fn header(words: &'a [u32]) -> Self {
        Self { words, base: 0, layer: None }
    }

    pub const fn layer(words: &'a [u32], index: u16) -> Self {
        let base = HEADER_WORDS + index as u32 * RECORD_WORDS;
        Self { words, base, layer: Some(index) }
    }

    /// An error at `field`.
    pub const fn error(&self, field: u32, reason: Reason) -> FormatError {
        FormatError { layer: self.layer, at: (self.base + field) * 4, reason }
    }

    pub fn word(&self, field: u32) -> Result<u32, FormatError> {
        let index = (self.base + field) as usize;
        self.words.get(index).copied().ok_or(self.error(field, Reason::Truncated))
    }

    /// Low and high half of a word.
    pub fn halves(&self, field: u32) -> Result<[u32; 2], FormatError> {
        self.word(field).map(|word| [word & 0xffff, word >> 16])
    }

    /// The four bytes of a word, low first.
    pub fn bytes(&self, field: u32) -> Result<[u8; 4], FormatError> {
        self.word(field).map(u32::to_le_bytes)
    }

    /// The section whose offset is at `field` and whose length is at `field + 1`, both in words.
    pub fn section(&self, field: u32, expect: u64) -> Result<&'a [u32], FormatError> {
        let (start, words) = (self.word(field)?, self.word(field + 1)?);
        if u64::from(words) != expect {
            return Err(self.error(field + 1, Reason::Section));
        }
        self.slice(start, words).ok_or(self.error(field, Reason::Section))
    }

    /// Any run of words of the file.
    pub fn slice(&self, start: u32, words: u32) -> Option<&'a [u32]> {
        let start = start as usize;
        self.words.get(start..start.checked_add(words as usize)?)
    }
}
