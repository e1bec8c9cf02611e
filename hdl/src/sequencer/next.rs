//! What the registers of the sequencer become at the clock's edge.

use super::state::State;
use super::walk::Walk;
use crate::circuit::{Wire, width};
use crate::program::Row;

impl<'b> Walk<'b, '_> {
    /// The state, and the row that is executed.
    pub fn next_state(&self, (patch_ready, room, idle): (Wire<'b>, Wire<'b>, Wire<'b>), rebuilt: Wire<'b>) {
        let Self { c, program, state, is, at, ends, .. } = self;
        let to = |next: State| state.of(c, next);
        let [added, scaled, biased, emitted] = self.step_ends();
        let waits = (patch_ready | !is.patch) & (room | !is.send);
        let row_end = (ends.group & ends.out_column & ends.out_row).named("row_end");
        let drained = (state.draining & idle).named("drained");
        let after_sum = is.residual.mux(to(State::Residual), to(State::Bias));
        let after_own = is.residual.mux(to(State::Residual), is.pool.mux(to(State::Done), to(State::Bias)));
        let shared = if state.scaling.constant().is_some() { after_own } else { to(State::Scale) };
        let after_window = at.summing.mux(to(State::Done), (is.shared | is.depthwise).mux(shared, after_own));
        let enter = match state.rebuilding.constant() {
            Some(_) => to(State::Run),
            None => is.rebuilt.mux(to(State::Rebuild), to(State::Run)),
        };
        let waits_again = is.send | (is.patch & ends.group);
        // Later groups of an output word take what the first one has counted for all.
        let [begin, begin_next] = [at.slot.any(), !ends.output_word].map(|counted| match state.scaling.constant() {
            Some(_) => enter,
            None => (is.depthwise & counted).mux(to(State::Scale), enter),
        });
        let after_group = row_end.mux(to(State::Drain), waits_again.mux(to(State::Wait), begin_next));
        let rules = [
            (state.loading, (is.patch | is.send).mux(to(State::Wait), enter)),
            (state.waiting & waits, begin),
            (state.rebuilding & rebuilt, to(State::Run)),
            (state.running & ends.window & (ends.pass | is.depthwise), after_window),
            (self.between_planes(), to(State::Run)),
            (scaled, after_sum),
            (added, to(State::Bias)),
            (biased, is.raw.mux(to(State::Emit), to(State::Done))),
            (emitted, to(State::Done)),
            (state.finishing & at.summing, to(State::Run)),
            (ends.leaves, after_group),
            (drained, to(State::Load)),
        ];
        c.next(state.now, &rules);
        let row_last = self.row.is(program.rows.len() as u64 - 1);
        c.next(self.row, &[(drained, self.row.next_until(row_last))]);
    }

    /// The channels of a depthwise row are doubled before their next plane.
    pub fn between_planes(&self) -> Wire<'b> {
        self.state.scaling & self.is.depthwise & self.at.pass.any()
    }

    /// The last steps of the residual, of the doublings, of the biases and of the lanes that are emitted.
    fn step_ends(&self) -> [Wire<'b>; 4] {
        let Self { c, program, of, state, at, ends, .. } = self;
        let lanes = u64::from(program.options.lanes) - 1;
        let all = c.constant(lanes, width(lanes));
        let emitted = ends.group.mux(of.word("last_lane", all.width(), |r| r.output.last_lane), all);
        let ends_at = |name: &str, state: Wire<'b>, last: Wire<'b>| (state & at.step.same_number(last)).named(name);
        let added = ends_at("added", state.adding, of.count("r_planes", |r| r.residual.planes));
        let scaled = ends_at("scaled", state.scaling, of.count("doublings", |r| r.sum.doublings));
        let biased = ends_at("biased", state.biasing, of.count("thresholds", |r| r.thresholds));
        let emitted = ends_at("emitted", state.emitting, emitted);
        let settles = state.finishing & !at.summing & !at.cooldown.any();
        let counts = state.adding | state.scaling | state.biasing | state.emitting | settles;
        let last = (added | scaled | biased | emitted | ends.leaves).named("step_last");
        c.next(at.step, &[(counts, at.step.next_until(last))]);
        let spacing = of.count("spacing", |r| r.spacing);
        c.next(at.cooldown, &[(ends.leaves, spacing), (at.cooldown.any(), at.cooldown.previous())]);
        [added, scaled, biased, emitted]
    }

    /// The loops over a window.
    pub fn next_words(&self) {
        let Self { c, of, state, is, at, ends, .. } = self;
        let (runs, tap) = (state.running, state.running & ends.tap);
        c.next(at.word, &[(runs, at.word.next_until(ends.word))]);
        c.next(at.plane, &[(runs & ends.word, at.plane.next_until(ends.plane))]);
        c.next(at.kernel_column, &[(tap, at.kernel_column.next_until(ends.column))]);
        c.next(at.kernel_row, &[(tap & ends.column, at.kernel_row.next_until(ends.row))]);
        c.next(at.pass, &[(runs & ends.window, at.pass.next_until(ends.pass))]);
        let first = self.first_shift();
        let to_residual = ends.window & ends.pass & is.residual & !at.summing;
        let after_tap = to_residual.mux(of.word("r_shift", at.shift.width(), |r| r.residual.shift), first);
        let rules = [
            (state.loading, first),
            (runs & ends.word, ends.plane.mux(after_tap, at.shift.next())),
            (state.adding, at.shift.next()),
            (ends.leaves, first),
        ];
        c.next(at.shift, &rules);
    }

    /// The left shift of the first plane.
    pub fn first_shift(&self) -> Wire<'b> {
        self.of.word("first_shift", self.at.shift.width(), |r| r.shift)
    }

    /// The loops over groups of lanes and output pixels.
    pub fn next_groups(&self) {
        let Self { c, state, is, at, ends, .. } = self;
        let pixel = ends.leaves & ends.group;
        c.next(at.slot, &[(ends.leaves, at.slot.next_until(ends.output_word))]);
        c.next(at.group, &[(ends.leaves, at.group.next_until(ends.group))]);
        c.next(at.out_column, &[(pixel, at.out_column.next_until(ends.out_column))]);
        c.next(at.out_row, &[(pixel & ends.out_column, at.out_row.next_until(ends.out_row))]);
        let rules = [(state.loading | pixel, is.shared), (state.finishing & at.summing, c.low())];
        c.next(at.summing, &rules);
    }

    /// The position of the tap, where taps can lie outside the input.
    pub fn next_positions(&self) {
        let Self { c, of, state, at, ends, .. } = self;
        let ([row, column], [row_start, column_start], bits) = (at.y, at.y_start, at.y[0].width());
        let top = of.word("top", bits, |r| r.window.origin()[0]);
        let left = of.word("left", bits, |r| r.window.origin()[1]);
        let pixel = (ends.leaves & ends.group).named("pixel_end");
        let right = column_start + of.word("stride_right", bits, |r| r.window.stride[1]);
        let down = row_start + of.word("stride_down", bits, |r| r.window.stride[0]);
        let column_next = ends.out_column.mux(left, right);
        let row_next = ends.out_column.mux(down, row_start);
        let tap = state.running & ends.tap;
        c.next(column_start, &[(state.loading, left), (pixel, column_next)]);
        c.next(row_start, &[(state.loading, top), (pixel, row_next)]);
        let tap_column = ends.column.mux(column_start, column.next());
        c.next(column, &[(state.loading, left), (tap, tap_column), (pixel, column_next)]);
        let tap_row = ends.row.mux(row_start, row.next());
        c.next(row, &[(state.loading, top), (tap & ends.column, tap_row), (pixel, row_next)]);
    }

    /// The address of signs, where it is not that of weights.
    fn next_signs(&self) {
        let Self { c, program, of, state, at, ends, .. } = self;
        let bits = width((program.signs.len() / program.lanes()).max(1) as u64 - 1);
        let s = c.register_if(program.counts_signs, "s_now", bits);
        let base = of.word("s_base", bits, |r| r.weights.sign_base);
        let step =
            (ends.window & !ends.pass).mux(of.word("s_pass", bits, |r| r.weights.sign_pass), c.constant(1, bits));
        let back = match program.rows.iter().any(|r| r.weights.listed) {
            true => c.constant(0, bits) - at.word.resize(bits),
            false => of.word("s_back", bits, |r| r.weights.back),
        };
        let walks = state.running & of.flag("is_signed", |r| r.weights.signed);
        let walked = s + (ends.word & !ends.plane).mux(back, step);
        c.next(s, &[(state.loading | (ends.leaves & ends.group), base), (walks, walked)]);
        c.output("s", s.extend(32));
    }

    /// The addresses of activations, weights and biases, and the outputs that show them.
    pub fn next_addresses(&self) {
        let Self { c, program, of, state, is, at, ends, .. } = self;
        let pixel = ends.leaves & ends.group;
        let w = self.next_weights(pixel);
        self.next_signs();
        let bits = width((program.biases.len() / program.lanes()) as u64);
        let (b, b_base) = (c.register("b_now", bits), of.word("b_base", bits, |r| r.bias_base));
        c.next(b, &[(state.loading, b_base), (state.biasing, b.next()), (pixel, b_base)]);

        let bits = width(u64::from(program.ram_words) - 1);
        let r = c.register_if(program.rows.iter().any(|r| r.residual.added), "r_now", bits);
        let next_pixel = r + of.word("r_pixel", bits, |row| row.residual.pixel);
        let rules = [
            (state.loading, of.word("r_base", bits, |row| row.residual.base)),
            (pixel, next_pixel),
            (ends.leaves & ends.output_word, r.next()),
        ];
        c.next(r, &rules);
        let x = c.register("x_now", bits);
        let (first, begin, next) = self.starts(bits, b);
        let to_residual = (ends.window & is.residual & !at.summing).named("to_residual");
        let restarts = ends.window & !ends.pass & !is.depthwise;
        // The sum that takes longest comes first, so that nothing is chosen behind it but itself.
        let rules = [
            (state.running & !restarts & !to_residual, x + self.step(bits)),
            (state.loading, first),
            (state.running, restarts.mux(begin, r)),
            (state.adding, x + of.word("r_plane", bits, |row| row.residual.plane)),
            (state.finishing & at.summing, begin),
            (ends.leaves, next),
        ];
        c.next(x, &rules);
        c.output("x", x.extend(32));
        c.output("w", w.extend(32));
        c.output("b", state.biasing.mux(b, c.constant(0, b.width())).extend(32));
    }

    /// The address of weights.
    fn next_weights(&self, pixel: Wire<'b>) -> Wire<'b> {
        let Self { c, program, of, state, is, at, ends, .. } = self;
        let bits = width(u64::from(program.weight_addresses));
        let (w, w_base) = (c.register("w_now", bits), of.word("w_base", bits, |r| r.weights.base));
        let (again, one) = (ends.word & !ends.plane, c.constant(1, bits));
        let taps_again = is.depthwise & ends.window & !ends.pass;
        let walked = match program.rows.iter().any(|r| r.weights.listed) {
            true => {
                let taps = of.word("taps_back", bits, |r| if r.depthwise { r.weights.back } else { 0 });
                taps_again.mux(w + taps, again.mux(w - at.word.resize(bits), w + one))
            }
            false => w + (again | taps_again).mux(of.word("w_back", bits, |r| r.weights.back), one),
        };
        // The rebuilder makes the weights of each group in the same place.
        let again = pixel | (ends.leaves & is.rebuilt);
        c.next(w, &[(state.loading, w_base), (state.running, walked), (again, w_base)]);
        w
    }

    /// How far the next word of the window lies from this one.
    fn step(&self, bits: u32) -> Wire<'b> {
        let Self { c, of, is, at, ends, .. } = self;
        let stays = is.listed | (is.twice & at.plane.bit(0));
        let again = stays.mux(c.constant(0, bits), c.constant(1, bits));
        let next_plane = is.twice.mux(c.constant(0, bits), of.word("x_plane", bits, |r| r.input.plane));
        let links = [
            (ends.word, again),
            (ends.plane, next_plane),
            (ends.column, of.word("x_tap", bits, |r| r.input.tap)),
            (ends.row, of.word("x_line", bits, |r| r.input.line)),
        ];
        let mut used = links.into_iter().filter(|(last, _)| last.constant().is_none()).rev();
        // The end of the window sets the address anyway, so that the last loop needs no condition; but that of a pass
        // over one plane of channels.
        let last = match is.depthwise.constant() {
            Some(0) => used.next().map_or(c.constant(0, bits), |(_, step)| step),
            _ => of.word("x_pass", bits, |r| r.input.pass),
        };
        used.fold(last, |step, (last, own)| last.mux(step, own)).named("x_step")
    }

    /// The window's start in the first group, in this one, and in the next one.
    fn starts(&self, bits: u32, b: Wire<'b>) -> (Wire<'b>, Wire<'b>, Wire<'b>) {
        let Self { c, program, of, state, is, ends, .. } = self;
        let half = c.register_if(program.rows.iter().any(|r| r.patch), "half", 1);
        c.next(half, &[(ends.leaves & ends.group & is.patch, !half)]);
        let (base, other) = (of.word("x_base", bits, |r| r.input.base), of.word("x_other", bits, |r| r.input.other));
        let first = (is.patch & half).mux(other, base).named("first");
        let moves = |r: &Row| r.window.output != [0; 2] || r.input.word != 0;
        if program.group_steps.is_empty() && !program.rows.iter().any(moves) {
            return (first, first, (is.patch & (half ^ ends.group)).mux(other, base));
        }
        let start = c.register("start", bits);
        let last = program.group_steps.last().map_or(0, |(address, _)| *address);
        let cut = |address: u32| u64::from(program.group_step(address)) & ((1 << bits) - 1);
        let group_step = c.table(b, &(0..=last).map(cut).collect::<Vec<_>>(), bits).named("group_step");
        let hop = ends.output_word.mux(of.word("x_word", bits, |r| r.input.word), c.constant(0, bits));
        let pixel_step =
            ends.out_column.mux(of.word("x_row", bits, |r| r.input.row), of.word("x_column", bits, |r| r.input.column));
        let step = ends.group.mux(pixel_step, group_step + hop).named("start_step");
        let next = (is.patch & ends.group).mux(half.mux(base, other), start + step).named("start_next");
        c.next(start, &[(state.loading, first), (ends.leaves, next)]);
        (first, start, next)
    }
}
