//! The loader as the cycle model has it: it keeps the image's words and judges it by its length and its CRC.

use std::sync::Arc;

use bitfab_format::digest;

use crate::StreamByte;
use crate::program::Program;

/// The loader of weights.
#[derive(Clone, Debug)]
pub(crate) struct Loader {
    /// The words of the image that have come, without its CRC.
    words: Vec<u32>,
    /// Bytes of this load, and the last four of them.
    count: usize,
    last: u32,
    /// The CRC of the image of this model, the only one that is right.
    own: u32,
    loaded: bool,
    error: bool,
}

impl Loader {
    pub fn new(program: &Arc<Program>) -> Self {
        Self {
            words: vec![0; program.image_words().count()],
            count: 0,
            last: 0,
            own: program.image_digest(),
            loaded: false,
            error: false,
        }
    }

    /// Whether the weights are there.
    pub fn loaded(&self) -> bool {
        self.loaded
    }

    /// Whether the load was wrong.
    pub fn error(&self) -> bool {
        self.error
    }

    /// One rising edge of the clock, with a byte of the load port and whether it is the last one; returns the number
    /// of a word that is complete, and the word.
    pub fn step(&mut self, byte: Option<StreamByte>) -> Option<(usize, u32)> {
        let StreamByte { value, last: is_last } = byte?;
        self.error &= self.count != 0; // the first byte forgives the load before
        self.loaded = false;
        self.last = self.last >> 8 | u32::from(value) << 24;
        self.count += 1;
        let size = 4 * (self.words.len() + 1);
        let stored = (self.count.is_multiple_of(4) && self.count < size).then_some((self.count / 4 - 1, self.last));
        if let Some((number, word)) = stored {
            self.words[number] = word;
        }
        self.error |= self.count > size;
        if is_last {
            self.loaded = self.count == size && self.last == digest(&self.words) && self.last == self.own;
            self.error = !self.loaded;
            self.count = 0;
        }
        stored
    }
}
