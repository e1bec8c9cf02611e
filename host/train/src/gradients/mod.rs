//! What becomes of gradients between the backward pass and the optimiser.

mod rounding;

pub(crate) use rounding::Noise;
