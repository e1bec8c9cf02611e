#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]

#[cfg(feature = "alloc")]
extern crate alloc;

#[cfg(feature = "arbitrary")]
pub mod arbitrary;
mod bits;
mod checksum;
mod coding;
mod decode;
mod decode_weights;
#[cfg(feature = "alloc")]
mod draft_interface;
#[cfg(feature = "alloc")]
mod emit;
#[cfg(feature = "alloc")]
mod encode;
mod error;
mod extension;
mod head;
mod interface;
mod layer;
mod liveness;
#[cfg(feature = "alloc")]
mod matrix;
mod model;
mod parts;
mod record;
#[cfg(feature = "interface")]
mod rows;
mod scales;
mod tensor;
#[cfg(feature = "alloc")]
mod threshold_fit;
mod thresholds;
mod transform_kind;
mod walk;
mod weights;
mod window;

pub use bits::BitReader;
pub use checksum::digest;
pub use coding::{Coded, Coding, Count, Limits};
#[cfg(feature = "alloc")]
pub use draft_interface::{DraftInterface, MAX_FINGERPRINTS};
#[cfg(feature = "alloc")]
pub use emit::{Draft, DraftLayer, DraftTensor, DraftTransform, align};
#[cfg(feature = "alloc")]
pub use encode::DraftWeights;
pub use error::{FormatError, Reason};
pub use extension::EXTENSION_MAGIC;
pub use head::Head;
pub use interface::Interface;
pub use layer::{Bound, Layer, Op, Packing, Rescale, Residual, Transform};
pub use model::{Layers, Model, OutputScale};
pub use record::{HEADER_WORDS, MAGIC, MAX_LAYERS, RECORD_WORDS, VERSION};
#[cfg(feature = "interface")]
pub use rows::CodingError;
pub use scales::Scales;
pub use tensor::{Kind, Region, Shape, Tensor};
#[cfg(feature = "alloc")]
pub use threshold_fit::choose_thresholds;
pub use thresholds::{Codes, Form, Thresholds};
pub use transform_kind::TransformKind;
#[cfg(feature = "alloc")]
pub use walk::Deal;
pub use weights::{Code, Coder, Planes, WeightKind, Weights};
pub use window::{PadValue, Window};

/// Bits of one packed word.
pub const WORD_BITS: u32 = 32;

#[cfg(target_endian = "big")]
compile_error!("bitfab models are little-endian and read in place: big-endian cores are not supported");
