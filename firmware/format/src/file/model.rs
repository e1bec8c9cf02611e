//! The view of a whole file, checked once.

use super::decode::{self, File};
use super::extension;
use super::head::{self, Head};
use super::liveness;
use super::record::{Fault, Header, header};
use crate::error::{FormatError, Place, Reason};
use crate::interface::{Interface, OutputScale};
use crate::{Layer, Tensor};

/// A model file in place, at one precision; cheap to copy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Model<'a> {
    file: File<'a>,
    layers: u16,
    arena_words: u32,
    input: Tensor,
    output: Tensor,
    scale: Option<OutputScale>,
}

impl<'a> Model<'a> {
    /// Checks `bytes` once; afterwards nothing about the model can fail.
    ///
    /// Blocks of further planes that follow the model are checked too, and all of them are used;
    /// [`Model::with_planes`] chooses fewer.
    ///
    /// Takes time linear in the file's size plus quadratic in its layers (at most [`crate::limits::MAX_LAYERS`]); allocates nothing.
    ///
    /// # Errors
    /// A [`FormatError`] that says which layer and byte is wrong and how.
    pub fn new(bytes: &'a [u8]) -> Result<Self, FormatError> {
        let at_start = |reason| FormatError { place: Place::Header, at: 0, reason };
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
        let Head { header, layers, input, .. } = Head::new(words, length)?;
        let scale = scale(&header).map_err(Fault::in_header)?;
        let file = File { words, base: header.word(header::LENGTH) / 4, planes: 0 };
        let mut model = Self { file, layers, arena_words: 0, input, output: input, scale };
        for index in 0..layers {
            model.add_layer(index).map_err(|fault| fault.in_layer(index))?;
        }
        if header.word(header::ARENA) != model.arena_words {
            return Err(Fault::new(header::ARENA, Reason::Arena).in_header());
        }
        Interface::check(&header, input, model.output).map_err(Fault::in_header)?;
        model.add_extensions(length)?;
        Ok(model)
    }

    /// Checks the blocks that follow the model, each at its precision.
    fn add_extensions(&mut self, length: usize) -> Result<(), FormatError> {
        let mut end = self.file.base;
        // Without the kinds there are no layers of planes that a block could raise.
        let until = if cfg!(feature = "kinds") { usize::MAX } else { 0 };
        for block in extension::each(self.file.words, end).take(until) {
            block.check(self.layers, self.file.planes).map_err(|reason| block.error(None, reason))?;
            self.file.planes = block.planes();
            for index in 0..self.layers {
                let mut layer = Layer::EMPTY;
                decode::layer(self.file, index, &mut layer)
                    .and_then(|()| decode::check_contents(&layer))
                    .map_err(|fault| block.error(Some(index), fault.reason()))?;
            }
            self.scale = block.scale().flatten();
            end = block.end();
        }
        if end as usize * 4 == length {
            return Ok(());
        }
        Err(head::trailing(end, self.file.planes))
    }

    /// Checks layer `index`, whose output is the model's so far.
    fn add_layer(&mut self, index: u16) -> Result<(), Fault> {
        let mut layer = Layer::EMPTY;
        decode::layer(self.file, index, &mut layer)?;
        decode::check_contents(&layer)?;
        liveness::check(self.file.words, self.layers, &layer)?;
        self.arena_words = self.arena_words.max(liveness::end(&layer));
        self.output = layer.output;
        Ok(())
    }

    /// Checks the model at the start of `partition`, which may be longer than the file: flash set aside for models,
    /// to which blocks of further planes may have been appended.
    ///
    /// # Errors
    /// As [`Model::new`]; a stated length that the partition does not hold is [`Reason::Truncated`].
    pub fn at_start(partition: &'a [u8]) -> Result<Self, FormatError> {
        let stated = |at: usize| partition.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes) as usize);
        let mut length = stated(header::LENGTH as usize * 4).unwrap_or(usize::MAX);
        while cfg!(feature = "kinds")
            && length < partition.len()
            && stated(length) == Some(extension::EXTENSION_MAGIC as usize)
        {
            let block = stated(length + 4).filter(|block| *block >= 4).unwrap_or(usize::MAX);
            length = length.saturating_add(block);
        }
        Self::new(partition.get(..length).unwrap_or(partition))
    }

    /// The same model with at most `planes` planes in its layers of planes: that of the largest precision that the
    /// file has up to `planes`, or its base.
    #[must_use]
    pub fn with_planes(&self, planes: u32) -> Self {
        let blocks = || extension::each(self.file.words, self.file.base);
        let chosen = blocks().take_while(|block| block.planes() <= planes).last();
        let scale = match (&chosen, Header::new(self.file.words)) {
            (Some(block), _) => block.scale().flatten(),
            (None, header) => header.and_then(|header| scale(&header).ok()).flatten(),
        };
        let file = File { planes: chosen.map_or(0, |block| block.planes()), ..self.file };
        Self { file, scale, ..*self }
    }

    /// The precisions that the file has besides its base, as numbers of planes, ascending.
    pub fn precisions(&self) -> impl Iterator<Item = u32> + 'a {
        extension::each(self.file.words, self.file.base).map(|block| block.planes())
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

    /// What the file says of its input and its classes.
    pub fn interface(&self) -> Interface<'a> {
        Header::new(self.file.words).map_or(Interface::default(), |header| Interface::of(&header))
    }

    /// What a value of the last layer is worth, where a scale survived compilation.
    pub const fn output_scale(&self) -> Option<OutputScale> {
        self.scale
    }

    /// The words of the file up to its last block of this precision; they are a model by themselves.
    pub fn words(&self) -> &'a [u32] {
        let blocks = extension::each(self.file.words, self.file.base);
        let used = blocks.take_while(|block| block.planes() <= self.file.planes).last();
        let end = used.map_or(self.file.base, |block| block.end());
        self.file.words.get(..end as usize).unwrap_or(&[])
    }

    /// The layers in order.
    pub const fn layers(&self) -> Layers<'a> {
        Layers { file: self.file, next: 0, end: self.layers }
    }

    /// Layer `index`, if there is one.
    pub fn layer(&self, index: usize) -> Option<Layer<'a>> {
        if index < self.layer_count() { read(self.file, index as u16) } else { None }
    }
}

/// Iterates over the layers of a model.
#[derive(Clone, Debug)]
pub struct Layers<'a> {
    file: File<'a>,
    next: u16,
    end: u16,
}

impl<'a> Iterator for Layers<'a> {
    type Item = Layer<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.end {
            return None;
        }
        let layer = read(self.file, self.next);
        self.next += 1;
        layer
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = usize::from(self.end.saturating_sub(self.next));
        (left, Some(left))
    }
}

/// Layer `index` of a model that was checked, so that this cannot fail; `None` keeps a panic path out of the binary.
fn read(file: File<'_>, index: u16) -> Option<Layer<'_>> {
    let mut layer = Layer::EMPTY;
    decode::layer(file, index, &mut layer).ok()?;
    Some(layer)
}

fn scale(reader: &Header<'_>) -> Result<Option<OutputScale>, Fault> {
    let [mantissa, shift] = [reader.word(header::SCALE), reader.word(header::SCALE_SHIFT)];
    let [low, high] = [reader.word(header::CONSTANT), reader.word(header::CONSTANT + 1)];
    OutputScale::from_words([mantissa, shift, low, high]).ok_or(Fault::new(header::SCALE, Reason::Reserved))
}
