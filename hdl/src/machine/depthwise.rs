//! The channels of depthwise layers as the cycle model has them: each bit of a word adds the weight of its channel.

use crate::program::{Program, Row};
use crate::sequencer::flag;

/// What the channels of a word have counted, and what is on its way to them.
#[derive(Clone, Debug, Default)]
pub(super) struct Channels {
    sums: [i64; 32],
    /// The word and its address of the weights, where they pass one register more.
    before: (u32, u32),
}

impl Channels {
    /// What the channels from `first` on have counted, one for each lane.
    pub fn taken(&self, first: usize, lanes: usize) -> &[i64] {
        &self.sums[first..first + lanes]
    }

    /// One clock edge; `delay` are the flags on their way, `word` and `address` what is read.
    pub fn step(&mut self, program: &Program, row: &Row, delay: &[u32], (word, address): (u32, u32)) {
        let is_late = program.options.pipe == 3;
        let flags = delay[program.fetch() - 1 + usize::from(is_late)];
        let (word, address) =
            if is_late { std::mem::replace(&mut self.before, (word, address)) } else { (word, address) };
        if !row.depthwise {
            return;
        }
        if flags & flag::KEEP != 0 {
            self.sums = [0; 32];
        } else if flags & flag::DOUBLE != 0 {
            self.sums.iter_mut().for_each(|sum| *sum *= 2);
        } else if flags & flag::RUN != 0 {
            let weights = &program.channel_weights[32 * address as usize..];
            for (channel, (sum, weight)) in self.sums.iter_mut().zip(weights).enumerate() {
                *sum += if word >> channel & 1 == 1 { *weight } else { 0 };
            }
        }
    }
}
