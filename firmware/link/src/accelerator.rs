//! An accelerator behind a link as an engine of whole inferences.

use bitfab_runtime::{Inference, Model, Output, digest};

use crate::{Identity, Link, LinkError, Session, Wire};

/// An accelerator behind a wire that computes the same as the software of `bitfab-runtime`.
///
/// `WORDS` is at least the words of the model's output.
/// After a change of the FPGA's bitstream a new one must be made: who answers is asked once.
#[derive(Clone, Debug)]
pub struct Accelerator<'m, W, const WORDS: usize> {
    link: Link<W>,
    model: Model<'m>,
    words: [u32; WORDS],
}

/// Whether the other side has the model's shape; whether the caller has room.
pub(crate) fn check<E>(identity: Option<&Identity>, model: &Model<'_>, words: usize) -> Result<(), LinkError<E>> {
    let need = model.output().region.words as usize;
    if words < need {
        return Err(LinkError::WrongOutput { expected: need * 4, found: words * 4 });
    }
    let Identity { input, output, layers, .. } = *identity.ok_or(LinkError::NotConnected)?;
    let shape = [usize::from(input), usize::from(output), usize::from(layers)];
    match shape == [model.input_bytes(), need * 4, model.layer_count()] {
        true => Ok(()),
        false => Err(LinkError::WrongShape { input, output, layers }),
    }
}

/// The words as the model's output.
pub(crate) fn output<'a, E>(model: &Model<'a>, words: &'a [u32]) -> Result<Output<'a>, LinkError<E>> {
    let expected = model.output().region.words as usize * 4;
    Output::new(model, words).ok_or(LinkError::WrongOutput { expected, found: words.len() * 4 })
}

impl<'m, W: Wire, const WORDS: usize> Accelerator<'m, W, WORDS> {
    /// Asks who is there and takes the model that it must compute.
    ///
    /// # Errors
    /// [`LinkError::WrongModel`], [`LinkError::WrongVersion`], [`LinkError::WrongShape`] where the other side is
    /// another one; [`LinkError::WrongOutput`] where `WORDS` does not suffice; as [`Link::connect`].
    pub fn new(mut link: Link<W>, model: Model<'m>) -> Result<Self, LinkError<W::Error>> {
        link.connect(digest(model.words()))?;
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
}

impl<W: Wire, const WORDS: usize> Inference for Accelerator<'_, W, WORDS> {
    type Error = LinkError<W::Error>;

    fn model(&self) -> &Model<'_> {
        &self.model
    }

    fn infer(&mut self, input: &[u8], digests: &mut [u32]) -> Result<Output<'_>, Self::Error> {
        if !digests.is_empty() {
            self.link.session.check_digests(digests.len() * 4)?;
        }
        let words = self.words.get_mut(..self.model.output().region.words as usize).unwrap_or_default();
        for left in (0..self.link.session.tries.max(1)).rev() {
            self.link.infer(input, bytemuck::cast_slice_mut(words))?;
            if digests.is_empty() {
                break;
            }
            match self.link.digests(bytemuck::cast_slice_mut(digests)) {
                // It was reset in between, or computed something for a damaged request.
                Err(LinkError::NoInference) if left > 0 => {}
                Err(error) => return Err(error),
                Ok(()) => break,
            }
        }
        output(&self.model, words)
    }
}
