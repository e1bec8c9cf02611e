//! Scaled outputs as the cycle model has them, one lane after the other: multiply, add, shift; then clamp and collect
//! while the lanes count the next group, or send as a score.

use std::collections::VecDeque;
use std::sync::Arc;

use super::lanes::Lanes;
use crate::program::{Program, Row};
use crate::sequencer::{Issue, flag};

/// The registers of the stages.
#[derive(Clone, Debug)]
pub(super) struct Scaler {
    program: Arc<Program>,
    /// Counts of the group that is requantised, which have not been chosen yet.
    held: VecDeque<i64>,
    /// Groups whose outputs have not been collected: their flags, and in how many cycles they will be.
    groups: VecDeque<(u32, u32)>,
    /// The group whose outputs have just been collected.
    collected_group: Option<u32>,
    /// Entry of the next lane.
    entry: u32,
    /// The lane's count with its factor and addend, and whether there is one.
    chosen: (i64, (i64, i128), bool),
    /// Product and addend.
    product: (i128, i128, bool),
    /// Their sum.
    total: (i128, bool),
    /// Outputs of the lanes so far, a word a plane; the last one is in the highest lane.
    collected: [u32; 8],
}

impl Scaler {
    pub fn new(program: &Arc<Program>) -> Self {
        Self {
            program: Arc::clone(program),
            held: VecDeque::new(),
            groups: VecDeque::new(),
            collected_group: None,
            entry: 0,
            chosen: (0, (0, 0), false),
            product: (0, 0, false),
            total: (0, false),
            collected: [0; 8],
        }
    }

    /// Whether requantised outputs are on their way.
    pub fn is_busy(&self) -> bool {
        !self.groups.is_empty() || self.collected_group.is_some()
    }

    /// The flags of the group whose outputs have just been collected.
    pub fn collected(&self) -> Option<u32> {
        self.collected_group
    }

    /// Bit `plane` of the outputs of all lanes.
    pub fn outputs(&self, plane: u32) -> u32 {
        self.collected[plane as usize]
    }

    /// The score that is finished in this cycle, if one is and `row` has scaled scores.
    pub fn score(&self, row: &Row) -> Option<u32> {
        (row.scaling.affine && self.total.1).then_some((self.total.0 >> row.scaling.shift) as u32)
    }

    /// One rising edge of the clock; `late` are the flags that arrive at the accumulators.
    pub fn step(&mut self, row: &Row, issue: Issue, late: u32, lanes: &Lanes) {
        if !row.is_scaled() {
            return;
        }
        if row.scaling.requant && self.total.1 {
            self.collect(row);
        }
        // As many bits as the sums have.
        let unused = 128 - self.program.scale_bits;
        let (product, addend, is_product) = self.product;
        self.total = (product.wrapping_add(addend) << unused >> unused, is_product);
        let (count, (factor, addend), is_chosen) = self.chosen;
        self.product = (i128::from(count) * i128::from(factor), addend, is_chosen);
        self.travel();
        if row.scaling.requant && late & flag::DONE != 0 {
            self.held = (0..self.program.lanes()).map(|lane| lanes.value(lane)).collect();
            self.groups.push_back((late, self.program.options.lanes + 2));
        }
        let scores = row.scaling.affine && late & flag::EMIT != 0;
        let count = if scores { Some(lanes.value((late >> flag::SLOT & 31) as usize)) } else { self.held.pop_front() };
        let entry = self.program.scales.get(self.entry as usize).copied();
        self.chosen = (count.unwrap_or(0), entry.unwrap_or((0, 0)), count.is_some());
        let is_start = issue.flags & flag::LOAD != 0 || self.ends_pixel(row, late);
        self.entry = if is_start { row.scaling.base } else { self.entry + u32::from(count.is_some()) };
    }

    /// Whether factor and addend of the first channel are needed next.
    fn ends_pixel(&self, row: &Row, late: u32) -> bool {
        match self.groups.back() {
            Some((group, _)) => group & flag::PIXEL != 0 && self.held.is_empty(),
            None => row.scaling.affine && late & flag::DONE != 0 && late & flag::PIXEL != 0,
        }
    }

    /// Moves groups on by a cycle.
    fn travel(&mut self) {
        self.groups.iter_mut().for_each(|(_, left)| *left -= 1);
        let is_through = self.groups.front().is_some_and(|(_, left)| *left == 0);
        self.collected_group = if is_through { self.groups.pop_front().map(|(flags, _)| flags) } else { None };
    }

    fn collect(&mut self, row: &Row) {
        let shifted = self.total.0 >> row.scaling.shift;
        let largest = (1 << (row.output.planes + 1)) - 1;
        let output = shifted.clamp(0, largest) as u32;
        let top = self.program.options.lanes - 1;
        for (plane, bits) in self.collected.iter_mut().enumerate() {
            *bits = *bits >> 1 | (output >> plane & 1) << top;
        }
    }
}
