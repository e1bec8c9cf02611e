//! Where the bytes of patches come from: straight from the stream, or from the stored frame in the order of windows
//! (a sliding-window unit).

use super::frames::{Arrival, Frames, Verdict};
use crate::circuit::{Builder, Rows, Wire, width};
use crate::program::{Job, Program};

/// A byte on its way into a patch.
pub(super) struct Item<'b> {
    pub valid: Wire<'b>,
    /// The byte, counted from 0.
    pub value: Wire<'b>,
    /// The last of its tap, of its patch, of its job.
    pub tap_end: Wire<'b>,
    pub patch_end: Wire<'b>,
    pub job_end: Wire<'b>,
    /// The byte shows that its frame has a wrong length: the patch that was begun is forgotten.
    pub drops: Wire<'b>,
    /// Whether a byte of the stream is taken.
    pub ready: Wire<'b>,
}

/// The stream's port, and whether the next stage is done with its item.
#[derive(Clone, Copy)]
pub(super) struct Stream<'b> {
    pub data: Wire<'b>,
    pub valid: Wire<'b>,
    pub last: Wire<'b>,
    pub frees: Wire<'b>,
}

/// The walk over windows: its counters, and which ends it has reached.
struct Walk<'b, 'p> {
    c: &'b Builder,
    program: &'p Program,
    job: Wire<'b>,
    of: Rows<'b, 'p, Job>,
    /// Bits of a byte's address, and of a position in pixels.
    address: u32,
    position: u32,
    counters: [Wire<'b>; 5],
    /// The last channel, column and row of the kernel, column and row of the output.
    lasts: [Wire<'b>; 5],
    window_end: Wire<'b>,
    walk_end: Wire<'b>,
}

/// The sliding-window unit (im2col): the front's items in the order in which windows need them.
pub(super) fn window<'b>(c: &'b Builder, program: &Program, stream: Stream<'b>) -> Item<'b> {
    let walk = Walk::new(c, program);
    let value = (stream.data ^ c.constant(program.byte_offset.into(), 8)).named("in_value");
    if program.direct {
        return walk.direct(stream, value);
    }
    walk.stored(stream, value)
}

impl<'b, 'p> Walk<'b, 'p> {
    fn new(c: &'b Builder, program: &'p Program) -> Self {
        let jobs = &program.jobs;
        let job = c.counter("walk_job", jobs.len() as u32 - 1);
        let of = Rows::new(c, job, jobs);
        let reach = of.most(|j| j.window.reach());
        let stride = of.most(|j| j.window.stride[0].max(j.window.stride[1]));
        type Count = (&'static str, &'static str, &'static str, fn(&Job) -> u32);
        let names: [Count; 5] = [
            ("channel", "channels", "channel_last", |j| j.channels),
            ("kernel_column", "kernel_columns", "column_last", |j| j.window.kernel[1]),
            ("kernel_row", "kernel_rows", "row_last", |j| j.window.kernel[0]),
            ("out_column", "columns", "out_column_last", |j| j.window.output[1]),
            ("out_row", "rows", "out_row_last", |j| j.window.output[0]),
        ];
        let counters = names.map(|(name, .., count)| of.counter(name, count));
        let last = |at: usize| counters[at].equals(of.count(names[at].1, names[at].3)).named(names[at].2);
        let lasts = [0, 1, 2, 3, 4].map(last);
        let window_end = (lasts[0] & lasts[1] & lasts[2]).named("window_end");
        let walk_end = (window_end & lasts[3] & lasts[4]).named("walk_end");
        let address = width(2 * u64::from(program.input_bytes) - 1);
        let position = width(u64::from(reach) + u64::from(stride)) + 1;
        Self { c, program, job, of, address, position, counters, lasts, window_end, walk_end }
    }

    /// The stream goes straight on.
    fn direct(&self, stream: Stream<'b>, value: Wire<'b>) -> Item<'b> {
        let frames = Frames::new(self.c);
        let ready = (stream.frees | frames.skips).named("ready");
        let arrival = Arrival { arrives: stream.valid & ready, last: stream.last, is_end: self.walk_end };
        let drops = frames.judge(arrival).drops;
        self.count(stream.valid & stream.frees & !frames.skips, drops);
        let valid = stream.valid & !frames.skips;
        let (tap_end, patch_end, job_end) = (self.lasts[0], self.window_end, self.walk_end);
        Item { valid, value, tap_end, patch_end, job_end, drops, ready }
    }

    /// Counts on to the next byte where it `steps`, and begins again where the frame is dropped.
    fn count(&self, steps: Wire<'b>, drops: Wire<'b>) {
        let Self { c, lasts, window_end, .. } = self;
        let enables =
            [steps, steps & lasts[0], steps & lasts[0] & lasts[1], steps & *window_end, steps & *window_end & lasts[3]];
        for (at, enable) in enables.into_iter().enumerate() {
            let counter = self.counters[at];
            c.next(counter, &[(drops, counter.zero()), (enable, counter.next_until(lasts[at]))]);
        }
    }

    /// Two frames are stored, and read window by window.
    fn stored(&self, stream: Stream<'b>, value: Wire<'b>) -> Item<'b> {
        let Self { c, program, .. } = self;
        let bytes = u64::from(program.input_bytes);
        let (read_half, frames) = (c.register("read_half", 1), c.register("frames", 2));
        let valid = c.register("item_valid", 1);
        let walking = c.delay("walking", c.high());
        let half = |half: Wire<'b>| half.mux(c.constant(bytes, self.address), c.constant(0, self.address));

        let (frame_stored, takes, into) = self.arrive(stream, !frames.bit(1), half);
        let reads = (walking & frames.any() & (!valid | stream.frees)).named("reads");
        let job_last = self.job.is(program.jobs.len() as u64 - 1).named("walk_job_last");
        let frame_done = (reads & self.walk_end & job_last).named("frame_done");
        c.next(self.job, &[(reads & self.walk_end, self.job.next_until(job_last))]);
        c.next(frames, &[(c.high(), frames + frame_stored.extend(2) - frame_done.extend(2))]);
        c.next(valid, &[(c.high(), reads | (valid & !stream.frees))]);
        let next_half = (read_half ^ frame_done).named("next_half");
        c.next(read_half, &[(c.high(), next_half)]);

        let restarts = (!walking | (reads & self.window_end)).named("restarts");
        let from = self.addresses(restarts, (reads, walking), half(next_half).named("home"));
        let memory = c.ram("bytes", "", 2 * program.input_bytes, &[8]);
        memory.write(takes, into, 0, value);
        let read = memory.read_if(reads, from)[0];
        self.count(reads, c.low());
        let held = |name: &str, value: Wire<'b>| self.held(name, reads, value);
        let outside = held("item_outside", self.outside(restarts, reads, walking));
        Item {
            valid,
            value: outside.mux(held("item_border", self.border()), read).named("item_value"),
            tap_end: held("item_tap_end", self.lasts[0]),
            patch_end: held("item_patch_end", self.window_end),
            job_end: held("item_job_end", self.walk_end),
            drops: c.low(),
            ready: !frames.bit(1),
        }
    }

    /// Bytes into the stored frame: whether one completes it, whether one is stored, and where.
    fn arrive(
        &self,
        stream: Stream<'b>,
        room: Wire<'b>,
        half: impl Fn(Wire<'b>) -> Wire<'b>,
    ) -> (Wire<'b>, Wire<'b>, Wire<'b>) {
        let (c, bytes) = (self.c, u64::from(self.program.input_bytes));
        let (write_half, arrived) = (c.register("write_half", 1), c.register("arrived", width(bytes - 1)));
        let judge = Frames::new(c);
        let arrives = stream.valid & room;
        let takes = (arrives & !judge.skips).named("takes");
        let Verdict { completes, drops } =
            judge.judge(Arrival { arrives, last: stream.last, is_end: arrived.is(bytes - 1) });
        c.next(arrived, &[(drops, arrived.zero()), (takes, arrived.next_until(completes))]);
        c.next(write_half, &[(takes, write_half ^ completes)]);
        (completes, takes, (half(write_half) + arrived.extend(self.address)).named("into"))
    }

    /// A register that takes `value` over where it is `enabled`; a constant stays one.
    fn held(&self, name: &str, enabled: Wire<'b>, value: Wire<'b>) -> Wire<'b> {
        if value.constant().is_some() {
            return value;
        }
        let register = self.c.register(name, value.width());
        self.c.next(register, &[(enabled, value)]);
        register
    }

    /// What bytes outside the input are; jobs that see none may see any.
    fn border(&self) -> Wire<'b> {
        let first = self.program.jobs.iter().find(|job| job.window.padded).map_or(0, |job| job.border);
        self.of.word("border", 8, |job| if job.window.padded { job.border } else { first }.into())
    }

    /// The address of the byte that is read.
    fn addresses(&self, restarts: Wire<'b>, (reads, walking): (Wire<'b>, Wire<'b>), home: Wire<'b>) -> Wire<'b> {
        let Self { c, of, address: bits, .. } = self;
        let (from, start) = (c.register("from", *bits), c.register("start", *bits));
        let line_end = self.lasts[0] & self.lasts[1];
        let step = line_end.mux(of.word("line", *bits, |j| j.input.line), c.constant(1, *bits));
        let window_step = self.lasts[3]
            .mux(of.word("row_step", *bits, |j| j.input.row), of.word("column_step", *bits, |j| j.input.column));
        let begun = home + of.word("origin", *bits, |j| j.input.base);
        let next_job = home + of.next_word("origin_next", *bits, |j| j.input.base);
        let start_next = walking.mux(self.walk_end.mux(next_job, start + window_step), begun).named("start_next");
        c.next(from, &[(restarts, start_next), (reads, from + step)]);
        c.next(start, &[(restarts, start_next)]);
        from
    }

    /// Whether the byte lies outside the input, where windows can.
    fn outside(&self, restarts: Wire<'b>, reads: Wire<'b>, walking: Wire<'b>) -> Wire<'b> {
        let Self { c, of, position: bits, lasts, .. } = self;
        if self.program.jobs.iter().all(|job| !job.window.padded) {
            return c.low();
        }
        let [row, column, row_start, column_start] =
            ["y_row", "y_column", "y_row_start", "y_column_start"].map(|name| c.register(name, *bits));
        let top = |j: &Job| j.window.origin()[0];
        let left = |j: &Job| j.window.origin()[1];
        let down = row_start + of.word("stride_down", *bits, |j| j.window.stride[0]);
        let right = column_start + of.word("stride_right", *bits, |j| j.window.stride[1]);
        let (first_row, first_column) = (of.word("top", *bits, top), of.word("left", *bits, left));
        let row_next = self.walk_end.mux(of.next_word("top_next", *bits, top), lasts[3].mux(down, row_start));
        let column_next = self.walk_end.mux(of.next_word("left_next", *bits, left), lasts[3].mux(first_column, right));
        let row_next = walking.mux(row_next, first_row).named("y_row_next");
        let column_next = walking.mux(column_next, first_column).named("y_column_next");
        let line_end = reads & lasts[0] & lasts[1];
        c.next(row, &[(restarts, row_next), (line_end, row.next())]);
        c.next(column, &[(restarts, column_next), (line_end, column_start), (reads & lasts[0], column.next())]);
        c.next(row_start, &[(restarts, row_next)]);
        c.next(column_start, &[(restarts, column_next)]);
        let is_inside = row.less(of.word("height", *bits, |j| j.window.input[0]))
            & column.less(of.word("width", *bits, |j| j.window.input[1]));
        (of.flag("is_padded", |j| j.window.padded) & !is_inside).named("outside")
    }
}
