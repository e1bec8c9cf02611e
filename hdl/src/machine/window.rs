//! The source of the front as the cycle model has it: straight from the stream, or from the stored frame in the order of windows.

use std::sync::Arc;

use super::count;
use crate::StreamByte;
use crate::program::{Job, Program};

/// A byte on its way into a patch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Item {
    /// The byte, counted from 0.
    pub value: u8,
    /// The last of its tap.
    pub tap_end: bool,
    /// The last of its patch.
    pub patch_end: bool,
    /// The last of its job.
    pub job_end: bool,
}

/// The walk over windows; for a direct source it only counts.
#[derive(Clone, Debug)]
pub(crate) struct SlidingWindow {
    program: Arc<Program>,
    bytes: Vec<u8>,
    /// The stored frame that is written, how far, and how many are complete.
    write_half: bool,
    written: u32,
    frames: u32,
    /// Bytes are swallowed up to the last one of a frame that is too long; the last frame had a wrong length.
    skips: bool,
    frame_error: bool,
    /// The stored frame that is read.
    read_half: bool,
    job: usize,
    channel: u32,
    /// Row and column of the kernel, and of the output.
    kernel: [u32; 2],
    output: [u32; 2],
    address: u32,
    start: u32,
    /// The item that was read from the stored frame, and whether there is one.
    item: Item,
    full: bool,
    /// Whether the walk has been set to the first job.
    begun: bool,
    /// Bytes that were read from stored frames.
    reads: u64,
}

impl SlidingWindow {
    pub fn new(program: Arc<Program>) -> Self {
        let bytes = if program.direct { 0 } else { 2 * program.input_bytes as usize };
        Self {
            bytes: vec![0; bytes],
            write_half: false,
            written: 0,
            frames: 0,
            skips: false,
            frame_error: false,
            read_half: false,
            job: 0,
            channel: 0,
            kernel: [0; 2],
            output: [0; 2],
            address: 0,
            start: 0,
            item: Item::default(),
            full: false,
            begun: false,
            reads: 0,
            program,
        }
    }

    /// Bytes that were read from stored frames so far.
    pub fn reads(&self) -> u64 {
        self.reads
    }

    fn now(&self) -> &Job {
        &self.program.jobs[self.job]
    }

    /// Whether a byte of the stream is taken, when the next stage is `free`.
    pub fn ready(&self, free: bool) -> bool {
        if self.program.direct { free || self.skips } else { self.frames < 2 }
    }

    /// The item that is offered to the next stage.
    pub fn item(&self, input: Option<StreamByte>) -> Option<Item> {
        if !self.program.direct {
            return self.full.then_some(self.item);
        }
        input.filter(|_| !self.skips).map(|byte| Item { value: byte.value ^ self.program.byte_offset, ..self.ends() })
    }

    /// Whether the last frame had a wrong length.
    pub fn frame_error(&self) -> bool {
        self.frame_error
    }

    /// Whether the byte, if it is taken, shows that its frame goes straight on and has a wrong length.
    pub fn drops(&self, input: Option<StreamByte>) -> bool {
        self.program.direct && input.is_some_and(|byte| byte.last != self.ends().job_end)
    }

    /// Notes what a byte that is taken says about its frame, of which it is the last by count or not.
    fn judge(&mut self, last: bool, is_end: bool) {
        if self.skips {
            self.skips = !last;
        } else if last || is_end {
            self.frame_error = last != is_end;
            self.skips = !last;
        }
    }

    fn is_outside(&self) -> bool {
        self.now().window.is_outside(self.output, self.kernel)
    }

    /// Which ends the walk has reached.
    fn ends(&self) -> Item {
        let job = self.now();
        let tap_end = self.channel == job.channels;
        let patch_end = tap_end && self.kernel == job.window.kernel;
        let job_end = patch_end && self.output == job.window.output;
        Item { value: 0, tap_end, patch_end, job_end }
    }

    /// One rising edge of the clock; `taken` says that the offered item was taken.
    pub fn step(&mut self, input: Option<StreamByte>, taken: bool) {
        if self.program.direct {
            self.step_direct(input, taken);
            return;
        }
        let reads = self.begun && self.frames != 0 && (!self.full || taken);
        let frame_done = reads && self.ends().job_end && self.job + 1 == self.program.jobs.len();
        let arrived = input.filter(|_| self.frames < 2);
        let stored = arrived.filter(|_| !self.skips);
        let is_end = self.written + 1 == self.program.input_bytes;
        let frame_stored = stored.is_some_and(|byte| byte.last && is_end);
        if let Some(byte) = arrived {
            self.judge(byte.last, is_end);
        }
        if reads {
            self.item = self.fetch();
            self.reads += 1;
            self.read_half ^= frame_done;
            self.walk();
        } else if !self.begun {
            self.begin();
        }
        self.full = reads || (self.full && !taken);
        self.begun = true;
        if let Some(byte) = stored {
            let base = if self.write_half { self.program.input_bytes } else { 0 };
            self.bytes[(base + self.written) as usize] = byte.value ^ self.program.byte_offset;
            self.written = if is_end || byte.last { 0 } else { self.written + 1 };
            self.write_half ^= frame_stored;
        }
        self.frames = self.frames + u32::from(frame_stored) - u32::from(frame_done);
    }

    /// One edge where bytes of the stream go straight on.
    fn step_direct(&mut self, input: Option<StreamByte>, taken: bool) {
        let drops = taken && self.drops(input);
        let is_end = self.ends().job_end;
        if let Some(byte) = input.filter(|_| taken || self.skips) {
            self.judge(byte.last, is_end);
        }
        if drops {
            (self.channel, self.kernel) = (0, [0; 2]);
        } else if taken {
            self.walk();
        }
    }

    fn fetch(&self) -> Item {
        let outside = self.is_outside();
        let stored = self.bytes.get(self.address as usize).copied().unwrap_or(0);
        Item { value: if outside { self.now().border } else { stored }, ..self.ends() }
    }

    /// Sets the walk to the first window of the current job.
    fn begin(&mut self) {
        let job = self.now().clone();
        let base = if self.read_half { self.program.input_bytes } else { 0 };
        self.start = base.wrapping_add(job.input.base);
        self.address = self.start;
    }

    /// Goes on to the next byte.
    fn walk(&mut self) {
        let job = self.now().clone();
        let ends = self.ends();
        let column_last = self.kernel[1] == job.window.kernel[1];
        self.channel = if ends.tap_end { 0 } else { self.channel + 1 };
        self.address = self.address.wrapping_add(if ends.tap_end && column_last { job.input.line } else { 1 });
        if ends.tap_end {
            count(&mut self.kernel, job.window.kernel);
        }
        if ends.patch_end {
            self.next_patch(&job, ends.job_end);
        }
    }

    fn next_patch(&mut self, job: &Job, job_end: bool) {
        let column_last = self.output[1] == job.window.output[1];
        self.start = self.start.wrapping_add(if column_last { job.input.row } else { job.input.column });
        self.address = self.start;
        count(&mut self.output, job.window.output);
        if job_end {
            self.job = if self.job + 1 == self.program.jobs.len() { 0 } else { self.job + 1 };
            self.begin();
        }
    }
}
