//! CRC-32 (ISO-HDLC) of words, in constant evaluation too.

/// What each value of the low byte turns the rest into.
static TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let (mut rest, mut bit) = (byte as u32, 0);
        while bit < 8 {
            rest = if rest & 1 == 0 { rest >> 1 } else { rest >> 1 ^ 0xedb8_8320 };
            bit += 1;
        }
        table[byte] = rest;
        byte += 1;
    }
    table
}

/// The digest of the words of one tensor: CRC-32 of their little-endian bytes.
///
/// Firmware, simulators and test benches print it for every layer, so that two runs can be compared by eye.
pub const fn digest(words: &[u32]) -> u32 {
    let (mut crc, mut at) = (u32::MAX, 0);
    // Without calls: a compiler counts those of a constant, and warns of many.
    while at < words.len() {
        crc ^= words[at];
        crc = TABLE[(crc & 0xff) as usize] ^ crc >> 8;
        crc = TABLE[(crc & 0xff) as usize] ^ crc >> 8;
        crc = TABLE[(crc & 0xff) as usize] ^ crc >> 8;
        crc = TABLE[(crc & 0xff) as usize] ^ crc >> 8;
        at += 1;
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_checksum_that_others_compute() {
        let other = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);
        let mut random = 0x9e37_79b9u32;
        let words: [u32; 100] = core::array::from_fn(|_| {
            random = random.wrapping_mul(0x0019_660d).wrapping_add(0x3c6e_f35f);
            random ^ random >> 16
        });
        for length in 0..words.len() {
            let words = &words[..length];
            assert_eq!(digest(words), other.checksum(bytemuck::cast_slice(words)));
        }
        assert_eq!(digest(&[u32::from_le_bytes(*b"1234")]), 0x9be3_e0a3);
    }
}
