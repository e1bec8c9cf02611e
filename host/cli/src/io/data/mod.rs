//! Rows of any kind: the known data sets, where they come from, and files of the user.

pub mod fetch;
mod known;
mod load;
mod reading;

pub use known::Known;
pub use load::{Loaded, dataset, load};
pub use reading::{Format, Learning, Part, Splitting};
