//! Who computes a whole inference: this core, an accelerator behind a bus, or two that check each other.

use core::fmt;
use core::num::NonZeroU32;

use bitfab_format::Model;

use crate::Output;

/// An engine that holds one model and computes whole inferences.
///
/// A whole inference, not a layer, since an accelerator keeps weights and tensors to itself: frames go in, scores come
/// out. [`Machine`](crate::Machine) is the one in software; firmware that is written over this trait takes any other in
/// its place.
pub trait Inference {
    /// Why an inference can fail.
    type Error;

    /// The model that the engine computes.
    fn model(&self) -> &Model<'_>;

    /// One inference on height x width x channels bytes, channels innermost.
    ///
    /// `digests` takes the CRC-32 of every layer's output, in order ([`crate::digest`] of its words): one word a layer,
    /// or none where nobody asks.
    ///
    /// # Errors
    /// An input of another length, a length of `digests` that is neither 0 nor the number of layers, digests that the
    /// engine does not have; whatever its hardware reports.
    fn infer(&mut self, input: &[u8], digests: &mut [u32]) -> Result<Output<'_>, Self::Error>;
}

impl<I: Inference> Inference for &mut I {
    type Error = I::Error;

    fn model(&self) -> &Model<'_> {
        (**self).model()
    }

    fn infer(&mut self, input: &[u8], digests: &mut [u32]) -> Result<Output<'_>, Self::Error> {
        (**self).infer(input, digests)
    }
}

/// Two engines for one model, of which the second checks every `n`-th inference of the first: every layer's digest and
/// every word of the output are compared.
///
/// `LAYERS` is at least the number of layers of the model; with 0 outputs alone are compared, as for an accelerator that
/// was built without digests.
#[derive(Clone, Debug)]
pub struct Checked<A, B, const LAYERS: usize> {
    first: A,
    second: B,
    every: NonZeroU32,
    passed: u32,
    digests: [[u32; LAYERS]; 2],
}

/// What two engines computed differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Mismatch {
    /// The digests of a layer's output: the first layer whose digests differ.
    Layer {
        /// The layer, from 0.
        layer: u16,
        /// What the first engine has.
        first: u32,
        /// What the second engine has.
        second: u32,
    },
    /// A word of the model's output: the first word that differs.
    Word {
        /// The word, from 0.
        word: usize,
        /// What the first engine computed.
        first: u32,
        /// What the second engine computed.
        second: u32,
    },
}

/// Why [`Checked`] has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum CheckError<A, B> {
    /// The first engine failed.
    First(A),
    /// The second engine failed.
    Second(B),
    /// The two engines hold different models.
    Models,
    /// There is room for fewer digests than the model has layers, or the caller gave another number of words.
    Digests {
        /// Layers of the model.
        need: usize,
    },
    /// The two disagree.
    Mismatch(Mismatch),
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, at, first, second) = match *self {
            Self::Layer { layer, first, second } => ("digest of layer", usize::from(layer), first, second),
            Self::Word { word, first, second } => ("output word", word, first, second),
        };
        write!(f, "{what} {at}: the first engine has {first:#010x}, the second {second:#010x}")
    }
}

impl<A: fmt::Display, B: fmt::Display> fmt::Display for CheckError<A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::First(error) => write!(f, "the first engine failed: {error}"),
            Self::Second(error) => write!(f, "the second engine failed: {error}"),
            Self::Models => f.write_str("the two engines hold different models"),
            Self::Digests { need } => write!(f, "the model has {need} layers, and as many digests"),
            Self::Mismatch(mismatch) => write!(f, "{mismatch}"),
        }
    }
}

impl<A: core::error::Error, B: core::error::Error> core::error::Error for CheckError<A, B> {}

impl<A: Inference, B: Inference, const LAYERS: usize> Checked<A, B, LAYERS> {
    /// Pairs two engines; inference 0, `every`, twice `every` and so on are computed by both.
    ///
    /// # Errors
    /// [`CheckError::Models`] where the engines do not hold the same words; [`CheckError::Digests`] where `LAYERS` is
    /// neither 0 nor enough.
    pub fn new(first: A, second: B, every: NonZeroU32) -> Result<Self, CheckError<A::Error, B::Error>> {
        if first.model().words() != second.model().words() {
            return Err(CheckError::Models);
        }
        let need = first.model().layer_count();
        if LAYERS != 0 && LAYERS < need {
            return Err(CheckError::Digests { need });
        }
        Ok(Self { first, second, every, passed: 0, digests: [[0; LAYERS]; 2] })
    }
}

/// The first place where two engines differ.
fn difference(digests: [&[u32]; 2], words: [&[u32]; 2]) -> Option<Mismatch> {
    let differs = |pairs: [&[u32]; 2]| {
        let [first, second] = pairs;
        let longer = first.len().max(second.len());
        // Where one of them ends early there is a word that the other lacks.
        let word = |words: &[u32], at: usize| words.get(at).copied().unwrap_or(0);
        let both = (0..longer).map(|at| (at, word(first, at), word(second, at)));
        let mut unequal = both.filter(|&(at, a, b)| a != b || at >= first.len() || at >= second.len());
        unequal.next()
    };
    if let Some((layer, first, second)) = differs(digests) {
        return Some(Mismatch::Layer { layer: layer as u16, first, second });
    }
    differs(words).map(|(word, first, second)| Mismatch::Word { word, first, second })
}

impl<A: Inference, B: Inference, const LAYERS: usize> Inference for Checked<A, B, LAYERS> {
    type Error = CheckError<A::Error, B::Error>;

    fn model(&self) -> &Model<'_> {
        self.first.model()
    }

    fn infer(&mut self, input: &[u8], digests: &mut [u32]) -> Result<Output<'_>, Self::Error> {
        let layers = self.first.model().layer_count();
        if !digests.is_empty() && digests.len() != layers {
            return Err(CheckError::Digests { need: layers });
        }
        let is_checked = self.passed == 0;
        self.passed = self.passed.wrapping_add(1) % self.every;
        if !is_checked {
            return self.first.infer(input, digests).map_err(CheckError::First);
        }
        let [ours, theirs] = &mut self.digests;
        let used = if LAYERS == 0 { 0 } else { layers };
        let (ours, theirs) = (ours.get_mut(..used).unwrap_or_default(), theirs.get_mut(..used).unwrap_or_default());
        let second = self.second.infer(input, theirs).map_err(CheckError::Second)?;
        // Digests that only the caller asks for are still handed on.
        let asked = if used == 0 { &mut *digests } else { &mut *ours };
        let first = self.first.infer(input, asked).map_err(CheckError::First)?;
        if let Some(mismatch) = difference([ours, theirs], [first.words(), second.words()]) {
            return Err(CheckError::Mismatch(mismatch));
        }
        if used != 0 {
            digests.iter_mut().zip(&*ours).for_each(|(to, from)| *to = *from);
        }
        Ok(first)
    }
}
