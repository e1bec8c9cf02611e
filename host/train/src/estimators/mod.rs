//! How gradients pass step functions, whose own slope is nothing or infinite.

mod straight_through;

pub use straight_through::StraightThrough;
pub(crate) use straight_through::masked;

use crate::batch::Batch;
use crate::codecs::Saved;
use std::fmt::Debug;

/// The line that a step function follows: `x / step`, held within `low` and `high`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// Distance of two levels.
    pub step: f32,
    /// Its lower end, in steps.
    pub low: f32,
    /// Its upper end, in steps.
    pub high: f32,
}

/// One way to let gradients pass; a method states which its network takes.
pub trait Estimator: Debug + Send + Sync {
    /// Its name; estimators of one name are the same.
    fn name(&self) -> &'static str;

    /// What it needs of the inputs, as small as may be.
    fn save(&self, x: &[f32], line: Line) -> Saved;

    /// The gradient of the inputs from that of the levels.
    fn backward(&self, dy: &Batch, saved: &Saved, line: Line) -> Vec<f32>;
}

impl PartialEq for dyn Estimator {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}
