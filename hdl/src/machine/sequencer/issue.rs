//! What the sequencer of the cycle model tells the array every cycle.

use super::Sequencer;
use crate::program::Row;
use crate::sequencer::{Issue, State, flag};

impl Sequencer {
    /// What is issued in this cycle.
    pub fn issue(&self) -> Issue {
        let flags = match self.state {
            State::Load => flag::LOAD,
            State::Run => self.run_flags(),
            State::Residual => flag::RUN | flag::SELECT | self.slot << flag::SLOT | self.shift << flag::SHIFT,
            State::Bias if self.step != 0 => flag::COUNT,
            State::Scale if self.takes_channels() => flag::ADD | self.slot << flag::SLOT,
            State::Scale => flag::DOUBLE | if self.now().sum.ratio >> self.step & 1 == 1 { flag::ADD } else { 0 },
            State::Emit => flag::EMIT | self.step << flag::SLOT,
            State::Done => self.done_flags(),
            _ => 0,
        };
        let b = if self.state == State::Bias { self.b } else { 0 };
        Issue { x: self.x, w: self.w, s: self.s, b, flags }
    }

    fn run_flags(&self) -> u32 {
        let row = self.now();
        let outside = self.is_outside();
        let plane = if row.depthwise { self.pass } else { self.plane };
        let is_one = row.padding.ones || (row.padding.twice && self.plane == 1) || row.padding.border >> plane & 1 == 1;
        let ones = outside && is_one;
        let when = |condition: bool, flags: u32| if condition { flags } else { 0 };
        let shift = match (row.doubles, row.padding.twice && outside) {
            (true, _) => 0,
            (false, true) => row.shift - 1, // half of a tap inside
            (false, false) => self.shift,
        };
        let is_first = self.kernel == [0; 2];
        let own = if row.pool {
            flag::POOL
                | when(is_first, flag::FIRST)
                | when(self.plane == 0, flag::MOST)
                | (row.planes - self.plane) << flag::PLANE
        } else {
            flag::RUN | when(row.select, flag::SELECT) | self.slot << flag::SLOT | shift << flag::SHIFT
        };
        own | when(outside && !ones, flag::ZERO)
            | when(ones, flag::ONES)
            | when(row.weights.minus && self.pass == 0 && !self.summing, flag::INVERT)
            | when(self.is_doubling(row, is_first), flag::DOUBLE)
            | when(self.word == row.words && !row.weights.listed, flag::TAIL)
    }

    /// Whether the accumulators double before this word: a plane of doubling rows, or a pass, begins with it.
    fn is_doubling(&self, row: &Row, is_first: bool) -> bool {
        let next_pass = self.pass != 0 && self.plane == 0 && is_first && !row.depthwise;
        self.word == 0 && (next_pass || (row.doubles && self.plane != 0))
    }

    /// Whether the lanes take what the channels have counted; else these double before their next plane.
    fn takes_channels(&self) -> bool {
        self.now().depthwise && self.pass == 0
    }

    fn done_flags(&self) -> u32 {
        let row = self.now();
        if self.summing {
            return flag::KEEP;
        }
        if !self.is_settled() && !row.pool {
            return 0;
        }
        let when = |condition: bool, flags: u32| if condition { flags } else { 0 };
        let own = if row.pool {
            when(self.step == 0, flag::POOLED)
        } else {
            flag::DONE | when(self.is_word_end() && !row.output.raw, flag::FLUSH) | self.slot << flag::SLOT
        };
        own | when(self.group == row.groups, flag::PIXEL) | when(row.depthwise && self.is_word_end(), flag::KEEP)
    }
}
