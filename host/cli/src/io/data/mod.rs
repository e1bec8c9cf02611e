//! Rows of any kind: the known data sets, where they come from, and files of the user.

pub mod fetch;
mod load;
mod reading;

pub use load::{dataset, load, loaded};
pub use reading::{Format, LearningArguments, PartArgument, SplittingArguments};
