//! The sender as the cycle model has it.

use std::sync::Arc;

use crate::StreamByte;
use crate::program::Program;

/// The sender: a buffer of words, and the word whose bytes are offered.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    words: Vec<u32>,
    /// Where the next word is written and read, and how many wait.
    written: usize,
    taken: usize,
    used: usize,
    /// The word that was read, if any.
    next: Option<u32>,
    /// The rest of the word whose bytes are offered, and how many bytes are left.
    rest: u32,
    left: u32,
    /// Words of a result, and which of them is offered.
    words_of_result: u32,
    word: u32,
    /// Words that were read from the buffer.
    reads: u64,
}

impl Sender {
    pub fn new(program: &Arc<Program>) -> Self {
        Self {
            words: vec![0; program.buffer_words as usize],
            written: 0,
            taken: 0,
            used: 0,
            next: None,
            rest: 0,
            left: 0,
            words_of_result: program.output_words,
            word: 0,
            reads: 0,
        }
    }

    /// Whether half of the buffer is free: room for the words on their way and for a whole group.
    pub fn room(&self) -> bool {
        self.used < self.words.len() / 2
    }

    /// Words that were read from the buffer so far.
    pub fn reads(&self) -> u64 {
        self.reads
    }

    /// The byte that is offered.
    pub fn byte(&self) -> Option<StreamByte> {
        let last = self.left == 1 && self.word + 1 == self.words_of_result;
        (self.left != 0).then_some(StreamByte { value: self.rest as u8, last })
    }

    /// One rising edge of the clock.
    pub fn step(&mut self, word: Option<u32>, ready: bool) {
        let size = self.words.len();
        let takes = ready && self.left != 0;
        let is_last = takes && self.left == 1;
        let read = self.next.is_none() && self.used != 0;
        let word_read = self.words[self.taken];
        if is_last {
            self.word = if self.word + 1 == self.words_of_result { 0 } else { self.word + 1 };
        }
        if let (true, Some(next)) = (self.left == 0 || is_last, self.next) {
            (self.rest, self.left, self.next) = (next, 4, None);
        } else if takes {
            self.rest >>= 8;
            self.left -= 1;
        }
        self.reads += u64::from(read);
        self.used = self.used + usize::from(word.is_some()) - usize::from(read);
        if read {
            self.next = Some(word_read);
            self.taken = (self.taken + 1) % size;
        }
        if let Some(word) = word {
            self.words[self.written] = word;
            self.written = (self.written + 1) % size;
        }
    }
}
