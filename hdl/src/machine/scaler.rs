//! Scaled outputs as the cycle model has them, one lane after the other: select, multiply, add, shift; then clamp and
//! collect, or send as a score.

use std::sync::Arc;

use super::lanes::Lanes;
use crate::program::{Program, Row};
use crate::sequencer::{Issue, flag};

/// The registers of the four stages.
#[derive(Clone, Debug)]
pub(super) struct Scaler {
    program: Arc<Program>,
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
            entry: 0,
            chosen: (0, (0, 0), false),
            product: (0, 0, false),
            total: (0, false),
            collected: [0; 8],
        }
    }

    /// Bit `plane` of the outputs of all lanes.
    pub fn outputs(&self, plane: u32) -> u32 {
        self.collected[plane as usize]
    }

    /// The score that is finished in this cycle, if one is and `row` has scaled scores.
    pub fn score(&self, row: &Row) -> Option<u32> {
        (row.affine && self.total.1).then_some((self.total.0 >> row.out_shift) as u32)
    }

    /// One rising edge of the clock; `late` are the flags that arrive at the accumulators.
    pub fn step(&mut self, row: &Row, issue: Issue, late: u32, lanes: &Lanes) {
        if !row.is_scaled() {
            return;
        }
        if row.requant && self.total.1 {
            self.collect(row);
        }
        // As many bits as the sums have.
        let unused = 128 - self.program.scale_bits;
        let (product, addend, is_product) = self.product;
        self.total = (product.wrapping_add(addend) << unused >> unused, is_product);
        let (count, (factor, addend), is_chosen) = self.chosen;
        self.product = (i128::from(count) * i128::from(factor), addend, is_chosen);
        let emits = late & flag::EMIT != 0;
        let lane = (late >> flag::SLOT & 31) as usize;
        let entry = self.program.scales.get(self.entry as usize).copied();
        self.chosen = (if emits { lanes.value(lane) } else { 0 }, entry.unwrap_or((0, 0)), emits);
        let is_start = issue.flags & flag::LOAD != 0 || (late & flag::DONE != 0 && late & flag::PIXEL != 0);
        self.entry = if is_start { row.q_base } else { self.entry + u32::from(emits) };
    }

    fn collect(&mut self, row: &Row) {
        let shifted = self.total.0 >> row.out_shift;
        let largest = (1 << (row.out_planes + 1)) - 1;
        let output = shifted.clamp(0, largest) as u32;
        let top = self.program.options.lanes - 1;
        for (plane, bits) in self.collected.iter_mut().enumerate() {
            *bits = *bits >> 1 | (output >> plane & 1) << top;
        }
    }
}
