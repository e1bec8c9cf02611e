//! Streams of bits, the most significant bit of each word first (SPEC.md 6.7), in 32-bit arithmetic.

/// Reads a stream; past its end it yields zeros.
#[derive(Clone, Copy)]
pub(super) struct Stream<'a> {
    /// The words after `low`.
    words: &'a [u32],
    high: u32,
    low: u32,
    /// Bits of `high` that are read, 0 to 31.
    used: u32,
}

impl<'a> Stream<'a> {
    /// A stream at its first bit.
    pub fn new(words: &'a [u32]) -> Self {
        let mut stream = Self { words, high: 0, low: 0, used: 0 };
        stream.next_word();
        stream.next_word();
        stream
    }

    #[inline(always)]
    fn next_word(&mut self) {
        self.high = self.low;
        self.low = 0;
        if let [word, words @ ..] = self.words {
            (self.low, self.words) = (*word, words);
        }
    }

    /// The next 32 bits, unread.
    #[inline(always)]
    pub const fn peek(&self) -> u32 {
        // Two shifts, since one by 32 is none.
        self.high.wrapping_shl(self.used) | (self.low >> 1).wrapping_shr(!self.used)
    }

    /// Reads `count` bits, 0 to 32.
    #[inline(always)]
    pub fn skip(&mut self, count: u32) {
        self.used = self.used.wrapping_add(count);
        if self.used >= 32 {
            self.used -= 32;
            self.next_word();
        }
    }

    /// The next `count` bits as a number, 0 to 31.
    #[inline(always)]
    pub fn take(&mut self, count: u32) -> u32 {
        let value = (self.peek() >> 1).wrapping_shr(31u32.wrapping_sub(count));
        self.skip(count);
        value
    }

    /// The number of zeros before the next one, which is read too.
    #[cfg(any(feature = "sparse-binary", feature = "ternary"))]
    fn unary(&mut self) -> u32 {
        let mut before = 0u32;
        loop {
            let zeros = self.peek().leading_zeros();
            if zeros < 32 || (self.words.is_empty() && self.low == 0) {
                self.skip(zeros.wrapping_add(1).min(32));
                return before.wrapping_add(zeros);
            }
            self.skip(32);
            before = before.wrapping_add(32);
        }
    }

    /// A gap and, where there are any, the sign bit after it: 0 or 1.
    #[cfg(any(feature = "sparse-binary", feature = "ternary"))]
    #[inline(always)]
    pub fn gap(&mut self, low_bits: u32, sign_bits: u32) -> (u32, u32) {
        let bits = self.peek();
        let zeros = bits.leading_zeros();
        let length = zeros.wrapping_add(1).wrapping_add(low_bits).wrapping_add(sign_bits);
        if length > 32 {
            // By value: a stream of which no one has the address stays in registers.
            let (stream, gap) = self.long_gap(low_bits, sign_bits);
            *self = stream;
            return gap;
        }
        let rest = bits.wrapping_shl(zeros) << 1;
        self.skip(length);
        let low = (rest >> 1).wrapping_shr(31u32.wrapping_sub(low_bits));
        (zeros.wrapping_shl(low_bits) | low, rest.wrapping_shl(low_bits) >> 31 & sign_bits)
    }

    /// As [`Stream::gap`], for one of more than 32 bits.
    #[cfg(any(feature = "sparse-binary", feature = "ternary"))]
    #[inline(never)]
    fn long_gap(mut self, low_bits: u32, sign_bits: u32) -> (Self, (u32, u32)) {
        let quotient = self.unary();
        let low = self.take(low_bits);
        let sign = self.take(sign_bits);
        (self, (quotient.wrapping_shl(low_bits) | low, sign))
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
}
