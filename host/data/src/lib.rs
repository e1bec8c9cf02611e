//! Rows to learn from and to judge by.
#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod arrays;
mod assemble;
mod axes;
mod coding;
mod content;
mod dataset;
mod digits;
mod error;
mod fit;
pub mod formats;
mod idx;
mod limits;
mod missing;
mod random;
mod read;
mod remedy;
mod rows;
mod split;
mod table;
mod windows;

pub use arrays::{Array, Items, read_array, read_npz, write_array};
pub use assemble::{assemble, from_csv, from_npz};
pub use axes::{AXES_RULE, suits};
pub use coding::{Coded, CodingOptions, Reading, apply, learn};
pub use content::Content;
pub use dataset::{Dataset, Split};
pub use digits::digits;
pub use error::DataError;
pub use fit::{Fitted, Learned, Takes, fit};
pub use idx::{IdxFiles, from_idx};
pub use limits::MAX_BYTES;
pub use missing::Missing;
pub use read::{Form, check_size, read};
pub use rows::{Groups, Labels, Rows, Values};
pub use split::{Parts, SplitOptions, TestPart, split};
pub use table::{Column, Expected, Label, TableOptions, read_table};
pub use windows::{Mixed, WindowOptions, windows};
