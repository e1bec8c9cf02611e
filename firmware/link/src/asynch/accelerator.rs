//! An accelerator whose inferences are awaited.

use bitfab_runtime::{Model, Output, digest};

use super::{Link, Wire};
use crate::accelerator::{check, output};
use crate::{LinkError, Session};

/// [`crate::Accelerator`], awaited.
#[derive(Clone, Debug)]
pub struct Accelerator<'m, W, const WORDS: usize> {
    link: Link<W>,
    model: Model<'m>,
    words: [u32; WORDS],
}

impl<'m, W: Wire, const WORDS: usize> Accelerator<'m, W, WORDS> {
    /// Asks who is there and takes the model that it must compute.
    ///
    /// # Errors
    /// As [`crate::Accelerator::new`].
    pub async fn new(mut link: Link<W>, model: Model<'m>) -> Result<Self, LinkError<W::Error>> {
        link.connect(digest(model.words())).await?;
        check(link.identity(), &model, WORDS)?;
        Ok(Self { link, model, words: [0; WORDS] })
    }

    /// The link: who computes, settings and counts.
    pub const fn link(&self) -> &Link<W> {
        &self.link
    }

    /// Tries and counts.
    pub const fn session_mut(&mut self) -> &mut Session {
        &mut self.link.session
    }

    /// The wire, with its settings.
    pub const fn wire_mut(&mut self) -> &mut W {
        &mut self.link.wire
    }

    /// Gives back the link.
    pub fn release(self) -> Link<W> {
        self.link
    }

    /// One inference, as `bitfab_runtime::Inference` says.
    ///
    /// # Errors
    /// As [`crate::Accelerator`]'s.
    pub async fn infer(&mut self, input: &[u8], digests: &mut [u32]) -> Result<Output<'_>, LinkError<W::Error>> {
        if !digests.is_empty() {
            self.link.session.check_digests(digests.len() * 4)?;
        }
        let words = self.words.get_mut(..self.model.output().region.words as usize).unwrap_or_default();
        for left in (0..self.link.session.tries.max(1)).rev() {
            self.link.infer(input, bytemuck::cast_slice_mut(words)).await?;
            if digests.is_empty() {
                break;
            }
            match self.link.digests(bytemuck::cast_slice_mut(digests)).await {
                Err(LinkError::NoInference) if left > 0 => {}
                Err(error) => return Err(error),
                Ok(()) => break,
            }
        }
        output(&self.model, words)
    }
}
