//! How binary weights meet binary or counted inputs.

/// How a word of the window meets a word of weights before ones are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Join {
    /// Counts the signs that differ: `n - 2 count` is their dot product.
    Xor,
    /// Counts the ones of a plane that meet a weight of +1: `2 count - popcount(plane)` is their dot product.
    And,
}
