//! The registers of the sequencer, what the row that is executed is, and which loops end.

use super::state::State;
use crate::circuit::{Builder, Rows, Wire, width};
use crate::program::{Program, Row};

/// The sequencer while it is described.
pub(super) struct Walk<'b, 'p> {
    pub c: &'b Builder,
    pub program: &'p Program,
    pub row: Wire<'b>,
    pub of: Rows<'b, 'p, Row>,
    pub state: States<'b>,
    pub is: Kind<'b>,
    pub at: Counters<'b>,
    pub ends: Ends<'b>,
}

/// The state, and a wire for each one that the model can reach.
pub(super) struct States<'b> {
    pub now: Wire<'b>,
    pub loading: Wire<'b>,
    pub waiting: Wire<'b>,
    pub running: Wire<'b>,
    pub adding: Wire<'b>,
    pub biasing: Wire<'b>,
    pub emitting: Wire<'b>,
    pub finishing: Wire<'b>,
    pub draining: Wire<'b>,
    pub scaling: Wire<'b>,
    pub rebuilding: Wire<'b>,
}

/// What the row is.
pub(super) struct Kind<'b> {
    pub patch: Wire<'b>,
    pub pool: Wire<'b>,
    pub raw: Wire<'b>,
    pub send: Wire<'b>,
    pub twice: Wire<'b>,
    pub listed: Wire<'b>,
    pub residual: Wire<'b>,
    pub shared: Wire<'b>,
    pub depthwise: Wire<'b>,
    pub rebuilt: Wire<'b>,
}

/// Counters of the loops, the innermost first, and what counts beside them.
pub(super) struct Counters<'b> {
    pub word: Wire<'b>,
    pub plane: Wire<'b>,
    pub kernel_column: Wire<'b>,
    pub kernel_row: Wire<'b>,
    pub pass: Wire<'b>,
    pub group: Wire<'b>,
    pub out_column: Wire<'b>,
    pub out_row: Wire<'b>,
    /// The group's place in its output word; steps at the end of a group; the left shift of a count.
    pub slot: Wire<'b>,
    pub step: Wire<'b>,
    pub shift: Wire<'b>,
    /// Cycles until the next group may end.
    pub cooldown: Wire<'b>,
    /// The sum of the window is counted, before the first group.
    pub summing: Wire<'b>,
    /// Position of the tap and of the window's start, row and column; wraps below zero.
    pub y: [Wire<'b>; 2],
    pub y_start: [Wire<'b>; 2],
}

/// Which loops end in this cycle.
pub(super) struct Ends<'b> {
    /// The tap lies outside the input.
    pub outside: Wire<'b>,
    pub word: Wire<'b>,
    pub plane: Wire<'b>,
    pub column: Wire<'b>,
    pub row: Wire<'b>,
    pub tap: Wire<'b>,
    pub window: Wire<'b>,
    pub pass: Wire<'b>,
    pub output_word: Wire<'b>,
    pub group: Wire<'b>,
    pub out_column: Wire<'b>,
    pub out_row: Wire<'b>,
    /// The group is finished, and that was not the sum of the window.
    pub leaves: Wire<'b>,
}

/// The largest step that is counted at the end of a group.
fn most_steps(program: &Program) -> u32 {
    let lanes = |r: &Row| if r.output.raw { program.options.lanes - 1 } else { 0 };
    let steps = |r: &Row| {
        r.thresholds.max(r.output.planes).max(r.residual.planes).max(r.sum.doublings).max(r.settle).max(lanes(r))
    };
    // Nothing is counted where all that would be are the planes of outputs, which are not waited for.
    let waits =
        program.rows.iter().any(|r| r.thresholds | r.settle | r.residual.planes | r.sum.doublings | lanes(r) != 0);
    if waits { program.rows.iter().map(steps).max().unwrap_or(0) } else { 0 }
}

impl<'b, 'p> Walk<'b, 'p> {
    pub fn new(c: &'b Builder, program: &'p Program, list_end: Wire<'b>) -> Self {
        let row = c.counter("row", program.rows.len() as u32 - 1);
        let of = Rows::new(c, row, &program.rows);
        let is = Kind::new(&of);
        let state = States::new(c, program);
        let at = Counters::new(c, program, &of);
        let ends = Ends::new((c, program), &of, (&state, &is, &at), list_end);
        Self { c, program, row, of, state, is, at, ends }
    }
}

impl<'b> States<'b> {
    fn new(c: &'b Builder, program: &Program) -> Self {
        let any = |uses: fn(&Row) -> bool| program.rows.iter().any(uses);
        let now = c.register("state", if any(|r| r.sum.shared || r.depthwise || r.weights.rebuilt) { 4 } else { 3 });
        let is = |used: bool, name: &str, state: State| {
            if used { now.is(state as u64).named(name) } else { c.low() }
        };
        Self {
            now,
            loading: is(true, "loading", State::Load),
            waiting: is(any(|r| r.patch || r.output.send), "waiting", State::Wait),
            running: is(true, "running", State::Run),
            adding: is(any(|r| r.residual.added), "adding", State::Residual),
            biasing: is(true, "biasing", State::Bias),
            emitting: is(any(|r| r.output.raw), "emitting", State::Emit),
            finishing: is(true, "finishing", State::Done),
            draining: is(true, "draining", State::Drain),
            scaling: is(any(|r| r.sum.shared || r.depthwise), "scaling", State::Scale),
            rebuilding: is(any(|r| r.weights.rebuilt), "rebuilding", State::Rebuild),
        }
    }

    /// A constant state.
    pub fn of(&self, c: &'b Builder, state: State) -> Wire<'b> {
        c.constant(state as u64, self.now.width())
    }
}

impl<'b> Kind<'b> {
    fn new(of: &Rows<'b, '_, Row>) -> Self {
        Self {
            patch: of.flag("is_patch", |r| r.patch),
            pool: of.flag("is_pool", |r| r.pool),
            raw: of.flag("is_raw", |r| r.output.raw),
            send: of.flag("is_send", |r| r.output.send),
            twice: of.flag("is_twice", |r| r.padding.twice),
            listed: of.flag("is_listed", |r| r.weights.listed),
            residual: of.flag("is_residual", |r| r.residual.added),
            shared: of.flag("is_shared", |r| r.sum.shared),
            depthwise: of.flag("is_depthwise", |r| r.depthwise),
            rebuilt: of.flag("is_rebuilt", |r| r.weights.rebuilt),
        }
    }
}

impl<'b> Counters<'b> {
    fn new(c: &'b Builder, program: &Program, of: &Rows<'b, '_, Row>) -> Self {
        let any = |uses: fn(&Row) -> bool| program.rows.iter().any(uses);
        let reach = of.most(|r| r.window.reach());
        let stride = of.most(|r| r.window.stride[0].max(r.window.stride[1]));
        let bits = width(u64::from(reach) + u64::from(stride)) + 1;
        let position = |name: &str| c.register_if(any(|r| r.window.padded), name, bits);
        let slots = if any(|r| !r.pool) { program.slots() - 1 } else { 0 };
        Self {
            word: of.counter("word", |r| r.words),
            plane: of.counter("plane", |r| r.planes.max(r.padding.twice.into())),
            kernel_column: of.counter("kernel_column", |r| r.window.kernel[1]),
            kernel_row: of.counter("kernel_row", |r| r.window.kernel[0]),
            pass: of.counter("pass", |r| r.passes),
            group: of.counter("group", |r| r.groups),
            out_column: of.counter("out_column", |r| r.window.output[1]),
            out_row: of.counter("out_row", |r| r.window.output[0]),
            slot: c.counter("slot", slots),
            step: c.counter("step", most_steps(program)),
            shift: c.counter("shift", program.max_shift()),
            cooldown: of.counter("cooldown", |r| r.spacing),
            summing: c.register_if(any(|r| r.sum.shared), "summing", 1),
            y: ["y_row", "y_column"].map(position),
            y_start: ["y_row_start", "y_column_start"].map(position),
        }
    }
}

impl<'b> Ends<'b> {
    fn new(
        (c, program): (&'b Builder, &Program),
        of: &Rows<'b, '_, Row>,
        (state, is, at): (&States<'b>, &Kind<'b>, &Counters<'b>),
        list_end: Wire<'b>,
    ) -> Self {
        let bits = at.y[0].width();
        let (height, right) =
            (of.word("height", bits, |r| r.window.input[0]), of.word("width", bits, |r| r.window.input[1]));
        let is_inside = at.y[0].less(height) & at.y[1].less(right);
        let outside = (of.flag("is_padded", |r| r.window.padded) & !is_inside).named("outside");
        let listed = list_end & at.word.any();
        let word = is.listed.mux(listed, at.word.same_number(of.count("words", |r| r.words))).named("word_last");
        let planes = at.plane.same_number(of.count("planes", |r| r.planes));
        let plane = is.twice.mux(!outside | at.plane.bit(0), planes).named("plane_last");
        let column = at.kernel_column.equals(of.count("kernel_columns", |r| r.window.kernel[1])).named("column_last");
        let row = at.kernel_row.equals(of.count("kernel_rows", |r| r.window.kernel[0])).named("row_last");
        let tap = (word & plane).named("tap_end");
        let group_end = at.group.equals(of.count("groups", |r| r.groups)).named("group_end");
        let slots = u64::from(program.slots() - 1);
        let slot_last = at.slot.same_number(c.constant(slots, width(slots)));
        Self {
            outside,
            word,
            plane,
            column,
            row,
            tap,
            window: (tap & column & row).named("window_end"),
            pass: (at.summing | at.pass.equals(of.count("passes", |r| r.passes))).named("pass_last"),
            output_word: (is.pool | slot_last | group_end).named("word_end"),
            group: (!at.summing & group_end).named("group_last"),
            out_column: at.out_column.equals(of.count("columns", |r| r.window.output[1])).named("out_column_last"),
            out_row: at.out_row.equals(of.count("rows", |r| r.window.output[0])).named("out_row_last"),
            leaves: (state.finishing & !at.summing & settled(program, of, is, at)).named("leaves"),
        }
    }
}

/// Whether a group may end: pools wait until their planes are written, scaled scores until they have passed their
/// stages, requantised outputs until the group before them has gone far enough.
fn settled<'b>(program: &Program, of: &Rows<'b, '_, Row>, is: &Kind<'b>, at: &Counters<'b>) -> Wire<'b> {
    let steps = match program.rows.iter().any(|r| r.scaling.affine) {
        true => at.step.same_number(of.count("settle", |r| r.settle)),
        false => !is.pool | at.step.same_number(of.count("out_planes", |r| r.output.planes)),
    };
    steps & !at.cooldown.any()
}
