//! The sequencer as the cycle model has it.

mod issue;

use std::sync::Arc;

use super::count;
use crate::program::{Program, Row};
use crate::sequencer::{State, Status};

/// The sequencer.
#[derive(Clone, Debug)]
pub(crate) struct Sequencer {
    program: Arc<Program>,
    state: State,
    row: usize,
    half: bool,
    /// The sum of the window is counted, before the first group.
    summing: bool,
    pass: u32,
    word: u32,
    plane: u32,
    /// Row and column of the kernel, and of the output.
    kernel: [u32; 2],
    output: [u32; 2],
    group: u32,
    slot: u32,
    step: u32,
    /// Cycles until the next group may end.
    cooldown: u32,
    shift: u32,
    x: u32,
    start: u32,
    w: u32,
    s: u32,
    b: u32,
    r: u32,
}

impl Sequencer {
    pub fn new(program: Arc<Program>) -> Self {
        Self {
            program,
            state: State::Load,
            row: 0,
            half: false,
            summing: false,
            pass: 0,
            word: 0,
            plane: 0,
            group: 0,
            kernel: [0; 2],
            output: [0; 2],
            slot: 0,
            step: 0,
            cooldown: 0,
            shift: 0,
            x: 0,
            start: 0,
            w: 0,
            s: 0,
            b: 0,
            r: 0,
        }
    }

    fn now(&self) -> &Row {
        &self.program.rows[self.row]
    }

    /// The row of the table that is executed.
    pub fn row(&self) -> usize {
        self.row
    }

    /// Where it is.
    pub fn state(&self) -> State {
        self.state
    }

    fn is_outside(&self) -> bool {
        self.now().window.is_outside(self.output, self.kernel)
    }

    fn is_plane_last(&self) -> bool {
        let row = self.now();
        if row.padding.twice { !self.is_outside() || self.plane == 1 } else { self.plane == row.planes }
    }

    fn is_word_end(&self) -> bool {
        let row = self.now();
        row.pool || self.slot == self.program.slots() - 1 || self.group == row.groups
    }

    fn is_settled(&self) -> bool {
        self.summing || (self.step == self.now().settle && self.cooldown == 0)
    }

    fn is_leaving(&self) -> bool {
        self.state == State::Done && self.is_settled()
    }

    /// Whether this is the last group of lanes; the sum of the window comes before the first.
    fn is_group_last(&self) -> bool {
        !self.summing && self.group == self.now().groups
    }

    /// Whether the front may fill the patch again.
    pub fn release(&self) -> bool {
        self.is_leaving() && self.now().patch && self.is_group_last()
    }

    /// One rising edge of the clock.
    pub fn step(&mut self, status: Status) {
        let ends = self.is_leaving() && !self.summing;
        let cooldown = if ends { self.now().spacing } else { self.cooldown.saturating_sub(1) };
        match self.state {
            State::Load => self.load(),
            State::Wait => {
                let row = self.now();
                if (status.patch_ready || !row.patch) && (status.room || !row.output.send) {
                    self.state = self.begin();
                }
            }
            State::Rebuild if status.rebuilt => self.state = State::Run,
            State::Rebuild => {}
            State::Run => self.run(status.list_end),
            State::Residual => self.residual(),
            State::Bias => self.bias(),
            State::Scale if self.now().depthwise && self.pass != 0 => self.state = State::Run,
            State::Scale => {
                let next = if self.now().residual.added { State::Residual } else { State::Bias };
                self.count_to(self.now().sum.doublings, next);
            }
            State::Emit => {
                let is_part = self.group == self.now().groups;
                let last = if is_part { self.now().output.last_lane } else { self.last_lane() };
                self.count_to(last, State::Done);
            }
            State::Done if self.is_leaving() => self.leave(),
            State::Done => self.step += u32::from(self.cooldown == 0),
            State::Drain if status.idle => {
                self.row = if self.row + 1 == self.program.rows.len() { 0 } else { self.row + 1 };
                self.state = State::Load;
            }
            State::Drain => {}
        }
        self.cooldown = cooldown;
    }

    fn last_lane(&self) -> u32 {
        self.program.options.lanes - 1
    }

    /// Counts steps up to `last`, then goes on to `next`.
    fn count_to(&mut self, last: u32, next: State) {
        if self.step == last {
            self.step = 0;
            self.state = next;
        } else {
            self.step += 1;
        }
    }

    fn load(&mut self) {
        let row = self.now().clone();
        self.start = if row.patch && self.half { row.input.other } else { row.input.base };
        self.x = self.start;
        (self.w, self.s, self.b, self.r) = (row.weights.base, row.weights.sign_base, row.bias_base, row.residual.base);
        self.shift = row.shift;
        self.summing = row.sum.shared;
        self.state = if row.patch || row.output.send { State::Wait } else { self.begin() };
    }

    fn run(&mut self, list_end: bool) {
        let row = self.now().clone();
        let word_last = if row.weights.listed { list_end && self.word != 0 } else { self.word == row.words };
        let plane_last = self.is_plane_last();
        let column_last = self.kernel[1] == row.window.kernel[1];
        let tap_end = word_last && plane_last;
        let window_end = tap_end && self.kernel == row.window.kernel;
        let pass_last = self.pass == row.passes || self.summing;
        self.x = match (window_end, pass_last) {
            (true, false) if !row.depthwise => self.start,
            (true, true) if row.residual.added && !self.summing => self.r,
            (true, _) if row.depthwise => self.x.wrapping_add(row.input.pass),
            _ => self.x.wrapping_add(self.x_step(&row, word_last, plane_last, column_last)),
        };
        let w_step = match (row.depthwise && window_end && !pass_last, word_last && !plane_last) {
            (true, _) => row.weights.back,
            (_, true) => 0_u32.wrapping_sub(self.word),
            _ => 1,
        };
        self.w = self.w.wrapping_add(w_step);
        let s_step = match (word_last && !plane_last, window_end && !pass_last) {
            (true, _) => 0_u32.wrapping_sub(self.word),
            (false, true) => row.weights.sign_pass,
            (false, false) => 1,
        };
        self.s = self.s.wrapping_add(if row.weights.signed { s_step } else { 0 });
        self.word = if word_last { 0 } else { self.word + 1 };
        if word_last {
            self.plane = if plane_last { 0 } else { self.plane + 1 };
            self.shift = if plane_last { row.shift } else { self.shift + 1 };
        }
        if tap_end {
            count(&mut self.kernel, row.window.kernel);
        }
        if window_end {
            self.pass = if pass_last { 0 } else { self.pass + 1 };
        }
        if window_end && (pass_last || row.depthwise) {
            self.end_window(&row);
        }
    }

    /// How far the next word of the window lies from this one.
    fn x_step(&self, row: &Row, word_last: bool, plane_last: bool, column_last: bool) -> u32 {
        let again = row.padding.twice && self.is_outside() && self.plane == 1;
        if !word_last {
            u32::from(!(again || row.weights.listed))
        } else if !plane_last {
            if row.padding.twice { 0 } else { row.input.plane }
        } else if !column_last {
            row.input.tap
        } else {
            row.input.line
        }
    }

    /// What a group begins with: its window, unless its weights are rebuilt first or all channels of its output word have been counted.
    fn begin(&self) -> State {
        match self.now() {
            row if row.weights.rebuilt => State::Rebuild,
            row if row.depthwise && self.slot != 0 => State::Scale,
            _ => State::Run,
        }
    }

    /// What follows the last pass over the window, or each one of a depthwise row.
    fn end_window(&mut self, row: &Row) {
        self.state = match (row.residual.added, row.pool || self.summing) {
            (_, true) => State::Done,
            _ if row.sum.shared || row.depthwise => State::Scale,
            (true, false) => State::Residual,
            (false, false) => State::Bias,
        };
        if row.residual.added && !self.summing {
            self.shift = row.residual.shift;
        }
    }

    fn residual(&mut self) {
        let (step, last) = (self.now().residual.plane, self.now().residual.planes);
        self.x = self.x.wrapping_add(step);
        self.shift += 1;
        self.count_to(last, State::Bias);
    }

    fn bias(&mut self) {
        self.b += 1;
        let next = if self.now().output.raw { State::Emit } else { State::Done };
        self.count_to(self.now().thresholds, next);
    }

    /// The group is finished: the next one, the next pixel, or the end of the layer.
    fn leave(&mut self) {
        let row = self.now().clone();
        self.step = 0;
        self.shift = row.shift;
        if self.summing {
            (self.summing, self.x, self.state) = (false, self.start, State::Run);
            return;
        }
        let word_end = self.is_word_end();
        let pixel_end = self.group == row.groups;
        let column_last = self.output[1] == row.window.output[1];
        let pixel_last = self.output == row.window.output;
        self.slot = if word_end { 0 } else { self.slot + 1 };
        self.group = if pixel_end { 0 } else { self.group + 1 };
        self.start = self.next_start(&row, word_end, pixel_end, column_last);
        self.x = self.start;
        if pixel_end {
            (self.w, self.s, self.b) = (row.weights.base, row.weights.sign_base, row.bias_base);
            self.r = self.r.wrapping_add(row.residual.pixel);
            self.summing = row.sum.shared;
            self.half ^= row.patch;
            count(&mut self.output, row.window.output);
        } else if word_end {
            self.r = self.r.wrapping_add(1);
        }
        if row.weights.rebuilt {
            self.w = row.weights.base;
        }
        self.state = if pixel_end && pixel_last {
            State::Drain
        } else if row.output.send || (row.patch && pixel_end) {
            State::Wait
        } else {
            self.begin()
        };
    }

    /// The window's start for the next group of lanes.
    fn next_start(&self, row: &Row, word_end: bool, pixel_end: bool, column_last: bool) -> u32 {
        let step = match (pixel_end, column_last) {
            (false, _) => self.program.group_step(self.b).wrapping_add(if word_end { row.input.word } else { 0 }),
            (true, false) => row.input.column,
            (true, true) => row.input.row,
        };
        match (row.patch && pixel_end, self.half) {
            (true, true) => row.input.base,
            (true, false) => row.input.other,
            (false, _) => self.start.wrapping_add(step),
        }
    }
}
