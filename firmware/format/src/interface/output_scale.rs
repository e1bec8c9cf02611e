//! What the values of the last layer are worth.

/// What a value of the last layer is worth: `value * mantissa / 2^shift + constant / 2^32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct OutputScale {
    /// Numerator, more than 0.
    pub mantissa: u32,
    /// Binary digits after the point, 0 to 63.
    pub shift: u32,
    /// What is to be added, in units of 2^-32.
    pub constant: i64,
}

impl OutputScale {
    /// The scale in four words of the file, all zero if nothing is known; `None` if it is out of range.
    pub(crate) const fn from_words([mantissa, shift, low, high]: [u32; 4]) -> Option<Option<Self>> {
        let constant = (low as u64 | (high as u64) << 32) as i64;
        match (mantissa, shift) {
            (0, 0) if constant == 0 => Some(None),
            (1.., 0..=63) => Some(Some(Self { mantissa, shift, constant })),
            _ => None,
        }
    }

    /// The words of the file.
    #[cfg(feature = "alloc")]
    pub(crate) const fn to_words(self) -> [u32; 4] {
        [self.mantissa, self.shift, self.constant as u32, (self.constant >> 32) as u32]
    }
}
