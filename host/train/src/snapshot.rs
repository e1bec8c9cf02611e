//! Everything in a network that learning changes, taken out and put back.

use crate::layers::Norm;
use crate::tape::Net;
use crate::weights::Stored;
use serde::{Deserialize, Serialize};

/// Parameters, batch norms and rules of a network at one time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    parameters: Vec<Vec<f32>>,
    norms: Vec<Norm>,
    rules: Vec<Stored>,
}

impl Snapshot {
    /// What the network is now.
    pub(crate) fn of(net: &Net) -> Self {
        let mut copy = net.clone();
        Self {
            parameters: net.parameters.iter().map(|p| p.values.clone()).collect(),
            norms: copy.norms().map(|norm| norm.clone()).collect(),
            rules: net.learned().map(|layer| Stored::of(&*layer.quantizer.rule)).collect(),
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
        for layer in net.learned_mut() {
            let count = self.parameters[layer.weights].len();
            if !stored.next().is_some_and(|stored| stored.put(&mut *layer.quantizer.rule, count)) {
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
