//! What a person sees: lines, bars, tables and pictures.

#[macro_use]
pub mod out;

pub mod bars;
pub mod bench;
pub mod demo;
pub mod import;
pub mod learning;
pub mod memories;
