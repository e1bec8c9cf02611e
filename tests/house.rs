//! The tests of the whole house in one binary.

mod tidy;
mod tidy_sources;
