//! Who answers.

use crate::protocol::{FLAG_DIGESTS, FLAG_LOADER, FLAG_SOFTWARE};

/// Who answers: the payload of IDENTIFY's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Identity {
    /// Version of the protocol.
    pub version: u8,
    /// Output channels computed at a time; 0 where software answers.
    pub lanes: u8,
    /// Bytes of an input.
    pub input: u16,
    /// Bytes of a result.
    pub output: u16,
    /// The clock in kHz; 65,535 stands for that or more, 0 for unknown.
    pub kilohertz: u16,
    /// CRC-32 of the words of the model.
    pub model: u32,
    /// Bits that [`crate::protocol`] names.
    pub flags: u8,
    /// Layers of the model: digests, where there are some.
    pub layers: u8,
}

impl Identity {
    /// Bytes of an identity.
    pub const BYTES: usize = 14;

    /// The identity in its bytes.
    pub const fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        let [version, lanes, i0, i1, o0, o1, k0, k1, m0, m1, m2, m3, flags, layers] = bytes;
        Self {
            version,
            lanes,
            input: u16::from_le_bytes([i0, i1]),
            output: u16::from_le_bytes([o0, o1]),
            kilohertz: u16::from_le_bytes([k0, k1]),
            model: u32::from_le_bytes([m0, m1, m2, m3]),
            flags,
            layers,
        }
    }

    /// Its bytes.
    pub const fn to_bytes(self) -> [u8; Self::BYTES] {
        let ([i0, i1], [o0, o1]) = (self.input.to_le_bytes(), self.output.to_le_bytes());
        let ([k0, k1], [m0, m1, m2, m3]) = (self.kilohertz.to_le_bytes(), self.model.to_le_bytes());
        [self.version, self.lanes, i0, i1, o0, o1, k0, k1, m0, m1, m2, m3, self.flags, self.layers]
    }

    /// Whether it gives digests.
    pub const fn has_digests(&self) -> bool {
        self.flags & FLAG_DIGESTS != 0
    }

    /// Whether its weights can be loaded over the link.
    pub const fn has_loader(&self) -> bool {
        self.flags & FLAG_LOADER != 0
    }

    /// Whether software answers.
    pub const fn is_software(&self) -> bool {
        self.flags & FLAG_SOFTWARE != 0
    }
}
