//! The view of a whole file, checked once.

use crate::decode;
use crate::error::{FormatError, Reason};
use crate::liveness;
use crate::record::{HEADER_WORDS, MAGIC, MAX_LAYERS, RECORD_WORDS, Reader, VERSION, header};
use crate::{Layer, Tensor};

/// The CRC-32 (ISO-HDLC) that files and digests use.
const CRC: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);

/// The digest of the words of one tensor: CRC-32 of their little-endian bytes.
///
/// Firmware, simulators and test benches print it for every layer, so that two runs can be compared by eye.
pub fn digest(words: &[u32]) -> u32 {
    CRC.checksum(bytemuck::cast_slice(words))
}

/// The real value of one unit of the last accumulator: `mantissa / 2^shift`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct OutputScale {
    /// Numerator, more than 0.
    pub mantissa: u32,
    /// Binary digits after the point, 0 to 63.
    pub shift: u32,
}

/// A model file in place; cheap to copy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Model<'a> {
    words: &'a [u32],
    layers: u16,
    arena_words: u32,
    input: Tensor,
    output: Tensor,
    scale: Option<OutputScale>,
}

impl<'a> Model<'a> {
    /// Checks `bytes` once; afterwards nothing about the model can fail.
    ///
    /// Takes time linear in the file's size plus quadratic in its layers (at most [`MAX_LAYERS`]); allocates nothing.
    ///
    /// # Errors
    /// A [`FormatError`] that says which layer and byte is wrong and how.
    pub fn new(bytes: &'a [u8]) -> Result<Self, FormatError> {
        let at_start = |reason| FormatError { layer: None, at: 0, reason };
        if bytes.len() < size_of::<u32>() {
            return Err(at_start(Reason::Truncated));
        }
        if bytes.as_ptr().align_offset(align_of::<u32>()) != 0 {
            return Err(at_start(Reason::Misaligned));
        }
        let length = bytes.len();
        let whole = bytes.get(..bytes.len() & !3).unwrap_or(&[]);
        let words = bytemuck::try_cast_slice::<u8, u32>(whole).map_err(|_| at_start(Reason::Misaligned))?;
        Self::checked(words, length)
    }

    /// As [`Model::new`], from words, which are always aligned.
    ///
    /// # Errors
    /// As [`Model::new`].
    pub fn from_words(words: &'a [u32]) -> Result<Self, FormatError> {
        Self::checked(words, size_of_val(words))
    }

    fn checked(words: &'a [u32], length: usize) -> Result<Self, FormatError> {
        let layers = check_header(words, length)?;
        let mut model = Self {
            words,
            layers,
            arena_words: 0,
            input: decode::tensor(words, 0)?,
            output: decode::tensor(words, layers)?,
            scale: scale(words)?,
        };
        model.arena_words = model.check_layers()?;
        Ok(model)
    }

    /// Checks the model at the start of `partition`, which may be longer than the file: flash set aside for models.
    ///
    /// # Errors
    /// As [`Model::new`]; a stated length that the partition does not hold is [`Reason::Truncated`].
    pub fn at_start(partition: &'a [u8]) -> Result<Self, FormatError> {
        let length = partition.get(header::LENGTH as usize * 4..).and_then(|rest| rest.first_chunk());
        let length = length.map_or(usize::MAX, |bytes| u32::from_le_bytes(*bytes) as usize);
        Self::new(partition.get(..length).unwrap_or(partition))
    }

    /// Checks every layer and returns the arena's size.
    fn check_layers(&self) -> Result<u32, FormatError> {
        let mut need = 0;
        for index in 0..self.layers {
            let layer = decode::layer(self.words, index)?;
            liveness::check(self.words, self.layers, &layer)?;
            need = need.max(liveness::end(&layer));
        }
        let reader = Reader::header(self.words);
        if reader.word(header::ARENA)? != need {
            return Err(reader.error(header::ARENA, Reason::Arena));
        }
        Ok(need)
    }

    /// The input that the caller stores.
    pub const fn input(&self) -> Tensor {
        self.input
    }

    /// Bytes of one input.
    pub const fn input_bytes(&self) -> usize {
        self.input.shape.volume() as usize
    }

    /// The output of the last layer, in the arena.
    pub const fn output(&self) -> Tensor {
        self.output
    }

    /// Words of the arena that one inference needs, exactly.
    pub const fn arena_words(&self) -> usize {
        self.arena_words as usize
    }

    /// Number of layers.
    pub const fn layer_count(&self) -> usize {
        self.layers as usize
    }

    /// What one unit of the scores is worth, where a scale survived compilation.
    pub const fn output_scale(&self) -> Option<OutputScale> {
        self.scale
    }

    /// The words of the file.
    pub const fn words(&self) -> &'a [u32] {
        self.words
    }

    /// The layers in order.
    pub const fn layers(&self) -> Layers<'a> {
        Layers { words: self.words, next: 0, end: self.layers }
    }

    /// Layer `index`, if there is one.
    pub fn layer(&self, index: usize) -> Option<Layer<'a>> {
        if index < self.layer_count() { decode::layer(self.words, index as u16).ok() } else { None }
    }
}

/// Iterates over the layers of a model.
#[derive(Clone, Debug)]
pub struct Layers<'a> {
    words: &'a [u32],
    next: u16,
    end: u16,
}

impl<'a> Iterator for Layers<'a> {
    type Item = Layer<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.end {
            return None;
        }
        // The model was checked, so this cannot fail; `ok` keeps a panic path out of the binary.
        let layer = decode::layer(self.words, self.next).ok();
        self.next += 1;
        layer
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = usize::from(self.end.saturating_sub(self.next));
        (left, Some(left))
    }
}

/// Checks the header and returns the number of layers.
fn check_header(words: &[u32], bytes: usize) -> Result<u16, FormatError> {
    let reader = Reader::header(words);
    if reader.word(header::MAGIC)? != MAGIC {
        return Err(reader.error(header::MAGIC, Reason::NotAModel));
    }
    if reader.halves(header::VERSION)? != [u32::from(VERSION), 0] {
        return Err(reader.error(header::VERSION, Reason::Version));
    }
    let length = reader.word(header::LENGTH)? as usize;
    if length != bytes || !length.is_multiple_of(4) {
        let reason = if length < bytes { Reason::TrailingBytes } else { Reason::Truncated };
        return Err(reader.error(header::LENGTH, reason));
    }
    let body = words.get(header::LAYERS as usize..).unwrap_or(&[]);
    if reader.word(header::CHECKSUM)? != digest(body) {
        return Err(reader.error(header::CHECKSUM, Reason::Checksum));
    }
    let layers = reader.word(header::LAYERS)?;
    if layers == 0 || layers > MAX_LAYERS {
        return Err(reader.error(header::LAYERS, Reason::LayerCount));
    }
    for field in header::RESERVED..HEADER_WORDS {
        if reader.word(field)? != 0 {
            return Err(reader.error(field, Reason::Reserved));
        }
    }
    let records = layers * RECORD_WORDS;
    reader.slice(HEADER_WORDS, records).ok_or(reader.error(header::LAYERS, Reason::Truncated))?;
    Ok(layers as u16)
}

fn scale(words: &[u32]) -> Result<Option<OutputScale>, FormatError> {
    let reader = Reader::header(words);
    let (mantissa, shift) = (reader.word(header::SCALE)?, reader.word(header::SCALE_SHIFT)?);
    match (mantissa, shift) {
        (0, 0) => Ok(None),
        (1.., 0..=63) => Ok(Some(OutputScale { mantissa, shift })),
        _ => Err(reader.error(header::SCALE, Reason::Reserved)),
    }
}
