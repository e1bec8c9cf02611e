//! A source whose input is bytes: run as it is, lowered, or changed as little as a lowering needs.

use std::collections::BTreeMap;

use bitfab_graph::{Interface, Shape};

use crate::begin::{Begun, Front, Start};
use crate::input::{Entry, InputMap};
use crate::layout::{Layout, input_layout};
use crate::lower::{self, Imported};
use crate::nearest::{self, Change, Ranges};
use crate::{Array, ImportError, Source, execute};

/// Choices of an import.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ImportOptions {
    /// What rows are made of; left out where the model begins with a quantiser: the bytes are then its integers, or rows
    /// are real values where arithmetic before it becomes codings.
    pub input: Option<Entry>,
}

/// Lowers `source`.
///
/// # Errors
/// [`ImportError`] names the node that has no exact integer form, and what would work.
pub fn lower(source: Source, options: &ImportOptions) -> Result<Imported, ImportError> {
    Prepared::new(source, options)?.lower()
}

/// A source with compound operators written out, constants computed, and bytes as its input.
#[derive(Clone, Debug)]
pub struct Prepared {
    source: Source,
    input: InputMap,
    front: Option<Front>,
    note: Option<String>,
    /// Of the source's input.
    layout: Layout,
}

impl Start {
    /// Lets the source begin where the bytes stand.
    ///
    /// # Errors
    /// If it is not said what the bytes are, or no codings make them of real values that were asked for.
    pub fn prepare(self) -> Result<Prepared, ImportError> {
        let Begun { source, input, front, note } = self.begin()?;
        let layout = input_layout(&source, &source.inputs[0])?;
        Ok(Prepared { source, input, front, note, layout })
    }
}

impl Prepared {
    /// Prepares `source`.
    ///
    /// # Errors
    /// [`ImportError`] names a node or input that has no meaning here.
    pub fn new(source: Source, options: &ImportOptions) -> Result<Self, ImportError> {
        Start::new(source, options.input)?.prepare()
    }

    /// The codings that make bytes of real values, and their limits; without any, where rows are bytes.
    pub fn interface(&self) -> Interface {
        self.front.as_ref().map(Front::interface).unwrap_or_default()
    }

    /// The integers that the file's own quantiser gives for a row of real values, in the order of the row; `None` where
    /// rows are bytes.
    ///
    /// # Errors
    /// The node that cannot be computed.
    ///
    /// # Panics
    /// If the row is shorter than the input.
    pub fn integers(&self, row: &[f32]) -> Result<Option<Vec<i64>>, ImportError> {
        self.front.as_ref().map(|front| front.integers(row)).transpose()
    }

    /// Every tensor of the source for a row of real values, by the oracle: without the quantiser that the import put
    /// before it; `None` where rows are bytes.
    ///
    /// # Errors
    /// The node that cannot be computed.
    ///
    /// # Panics
    /// If the row is shorter than the input.
    pub fn run_values(&self, row: &[f32]) -> Result<Option<BTreeMap<String, Array>>, ImportError> {
        let Some(front) = &self.front else { return Ok(None) };
        execute::run(&self.source, &BTreeMap::from([(self.input_name(), front.given(row)?)])).map(Some)
    }

    fn input_name(&self) -> String {
        self.source.inputs.first().map(|input| input.name.clone()).unwrap_or_default()
    }

    /// How bytes become the source's input.
    pub const fn input(&self) -> InputMap {
        self.input
    }

    /// What a user should know of the input.
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// Sizes of the rows of bytes.
    pub const fn shape(&self) -> Shape {
        self.layout.shape
    }

    /// Every tensor of the source for a row of bytes, by the oracle.
    ///
    /// # Errors
    /// The node that cannot be computed.
    ///
    /// # Panics
    /// If the row is shorter than the input.
    pub fn run(&self, bytes: &[u8]) -> Result<BTreeMap<String, Array>, ImportError> {
        let values = self.input.reals(&self.layout.dims, &self.layout.places, bytes);
        execute::run(&self.source, &BTreeMap::from([(self.input_name(), values)]))
    }

    /// Lowers the source.
    ///
    /// # Errors
    /// [`ImportError`] names the node that has no exact integer form, and what would work.
    pub fn lower(self) -> Result<Imported, ImportError> {
        let interface = self.interface();
        lower::lowered(self.source, self.input, interface, self.note)
    }

    /// Lowers the source after the changes without which it has no integer form: weights are rounded to 8 bits, and
    /// tensors are quantised over `ranges`, to 8 bits where they are a line of the sums and to 4 elsewhere. Gives the changes, in their order.
    ///
    /// # Errors
    /// As [`lower`](Self::lower), for what no such change cures.
    pub fn nearest(mut self, ranges: &Ranges) -> Result<(Imported, Vec<Change>), ImportError> {
        let mut changes = Vec::new();
        loop {
            let error = match self.clone().lower() {
                Ok(imported) => return Ok((imported, changes)),
                Err(error) => error,
            };
            changes.push(nearest::cure(&mut self.source, error, ranges, &changes)?);
        }
    }
}
