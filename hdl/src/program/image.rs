//! The image that fills the memories of weights after configuration.

use bitfab_format::digest;

use super::Program;

impl Program {
    /// The words of the image: those of the weights, then those of the signs, as they lie in their memories.
    pub(crate) fn image_words(&self) -> impl Iterator<Item = u32> {
        self.weights.iter().chain(&self.signs).copied()
    }

    /// The CRC-32 of the words of the image.
    pub(crate) fn image_digest(&self) -> u32 {
        digest(&self.image_words().collect::<Vec<u32>>())
    }

    /// Bytes of [`Program::image`].
    pub(crate) fn image_bytes(&self) -> u64 {
        4 * (self.weights.len() + self.signs.len() + 1) as u64
    }

    /// What a host sends to the load port of an engine whose weights are [`Weights::Loaded`](crate::Weights::Loaded).
    ///
    /// All words of the memory of weights, address by address and in it lane by lane, then those of the memory of signs
    /// (if there is one), then the CRC-32 of all these bytes (ISO-HDLC, as in Ethernet and zip); each word low byte
    /// first. `load_last` belongs to the last byte.
    pub fn image(&self) -> Vec<u8> {
        let words: Vec<u32> = self.image_words().collect();
        words.iter().copied().chain([digest(&words)]).flat_map(u32::to_le_bytes).collect()
    }
}
