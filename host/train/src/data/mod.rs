//! Labelled byte vectors: the built-in digits, IDX, CSV and `.npz`.
//!
//! Parsers take bytes and never read files.

mod csv;
mod digits;
mod idx;
mod npz;

pub use self::csv::from_csv;
pub use digits::digits;
pub use idx::{IdxFiles, from_idx};
pub use npz::from_npz;

use crate::error::{TrainError, data_error};
use crate::random::{Purpose, permutation, stream};
use bitfab_graph::{Interface, Shape};

/// The most bytes that one unpacked part of a data set may have (1 GiB).
pub const MAX_BYTES: u64 = 1 << 30;

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
}

/// How a real column of a table became bytes: `byte = round((x - low) * 255 / (high - low))`, clamped to 0 to 255.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Coding {
    /// Value of byte 0.
    pub low: f64,
    /// Value of byte 255.
    pub high: f64,
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
    /// How real columns became bytes; empty where the source holds bytes.
    pub codings: Vec<Coding>,
    /// Names of the classes where the source has any; else empty.
    pub class_names: Vec<String>,
    /// Rows to choose by while learning, cut from those to learn from; may be empty.
    pub validation: Split,
    /// What the learned network says of its input and its classes.
    pub interface: Interface,
}

impl Dataset {
    /// A data set whose parts fit each other.
    ///
    /// # Errors
    /// [`TrainError::Data`] on an empty part, sizes that do not fit or fewer than 2 classes.
    pub fn new(name: &str, shape: Shape, train: Split, test: Split) -> Result<Self, TrainError> {
        let width = shape.elements();
        if !(1..=bitfab_graph::MAX_ELEMENTS).contains(&width) {
            return Err(data_error(name, format!("rows of shape {shape}; sizes must be 1 or more")));
        }
        for (part, split) in [("training", &train), ("test", &test)] {
            if split.is_empty() {
                return Err(data_error(name, format!("the {part} part has no rows")));
            }
            let (found, need) = (split.inputs.len() as u64, width * split.len() as u64);
            if found != need {
                return Err(data_error(
                    name,
                    format!("the {part} part has {found} bytes, {} rows need {need}", split.len()),
                ));
            }
        }
        let top = |split: &Split| split.labels.iter().copied().max().unwrap_or(0);
        let classes = u32::from(top(&train)) + 1;
        if classes < 2 || u32::from(top(&test)) + 1 > classes {
            return Err(data_error(
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
            codings: Vec::new(),
            class_names: Vec::new(),
            validation: Split::default(),
            interface: Interface::default(),
        })
    }

    /// The fingerprints of the rows to learn from, ascending, each once: the CRC-32 of a row's bytes.
    pub fn learned(&self) -> Vec<u32> {
        let width = self.shape.elements() as usize;
        let mut prints: Vec<u32> = self.train.inputs.chunks_exact(width).map(crc32fast::hash).collect();
        prints.sort_unstable();
        prints.dedup();
        prints
    }

    /// CRC-32 over both parts and the shape; tells whether a checkpoint belongs to this data.
    pub fn fingerprint(&self) -> u32 {
        let mut hash = crc32fast::Hasher::new();
        hash.update(self.shape.to_string().as_bytes());
        for split in [&self.train, &self.test] {
            hash.update(&split.inputs);
            hash.update(&split.labels);
        }
        hash.finalize()
    }
}

/// Shuffles rows by `seed` and keeps the last `ceil(len * test_share)` for the test part.
pub(crate) fn shuffled_split(rows: Split, width: usize, seed: u64, test: usize) -> (Split, Split) {
    let order = permutation(&mut stream(seed, Purpose::Split, 0, 0), rows.len());
    let pick = |rows_of: &[u32]| {
        let mut part =
            Split { inputs: Vec::with_capacity(rows_of.len() * width), labels: Vec::with_capacity(rows_of.len()) };
        for &row in rows_of {
            let at = row as usize;
            part.inputs.extend_from_slice(&rows.inputs[at * width..(at + 1) * width]);
            part.labels.push(rows.labels[at]);
        }
        part
    };
    let (train, held) = order.split_at(rows.len() - test.min(rows.len()));
    (pick(train), pick(held))
}
