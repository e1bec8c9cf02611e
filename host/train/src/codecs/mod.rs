//! How activations are kept from the forward pass for the backward pass.
//!
//! A codec stands between the tape and the layers: what a layer reads again it gives to the codec, and reads it back
//! through [`Saved`]. Masks and indices, which no codec could make smaller, are the layers' own.

mod lossless;
mod saved;

pub use lossless::Lossless;
pub use saved::{Bits, Packed, Saved};

use crate::batch::Batch;
use std::fmt::Debug;

/// One way to keep a tensor.
pub trait Codec: Debug + Send + Sync {
    /// Its name; codecs of one name are the same.
    fn name(&self) -> &'static str;

    /// Keeps the tensor.
    fn save(&self, x: Batch) -> Saved;
}

impl PartialEq for dyn Codec {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}
