//! Everything in a network that learning changes, taken out and put back.

use crate::layers::Norm;
use crate::net::{Net, Step};
use crate::weights::{Quantizer, Stored};
use serde::{Deserialize, Serialize};

/// Parameters, batch norms and rules of a network at one time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    parameters: Vec<Vec<f32>>,
    norms: Vec<Norm>,
    rules: Vec<Stored>,
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
            rules: quantizers(&mut copy).map(|(quantizer, _)| Stored::of(&*quantizer.rule)).collect(),
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
        let mut stored = self.rules.iter();
        for (quantizer, weights) in quantizers(net) {
            let count = self.parameters[weights].len();
            if !stored.next().is_some_and(|stored| stored.put(&mut *quantizer.rule, count)) {
                return false;
            }
        }
        let is_whole = norms.next().is_none() && stored.next().is_none();
        for (parameter, values) in net.parameters.iter_mut().zip(self.parameters) {
            parameter.values = values;
        }
        is_whole
    }
}
