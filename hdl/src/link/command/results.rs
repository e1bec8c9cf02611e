//! Results: which one is owed to the host, and which nobody wants any more.

use crate::circuit::{Builder, Wire};

/// What the accelerator computes or has computed.
pub(super) struct Results<'b> {
    c: &'b Builder,
    /// A whole frame was given whose result has not been read.
    pending: Wire<'b>,
    /// Some of that result has been read, which cannot be read again.
    torn: Wire<'b>,
    /// Results before it that go away unread.
    drops: Wire<'b>,
    /// One has been finished since reset.
    inferred: Wire<'b>,
    /// Clocks since its first byte was there, and whether they are enough.
    waited: Wire<'b>,
    is_patient: Wire<'b>,
    valid: Wire<'b>,
    pub data: Wire<'b>,
    pub last: Wire<'b>,
}

impl<'b> Results<'b> {
    pub fn new(c: &'b Builder, patience: u32) -> Self {
        let (valid, last) = (c.input("out_valid", 1), c.input("out_last", 1));
        let waited = c.counter("waited", patience);
        Self {
            c,
            pending: c.register("pending", 1),
            torn: c.register("torn", 1),
            drops: c.register("drops", 2),
            inferred: c.register("inferred", 1),
            waited,
            is_patient: waited.is(patience.into()).named("is_patient"),
            valid,
            data: c.input("out_data", 8),
            last,
        }
    }

    pub fn is_dropping(&self) -> Wire<'b> {
        self.drops.any()
    }

    /// Whether an inference has been finished since reset.
    pub fn has_inferred(&self) -> Wire<'b> {
        self.inferred
    }

    /// Whether no further result may be dropped: requests are ignored until one of them has gone.
    pub fn is_full(&self) -> Wire<'b> {
        self.drops.is(3)
    }

    /// Whether the result that is owed can be read.
    pub fn is_offered(&self) -> Wire<'b> {
        self.is_there() & self.is_patient
    }

    fn is_there(&self) -> Wire<'b> {
        self.valid & !self.is_dropping()
    }

    /// Whether nothing is left that could be read from its first byte.
    pub fn is_torn(&self) -> Wire<'b> {
        !self.pending | self.torn
    }

    /// A request that `starts`, or a reading that is `torn` off, gives up the result; an answer `takes` a byte of it.
    pub fn next(&self, (starts, torn_off): (Wire<'b>, Wire<'b>), infers: Wire<'b>, takes: Wire<'b>) {
        let Self { c, pending, torn, drops, waited, valid, last, .. } = *self;
        let out_ready = (takes | self.is_dropping()).named("takes_result");
        let finishes = (valid & out_ready & last).named("finishes");
        let (dropped, read) = (finishes & self.is_dropping(), finishes & !self.is_dropping());
        let lost = ((starts | torn_off) & pending & !read).named("is_lost");
        c.next(pending, &[(lost | read, c.low()), (infers, c.high())]);
        c.next(waited, &[(!pending, waited.zero()), (self.is_there() & !self.is_patient, waited.next())]);
        c.next(self.inferred, &[(finishes, c.high())]);
        c.next(torn, &[(lost | finishes, c.low()), (takes, c.high())]);
        c.next(drops, &[(lost & !dropped, drops.next()), (dropped & !lost, drops.previous())]);
        c.output("out_ready", out_ready);
    }
}
