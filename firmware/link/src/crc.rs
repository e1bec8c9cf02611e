//! CRC-32 of zlib, byte by byte.

/// What four bits turn the rest into: 64 bytes of flash, a bit-serial loop would be hardly smaller and four times slower.
static TABLE: [u32; 16] = {
    let (mut table, mut at) = ([0; 16], 0);
    while at < 16 {
        let (mut rest, mut bit) = (at as u32, 0);
        while bit < 4 {
            rest = if rest & 1 == 0 { rest >> 1 } else { rest >> 1 ^ 0xedb8_8320 };
            bit += 1;
        }
        table[at] = rest;
        at += 1;
    }
    table
};

/// A checksum that grows.
#[derive(Clone, Copy)]
pub(crate) struct Crc(u32);

impl Crc {
    pub(crate) const fn new() -> Self {
        Self(u32::MAX)
    }

    pub(crate) fn push(&mut self, byte: u8) {
        self.0 ^= u32::from(byte);
        for _ in 0..2 {
            self.0 = self.0 >> 4 ^ TABLE[(self.0 & 15) as usize];
        }
    }

    /// The checksum so far.
    pub(crate) const fn value(self) -> u32 {
        !self.0
    }

    /// Whether the last four bytes were the checksum of those before.
    pub(crate) const fn is_whole(self) -> bool {
        self.value() == 0x2144_df1c
    }
}

/// CRC-32 of zlib over parts that follow each other.
pub fn crc32(parts: &[&[u8]]) -> u32 {
    let mut crc = Crc::new();
    for part in parts {
        part.iter().for_each(|byte| crc.push(*byte));
    }
    crc.value()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_checksum_that_others_compute() {
        assert_eq!(crc32(&[b"1234", b"", b"56789"]), 0xcbf4_3926);
        assert_eq!(crc32(&[&[0x0d, 0xf0, 0xfe, 0xca]]), bitfab_runtime::digest(&[0xcafe_f00d]));
    }

    #[test]
    fn a_frame_is_whole_with_its_own_checksum_alone() {
        let mut frame = [1, 2, 3, 0, 0, 0, 0];
        let (payload, tail) = frame.split_at_mut(3);
        tail.copy_from_slice(&crc32(&[payload]).to_le_bytes());
        let is_whole = |frame: &[u8]| {
            let mut crc = Crc::new();
            frame.iter().for_each(|byte| crc.push(*byte));
            crc.is_whole()
        };
        assert!(is_whole(&frame));
        for bit in 0..8 * frame.len() {
            let mut other = frame;
            other[bit / 8] ^= 1 << (bit % 8);
            assert!(!is_whole(&other), "bit {bit}");
        }
    }
}
