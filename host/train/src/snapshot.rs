//! Everything in a network that learning changes, taken out and put back.

use crate::layers::Norm;
use crate::net::{Net, Step};
use crate::rules::Quantizer;
use serde::{Deserialize, Serialize};

/// Parameters, batch norms and rules of a network at one time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    parameters: Vec<Vec<f32>>,
    norms: Vec<Norm>,
    quantizers: Vec<Quantizer>,
}

/// The quantisers of a network in order, with the positions of their latent weights.
fn quantizers(net: &mut Net) -> impl Iterator<Item = (&mut Quantizer, usize)> {
    net.stages.iter_mut().filter_map(|stage| match &mut stage.step {
        Step::Weighted { quantizer, weights, .. } => Some((quantizer, *weights)),
        _ => None,
    })
}

impl Snapshot {
    /// What the network is now.
    pub(crate) fn of(net: &Net) -> Self {
        let mut copy = net.clone();
        Self {
            parameters: net.parameters.iter().map(|p| p.values.clone()).collect(),
            norms: copy.norms().map(|norm| norm.clone()).collect(),
            quantizers: quantizers(&mut copy).map(|(quantizer, _)| quantizer.clone()).collect(),
        }
    }

    /// Makes the network what it was; false, and some of it changed, if this is of another network.
    #[must_use]
    pub(crate) fn put(self, net: &mut Net) -> bool {
        let own = net.parameters.iter().map(|p| p.values.len());
        if !self.parameters.iter().map(Vec::len).eq(own) {
            return false;
        }
        let mut norms = self.norms.into_iter();
        for norm in net.norms() {
            let channels = norm.mean.len();
            let fits = |other: &Norm| other.mean.len() == channels && other.variance.len() == channels;
            match norms.next().filter(fits) {
                Some(other) => *norm = other,
                None => return false,
            }
        }
        let mut stored = self.quantizers.into_iter();
        for (quantizer, weights) in quantizers(net) {
            let fits = |other: &Quantizer| other.is_like(quantizer, self.parameters[weights].len());
            match stored.next().filter(fits) {
                Some(other) => *quantizer = other,
                None => return false,
            }
        }
        for (parameter, values) in net.parameters.iter_mut().zip(self.parameters) {
            parameter.values = values;
        }
        norms.next().is_none() && stored.next().is_none()
    }
}
