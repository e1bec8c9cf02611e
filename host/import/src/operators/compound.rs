//! Where an operator that stands for several others is written out.

use crate::{Array, Source, SourceNode};

/// The plain nodes that were written so far.
pub(crate) struct Writer<'s> {
    pub source: &'s mut Source,
    pub nodes: Vec<SourceNode>,
}

impl Writer<'_> {
    pub fn constant(&self, name: &str) -> Result<&Array, String> {
        self.source.constants.get(name).ok_or_else(|| format!("`{name}` is computed, it must be a constant"))
    }
}

/// An input of a node that must be there.
pub(super) fn input(node: &SourceNode, at: usize) -> Result<String, String> {
    node.inputs.get(at).filter(|name| !name.is_empty()).cloned().ok_or_else(|| format!("input {at} is missing"))
}
