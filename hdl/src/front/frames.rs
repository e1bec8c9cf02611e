//! Where frames end, and what becomes of those of a wrong length.

use crate::circuit::{Builder, Wire};

/// The judge of frames: a frame's last byte by count must be the one that is marked.
pub(super) struct Frames<'b> {
    c: &'b Builder,
    /// The rest of a frame that was too long is swallowed.
    pub skips: Wire<'b>,
}

/// A byte of the stream.
#[derive(Clone, Copy)]
pub(super) struct Arrival<'b> {
    /// A byte is taken, swallowed or not.
    pub arrives: Wire<'b>,
    /// It is marked as the last of its frame.
    pub last: Wire<'b>,
    /// It is the last of its frame by count.
    pub is_end: Wire<'b>,
}

/// What a byte says about its frame.
pub(super) struct Verdict<'b> {
    /// The frame is whole.
    pub completes: Wire<'b>,
    /// The frame has a wrong length.
    pub drops: Wire<'b>,
}

impl<'b> Frames<'b> {
    pub fn new(c: &'b Builder) -> Self {
        Self { c, skips: c.register("skips", 1) }
    }

    /// Judges a byte, remembers what was wrong, and shows it at the port.
    pub fn judge(&self, Arrival { arrives, last, is_end }: Arrival<'b>) -> Verdict<'b> {
        let Self { c, skips } = *self;
        let counts = (arrives & !skips).named("counts");
        let completes = (counts & last & is_end).named("frame_whole");
        let drops = (counts & (last ^ is_end)).named("frame_drops");
        c.next(skips, &[(drops & is_end, c.high()), (arrives & last, c.low())]);
        let error = c.register("frame_wrong", 1);
        c.next(error, &[(drops, c.high()), (completes, c.low())]);
        c.output("frame_error", error);
        Verdict { completes, drops }
    }
}
