//! Random pauses of both streams, the same for the same seed.

/// How often the streams pause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stalls {
    /// The seed of the pauses.
    pub seed: u64,
    /// Out of 256 cycles, how many the input pauses.
    pub input: u8,
    /// Out of 256 cycles, how many the reader of the result pauses.
    pub output: u8,
}

/// Random numbers, the same for the same seed (SplitMix64).
#[derive(Clone, Debug)]
pub(crate) struct Noise(pub u64);

impl Noise {
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// True once in `n` times.
    pub fn once_in(&mut self, n: u64) -> bool {
        self.bits().is_multiple_of(n)
    }
}

/// The pauses of one simulation.
#[derive(Clone, Debug)]
pub(crate) struct Pauses {
    stalls: Stalls,
    noise: Noise,
}

impl Pauses {
    pub fn new(stalls: Stalls) -> Self {
        Self { stalls, noise: Noise(stalls.seed) }
    }

    /// Whether the input and the output pause in the next cycle.
    pub fn next(&mut self) -> (bool, bool) {
        if self.stalls.input == 0 && self.stalls.output == 0 {
            return (false, false);
        }
        let z = self.noise.bits();
        ((z as u8) < self.stalls.input, ((z >> 8) as u8) < self.stalls.output)
    }
}
