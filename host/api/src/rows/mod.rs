//! Rows of any kind: the known data sets, and the parts of what was read.

mod choices;
mod known;
mod loaded;

pub use choices::{Part, Splitting, TestGroups, Windowing};
pub use known::{Carrier, Facts, Known, Package, Pinned};
pub use loaded::{Learning, Loaded};
