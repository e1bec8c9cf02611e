//! Tensors of a batch.

use bitfab_graph::Shape;

/// One tensor for every sample of a batch, sample after sample, each NHWC.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// `count * shape.elements()` numbers.
    pub values: Vec<f32>,
    /// Samples.
    pub count: usize,
    /// Shape of one sample.
    pub shape: Shape,
    /// What the values are, for saving them small.
    pub form: Form,
}

/// What the values of a [`Batch`] are known to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Input bytes divided by 256.
    Bytes,
    /// -1 or +1.
    Signs,
    /// Whole numbers from 0 to 15.
    Levels,
    /// Whole numbers from 0 to 255.
    Octets,
    /// Anything.
    Reals,
}

impl Batch {
    /// Values of one sample.
    pub fn width(&self) -> usize {
        self.shape.elements() as usize
    }

    /// Positions of the whole batch: samples x height x width.
    pub fn rows(&self) -> usize {
        self.values.len() / self.shape.channels.max(1) as usize
    }

    /// The same samples with other values.
    pub(crate) fn with(&self, values: Vec<f32>, form: Form) -> Self {
        Self { values, count: self.count, shape: self.shape, form }
    }
}
