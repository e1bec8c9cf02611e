//! The sequencer: walks the layer table and issues one read of activations and weights a cycle (the controller).

mod issue;
mod next;
mod state;
mod walk;

use rust_hdl::prelude::*;

use crate::circuit::{Builder, Circuit, Wire, block};
use crate::program::Program;
pub(crate) use issue::{Issue, flag};
pub(crate) use state::{State, Status};
use walk::Walk;

block! {
    /// Walks the layer table; `bitfab_hdl::SequencedEngine` connects it.
    SequencerBlock {
        /// A patch is complete.
        pub patch_ready: Signal<In, Bit>,
        /// The sender has room for a group.
        pub room: Signal<In, Bit>,
        /// The array has finished everything.
        pub idle: Signal<In, Bit>,
        /// The word after the last one that was issued is the last of its list.
        pub list_end: Signal<In, Bit>,
        /// The weights of the group have been made.
        pub rebuilt: Signal<In, Bit>,
        /// Row of the layer table.
        pub row_index: Signal<Out, Bits<8>>,
        /// Word of the activation memory.
        pub x: Signal<Out, Bits<32>>,
        /// Address of weights.
        pub w: Signal<Out, Bits<32>>,
        /// Address of signs.
        pub s: Signal<Out, Bits<32>>,
        /// Address of biases.
        pub b: Signal<Out, Bits<32>>,
        /// What to do with them.
        pub flags: Signal<Out, Bits<32>>,
        /// The patch may be filled again.
        pub release_patch: Signal<Out, Bit>,
        /// The weights of a group are waited for.
        pub rebuild: Signal<Out, Bit>,
    }
}

/// The sequencer of `program`.
pub(crate) fn circuit(program: &Program) -> Circuit {
    let c = Builder::new("The sequencer: a counter for each loop of a layer, and what they issue.");
    c.reset();
    let [patch_ready, room, idle] = ["patch_ready", "room", "idle"].map(|name| c.input(name, 1));
    let [list_end, rebuilt] = ["list_end", "rebuilt"].map(|name| c.input(name, 1));
    let walk = Walk::new(&c, program, list_end);
    walk.next_state((patch_ready, room, idle), rebuilt);
    walk.next_words();
    walk.next_groups();
    walk.next_positions();
    walk.next_addresses();
    c.output("row_index", walk.row.extend(8));
    c.output("flags", flags(&walk));
    c.output("release_patch", walk.ends.leaves & walk.is.patch & walk.ends.group);
    c.output("rebuild", walk.state.rebuilding);
    c.finish()
}

/// The flags of an issue, each at its place.
fn flags<'b>(walk: &Walk<'b, '_>) -> Wire<'b> {
    let Walk { c, of, state, is, at, ends, .. } = walk;
    let pairs = conditions(walk);
    let flag = |place: u32| pairs.iter().find(|(flag, _)| *flag == 1 << place).map_or(c.low(), |(_, wire)| *wire);
    let bits: Vec<Wire<'b>> = (0..flag::SLOT).map(flag).collect();
    let slot = state.emitting.mux(at.step.resize(5), at.slot.resize(5));
    // Outside the input a tap of true zeros is worth half of one inside.
    let half = walk.first_shift().resize(5).previous();
    let shift = (is.twice & ends.outside & state.running).mux(half, at.shift.resize(5));
    let plane = of.count("planes", |r| r.planes).resize(3) - at.plane.resize(3);
    let minus = of.flag("is_minus", |r| r.weights.minus);
    let invert = state.running & minus & !at.summing & at.pass.is(0);
    c.join(&[c.join(&bits), slot, shift, plane, invert])
}

/// When the flags of one bit are set.
fn conditions<'b>(walk: &Walk<'b, '_>) -> [(u32, Wire<'b>); 18] {
    let Walk { c, of, state, is, at, ends, .. } = walk;
    let running = state.running;
    let pools = (running & is.pool).named("pools");
    let done = (state.finishing & ends.leaves & !is.pool).named("done");
    let outside = running & ends.outside;
    let borders = of.word("border", 8, |r| r.padding.border);
    let border = |at: Wire<'b>| c.select(at, &(0..1 << at.width()).map(|at| borders.bit(at)).collect::<Vec<_>>());
    let border = is.depthwise.mux(border(at.pass.resize(3)), border(at.plane));
    let ones = (of.flag("is_ones", |r| r.padding.ones) | (is.twice & at.plane.bit(0)) | border).named("ones");
    let is_first = (at.kernel_column.is(0) & at.kernel_row.is(0)).named("is_first");
    let is_most = at.plane.is(0);
    let next_pass = at.pass.any() & is_most & is_first & !is.depthwise;
    let doubles = (of.flag("is_doubling", |r| r.doubles) & !is_most) | next_pass;
    // In which doublings the sum of the window is added.
    let ratio = of.word("ratio", of.most(|r| r.sum.doublings) + 1, |r| r.sum.ratio);
    let adds = c.select(at.step, &(0..ratio.width()).map(|bit| ratio.bit(bit)).collect::<Vec<_>>()).named("adds");
    let takes = state.scaling & is.depthwise & !at.pass.any();
    [
        (flag::RUN, state.adding | (running & !is.pool)),
        (flag::SELECT, state.adding | (running & of.flag("is_select", |r| r.select))),
        (flag::ZERO, outside & !ones),
        (flag::ONES, outside & ones),
        (flag::TAIL, running & ends.word),
        (flag::COUNT, state.biasing & at.step.any()),
        (flag::DONE, done),
        (flag::FLUSH, done & ends.output_word & !is.raw),
        (flag::PIXEL, state.finishing & ends.group),
        (flag::EMIT, state.emitting),
        (flag::POOL, pools),
        (flag::FIRST, pools & is_first),
        (flag::MOST, pools & is_most),
        (flag::POOLED, state.finishing & is.pool & at.step.is(0)),
        (flag::LOAD, state.loading),
        (flag::DOUBLE, (state.scaling & !takes) | (running & at.word.is(0) & doubles)),
        (flag::KEEP, (state.finishing & at.summing) | (ends.leaves & is.depthwise & ends.output_word)),
        (flag::ADD, (state.scaling & adds) | takes),
    ]
}
