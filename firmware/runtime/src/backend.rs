//! Who computes a layer.

use core::convert::Infallible;
use core::fmt;

use bitfab_format::Layer;
use bitfab_kernels::Views;

/// Computes one layer: software, an accelerator, or both.
pub trait Backend {
    /// Why a layer can fail; [`Infallible`] for software.
    type Error;

    /// Whether it can compute `layer` at all; a layer that it cannot is never handed to [`Backend::run`].
    fn supports(&self, layer: &Layer<'_>) -> bool {
        let _ = layer;
        true
    }

    /// Computes `layer` from `views` into `views.output`.
    ///
    /// # Errors
    /// Whatever the backend's hardware reports.
    fn run(&mut self, layer: &Layer<'_>, views: Views<'_>) -> Result<(), Self::Error>;
}

impl<B: Backend> Backend for &mut B {
    type Error = B::Error;

    fn supports(&self, layer: &Layer<'_>) -> bool {
        (**self).supports(layer)
    }

    fn run(&mut self, layer: &Layer<'_>, views: Views<'_>) -> Result<(), Self::Error> {
        (**self).run(layer, views)
    }
}

/// The fast kernels on this core, for the kinds of weights that this crate's features include.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Software;

impl Backend for Software {
    type Error = Infallible;

    fn supports(&self, layer: &Layer<'_>) -> bool {
        bitfab_kernels::supports(layer)
    }

    fn run(&mut self, layer: &Layer<'_>, views: Views<'_>) -> Result<(), Infallible> {
        bitfab_kernels::run(layer, views);
        Ok(())
    }
}

/// Two backends that must agree: both compute each layer, every word is compared.
///
/// The first backend's output is the one that the next layer sees.
#[derive(Debug)]
pub struct Paired<'a, A, B> {
    first: A,
    second: B,
    shadow: &'a mut [u32],
}

/// The first word that two backends computed differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Mismatch {
    /// The layer, from 0.
    pub layer: u16,
    /// Word of its output.
    pub word: usize,
    /// What the first backend computed.
    pub first: u32,
    /// What the second backend computed.
    pub second: u32,
}

/// What [`Paired`] can report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum PairError<A, B> {
    /// The first backend failed.
    First(A),
    /// The second backend failed.
    Second(B),
    /// The shadow memory cannot hold the layer's output.
    ShadowTooSmall {
        /// Words that the largest output needs.
        need: usize,
    },
    /// The two disagree.
    Mismatch(Mismatch),
}

impl<A: fmt::Display, B: fmt::Display> fmt::Display for PairError<A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::First(error) => write!(f, "the first backend failed: {error}"),
            Self::Second(error) => write!(f, "the second backend failed: {error}"),
            Self::ShadowTooSmall { need } => write!(f, "the shadow memory is too small: {need} words are needed"),
            Self::Mismatch(at) => write!(
                f,
                "layer {}, word {}: the first backend computed {:#010x}, the second {:#010x}",
                at.layer, at.word, at.first, at.second
            ),
        }
    }
}

impl<A: core::error::Error, B: core::error::Error> core::error::Error for PairError<A, B> {}

impl<'a, A, B> Paired<'a, A, B> {
    /// Pairs two backends; `shadow` holds the second one's output and needs as many words as the largest output.
    pub const fn new(first: A, second: B, shadow: &'a mut [u32]) -> Self {
        Self { first, second, shadow }
    }
}

impl<A: Backend, B: Backend> Backend for Paired<'_, A, B> {
    type Error = PairError<A::Error, B::Error>;

    fn supports(&self, layer: &Layer<'_>) -> bool {
        self.first.supports(layer) && self.second.supports(layer)
    }

    fn run(&mut self, layer: &Layer<'_>, views: Views<'_>) -> Result<(), Self::Error> {
        let Views { bytes, input, residual, output, scratch } = views;
        let shadow = self.shadow.get_mut(..output.len()).ok_or(PairError::ShadowTooSmall { need: output.len() })?;
        // A backend that forgets a word must not be saved by what the other left there.
        for (out, shadow) in output.iter_mut().zip(shadow.iter_mut()) {
            (*out, *shadow) = (0x5555_5555, 0xaaaa_aaaa);
        }
        let second = Views { bytes, input, residual, output: &mut *shadow, scratch: &mut *scratch };
        self.second.run(layer, second).map_err(PairError::Second)?;
        let first = Views { bytes, input, residual, output: &mut *output, scratch };
        self.first.run(layer, first).map_err(PairError::First)?;
        let pairs = output.iter().zip(shadow.iter()).enumerate();
        let different = pairs.map(|(word, (&first, &second))| (word, first, second)).find(|(_, a, b)| a != b);
        match different {
            None => Ok(()),
            Some((word, first, second)) => {
                Err(PairError::Mismatch(Mismatch { layer: layer.index, word, first, second }))
            }
        }
    }
}
