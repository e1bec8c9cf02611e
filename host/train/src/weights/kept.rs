//! What every rule can do because it is plain data: be copied, compared and stored.

use super::Rule;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Implemented for every [`Rule`] that can be cloned and serialised; nothing to write.
pub trait Kept {
    /// A copy.
    fn boxed(&self) -> Box<dyn Rule>;

    /// All of it as bytes.
    ///
    /// # Panics
    /// If a field cannot be serialised without its length being known; numbers and vectors can.
    fn state(&self) -> Vec<u8>;

    /// Becomes what was stored; false, and nothing changes, if that does not fit (see [`Rule::fits`]).
    #[must_use]
    fn restore(&mut self, state: &[u8], count: usize) -> bool;
}

impl<T: Rule + Clone + Serialize + DeserializeOwned + 'static> Kept for T {
    fn boxed(&self) -> Box<dyn Rule> {
        Box::new(self.clone())
    }

    fn state(&self) -> Vec<u8> {
        postcard::to_stdvec(self).expect("a rule is numbers and vectors")
    }

    fn restore(&mut self, state: &[u8], count: usize) -> bool {
        match postcard::take_from_bytes::<T>(state) {
            Ok((stored, [])) if self.fits(&stored, count) => {
                *self = stored;
                true
            }
            _ => false,
        }
    }
}

impl Clone for Box<dyn Rule> {
    fn clone(&self) -> Self {
        self.boxed()
    }
}

impl PartialEq for dyn Rule {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name() && self.state() == other.state()
    }
}

/// A rule in a checkpoint; the rule of the same name that the configuration asks for reads it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stored {
    name: String,
    state: Vec<u8>,
}

impl Stored {
    /// The rule as it is now.
    pub fn of(rule: &dyn Rule) -> Self {
        Self { name: rule.name().into(), state: rule.state() }
    }

    /// Makes the rule what it was; false, and nothing changes, if it is another or does not fit.
    #[must_use]
    pub fn put(&self, rule: &mut dyn Rule, count: usize) -> bool {
        self.name == rule.name() && rule.restore(&self.state, count)
    }
}
