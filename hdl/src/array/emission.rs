//! Counts leave lane by lane: as scores while the sequencer waits, or to the requantiser while the lanes go on (a
//! parallel-in serial-out register).

use super::Array;
use super::lanes::Lanes;
use crate::circuit::{Wire, width};
use crate::sequencer::flag;

/// A finished group on its way to the packer, or what the flags say about one that needs no such way.
pub(super) struct Group<'b> {
    /// Its outputs are ready.
    pub done: Wire<'b>,
    /// It completes an output word, and an output pixel.
    pub flush: Wire<'b>,
    pub pixel: Wire<'b>,
    /// Its place in the output word.
    pub slot: Wire<'b>,
}

/// The lane that leaves in this cycle.
pub(super) struct Emission<'b> {
    /// Its count.
    pub count: Wire<'b>,
    /// It goes to the requantiser.
    pub requants: Wire<'b>,
    /// It is the last lane of a pixel that does.
    pub pixel_end: Wire<'b>,
    /// Requantised groups have not reached the packer yet.
    pub busy: Wire<'b>,
    /// What goes to the packer.
    pub group: Group<'b>,
}

impl<'b> Emission<'b> {
    pub fn new(array: &Array<'b, '_>, lanes: &Lanes<'b>) -> Self {
        let (c, flags, sums) = (array.c, &array.flags, &lanes.sums);
        let lane = flags.late_field(flag::SLOT, width(sums.len() as u64 - 1));
        let group = now(array);
        if !array.any(|r| r.scaling.requant) {
            let count = c.select(lane, sums).named("chosen");
            return Self { count, requants: c.low(), pixel_end: c.low(), busy: c.low(), group };
        }
        let starts = (group.done & array.is_requant).named("requant_start");
        let first = if array.any(|r| r.output.raw) { array.is_requant.mux(starts, lane.is(0)) } else { starts };
        let count = serial(array, first.named("first_lane"), sums);
        // How many lanes are left.
        let most = c.constant(sums.len() as u64 - 1, width(sums.len() as u64 - 1));
        let left = c.counter("lanes_left", sums.len() as u32 - 1);
        c.next(left, &[(starts, most), (left.any(), left.previous())]);
        let last = if sums.len() == 1 { starts } else { left.is(1) }.named("last_lane");
        let (group, pixel_end, busy) = follow(array, group, starts, last);
        Self { count, requants: (starts | left.any()).named("requants"), pixel_end, busy: busy | left.any(), group }
    }
}

/// The group that ends in this cycle, as the flags say.
fn now<'b>(array: &Array<'b, '_>) -> Group<'b> {
    let flags = &array.flags;
    Group {
        done: flags.late(flag::DONE),
        flush: flags.late(flag::FLUSH),
        pixel: flags.late(flag::PIXEL),
        slot: flags.late_field(flag::SLOT, 5),
    }
}

/// The count of the first lane where it is the first one's turn, then those of the others from a register that moves
/// by one lane a cycle.
fn serial<'b>(array: &Array<'b, '_>, first: Wire<'b>, sums: &[Wire<'b>]) -> Wire<'b> {
    let c = array.c;
    let held: Vec<Wire<'b>> =
        (1..sums.len()).map(|lane| c.register(&format!("held_{lane}"), sums[lane].width())).collect();
    for (lane, register) in held.iter().enumerate() {
        let behind = held.get(lane + 1).map(|next| (c.high(), *next));
        c.next(*register, &[(first, sums[lane + 1])].into_iter().chain(behind).collect::<Vec<_>>());
    }
    held.first().map_or(sums[0], |next| first.mux(sums[0], *next)).named("chosen")
}

/// What is known of a group stays beside its counts until its outputs are collected, and whether anything is on its way.
fn follow<'b>(
    array: &Array<'b, '_>,
    now: Group<'b>,
    starts: Wire<'b>,
    last: Wire<'b>,
) -> (Group<'b>, Wire<'b>, Wire<'b>) {
    let (c, slots) = (array.c, array.program.slots());
    let known =
        [now.flush, now.pixel].into_iter().chain((slots > 1).then(|| now.slot.bits(0, width((slots - 1).into()))));
    let known = c.join(&known.collect::<Vec<_>>());
    let (leaving, collecting) =
        (c.register("group_leaving", known.width()), c.register("group_collecting", known.width()));
    c.next(leaving, &[(starts, known)]);
    let latest = if array.program.options.lanes == 1 { known } else { leaving };
    c.next(collecting, &[(last, latest)]);
    let stages = ["last_counted", "last_multiplied", "last_added", "last_collected"];
    let (busy, done) = stages.iter().fold((c.low(), last), |(busy, stage), name| {
        let next = c.delay(name, stage);
        (busy | next, next)
    });
    let is_plain = (now.done & !array.is_requant).named("plain_group");
    let own = |at: u32, plain: Wire<'b>| array.is_requant.mux(collecting.bit(at), plain);
    let slot = if slots > 1 { collecting.bits(2, known.width() - 2).extend(5) } else { c.constant(0, 5) };
    let group = Group {
        done: (is_plain | done).named("group_done"),
        flush: array.is_requant.mux(done & collecting.bit(0), now.flush).named("group_flush"),
        pixel: own(1, now.pixel).named("group_pixel"),
        slot: array.is_requant.mux(slot, now.slot).named("group_slot"),
    };
    (group, last & latest.bit(1), busy)
}
