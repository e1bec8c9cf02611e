//! What a person sees: lines, bars, tables and pictures.

#[macro_use]
pub mod out;

pub mod bars;
