//! The file: its fields, its reader with all checks, its writer (SPEC.md 2 to 5, 8, 9).

mod decode;
#[cfg(feature = "alloc")]
mod emit;
pub(crate) mod extension;
mod head;
mod liveness;
mod model;
pub(crate) mod record;

pub use extension::EXTENSION_MAGIC;
pub use head::Head;
pub use model::{Layers, Model};
pub use record::{HEADER_WORDS, MAGIC, RECORD_WORDS, VERSION};
