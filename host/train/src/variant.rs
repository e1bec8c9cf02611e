//! What one of several precisions has for itself.

use crate::layers::Norm;

/// What one precision does not share with the others.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    /// Planes of every layer of planes.
    pub planes: u32,
    /// Its batch norms in the order of the stages; unused while it is selected.
    pub norms: Vec<OwnNorm>,
}

/// Statistics, and the positions of scale and shift.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnNorm {
    pub(crate) norm: Norm,
    pub(crate) gamma: usize,
    pub(crate) beta: usize,
}

impl OwnNorm {
    /// Changes places with what a stage has.
    pub(crate) fn swap(&mut self, norm: &mut Norm, gamma: &mut usize, beta: &mut usize) {
        std::mem::swap(&mut self.norm, norm);
        std::mem::swap(&mut self.gamma, gamma);
        std::mem::swap(&mut self.beta, beta);
    }
}
