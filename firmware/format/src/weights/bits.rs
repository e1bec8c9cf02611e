//! Streams of bits, the most significant bit of each word first (SPEC.md 6.7).

/// Reads a stream; past its end it yields zeros and says so.
#[derive(Clone, Copy, Debug)]
pub struct BitReader<'a> {
    words: &'a [u32],
    at: u64,
}

impl<'a> BitReader<'a> {
    /// A reader at the first bit of `words`.
    pub const fn new(words: &'a [u32]) -> Self {
        Self { words, at: 0 }
    }

    /// The next `count` bits as a number, the first bit the most significant; `count` is 0 to 32.
    pub fn take(&mut self, count: u32) -> u32 {
        let word = (self.at / 32) as usize;
        let high = self.words.get(word).copied().unwrap_or(0);
        let low = self.words.get(word.wrapping_add(1)).copied().unwrap_or(0);
        let both = u64::from(high) << 32 | u64::from(low);
        let rest = both.wrapping_shl((self.at % 32) as u32);
        self.at += u64::from(count);
        if count == 0 { 0 } else { (rest >> 32) as u32 >> (32 - count.min(32)) }
    }

    /// The number of zeros before the next one, which is taken too; `None` at the end of the stream.
    pub fn unary(&mut self) -> Option<u32> {
        let mut zeros = 0u32;
        while !self.is_past_end() {
            let left = 32 - (self.at % 32) as u32;
            let here = self.take(left) << (32 - left);
            if here != 0 {
                let run = here.leading_zeros();
                self.at -= u64::from(left - run - 1);
                return Some(zeros.wrapping_add(run));
            }
            zeros = zeros.wrapping_add(left);
        }
        None
    }

    /// Whether every word was read to its end or holds only zeros from here on, and nothing was read past the end.
    pub fn is_finished(&self) -> bool {
        let (word, bit) = ((self.at / 32) as usize, (self.at % 32) as u32);
        match self.words.len().checked_sub(word) {
            Some(0) => bit == 0,
            Some(1) => bit != 0 && self.words.get(word).is_some_and(|last| last << bit == 0),
            _ => false,
        }
    }

    /// Whether no bit is left, or more were read than there are.
    pub fn is_past_end(&self) -> bool {
        self.at >= self.words.len() as u64 * 32
    }

    /// Whether more bits were read than there are.
    pub fn has_overrun(&self) -> bool {
        self.at > self.words.len() as u64 * 32
    }
}

/// Writes a stream that [`BitReader`] reads.
#[cfg(feature = "alloc")]
#[derive(Clone, Debug, Default)]
pub(crate) struct BitWriter {
    pub words: alloc::vec::Vec<u32>,
    used: u32,
}

#[cfg(feature = "alloc")]
impl BitWriter {
    /// Appends the low `count` bits of `value`, most significant first.
    pub fn put(&mut self, value: u32, count: u32) {
        for bit in (0..count).rev() {
            if self.used.is_multiple_of(32) {
                self.words.push(0);
            }
            if let Some(last) = self.words.last_mut() {
                *last |= (value >> bit & 1) << (31 - self.used % 32);
            }
            self.used += 1;
        }
    }

    /// Appends `zeros` zeros and a one.
    pub fn put_unary(&mut self, zeros: u32) {
        (0..zeros).for_each(|_| self.put(0, 1));
        self.put(1, 1);
    }
}

#[cfg(all(test, feature = "alloc"))]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_is_taken() {
        let mut writer = BitWriter::default();
        for (value, count) in [(5, 3), (0, 7), (u32::MAX, 32), (1, 1)] {
            writer.put(value, count);
        }
        writer.put_unary(40);
        writer.put_unary(0);
        let mut reader = BitReader::new(&writer.words);
        assert_eq!([reader.take(3), reader.take(7), reader.take(32), reader.take(1)], [5, 0, u32::MAX, 1]);
        assert_eq!([reader.unary(), reader.unary()], [Some(40), Some(0)]);
        assert!(reader.is_finished());
        assert_eq!(reader.unary(), None);
        assert!(!BitReader::new(&[0]).is_finished(), "an unread word");
        assert!(BitReader::new(&[]).is_finished());
    }

    #[test]
    fn a_stream_that_ends_early_is_seen() {
        let mut reader = BitReader::new(&[0]);
        assert_eq!(reader.unary(), None);
        let mut reader = BitReader::new(&[1]);
        assert_eq!((reader.take(30), reader.take(8)), (0, 0b0100_0000));
        assert!(reader.has_overrun() && !reader.is_finished());
    }
}
