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

    fn next_word(&mut self) {
        self.high = self.low;
        self.low = match self.words.split_first() {
            Some((&word, words)) => {
                self.words = words;
                word
            }
            None => 0,
        };
    }

    /// The next 32 bits, unread.
    pub const fn peek(&self) -> u32 {
        // Two shifts, since one by 32 is none.
        self.high.wrapping_shl(self.used) | self.low >> 1 >> (31 - self.used % 32)
    }

    /// Reads `count` bits, 0 to 32.
    pub fn skip(&mut self, count: u32) {
        self.used = self.used.wrapping_add(count);
        if self.used >= 32 {
            self.used -= 32;
            self.next_word();
        }
    }

    /// The next `count` bits as a number, 0 to 31.
    pub fn take(&mut self, count: u32) -> u32 {
        let value = self.peek() >> 1 >> (31 - count % 32);
        self.skip(count);
        value
    }

    /// The number of zeros before the next one, which is read too.
    #[cfg(any(feature = "sparse-binary", feature = "ternary"))]
    pub fn unary(&mut self) -> u32 {
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
}

#[cfg(test)]
mod tests {
    use bitfab_format::BitReader;
    use bitfab_format::arbitrary::Random;

    use super::Stream;

    #[test]
    fn a_stream_reads_what_the_format_reads() {
        let random = &mut Random::new(1);
        for _ in 0..200 {
            let sparse = random.between(0, 3);
            let mut word = || (0..sparse).fold(random.word(), |word, _| word & random.word());
            let words: std::vec::Vec<u32> = (0..20).map(|_| word()).collect();
            let (mut stream, mut slow) = (Stream::new(&words), BitReader::new(&words));
            loop {
                let count = random.between(0, 31) as u32;
                assert_eq!(stream.take(count), slow.take(count));
                let Some(zeros) = slow.unary() else { break };
                assert_eq!(stream.unary(), zeros);
            }
        }
    }
}
