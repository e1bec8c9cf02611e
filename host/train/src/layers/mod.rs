//! The layers of the tape: each computes forward, says what it saves, and computes backward from that.
//!
//! Values are `f32`, but every tensor in front of a batch norm is an exact integer (times 2^-8 behind raw bytes),
//! so a compiler can fold the learned network into integers without any rounding of its own.

mod activation;
mod add;
mod conv;
mod dense;
mod layer;
mod loss;
mod norm;
mod pool;
mod weighted;

pub use activation::{Quantize, Relu, Sign};
pub use add::Add;
pub use conv::{ConvShape, conv_backward, conv_forward};
pub use dense::{dense_backward, dense_forward};
pub use layer::{Entry, Inputs, Layer, Parameter, Statistics};
pub use loss::{Loss, arg_max, cross_entropy, weighted_cross_entropy};
pub use norm::{Norm, NormGradient, Normed};
pub use pool::{MaxPool, PoolShape, SumPool, max_pool_backward, max_pool_forward, sum_pool_backward, sum_pool_forward};
pub use weighted::{Learned, Weighted};

pub use crate::batch::{Batch, Form};
