#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]

#[cfg(feature = "alloc")]
extern crate alloc;

#[cfg(feature = "arbitrary")]
pub mod arbitrary;
mod decode;
#[cfg(feature = "alloc")]
mod emit;
mod error;
mod layer;
mod liveness;
mod model;
mod record;
mod tensor;
mod window;

#[cfg(feature = "alloc")]
pub use emit::{Draft, DraftLayer, DraftTensor, DraftTransform, align};
pub use error::{FormatError, Reason};
pub use layer::{Bound, Layer, Op, Packing, Residual, Transform, Weights};
pub use model::{Layers, Model, OutputScale, digest};
pub use record::{HEADER_WORDS, MAGIC, MAX_LAYERS, RECORD_WORDS, VERSION};
pub use tensor::{Kind, Region, Shape, Tensor};
pub use window::{PadValue, Window};

/// Bits of one packed word.
pub const WORD_BITS: u32 = 32;

#[cfg(target_endian = "big")]
compile_error!("bitfab models are little-endian and read in place: big-endian cores are not supported");

/// Includes a model file so that it is 4-byte aligned in flash, as [`Model::new`] requires.
///
/// ```ignore
/// static MODEL: &[u8] = bitfab_format::include_model!("digits.bfab");
/// ```
#[macro_export]
macro_rules! include_model {
    ($path:expr) => {{
        #[repr(C, align(4))]
        struct Aligned<Bytes: ?Sized>(Bytes);
        static MODEL: &Aligned<[u8]> = &Aligned(*include_bytes!($path));
        &MODEL.0
    }};
}
