//! The front as the cycle model has it.

use std::sync::Arc;

use super::window::{Item, SlidingWindow};
use crate::StreamByte;
use crate::program::{Job, Program};

/// A byte of a patch on its way to the activation memory.
///
/// The bytes above it in its word become zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Byte {
    /// The word.
    pub address: u32,
    /// The byte.
    pub value: u8,
    /// Its position in the word, 0 to 3.
    pub position: u32,
}

/// The front: a source of bytes, and eight bytes that are turned into eight planes or filled with codes.
#[derive(Clone, Debug)]
pub(crate) struct Front {
    program: Arc<Program>,
    window: SlidingWindow,
    job: usize,
    /// Which place the next patch takes, and how many are complete.
    half: bool,
    complete: u32,
    /// No byte of the current patch has been taken.
    fresh: bool,
    square: [u8; 8],
    filled: u32,
    /// The square is being written, plane by plane.
    draining: bool,
    plane: u32,
    patch_end: bool,
    job_end: bool,
    /// The word of the next byte, its position, and the word of plane 0.
    address: u32,
    first: u32,
    position: u32,
    /// Threshold of the byte, its address, and whether the memory (if any) has been read.
    threshold: u32,
    t_address: u32,
    warm: bool,
    word_end: bool,
    /// Thresholds that were read.
    reads: u64,
}

impl Front {
    pub fn new(program: Arc<Program>) -> Self {
        Self {
            window: SlidingWindow::new(Arc::clone(&program)),
            job: 0,
            half: false,
            complete: 0,
            fresh: true,
            square: [0; 8],
            filled: 0,
            draining: false,
            plane: 0,
            patch_end: false,
            job_end: false,
            address: 0,
            first: 0,
            position: 0,
            threshold: 0,
            t_address: 0,
            warm: program.thresholds.is_empty(),
            word_end: false,
            reads: 0,
            program,
        }
    }

    /// Thresholds of encodings and bytes of stored frames that were read so far.
    pub fn reads(&self) -> (u64, u64) {
        (self.reads, self.window.reads())
    }

    fn now(&self) -> &Job {
        &self.program.jobs[self.job]
    }

    /// Whether a step can be made with the item that is offered.
    fn works(&self) -> bool {
        !self.draining && self.warm && !(self.fresh && self.complete == 2)
    }

    /// Whether that step finishes with the item.
    fn frees(&self) -> bool {
        self.works() && (!self.now().encode || self.threshold == self.now().thresholds)
    }

    /// Whether a byte of the stream is taken.
    pub fn ready(&self) -> bool {
        self.window.ready(self.frees())
    }

    /// Whether a patch is complete.
    pub fn patch_ready(&self) -> bool {
        self.complete != 0
    }

    /// Whether the last frame had a wrong length.
    pub fn frame_error(&self) -> bool {
        self.window.frame_error()
    }

    /// The byte that is to be stored.
    pub fn byte(&self) -> Option<Byte> {
        self.draining.then(|| {
            let column = |value: u8, (at, row): (usize, &u8)| value | (row >> self.plane & 1) << at;
            let codes = |value: u8, (at, row): (usize, &u8)| value | (row & 1) << at;
            let rows = self.square.iter().enumerate();
            let value = if self.now().encode { rows.fold(0, codes) } else { rows.fold(0, column) };
            Byte { address: self.address, value, position: self.position }
        })
    }

    /// One rising edge of the clock.
    pub fn step(&mut self, input: Option<StreamByte>, stored: bool, release: bool) {
        let frees = self.frees();
        let item = self.window.item(input);
        let drops = item.is_some() && frees && self.window.drops(input);
        let completes = self.draining && stored && self.is_drained() && self.patch_end;
        match item {
            Some(_) if drops => self.abandon(),
            Some(item) if self.works() => self.fill(item),
            _ if self.draining && stored => self.drain(),
            _ => {}
        }
        self.warm = true;
        self.complete = self.complete + u32::from(completes) - u32::from(release);
        self.window.step(input, item.is_some() && frees);
    }

    /// Forgets the patch that was begun: its frame has a wrong length.
    fn abandon(&mut self) {
        self.fresh = true;
        (self.filled, self.threshold) = (0, 0);
        self.t_address = self.now().t_base;
    }

    fn is_drained(&self) -> bool {
        self.now().encode || self.plane == 7
    }

    /// Takes a byte, or compares it with one more threshold.
    fn fill(&mut self, item: Item) {
        let job = self.now().clone();
        let limit = self.program.thresholds.get(self.t_address as usize).copied().unwrap_or(0);
        let row = if job.encode { u8::from(item.value >= limit) } else { item.value };
        if self.filled == 0 {
            self.square = [0; 8];
        }
        self.square[self.filled as usize] = row;
        let is_last = !job.encode || self.threshold == job.thresholds;
        let pixel_end = is_last && item.tap_end && job.encode;
        let patch_end = is_last && item.patch_end;
        let full = self.filled == 7 || pixel_end || patch_end;
        self.filled = if full { 0 } else { self.filled + 1 };
        if self.fresh {
            self.first = if self.half { job.other } else { job.base };
            self.position = 0;
        }
        self.fresh = false;
        self.address = self.first;
        self.draining = full;
        (self.patch_end, self.word_end) = (patch_end, pixel_end);
        self.job_end = is_last && item.job_end;
        if job.encode {
            self.reads += 1;
            self.threshold = if is_last { 0 } else { self.threshold + 1 };
            self.t_address += 1;
        }
        if is_last && item.tap_end {
            let next = if item.job_end { self.next_job() } else { self.job };
            self.t_address = self.program.jobs[next].t_base;
        }
    }

    fn next_job(&self) -> usize {
        if self.job + 1 == self.program.jobs.len() { 0 } else { self.job + 1 }
    }

    /// Writes one plane of the square, or the codes.
    fn drain(&mut self) {
        if !self.is_drained() {
            self.plane += 1;
            self.address += self.now().words;
            return;
        }
        let word_end = self.position == 3 || self.word_end;
        self.draining = false;
        self.plane = 0;
        self.first += u32::from(word_end);
        self.position = if word_end { 0 } else { self.position + 1 };
        if self.patch_end {
            self.fresh = true;
            self.half = !self.half;
            if self.job_end {
                self.job = self.next_job();
            }
        }
    }
}
