//! What can be told of a file before its layers are read, in constant evaluation too.

use super::decode;
use super::extension::Extension;
use super::record::{Fault, HEADER_WORDS, Header, MAGIC, RECORD_WORDS, Record, VERSION, header};
use crate::limits::MAX_LAYERS;
use crate::{FormatError, Place, Reason, Tensor, TransformKind, WeightKind, digest};

/// A header that was checked: magic, version, length, CRC-32, number of layers, input.
///
/// [`crate::Model::new`] begins with it; a program that includes a model looks at it when it is built.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    words: &'a [u32],
    pub(crate) header: Header<'a>,
    /// Number of layers.
    pub layers: u16,
    /// The input that the caller stores.
    pub input: Tensor,
}

impl<'a> Head<'a> {
    /// Checks the header of a file of `bytes` bytes in `words`, whose last one may be filled up with zeros.
    ///
    /// # Errors
    /// A [`FormatError`] with what is wrong; nothing is said of layers.
    pub const fn new(words: &'a [u32], bytes: usize) -> Result<Self, FormatError> {
        let Some(header) = Header::new(words) else {
            let fault = match words {
                [MAGIC, ..] => Fault::new(words.len() as u32, Reason::Truncated),
                _ => Fault::new(header::MAGIC, Reason::NotAModel),
            };
            return Err(fault.in_header());
        };
        let mut input = Tensor::EMPTY;
        match (check(&header, bytes), decode::input(&header, &mut input)) {
            (Ok(layers), Ok(())) => Ok(Self { words, header, layers, input }),
            (Err(fault), _) | (_, Err(fault)) => Err(fault.in_header()),
        }
    }

    /// Words of the arena that one inference needs, as stated; [`crate::Model::new`] checks it against the layers.
    pub const fn arena_words(&self) -> u32 {
        self.header.word(header::ARENA)
    }

    /// Bytes of the file without blocks of further planes.
    pub const fn bytes(&self) -> u32 {
        self.header.word(header::LENGTH)
    }

    /// Weights and transform of layer `index`.
    ///
    /// # Errors
    /// [`Reason::UnknownCode`] where this crate knows one of them not.
    pub const fn kinds(&self, index: u16) -> Result<(WeightKind, TransformKind), FormatError> {
        let Some(record) = Record::new(self.words, index) else {
            return Err(Fault::new(0, Reason::Truncated).in_layer(index));
        };
        let [weights, transform] = record.kinds();
        match (WeightKind::from_code(weights), TransformKind::from_code(transform)) {
            (Some(weights), Some(transform)) => Ok((weights, transform)),
            _ => Err(Fault::new(0, Reason::UnknownCode).in_layer(index)),
        }
    }

    /// The bytes of the file with all its blocks of further planes, which must be `bytes`.
    ///
    /// # Errors
    /// What follows the model or a block and is no block; the reason of the first block that is wrong.
    pub const fn check_blocks(&self, bytes: usize) -> Result<(), FormatError> {
        let (mut end, mut planes) = (self.bytes() / 4, 0);
        while (end as usize) * 4 != bytes {
            let Some(block) = Extension::at(self.words, end) else {
                return Err(trailing(end, planes));
            };
            if let Err(reason) = block.check(self.layers, planes) {
                return Err(block.error(None, reason));
            }
            (end, planes) = (block.end(), block.planes());
        }
        Ok(())
    }
}

/// The error of a file in which word `end` begins what is no block, behind blocks up to `planes` planes, or none.
pub(crate) const fn trailing(end: u32, planes: u32) -> FormatError {
    let (place, reason) = match planes {
        0 => (Place::Header, Reason::TrailingBytes),
        planes => (Place::Block { planes, layer: None }, Reason::Extension),
    };
    FormatError { place, at: end.wrapping_mul(4), reason }
}

/// Checks the header of a file of `bytes` bytes and returns the number of layers.
const fn check(header: &Header<'_>, bytes: usize) -> Result<u16, Fault> {
    if header.word(header::MAGIC) != MAGIC {
        return Err(Fault::new(header::MAGIC, Reason::NotAModel));
    }
    let [version, zero] = header.halves(header::VERSION);
    if version != VERSION as u32 || zero != 0 {
        return Err(Fault::new(header::VERSION, Reason::Version));
    }
    let length = header.word(header::LENGTH) as usize;
    if length > bytes || !length.is_multiple_of(4) || !bytes.is_multiple_of(4) {
        let reason = if length < bytes { Reason::TrailingBytes } else { Reason::Truncated };
        return Err(Fault::new(header::LENGTH, reason));
    }
    let words = (length / 4).saturating_sub(header::LAYERS as usize) as u32;
    let Some(body) = header.slice(header::LAYERS, words) else {
        return Err(Fault::new(header::LENGTH, Reason::Truncated));
    };
    if header.word(header::CHECKSUM) != digest(body) {
        return Err(Fault::new(header::CHECKSUM, Reason::Checksum));
    }
    let layers = header.word(header::LAYERS);
    if layers == 0 || layers > MAX_LAYERS {
        return Err(Fault::new(header::LAYERS, Reason::LayerCount));
    }
    if header.word(header::RESERVED) != 0 {
        return Err(Fault::new(header::RESERVED, Reason::Reserved));
    }
    if header.slice(HEADER_WORDS, layers * RECORD_WORDS).is_none() {
        return Err(Fault::new(header::LAYERS, Reason::Truncated));
    }
    Ok(layers as u16)
}
