//! Raw weights of any framework: arrays in a `.npz` file and a description of the layers in TOML, a [`Source`] out.
//!
//! What comes out has the operators that a QONNX export of the same network has, with channels first.

mod archive;
mod array;
mod describe;
mod kinds;
mod parse;
mod quantise;
mod writer;

use crate::{ImportError, Source};
use writer::Writer;

/// Reads a description and the arrays that it names.
///
/// An array that no layer names is not looked at.
/// Where the description says what bytes are worth, the source begins with a quantiser that says the same.
///
/// # Errors
/// [`ImportError`] names the layer and the key that is wrong and says what is allowed, or says what is damaged.
pub fn read(toml: &str, npz: &[u8]) -> Result<Source, ImportError> {
    let description = parse::read(toml)?;
    let mut writer = Writer::new(&description, npz)?;
    for layer in &description.layers {
        writer.layer(layer).map_err(|problem| ImportError::Value { name: layer.name.clone(), problem })?;
    }
    writer.finish()
}

#[cfg(test)]
mod tests;
