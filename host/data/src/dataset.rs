//! Labelled rows of bytes: a part to learn from, one to choose by and one to judge by.

use crate::error::{DataError, form_error};
use crate::split::{hashes_of, is_within};
use bitfab_graph::{Interface, Shape};
use std::collections::HashSet;

/// Images or feature vectors with their classes, one row after the other.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Split {
    /// `labels.len() * shape.elements()` bytes, NHWC.
    pub inputs: Vec<u8>,
    /// Class of each row, from 0.
    pub labels: Vec<u8>,
}

impl Split {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The rows with these numbers, `width` bytes each.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn pick(&self, rows: &[u32], width: usize) -> Self {
        let bytes = |&row: &u32| &self.inputs[row as usize * width..(row as usize + 1) * width];
        Self {
            inputs: rows.iter().flat_map(bytes).copied().collect(),
            labels: rows.iter().map(|&row| self.labels[row as usize]).collect(),
        }
    }
}

/// A data set with a training and a test part.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// Name for people.
    pub name: String,
    /// Shape of one row.
    pub shape: Shape,
    /// Number of classes, 2 to 256.
    pub classes: u32,
    /// Rows to learn from.
    pub train: Split,
    /// Rows to judge by.
    pub test: Split,
    /// Rows to choose by while learning, cut from those to learn from; may be empty.
    pub validation: Split,
    /// What the learned network says of its input and its classes: codings, names, units, names of classes.
    /// Fingerprints are not in it; [`Self::learned`] computes them.
    pub interface: Interface,
    /// How the parts were made, for people; empty where the source has them.
    pub how: String,
    /// What a person should know of the data, one sentence each.
    pub notes: Vec<String>,
}

impl Dataset {
    /// A data set whose parts fit each other.
    ///
    /// # Errors
    /// [`DataError::Form`] on an empty part, sizes that do not fit or fewer than 2 classes.
    pub fn new(name: &str, shape: Shape, train: Split, test: Split) -> Result<Self, DataError> {
        let width = shape.elements();
        if !(1..=bitfab_graph::limits::MAX_ELEMENTS).contains(&width) {
            return Err(form_error(name, format!("rows of shape {shape}; sizes must be 1 or more")));
        }
        for (part, split) in [("training", &train), ("test", &test)] {
            if split.is_empty() {
                return Err(form_error(name, format!("the {part} part has no rows")));
            }
            let (found, need) = (split.inputs.len() as u64, width * split.len() as u64);
            if found != need {
                return Err(form_error(
                    name,
                    format!("the {part} part has {found} bytes, {} rows need {need}", split.len()),
                ));
            }
        }
        let top = |split: &Split| split.labels.iter().copied().max().unwrap_or(0);
        let classes = u32::from(top(&train)) + 1;
        if classes < 2 || u32::from(top(&test)) + 1 > classes {
            return Err(form_error(
                name,
                format!(
                    "training classes go to {}, test classes to {}; \
                     needs at least 2 classes and none that only the test part has",
                    top(&train),
                    top(&test)
                ),
            ));
        }
        Ok(Self {
            name: name.into(),
            shape,
            classes,
            train,
            test,
            validation: Split::default(),
            interface: Interface::default(),
            how: String::new(),
            notes: Vec::new(),
        })
    }

    /// Cuts about `share` of the rows to learn from off to choose by, by the hash that [`split`](crate::split) uses;
    /// does nothing if there is such a part, and leaves all rows of a class that would have none to learn from.
    pub fn cut_validation(&mut self, share: f64) {
        let width = self.shape.elements() as usize;
        let values = |row: u32| {
            let start = row as usize * width;
            self.train.inputs[start..start + width].iter().map(|&byte| f32::from(byte))
        };
        let is_far = |row: u32| !is_within(hashes_of(values(row))[1], share);
        let far: Vec<bool> = (0..self.train.len() as u32).map(is_far).collect();
        let mut learned = [false; 256];
        for (&label, _) in self.train.labels.iter().zip(&far).filter(|(_, far)| **far) {
            learned[usize::from(label)] = true;
        }
        let is_kept = |row: &u32| far[*row as usize] || !learned[usize::from(self.train.labels[*row as usize])];
        let (train, validation): (Vec<u32>, Vec<u32>) = (0..self.train.len() as u32).partition(is_kept);
        if self.validation.is_empty() && !validation.is_empty() {
            self.validation = self.train.pick(&validation, width);
            self.train = self.train.pick(&train, width);
        }
    }

    /// How many rows of the test part are, byte for byte, rows to learn from or to choose by as well.
    pub fn shared_rows(&self) -> usize {
        let width = self.shape.elements() as usize;
        let parts = [&self.train, &self.validation];
        let seen: HashSet<&[u8]> = parts.iter().flat_map(|part| part.inputs.chunks_exact(width)).collect();
        self.test.inputs.chunks_exact(width).filter(|row| seen.contains(row)).count()
    }

    /// The fingerprints of the rows to learn from, ascending, each once: the CRC-32 of a row's bytes.
    pub fn learned(&self) -> Vec<u32> {
        let width = self.shape.elements() as usize;
        let mut prints: Vec<u32> = self.train.inputs.chunks_exact(width).map(crc32fast::hash).collect();
        prints.sort_unstable();
        prints.dedup();
        prints
    }

    /// CRC-32 over all parts and the shape; tells whether a checkpoint belongs to this data.
    pub fn fingerprint(&self) -> u32 {
        let mut hash = crc32fast::Hasher::new();
        hash.update(self.shape.to_string().as_bytes());
        for split in [&self.train, &self.validation, &self.test] {
            hash.update(&split.inputs);
            hash.update(&split.labels);
        }
        hash.finalize()
    }
}
