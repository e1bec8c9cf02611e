//! The front: takes the bytes of frames and makes patches of them, planes or thermometer codes,
//! while the array still works on the frame before.

mod frames;
mod window;

use rust_hdl::prelude::*;

use crate::circuit::{Builder, Circuit, Rows, Wire, block, width};
use crate::program::{Job, Program};
use window::{Item, Stream, window};

block! {
    /// Makes patches of the input's bytes; `bitfab_hdl::SequencedEngine` connects it.
    FrontBlock {
        /// A byte of the input.
        pub in_data: Signal<In, Bits<8>>,
        /// It is valid.
        pub in_valid: Signal<In, Bit>,
        /// It is the last of its frame.
        pub in_last: Signal<In, Bit>,
        /// It is taken.
        pub in_ready: Signal<Out, Bit>,
        /// The last frame had a wrong length and was dropped.
        pub frame_error: Signal<Out, Bit>,
        /// A byte of a patch is offered.
        pub byte_valid: Signal<Out, Bit>,
        /// Its word.
        pub byte_address: Signal<Out, Bits<32>>,
        /// The byte.
        pub byte_value: Signal<Out, Bits<8>>,
        /// Its position in the word.
        pub byte_position: Signal<Out, Bits<2>>,
        /// It is stored.
        pub byte_ready: Signal<In, Bit>,
        /// A patch is complete.
        pub patch_ready: Signal<Out, Bit>,
        /// The patch may be filled again.
        pub release_patch: Signal<In, Bit>,
    }
}

/// The front of `program`.
pub(crate) fn circuit(program: &Program) -> Circuit {
    let c = Builder::new("The front: a source of bytes, and eight bytes that become eight planes or a byte of codes.");
    c.reset();
    let data = c.input("in_data", 8);
    let [valid, last] = ["in_valid", "in_last"].map(|name| c.input(name, 1));
    let (byte_ready, release) = (c.input("byte_ready", 1), c.input("release_patch", 1));
    let square = Square::new(&c, program);
    let item = window(&c, program, Stream { data, valid, last, frees: square.frees });
    c.output("in_ready", item.ready);
    let fills = (item.valid & square.works & !item.drops).named("fills");
    let stored = (square.draining & byte_ready).named("stored");
    c.output("byte_valid", square.draining);
    square.places(&item, (fills, stored), release);
    square.bytes(square.row(&item, fills), fills);
    c.finish()
}

/// The square of eight bytes, and where its planes go.
struct Square<'b, 'p> {
    c: &'b Builder,
    program: &'p Program,
    job: Wire<'b>,
    of: Rows<'b, 'p, Job>,
    is_encode: Wire<'b>,
    /// Rows of the square that are filled; it is being written, plane by plane.
    filled: Wire<'b>,
    draining: Wire<'b>,
    plane: Wire<'b>,
    /// A byte of the current patch has been taken; patches that are complete.
    begun: Wire<'b>,
    complete: Wire<'b>,
    /// Threshold of the byte, and whether it is the last.
    threshold: Wire<'b>,
    threshold_last: Wire<'b>,
    /// A step can be made with an item, and that step finishes with it.
    works: Wire<'b>,
    frees: Wire<'b>,
}

impl<'b, 'p> Square<'b, 'p> {
    fn new(c: &'b Builder, program: &'p Program) -> Self {
        let jobs = &program.jobs;
        let job = c.counter("job", jobs.len() as u32 - 1);
        let of = Rows::new(c, job, jobs);
        let is_encode = of.flag("is_encode", |j| j.encode);
        let draining = c.register("draining", 1);
        let (begun, complete) = (c.register("begun", 1), c.register("complete", 2));
        let threshold = of.counter("threshold", |j| j.thresholds);
        let is_last = threshold.equals(of.count("thresholds", |j| j.thresholds));
        let threshold_last = (!is_encode | is_last).named("threshold_last");
        // The first threshold must have been read.
        let warm = if program.thresholds.is_empty() { c.high() } else { c.delay("warm", c.high()) };
        let works = (!draining & warm & !(!begun & complete.bit(1))).named("works");
        Self {
            c,
            program,
            job,
            of,
            is_encode,
            filled: c.register("filled", 3),
            draining,
            plane: c.register_if(jobs.iter().any(|job| !job.encode), "plane", 3),
            begun,
            complete,
            threshold,
            threshold_last,
            works,
            frees: (works & threshold_last).named("frees"),
        }
    }

    /// What an item puts into the square: itself, or whether it reaches the threshold.
    fn row(&self, item: &Item<'b>, fills: Wire<'b>) -> Wire<'b> {
        let Self { c, of, is_encode, threshold_last, .. } = self;
        if self.program.thresholds.is_empty() {
            return item.value;
        }
        let bits = width(self.program.thresholds.len() as u64 - 1);
        let address = c.register("t_address", bits);
        let [base, base_next] =
            [of.word("t_base", bits, |j| j.t_base), of.next_word("t_base_next", bits, |j| j.t_base)];
        let restart = item.job_end.mux(base_next, base);
        let step = is_encode.mux(address.next(), address);
        let next = fills.mux((*threshold_last & item.tap_end).mux(restart, step), address);
        let next = item.drops.mux(base, next).named("t_next");
        c.next(address, &[(c.high(), next)]);
        let threshold_next = self.threshold.next_until(*threshold_last);
        c.next(self.threshold, &[(item.drops, self.threshold.zero()), (fills & *is_encode, threshold_next)]);
        let contents = self.program.thresholds.iter().map(|threshold| u64::from(*threshold)).collect();
        let limit = c.rom("limits", "rom_style = \"block\"", &[8], contents).read(next)[0];
        let reached = !item.value.less(limit);
        is_encode.mux(reached.extend(8), item.value).named("row")
    }

    /// The rows of the square, and the byte that a plane of them makes.
    fn bytes(&self, row: Wire<'b>, fills: Wire<'b>) {
        let Self { c, filled, plane, .. } = self;
        let rows: Vec<Wire<'b>> = (0..8).map(|at| c.data(&format!("square_{at}"), 8)).collect();
        for (at, own) in rows.iter().enumerate() {
            let clears = if at == 0 { c.low() } else { fills & filled.is(0) };
            c.next(*own, &[(fills & filled.is(at as u64), row), (clears, c.constant(0, 8))]);
        }
        let column = |row: &Wire<'b>| c.select(*plane, &(0..8).map(|bit| row.bit(bit)).collect::<Vec<_>>());
        c.output("byte_value", c.join(&rows.iter().map(column).collect::<Vec<_>>()));
    }

    /// Where the bytes go, and how many patches are complete.
    fn places(&self, item: &Item<'b>, (fills, stored): (Wire<'b>, Wire<'b>), release: Wire<'b>) {
        let Self { c, of, is_encode, threshold_last, begun, complete, plane, .. } = self;
        let bits = width(u64::from(self.program.ram_words) - 1);
        let [half, patch_end] = ["half", "patch_end"].map(|name| c.register(name, 1));
        let word_end = c.register_if(!self.program.thresholds.is_empty(), "word_end", 1);
        let [address, first] = ["address", "first"].map(|name| c.register(name, bits));
        let position = c.register("position", 2);
        let pixel_end = (*threshold_last & item.tap_end & *is_encode).named("pixel_end");
        let fill_end = (*threshold_last & item.patch_end).named("fill_end");
        let full = (self.filled.is(7) | pixel_end | fill_end).named("full");
        let drained = (*is_encode | plane.is(7)).named("drained");
        let drains = (stored & drained).named("drains");
        let leaves = (drains & patch_end).named("leaves");
        let place = half.mux(of.word("other", bits, |j| j.other), of.word("base", bits, |j| j.base));
        let first_now = begun.mux(first, place).named("first_now");
        let position_last = position.is(3) | word_end;

        c.next(self.filled, &[(item.drops, self.filled.zero()), (fills, self.filled.next_until(full))]);
        c.next(self.draining, &[(fills, full), (drains, c.low())]);
        c.next(*plane, &[(stored, plane.next_until(drained))]);
        c.next(*begun, &[(item.drops, c.low()), (fills, c.high()), (leaves, c.low())]);
        c.next(half, &[(leaves, !half)]);
        c.next(patch_end, &[(fills, fill_end)]);
        c.next(word_end, &[(fills, pixel_end)]);
        c.next(first, &[(fills, first_now), (drains, first + position_last.extend(bits))]);
        c.next(address, &[(fills, first_now), (stored & !drained, address + of.word("words", bits, |j| j.words))]);
        let position_next = word_end.mux(c.constant(0, 2), position.next());
        c.next(position, &[(fills & !*begun, c.constant(0, 2)), (drains, position_next)]);
        c.next(*complete, &[(c.high(), *complete + leaves.extend(2) - release.extend(2))]);
        self.next_job(fills & *threshold_last & item.job_end, fills, leaves);
        c.output("byte_address", address.extend(32));
        c.output("byte_position", position);
        c.output("patch_ready", complete.any());
    }

    /// After the last patch of a job comes the next job.
    fn next_job(&self, ends: Wire<'b>, fills: Wire<'b>, leaves: Wire<'b>) {
        let Self { c, job, program, .. } = self;
        let job_end = c.register_if(program.jobs.len() > 1, "job_end", 1);
        c.next(job_end, &[(fills, ends)]);
        let last = job.is(program.jobs.len() as u64 - 1);
        c.next(*job, &[(leaves & job_end, job.next_until(last))]);
    }
}
