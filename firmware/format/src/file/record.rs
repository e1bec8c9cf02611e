//! Where each field of the file is: the constants of SPEC.md, and a cursor that reads them.

use crate::{FormatError, Place, Reason};

/// `bfab`, the first four bytes of a model.
pub const MAGIC: u32 = u32::from_le_bytes(*b"bfab");
/// The version of the format that this crate reads and writes.
pub const VERSION: u16 = 3;
/// Words of the header.
pub const HEADER_WORDS: u32 = 16;
/// Words of one layer record.
pub const RECORD_WORDS: u32 = 13;
/// The residual index that means "no residual".
pub(crate) const NO_TENSOR: u8 = 0xff;

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
    /// Low word; the high one follows it.
    pub const CONSTANT: u32 = 11;
    /// Offset; the length follows it.
    pub const INTERFACE: u32 = 13;
    pub const RESERVED: u32 = 15;
}

/// Layer record fields, in words.
pub(crate) mod field {
    /// Operation, weight kind, transform, pad value, coder, bits of a weight; a byte of parameter.
    pub const CODES: u32 = 0;
    /// Input, residual; residual shift, output kind, output bits.
    pub const TENSORS: u32 = 1;
    pub const OUTPUT_SIZE: u32 = 2;
    pub const OUTPUT_CHANNELS: u32 = 3;
    pub const KERNEL: u32 = 4;
    /// Strides and groups.
    pub const STRIDE: u32 = 5;
    pub const PADDING: u32 = 6;
    /// Offset of weights, thresholds and name, which follow each other.
    pub const SECTIONS: u32 = 7;
    pub const WEIGHT_WORDS: u32 = 8;
    /// Form of the thresholds, bytes of the name.
    pub const FORM: u32 = 9;
    pub const REGION: u32 = 10;
    pub const SCRATCH: u32 = 11;
    /// Ratio of sparse-binary weights, level outside the input.
    pub const NUMBERS: u32 = 12;
}

/// The field of a fault that is not in a record.
pub(crate) const NO_FIELD: u32 = 0xff;

/// What is wrong and in which field of a record; small, since every check returns one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault {
    field: u8,
    reason: Reason,
}

impl Fault {
    pub const fn new(field: u32, reason: Reason) -> Self {
        Self { field: field as u8, reason }
    }

    /// What is wrong.
    pub const fn reason(self) -> Reason {
        self.reason
    }

    /// The error of a fault in the header.
    pub const fn in_header(self) -> FormatError {
        FormatError { place: Place::Header, at: self.field as u32 * 4, reason: self.reason }
    }

    /// The error of a fault in a layer's record.
    pub const fn in_layer(self, index: u16) -> FormatError {
        let base = HEADER_WORDS + index as u32 * RECORD_WORDS;
        FormatError { place: Place::Layer(index), at: (base + self.field as u32) * 4, reason: self.reason }
    }
}

/// The words of a file, and the fields of its header or of one record, read without panics.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a, const FIELDS: usize> {
    words: &'a [u32],
    fields: &'a [u32; FIELDS],
}

/// The header.
pub(crate) type Header<'a> = Reader<'a, { HEADER_WORDS as usize }>;
/// The record of one layer.
pub(crate) type Record<'a> = Reader<'a, { RECORD_WORDS as usize }>;

impl<'a> Header<'a> {
    /// The header of a file, if it is that long.
    pub const fn new(words: &'a [u32]) -> Option<Self> {
        match words.first_chunk() {
            Some(fields) => Some(Self { words, fields }),
            None => None,
        }
    }
}

impl<'a> Record<'a> {
    /// The record of layer `index`, if the file is that long.
    pub const fn new(words: &'a [u32], index: u16) -> Option<Self> {
        let base = HEADER_WORDS + index as u32 * RECORD_WORDS;
        // `?` is not for constant evaluation.
        let Some((_, record)) = words.split_at_checked(base as usize) else { return None };
        match record.first_chunk() {
            Some(fields) => Some(Self { words, fields }),
            None => None,
        }
    }

    /// The codes of weights and transform.
    pub const fn kinds(&self) -> [u8; 2] {
        [self.nibble(field::CODES, 1), self.nibble(field::CODES, 2)]
    }
}

impl<'a, const FIELDS: usize> Reader<'a, FIELDS> {
    /// A field; `field` is below `FIELDS`.
    #[inline(always)]
    pub const fn word(&self, field: u32) -> u32 {
        if (field as usize) < FIELDS { self.fields[field as usize] } else { 0 }
    }

    /// Low and high half of a field.
    #[inline(always)]
    pub const fn halves(&self, field: u32) -> [u32; 2] {
        let word = self.word(field);
        [word & 0xffff, word >> 16]
    }

    /// Low and high half of a field, each in two's complement.
    #[inline(always)]
    pub fn signed_halves(&self, field: u32) -> [i32; 2] {
        let [low, high] = self.halves(field);
        [(low as i16).into(), (high as i16).into()]
    }

    /// Half byte `index` of a field, the lowest 0.
    #[inline(always)]
    pub const fn nibble(&self, field: u32, index: u32) -> u8 {
        (self.word(field) >> (4 * index) & 15) as u8
    }

    /// The four bytes of a field, low first.
    #[inline(always)]
    pub const fn bytes(&self, field: u32) -> [u8; 4] {
        self.word(field).to_le_bytes()
    }

    /// Any run of words of the file.
    pub const fn slice(&self, start: u32, words: u32) -> Option<&'a [u32]> {
        let Some((_, rest)) = self.words.split_at_checked(start as usize) else { return None };
        match rest.split_at_checked(words as usize) {
            Some((section, _)) => Some(section),
            None => None,
        }
    }
}
