//! Settings that belong to methods: each is declared once, in the file of its method.

use std::collections::BTreeMap;

/// A number that one or several methods read.
///
/// The command line, configuration files, checks and checkpoints know it from here.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Knob {
    /// Its name in configuration files, and as an option.
    pub name: &'static str,
    /// Where none is stated.
    pub usual: f32,
    /// Lowest and highest value.
    pub range: [f32; 2],
    /// What stands for the value in help.
    pub value: &'static str,
    /// What it is, in a sentence without the end.
    pub help: &'static str,
}

/// The values of all knobs by name.
#[derive(Clone, Debug, PartialEq)]
pub struct Knobs {
    values: BTreeMap<String, f32>,
}

impl Knobs {
    /// The usual values.
    pub(super) fn usual<'a>(knobs: impl IntoIterator<Item = &'a Knob>) -> Self {
        Self { values: knobs.into_iter().map(|knob| (knob.name.into(), knob.usual)).collect() }
    }

    /// The value; the usual one where none was set.
    pub fn get(&self, knob: &Knob) -> f32 {
        self.values.get(knob.name).copied().unwrap_or(knob.usual)
    }

    /// Sets a value. Whether there is such a knob, and its range, is checked with the configuration.
    pub fn set(&mut self, name: &str, value: f32) {
        self.values.insert(name.into(), value);
    }

    /// These with some of other values.
    #[must_use]
    pub fn with(mut self, settings: &[(&str, f32)]) -> Self {
        settings.iter().for_each(|(name, value)| self.set(name, *value));
        self
    }

    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, f32)> {
        self.values.iter().map(|(name, value)| (name.as_str(), *value))
    }
}
