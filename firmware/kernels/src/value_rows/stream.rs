//! Streams of bits, the most significant bit of each word first (SPEC.md 6.7), in 32-bit arithmetic.

/// Reads a stream; past its end it yields zeros.
#[derive(Clone, Copy)]
pub(super) struct Stream<'a> {
    words: &'a [u32],
    /// What is left of the last word, from the top bit down, and zeros.
    bits: u32,
    /// Bits that are left, 0 to 32.
    have: u32,
}

impl<'a> Stream<'a> {
    /// A stream at its first bit.
    pub const fn new(words: &'a [u32]) -> Self {
        Self { words, bits: 0, have: 0 }
    }

    #[inline(always)]
    fn next_word(&mut self) -> u32 {
        self.words.split_off_first().copied().unwrap_or(0)
    }

    /// The next `count` bits as a number, 0 to 31.
    #[inline(always)]
    pub fn take(&mut self, count: u32) -> u32 {
        // Two shifts, since one by 32 is none.
        let value = self.bits >> 1 >> (31 - count % 32);
        if count <= self.have {
            self.bits = self.bits.wrapping_shl(count);
            self.have -= count;
            return value;
        }
        let (word, more) = (self.next_word(), count.wrapping_sub(self.have));
        self.bits = word.wrapping_shl(more);
        self.have = 32u32.wrapping_sub(more);
        value | word.wrapping_shr(self.have)
    }

    /// Skips zeros, `most` at most and perhaps fewer than there are; returns how many.
    #[cfg(feature = "smart-deal")]
    #[inline(always)]
    pub fn skip_zeros(&mut self, most: u32) -> u32 {
        if self.have == 0 {
            (self.bits, self.have) = (self.next_word(), 32);
        }
        let zeros = self.bits.leading_zeros().min(self.have).min(most);
        self.bits = self.bits.checked_shl(zeros).unwrap_or(0);
        self.have -= zeros;
        zeros
    }

    /// The number of zeros before the next one, which is read too.
    #[cfg(any(feature = "sparse-binary", feature = "ternary"))]
    #[inline(always)]
    fn unary(&mut self) -> u32 {
        let mut before = 0u32;
        loop {
            let zeros = self.bits.leading_zeros();
            if zeros < self.have {
                self.bits = self.bits.wrapping_shl(zeros) << 1;
                self.have -= zeros + 1;
                return before.wrapping_add(zeros);
            }
            before = before.wrapping_add(self.have);
            let is_over = self.words.is_empty();
            (self.bits, self.have) = (self.next_word(), 32);
            if is_over {
                return before;
            }
        }
    }

    /// A gap and, where there are any, the sign bit after it: 0 or 1.
    #[cfg(any(feature = "sparse-binary", feature = "ternary"))]
    #[inline(always)]
    pub fn gap(&mut self, low_bits: u32, sign_bits: u32) -> (u32, u32) {
        // Mostly all of it is in the word that has begun.
        let zeros = self.bits.leading_zeros();
        let length = zeros.wrapping_add(1).wrapping_add(low_bits).wrapping_add(sign_bits);
        if length > self.have {
            return self.long_gap(low_bits, sign_bits);
        }
        let rest = self.bits.wrapping_shl(zeros) << 1;
        let after = rest.wrapping_shl(low_bits);
        (self.bits, self.have) = (after.wrapping_shl(sign_bits), self.have - length);
        let low = rest >> 1 >> (31 - low_bits % 32);
        (zeros.wrapping_shl(low_bits) | low, after >> 31 & sign_bits)
    }

    /// As [`Stream::gap`], over the end of a word.
    #[cfg(any(feature = "sparse-binary", feature = "ternary"))]
    #[inline(never)]
    fn long_gap(&mut self, low_bits: u32, sign_bits: u32) -> (u32, u32) {
        let quotient = self.unary();
        let low = self.take(low_bits);
        (quotient.wrapping_shl(low_bits) | low, self.take(sign_bits))
    }
}

#[cfg(test)]
mod tests {
    use bitfab_format::BitReader;
    use bitfab_format::arbitrary::Random;

    use super::Stream;

    #[test]
    fn a_stream_reads_what_the_format_reads() {
        let random = &mut Random::new(1);
        for _ in 0..500 {
            let sparse = random.between(0, 3);
            let word = |random: &mut Random| (0..sparse).fold(random.word(), |word, _| word & random.word());
            let words: std::vec::Vec<u32> = (0..20).map(|_| word(random)).collect();
            let (mut stream, mut slow) = (Stream::new(&words), BitReader::new(&words));
            let (low_bits, sign_bits) = (random.between(0, 31) as u32, random.between(0, 1) as u32);
            loop {
                let count = random.between(0, 31) as u32;
                assert_eq!(stream.take(count), slow.take(count));
                let Some(zeros) = slow.unary() else { break };
                let gap = zeros.wrapping_shl(low_bits) | slow.take(low_bits);
                assert_eq!(stream.gap(low_bits, sign_bits), (gap, slow.take(sign_bits)));
            }
        }
    }

    #[test]
    fn zeros_are_skipped_up_to_the_next_one() {
        for at in 0..90 {
            let mut words = [0; 3];
            words[at / 32] = 0x8000_0000 >> (at % 32);
            let mut stream = Stream::new(&words);
            let mut left = 100;
            loop {
                let zeros = stream.skip_zeros(left);
                left -= zeros;
                if zeros == 0 {
                    break;
                }
            }
            assert_eq!((100 - left, stream.take(1)), (at as u32, 1));
        }
    }
}
