//! The interface section before it is written.

use alloc::string::String;
use alloc::vec::Vec;

use crate::{Coding, Interface, Limits, align};

/// The most fingerprints that a file carries: 32 bytes, from which the share of learned rows in others is estimated.
///
/// The graph beside a model has all of them, by which rows are counted.
pub const MAX_FINGERPRINTS: usize = 8;

/// What a model says of its input and its classes, before it is written; the fields mean what those of
/// [`Interface`] mean.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct DraftInterface {
    /// None, one, one a channel or one a value; all have a count or none has.
    pub codings: Vec<Coding>,
    /// Limits of the bytes that codings give; of no meaning without codings.
    pub limits: Option<Limits>,
    /// None, one a channel or one a value.
    pub names: Vec<String>,
    /// None, one, one a channel or one a value.
    pub units: Vec<String>,
    /// None, or one a channel of the output.
    pub classes: Vec<String>,
    /// How many different rows were learned from.
    pub learned_rows: u32,
    /// The smallest of their fingerprints, ascending.
    pub fingerprints: Vec<u32>,
}

impl DraftInterface {
    /// The section; empty where it would say nothing. Nothing is checked here.
    pub(crate) fn section(&self) -> Vec<u32> {
        if *self == Self::default() {
            return Vec::new();
        }
        let has_counts = self.codings.iter().any(|coding| coding.count.is_some());
        let mut text = Vec::new();
        for string in self.names.iter().chain(&self.units).chain(&self.classes) {
            text.extend_from_slice(string.as_bytes());
            text.push(0);
        }
        let halves = |low: usize, high: usize| low as u32 & 0xffff | (high as u32) << 16;
        let limits = self.limits.filter(|_| !self.codings.is_empty());
        let mut words = alloc::vec![
            halves(self.codings.len(), usize::from(has_counts)),
            limits.map_or(0, |limits| u32::from(limits.low as u16) | u32::from(limits.high as u16) << 16),
            halves(self.names.len(), self.units.len()),
            halves(self.classes.len(), self.fingerprints.len()),
            text.len() as u32,
            self.learned_rows,
        ];
        for coding in &self.codings {
            let (coding, count) = coding.to_words();
            words.extend(coding);
            words.extend(count.filter(|_| has_counts).into_iter().flatten());
        }
        words.extend(&self.fingerprints);
        words.extend(align(&text));
        words
    }

    /// The draft that writes what `interface` says.
    pub(crate) fn of(interface: &Interface<'_>) -> Self {
        let strings = |count: usize, text: &dyn Fn(usize) -> String| (0..count).map(text).collect();
        let codings: Vec<Coding> = (0..interface.codings()).filter_map(|index| interface.coding(index)).collect();
        Self {
            limits: (!codings.is_empty()).then(|| interface.limits()),
            codings,
            names: strings(interface.names(), &|index| interface.name(index).into()),
            units: strings(interface.units(), &|index| interface.unit(index).into()),
            classes: strings(interface.classes(), &|index| interface.class(index).unwrap_or_default().into()),
            learned_rows: interface.learned_rows() as u32,
            fingerprints: interface.fingerprints().into(),
        }
    }
}
