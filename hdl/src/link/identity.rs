//! Who the chip is: what it answers to `IDENTIFY`.

use bitfab_format::{Model, digest};
use bitfab_link::{Identity, protocol};

use crate::{HdlError, Link, Options, Weights};

/// What an accelerator for `model` behind `link` says of itself.
///
/// # Errors
/// [`HdlError::TooLarge`] where an input or a result has more bytes than the link can say.
pub fn identity(model: &Model<'_>, options: &Options, link: &Link) -> Result<Identity, HdlError> {
    let bytes = |memory: &'static str, need: u64| {
        u16::try_from(need).map_err(|_| HdlError::TooLarge { memory, need, limit: u16::MAX.into() })
    };
    let digests = if link.digests { protocol::FLAG_DIGESTS } else { 0 };
    let loader = if options.weights == Weights::Loaded { protocol::FLAG_LOADER } else { 0 };
    Ok(Identity {
        version: protocol::VERSION,
        lanes: options.check()?.lanes as u8,
        input: bytes("request of the link", model.input().shape.volume().into())?,
        output: bytes("answer of the link", 4 * u64::from(model.output().region.words))?,
        kilohertz: link.kilohertz.min(u16::MAX.into()) as u16,
        model: digest(model.words()),
        flags: digests | loader,
        layers: model.layer_count() as u8, // a file has at most 255
    })
}
