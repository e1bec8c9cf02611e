//! The arithmetic of the lanes as the cycle model has it: population counts, shifts, accumulators, threshold counters.

use crate::program::Program;
use crate::sequencer::flag;

/// The lanes, cycle by cycle.
#[derive(Clone, Debug)]
pub(crate) struct Lanes {
    /// Counts on their way to the accumulators: `pipe` stages of one value a lane.
    stages: Vec<Vec<u32>>,
    /// Accumulators, modulo 2^64; only their low bits exist.
    sums: Vec<i64>,
    /// Thresholds reached so far.
    counts: Vec<u32>,
    /// Whether the channel complements its count.
    flips: Vec<bool>,
    /// The sum of the window, once it is counted; negative where it is subtracted.
    kept: i64,
    /// Bits above the accumulator.
    unused: u32,
}

/// The operands of one cycle.
pub(crate) struct Operands<'a> {
    /// The words, each for an equal part of the lanes.
    pub x: &'a [u32],
    /// Digits of weights, one word a lane.
    pub weights: &'a [u32],
    /// Which of them are negative; empty for none.
    pub signs: &'a [u32],
    /// Whether digits of 0 count nothing; else they are positive, and those of 1 negative.
    pub masked: bool,
    /// Whether all digits are negative.
    pub inverts: bool,
    /// For a selection: the bit of lane 0.
    pub select: Option<u32>,
}

impl Lanes {
    pub fn new(program: &Program) -> Self {
        let lanes = program.lanes();
        Self {
            stages: vec![vec![0; lanes]; program.options.pipe as usize],
            sums: vec![0; lanes],
            counts: vec![0; lanes],
            flips: vec![false; lanes],
            kept: 0,
            unused: 64 - program.accumulator_bits,
        }
    }

    /// What `lane` has accumulated.
    pub fn value(&self, lane: usize) -> i64 {
        self.sums[lane] << self.unused >> self.unused
    }

    /// The accumulator of `lane`, as it is sent.
    pub fn raw(&self, lane: usize, double: bool, odd: bool) -> u32 {
        let value = self.value(lane);
        (if double { value << 1 | i64::from(odd) } else { value }) as u32
    }

    /// Bit `plane` of the outputs of all lanes, once the last bias has been added.
    pub fn outputs(&self, plane: u32) -> u32 {
        (0..self.sums.len()).fold(0, |word, lane| word | (self.output(lane) >> plane & 1) << lane)
    }

    fn output(&self, lane: usize) -> u32 {
        let count = self.counts[lane] + u32::from(self.value(lane) >= 0);
        if self.flips[lane] { !count } else { count }
    }

    /// Clears the accumulators.
    pub fn clear(&mut self) {
        self.sums.fill(0);
        self.counts.fill(0);
    }

    /// One clock edge: `flags` are those that arrive at the accumulators, with whether a sum of the window is
    /// subtracted; `operands` those that leave the memories.
    pub fn step(
        &mut self,
        (flags, subtracts): (u32, bool),
        biases: &[i64],
        flips: &[bool],
        operands: Option<Operands<'_>>,
    ) {
        let shared = if flags & flag::ADD != 0 { self.kept } else { 0 };
        if flags & flag::KEEP != 0 {
            self.kept = if subtracts { -self.value(0) } else { self.value(0) };
        }
        for lane in 0..self.sums.len() {
            let share = |operands: &Operands<'_>| self.sums.len() / operands.x.len();
            let product = operands.as_ref().map_or(0, |operands| operands.count(lane, share(operands)));
            let arrived =
                self.stages.iter_mut().fold(product, |value, stage| std::mem::replace(&mut stage[lane], value));
            let shift = flags >> flag::SHIFT & 31;
            let reached = u32::from(self.value(lane) >= 0);
            if flags & (flag::DONE | flag::KEEP) != 0 {
                (self.sums[lane], self.counts[lane]) = (0, 0);
            } else {
                let sum = self.sums[lane] << u32::from(flags & flag::DOUBLE != 0);
                self.sums[lane] = sum.wrapping_add(i64::from(arrived) << shift).wrapping_add(biases[lane] + shared);
                self.counts[lane] += if flags & flag::COUNT != 0 { reached } else { 0 };
            }
            self.flips[lane] = flips[lane];
        }
    }
}

impl Operands<'_> {
    fn count(&self, lane: usize, share: usize) -> u32 {
        let x = self.x[lane / share];
        match self.select {
            Some(first) => x >> (first + lane as u32) & 1,
            None => {
                let of = |words: &[u32]| words.get(lane).copied().unwrap_or(0);
                let (negative, mask) = match (self.masked, self.inverts) {
                    (true, true) => (u32::MAX, of(self.weights)),
                    (true, false) => (of(self.signs), of(self.weights)),
                    (false, _) => (of(self.weights), u32::MAX),
                };
                ((x ^ negative) & mask).count_ones()
            }
        }
    }
}
