//! The sequencer as the cycle model has it.

mod issue;

use std::sync::Arc;

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
    kernel_column: u32,
    kernel_row: u32,
    group: u32,
    column: u32,
    out_row: u32,
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
    /// Position of the tap and of the window's start; wraps below zero.
    y: [u32; 2],
    y_start: [u32; 2],
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
            kernel_column: 0,
            kernel_row: 0,
            group: 0,
            column: 0,
            out_row: 0,
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
            y: [0; 2],
            y_start: [0; 2],
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
        let row = self.now();
        row.padded && (self.y[0] >= row.height || self.y[1] >= row.width)
    }

    fn is_plane_last(&self) -> bool {
        let row = self.now();
        if row.twice { !self.is_outside() || self.plane == 1 } else { self.plane == row.planes }
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
                if (status.patch_ready || !row.patch) && (status.room || !row.send) {
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
                let next = if self.now().residual { State::Residual } else { State::Bias };
                self.count_to(self.now().doublings, next);
            }
            State::Emit => {
                let is_part = self.group == self.now().groups;
                let last = if is_part { self.now().last_lane } else { self.last_lane() };
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
        self.start = if row.patch && self.half { row.x_other } else { row.x_base };
        self.x = self.start;
        (self.w, self.s, self.b, self.r) = (row.w_base, row.s_base, row.b_base, row.r_base);
        self.shift = row.shift;
        self.y_start = [0_u32.wrapping_sub(row.top), 0_u32.wrapping_sub(row.left)];
        self.y = self.y_start;
        self.summing = row.shared;
        self.state = if row.patch || row.send { State::Wait } else { self.begin() };
    }

    fn run(&mut self, list_end: bool) {
        let row = self.now().clone();
        let word_last = if row.listed { list_end && self.word != 0 } else { self.word == row.words };
        let plane_last = self.is_plane_last();
        let column_last = self.kernel_column == row.kernel_columns;
        let row_last = self.kernel_row == row.kernel_rows;
        let tap_end = word_last && plane_last;
        let window_end = tap_end && column_last && row_last;
        let pass_last = self.pass == row.passes || self.summing;
        self.x = match (window_end, pass_last) {
            (true, false) if !row.depthwise => self.start,
            (true, true) if row.residual && !self.summing => self.r,
            (true, _) if row.depthwise => self.x.wrapping_add(row.x_pass),
            _ => self.x.wrapping_add(self.x_step(&row, word_last, plane_last, column_last)),
        };
        let w_step = match (row.depthwise && window_end && !pass_last, word_last && !plane_last) {
            (true, _) => row.w_back,
            (_, true) => 0_u32.wrapping_sub(self.word),
            _ => 1,
        };
        self.w = self.w.wrapping_add(w_step);
        let s_step = match (word_last && !plane_last, window_end && !pass_last) {
            (true, _) => 0_u32.wrapping_sub(self.word),
            (false, true) => row.s_pass,
            (false, false) => 1,
        };
        self.s = self.s.wrapping_add(if row.signed { s_step } else { 0 });
        self.word = if word_last { 0 } else { self.word + 1 };
        if word_last {
            self.plane = if plane_last { 0 } else { self.plane + 1 };
            self.shift = if plane_last { row.shift } else { self.shift + 1 };
        }
        if tap_end {
            self.next_tap(column_last, row_last);
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
        let again = row.twice && self.is_outside() && self.plane == 1;
        if !word_last {
            u32::from(!(again || row.listed))
        } else if !plane_last {
            if row.twice { 0 } else { row.x_plane }
        } else if !column_last {
            row.x_tap
        } else {
            row.x_line
        }
    }

    /// What a group begins with: its window, unless its weights are rebuilt first or all channels of its output word have been counted.
    fn begin(&self) -> State {
        match self.now() {
            row if row.rebuilt => State::Rebuild,
            row if row.depthwise && self.slot != 0 => State::Scale,
            _ => State::Run,
        }
    }

    /// What follows the last pass over the window, or each one of a depthwise row.
    fn end_window(&mut self, row: &Row) {
        self.state = match (row.residual, row.pool || self.summing) {
            (_, true) => State::Done,
            _ if row.shared || row.depthwise => State::Scale,
            (true, false) => State::Residual,
            (false, false) => State::Bias,
        };
        if row.residual && !self.summing {
            self.shift = row.r_shift;
        }
    }

    fn next_tap(&mut self, column_last: bool, row_last: bool) {
        self.kernel_column = if column_last { 0 } else { self.kernel_column + 1 };
        self.y[1] = if column_last { self.y_start[1] } else { self.y[1].wrapping_add(1) };
        if column_last {
            self.kernel_row = if row_last { 0 } else { self.kernel_row + 1 };
            self.y[0] = if row_last { self.y_start[0] } else { self.y[0].wrapping_add(1) };
        }
    }

    fn residual(&mut self) {
        let (step, last) = (self.now().r_plane, self.now().r_planes);
        self.x = self.x.wrapping_add(step);
        self.shift += 1;
        self.count_to(last, State::Bias);
    }

    fn bias(&mut self) {
        self.b += 1;
        let next = if self.now().raw { State::Emit } else { State::Done };
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
        let column_last = self.column == row.columns;
        let row_last = self.out_row == row.rows;
        self.slot = if word_end { 0 } else { self.slot + 1 };
        self.group = if pixel_end { 0 } else { self.group + 1 };
        self.start = self.next_start(&row, word_end, pixel_end, column_last);
        self.x = self.start;
        if pixel_end {
            (self.w, self.s, self.b) = (row.w_base, row.s_base, row.b_base);
            self.r = self.r.wrapping_add(row.r_pixel);
            self.summing = row.shared;
            self.half ^= row.patch;
            self.next_pixel(&row, column_last, row_last);
        } else if word_end {
            self.r = self.r.wrapping_add(1);
        }
        if row.rebuilt {
            self.w = row.w_base;
        }
        self.state = if pixel_end && column_last && row_last {
            State::Drain
        } else if row.send || (row.patch && pixel_end) {
            State::Wait
        } else {
            self.begin()
        };
    }

    /// The window's start for the next group of lanes.
    fn next_start(&self, row: &Row, word_end: bool, pixel_end: bool, column_last: bool) -> u32 {
        let step = match (pixel_end, column_last) {
            (false, _) => self.program.group_step(self.b).wrapping_add(if word_end { row.x_word } else { 0 }),
            (true, false) => row.x_column,
            (true, true) => row.x_row,
        };
        match (row.patch && pixel_end, self.half) {
            (true, true) => row.x_base,
            (true, false) => row.x_other,
            (false, _) => self.start.wrapping_add(step),
        }
    }

    fn next_pixel(&mut self, row: &Row, column_last: bool, row_last: bool) {
        self.column = if column_last { 0 } else { self.column + 1 };
        self.y_start[1] =
            if column_last { 0_u32.wrapping_sub(row.left) } else { self.y_start[1].wrapping_add(row.stride_right) };
        if column_last {
            self.out_row = if row_last { 0 } else { self.out_row + 1 };
            self.y_start[0] = self.y_start[0].wrapping_add(row.stride_down);
        }
        self.y = self.y_start;
    }
}
