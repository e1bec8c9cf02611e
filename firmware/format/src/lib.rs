#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]

#[cfg(feature = "alloc")]
extern crate alloc;

#[cfg(feature = "alloc")]
mod align;
#[cfg(feature = "arbitrary")]
pub mod arbitrary;
mod checksum;
#[cfg(feature = "alloc")]
mod draft;
mod error;
mod file;
mod interface;
mod layer;
pub mod limits;
mod tensor;
mod transform;
mod weights;
mod window;

#[cfg(feature = "alloc")]
pub use align::align;
pub use checksum::digest;
#[cfg(feature = "alloc")]
pub use draft::{Draft, DraftInterface, DraftLayer, DraftTensor, DraftTransform, MAX_FINGERPRINTS};
pub use error::{FormatError, Place, Reason};
pub use file::{EXTENSION_MAGIC, HEADER_WORDS, Head, Layers, MAGIC, Model, RECORD_WORDS, VERSION};
#[cfg(feature = "interface")]
pub use interface::CodingError;
pub use interface::{Coded, Coding, Count, Interface, Limits, OutputScale};
pub use layer::{Bound, Layer, Op, Packing, Residual};
pub use tensor::{Kind, Region, Shape, Tensor};
#[cfg(feature = "alloc")]
pub use transform::choose_thresholds;
pub use transform::{Codes, Form, Rescale, Scales, Thresholds, Transform, TransformKind};
pub use weights::{BitReader, Code, Coder, Planes, WeightKind, Weights};
#[cfg(feature = "alloc")]
pub use weights::{Deal, DraftWeights};
pub use window::{PadValue, Window};

/// Bits of one packed word.
pub const WORD_BITS: u32 = 32;

#[cfg(target_endian = "big")]
compile_error!("bitfab models are little-endian and read in place: big-endian cores are not supported");
