//! What a model says of its input and its classes (SPEC 10).

mod coding;
mod output_scale;
#[cfg(feature = "interface")]
mod rows;

use core::str;

pub use coding::{Coded, Coding, Count, Limits};
pub use output_scale::OutputScale;
#[cfg(feature = "interface")]
pub use rows::CodingError;

use self::coding::{CODING_WORDS, COUNT_WORDS};
use crate::file::record::{Fault, Header, header};
use crate::{Kind, Reason, Tensor};

/// Words before the codings.
const HEAD: u32 = 6;

/// What a model says of its input and its classes; empty where the file has no such section.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Interface<'a> {
    words: &'a [u32],
}

/// Where things stand in the section, in words from its start, and how many there are.
#[derive(Clone, Copy)]
struct Places {
    codings: u32,
    coding_words: u32,
    fingerprints: u32,
    names: u32,
    units: u32,
    classes: u32,
}

impl<'a> Interface<'a> {
    /// The section that the header names, unchecked; empty where there is none.
    pub(crate) fn of(reader: &Header<'a>) -> Self {
        if !cfg!(feature = "interface") {
            return Self::default();
        }
        let (start, words) = (reader.word(header::INTERFACE), reader.word(header::INTERFACE + 1));
        Self { words: reader.slice(start, words).unwrap_or(&[]) }
    }

    /// Checks the section against the model's input and output (SPEC 10).
    pub(crate) fn check(reader: &Header<'a>, input: Tensor, output: Tensor) -> Result<(), Fault> {
        let at = [reader.word(header::INTERFACE), reader.word(header::INTERFACE + 1)];
        // Firmware that does without leaves its checks out; the file's checksum covers the section all the same.
        if at == [0, 0] || !cfg!(feature = "interface") {
            return Ok(());
        }
        let section = Self::of(reader);
        let wrong = Fault::new(header::INTERFACE, Reason::Section);
        if section.words.is_empty() || (section.words.len() as u32) < HEAD {
            return Err(wrong);
        }
        section.check_counts(input, output)?;
        section.check_codings(input.kind)?;
        section.check_text()
    }

    fn word(&self, at: u32) -> u32 {
        self.words.get(at as usize).copied().unwrap_or(0)
    }

    fn places(&self) -> Places {
        let [codings, flags] = halves(self.word(0));
        let count_words = if flags & 1 != 0 { COUNT_WORDS } else { 0 };
        let [names, units] = halves(self.word(2));
        let [classes, fingerprints] = halves(self.word(3));
        Places { codings, coding_words: CODING_WORDS + count_words, fingerprints, names, units, classes }
    }

    /// The counts fit the tensors and each other; all words lie in the section.
    fn check_counts(&self, input: Tensor, output: Tensor) -> Result<(), Fault> {
        let wrong = Fault::new(header::INTERFACE, Reason::Interface);
        let places = self.places();
        let [_, flags] = halves(self.word(0));
        let per_input = |count: u32| count == input.shape.channels || count == input.shape.volume();
        let is_valid = flags & !1 == 0
            && (flags == 0 || places.codings != 0)
            && (places.codings < 2 || per_input(places.codings))
            && (places.names == 0 || per_input(places.names))
            && (places.units < 2 || per_input(places.units))
            && (places.classes == 0 || places.classes == output.shape.channels)
            && u64::from(places.fingerprints) <= self.learned_rows();
        if !is_valid {
            return Err(wrong);
        }
        let fixed = HEAD + places.codings * places.coding_words + places.fingerprints;
        if fixed.checked_add(self.word(4).div_ceil(4)) != Some(self.words.len() as u32) {
            return Err(Fault::new(header::INTERFACE + 1, Reason::Section));
        }
        let ascend = |pair: &[u32]| pair.first() < pair.last();
        if !self.fingerprint_words().windows(2).all(ascend) {
            return Err(wrong);
        }
        Ok(())
    }

    fn check_codings(&self, kind: Kind) -> Result<(), Fault> {
        let places = self.places();
        let are_valid = (0..places.codings).all(|index| self.coding_at(index).is_some());
        // Without codings the limits say nothing.
        let limits_suit = if places.codings == 0 { self.word(1) == 0 } else { self.limits().suit(kind) };
        if are_valid && limits_suit { Ok(()) } else { Err(Fault::new(header::INTERFACE, Reason::Coding)) }
    }

    /// Exactly as many strings as stated, each ended by a zero byte, then zeros.
    fn check_text(&self) -> Result<(), Fault> {
        let places = self.places();
        let bytes = self.text_bytes();
        let stated = places.names + places.units + places.classes;
        let ends = bytes.iter().filter(|&&byte| byte == 0).count();
        let is_ended = bytes.last().is_none_or(|&last| last == 0);
        let padding = self.all_text_bytes().get(bytes.len()..).unwrap_or(&[]);
        let is_valid = ends == stated as usize
            && is_ended
            && padding.iter().all(|&byte| byte == 0)
            && str::from_utf8(bytes).is_ok();
        if is_valid { Ok(()) } else { Err(Fault::new(header::INTERFACE, Reason::Name)) }
    }

    fn all_text_bytes(&self) -> &'a [u8] {
        let places = self.places();
        let start = HEAD + places.codings * places.coding_words + places.fingerprints;
        bytemuck::cast_slice(self.words.get(start as usize..).unwrap_or(&[]))
    }

    fn text_bytes(&self) -> &'a [u8] {
        self.all_text_bytes().get(..self.word(4) as usize).unwrap_or(&[])
    }

    /// String `index` of the text.
    fn text(&self, index: u32) -> &'a str {
        let bytes = self.text_bytes().split(|&byte| byte == 0).nth(index as usize).unwrap_or(&[]);
        // Checked before.
        str::from_utf8(bytes).unwrap_or("")
    }

    fn coding_at(&self, index: u32) -> Option<Coding> {
        let places = self.places();
        let start = (HEAD + index * places.coding_words) as usize;
        Coding::from_words(self.words.get(start..start + places.coding_words as usize)?, self.limits())
    }

    fn fingerprint_words(&self) -> &'a [u32] {
        let places = self.places();
        let start = (HEAD + places.codings * places.coding_words) as usize;
        self.words.get(start..start + places.fingerprints as usize).unwrap_or(&[])
    }

    /// Whether the file says nothing.
    pub const fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// How many codings there are: 0 where the caller stores bytes as they are, 1 for all values alike, one a channel,
    /// or one a value.
    pub fn codings(&self) -> usize {
        self.places().codings as usize
    }

    /// The coding of value `index` of a row (pixel by pixel, channels innermost); `None` where bytes are taken as they
    /// are. Takes constant time.
    pub fn coding(&self, index: usize) -> Option<Coding> {
        let index = (index as u32).checked_rem(self.places().codings)?;
        self.coding_at(index)
    }

    /// The smallest and the largest byte that codings give.
    pub fn limits(&self) -> Limits {
        let [low, high] = halves(self.word(1));
        Limits { low: low as u16 as i16, high: high as u16 as i16 }
    }

    /// The name of input value `index` of a row, or of its channel where names are by channel; empty if unknown.
    pub fn name(&self, index: usize) -> &'a str {
        (index as u32).checked_rem(self.places().names).map_or("", |index| self.text(index))
    }

    /// How many names of inputs there are: none, one a channel, or one a value.
    pub fn names(&self) -> usize {
        self.places().names as usize
    }

    /// The unit of input value `index`; empty if unknown.
    pub fn unit(&self, index: usize) -> &'a str {
        let places = self.places();
        (index as u32).checked_rem(places.units).map_or("", |index| self.text(places.names + index))
    }

    /// How many units there are: none, one for all, one a channel, or one a value.
    pub fn units(&self) -> usize {
        self.places().units as usize
    }

    /// The name of a class; `None` where classes have none.
    pub fn class(&self, index: usize) -> Option<&'a str> {
        let places = self.places();
        let is_there = index < places.classes as usize;
        is_there.then(|| self.text(places.names + places.units + index as u32))
    }

    /// How many names of classes there are: none, or one a score.
    pub fn classes(&self) -> usize {
        self.places().classes as usize
    }

    /// How many different rows were learned from; 0 if unknown.
    pub fn learned_rows(&self) -> u64 {
        u64::from(self.word(5))
    }

    /// The smallest fingerprints of the rows that were learned from, ascending: a sample of them all.
    /// A fingerprint is the CRC-32 of a row's bytes.
    pub fn fingerprints(&self) -> &'a [u32] {
        self.fingerprint_words()
    }
}

/// Low and high half of a word.
const fn halves(word: u32) -> [u32; 2] {
    [word & 0xffff, word >> 16]
}
