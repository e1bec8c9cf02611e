//! Blocks of further planes behind a model (SPEC.md 9): an update is a suffix.

use super::record::{Fault, NO_FIELD};
use crate::interface::OutputScale;
use crate::{FormatError, Place, Reason, digest};

/// `bfpl`, the first four bytes of a block.
pub const EXTENSION_MAGIC: u32 = u32::from_le_bytes(*b"bfpl");
/// Words before the entries of the layers.
pub(crate) const HEAD: u32 = 8;
/// Words of the entry of one layer.
pub(crate) const ENTRY: u32 = 3;

/// One block, whose head and table are known to be whole.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extension<'a> {
    words: &'a [u32],
    /// First word in the file.
    pub start: u32,
}

/// What a block says of one layer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// First word of the planes in the file; `None` if the layer gets none.
    pub planes: Option<u32>,
    /// First word of the thresholds in the file; `None` if they stay.
    pub thresholds: Option<u32>,
    /// The word of the form of the thresholds.
    pub form: u32,
}

impl<'a> Extension<'a> {
    /// The block at word `start` of `file`; `None` if there is no whole one.
    pub const fn at(file: &'a [u32], start: u32) -> Option<Self> {
        let Some((_, rest)) = file.split_at_checked(start as usize) else { return None };
        let &[EXTENSION_MAGIC, length, ..] = rest else { return None };
        match rest.split_at_checked((length / 4) as usize) {
            Some((words, _)) if length.is_multiple_of(4) && words.len() >= HEAD as usize => Some(Self { words, start }),
            _ => None,
        }
    }

    const fn word(&self, at: u32) -> u32 {
        if (at as usize) < self.words.len() { self.words[at as usize] } else { 0 }
    }

    /// One past the block's last word in the file.
    pub const fn end(&self) -> u32 {
        self.start.wrapping_add(self.words.len() as u32)
    }

    /// Planes of a layer with this block and those before it.
    pub const fn planes(&self) -> u32 {
        self.word(3)
    }

    /// What one unit of the scores is worth; as in the header.
    pub const fn scale(&self) -> Option<Option<OutputScale>> {
        OutputScale::from_words([self.word(4), self.word(5), self.word(6), self.word(7)])
    }

    /// The entry of layer `index`.
    pub fn entry(&self, index: u16) -> Entry {
        let at = HEAD + u32::from(index) * ENTRY;
        let place = |offset: u32| (offset != 0).then(|| self.start.saturating_add(offset));
        Entry { planes: place(self.word(at)), thresholds: place(self.word(at + 1)), form: self.word(at + 2) }
    }

    /// Checks head and checksum of a block of a model of `layers` layers that had `planes` planes before it.
    pub const fn check(&self, layers: u16, planes: u32) -> Result<(), Reason> {
        let body = match self.words.split_at_checked(3) {
            Some((_, body)) => body,
            None => &[],
        };
        if self.word(2) != digest(body) {
            return Err(Reason::Checksum);
        }
        let table = HEAD + layers as u32 * ENTRY;
        let is_valid = self.planes() > planes && self.planes() <= 8 && self.scale().is_some();
        if is_valid && self.words.len() as u32 >= table { Ok(()) } else { Err(Reason::Extension) }
    }

    /// The error of a fault in this block; `layer` where one is at fault.
    pub const fn error(&self, layer: Option<u16>, reason: Reason) -> FormatError {
        let place = Place::Block { planes: self.planes(), layer };
        FormatError { place, at: self.start.wrapping_mul(4), reason }
    }
}

/// A fault that concerns a block rather than a field of a record.
pub(crate) const fn fault(reason: Reason) -> Fault {
    Fault::new(NO_FIELD, reason)
}

/// The blocks of a file after its first `base` words, in order.
pub(crate) fn each(file: &[u32], base: u32) -> impl Iterator<Item = Extension<'_>> {
    let mut start = base;
    core::iter::from_fn(move || {
        let block = Extension::at(file, start)?;
        start = block.end();
        Some(block)
    })
}
