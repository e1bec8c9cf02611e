//! The rebuilder as the cycle model has it.

use std::sync::Arc;

use crate::program::{BASIS_PIECES, PIECE, Program, Rebuild};

/// What it does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Wait for a group.
    Idle,
    /// Take the next piece of a basis.
    Basis(u32),
    /// Take the mask of a row.
    Mask,
    /// Deal coefficients to a weight of the row.
    Deal(usize),
    /// Fill the word up, then write it.
    Pad,
    /// Write the digit of this place.
    Write(u32),
    /// Go to the next lane.
    Next,
}

/// A word of digits, and where it belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Made {
    /// Its address.
    pub address: u32,
    /// Its lane.
    pub lane: usize,
    /// The word.
    pub word: u32,
}

/// The rebuilder.
#[derive(Clone, Debug)]
pub(crate) struct Rebuilder {
    program: Arc<Program>,
    step: Step,
    /// What follows once a word has been written.
    resume: Step,
    /// The bit of the stream that comes next; the first one of a row of the table has not been read yet.
    bit: usize,
    begins: bool,
    basis: [i32; 9],
    /// Coefficients of the row that are left, by number, and the first of them.
    left: Vec<usize>,
    coefficient: i32,
    /// The row's weights so far.
    weights: [i32; 3],
    /// Rows of the chunk, and weights of the filter and of the word, that have been made.
    rows: u32,
    made: u32,
    word: Vec<i32>,
    /// Words of the filter that have been written.
    words: u32,
    lane: u32,
    /// Pieces of the stream that were read.
    reads: u64,
}

impl Rebuilder {
    pub fn new(program: Arc<Program>) -> Self {
        Self {
            program,
            step: Step::Idle,
            resume: Step::Idle,
            bit: 0,
            begins: false,
            basis: [0; 9],
            left: Vec::new(),
            coefficient: 0,
            weights: [0; 3],
            rows: 0,
            made: 0,
            word: Vec::new(),
            words: 0,
            lane: 0,
            reads: 0,
        }
    }

    /// Pieces of the stream that were read.
    pub fn reads(&self) -> u64 {
        self.reads
    }

    fn is_lane_last(&self) -> bool {
        self.lane + 1 == self.program.options.lanes
    }

    /// Whether the weights of the group have been made.
    pub fn rebuilt(&self) -> bool {
        self.step == Step::Next && self.is_lane_last()
    }

    /// The next bits of the stream, as a number.
    fn peek(&self, bits: u32) -> u32 {
        let bit = |at: usize| {
            let piece = self.program.streams.get(at / PIECE as usize).copied().unwrap_or(0);
            u32::from(piece) >> (at % PIECE as usize) & 1
        };
        (0..bits).fold(0, |value, at| value | bit(self.bit + at as usize) << at)
    }

    fn take(&mut self, bits: u32) -> u32 {
        let value = self.peek(bits);
        let piece = |bit: usize| bit / PIECE as usize;
        self.reads += (piece(self.bit + bits as usize) - piece(self.bit)) as u64;
        self.bit += bits as usize;
        value
    }

    /// One rising edge of the clock, while row `row` of the layer table is executed, or `loads`; returns the word that is
    /// written.
    pub fn step(&mut self, row: usize, loads: bool, wanted: bool) -> Option<Made> {
        let of = self.program.rebuilds[row];
        self.reads += u64::from(self.begins);
        self.begins = loads;
        let made = match self.step {
            Step::Idle => {
                self.step = if wanted { Step::Basis(0) } else { Step::Idle };
                None
            }
            Step::Write(place) => Some(self.write(&of, place)),
            _ => {
                self.advance(&of);
                None
            }
        };
        if loads {
            self.bit = (of.stream * PIECE) as usize;
            self.reads += 1;
        }
        made
    }

    fn advance(&mut self, of: &Rebuild) {
        match self.step {
            Step::Basis(piece) => self.take_basis(piece),
            Step::Mask => self.step = self.take_mask(),
            Step::Deal(column) => self.deal(of, column),
            Step::Pad => {
                self.word.push(0);
                self.step = if self.word.len() == 32 { Step::Write(0) } else { Step::Pad };
            }
            Step::Next => {
                (self.rows, self.made, self.words) = (0, 0, 0);
                self.step = if self.is_lane_last() { Step::Idle } else { Step::Basis(0) };
                self.lane = if self.is_lane_last() { 0 } else { self.lane + 1 };
            }
            Step::Idle | Step::Write(_) => {}
        }
    }

    fn take_basis(&mut self, piece: u32) {
        let half = self.take(PIECE) as i32;
        let number = &mut self.basis[piece as usize / 2];
        // The upper half of a byte has its sign.
        *number = if piece.is_multiple_of(2) { half } else { *number + 16 * ((half ^ 8) - 8) };
        self.step = if piece + 1 == BASIS_PIECES { Step::Mask } else { Step::Basis(piece + 1) };
    }

    fn take_mask(&mut self) -> Step {
        self.left.clear();
        if self.peek(1) == 1 {
            let mask = self.take(PIECE);
            self.left = (0..3).filter(|j| mask >> (j + 1) & 1 == 1).collect();
        } else {
            self.take(1);
        }
        self.weights = [0; 3];
        Step::Deal(0)
    }

    fn deal(&mut self, of: &Rebuild, column: usize) {
        if let Some(j) = self.left.first().copied() {
            if column == 0 {
                let code = self.take(PIECE);
                self.coefficient = if code & 8 == 0 { 1 << (code & 7) } else { -(1 << (code & 7)) };
            }
            self.weights[column] += self.coefficient * self.basis[3 * j + column];
        }
        let is_complete = self.left.len() < 2;
        let all = (of.values + 1) * (of.taps + 1);
        let is_made = is_complete && self.made != all;
        if is_made {
            self.word.push(self.weights[column]);
            self.made += 1;
        }
        let after = match column {
            2 => self.end_coefficient(of, is_complete, all),
            _ => Step::Deal(column + 1),
        };
        let is_tap_end = is_made && self.made.is_multiple_of(of.values + 1);
        self.resume = after;
        self.step = match (is_made && self.word.len() == 32, is_tap_end) {
            (true, _) => Step::Write(0),
            (false, true) => Step::Pad,
            (false, false) => after,
        };
    }

    /// What follows a coefficient that has met all columns, or a row of zeros.
    fn end_coefficient(&mut self, of: &Rebuild, is_complete: bool, all: u32) -> Step {
        if !is_complete {
            self.left.remove(0);
            return Step::Deal(0);
        }
        let is_chunk_last = self.rows == of.chunk_rows;
        self.rows = if is_chunk_last { 0 } else { self.rows + 1 };
        match (self.made == all, is_chunk_last) {
            (true, _) => Step::Next,
            (false, true) => Step::Basis(0),
            (false, false) => self.take_mask(),
        }
    }

    /// The word of the digits of `place`, counted from the lowest one.
    fn write(&mut self, of: &Rebuild, place: u32) -> Made {
        let bit = |weight: &i32| (weight >> (of.common + place) & 1) as u32;
        let word = self.word.iter().enumerate().fold(0, |word, (at, weight)| word | bit(weight) << at);
        let address = of.place + (of.passes - place) * of.words + self.words;
        let lane = self.lane as usize;
        if place == of.passes {
            self.word.clear();
            self.words += 1;
            self.step = self.resume;
        } else {
            self.step = Step::Write(place + 1);
        }
        Made { address, lane, word }
    }
}
