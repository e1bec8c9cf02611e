//! The library as a program uses it.

mod imported;
mod refusal;
