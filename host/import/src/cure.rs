//! The change that would give a node without an integer form one: a further quantiser, or weights on a grid.

use crate::Array;

/// The end of the name of what such a quantiser yields.
pub(crate) const QUANTISED: &str = ".quantised";

/// The change that would give a node an integer form.
#[derive(Clone, Debug, PartialEq)]
pub enum Cure {
    /// These tensors, quantised with one step for all.
    Quantise {
        /// Their names.
        tensors: Vec<String>,
        /// Bits of the quantiser: eight of levels that are a line of the sums, four of any others.
        bits: u32,
    },
    /// These rows of weights, on grids of 8 bits, as the new second input of the node that yields `output`.
    Weights {
        /// The node's result.
        output: String,
        /// The new weights, in the sizes of the old ones.
        weights: Array,
    },
}
