//! Bytes as words.

use alloc::vec::Vec;

/// Copies bytes to words, so that [`crate::Model::new`] finds them aligned; missing bytes of the last word are zero.
pub fn align(bytes: &[u8]) -> Vec<u32> {
    let word = |chunk: &[u8]| {
        let mut word = [0; 4];
        word.iter_mut().zip(chunk).for_each(|(to, from)| *to = *from);
        u32::from_le_bytes(word)
    };
    bytes.chunks(4).map(word).collect()
}
