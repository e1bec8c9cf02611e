//! The tests of the whole house in one binary.

mod agreement;
mod conformance;
mod faults;
mod tidy;
mod tidy_circles;
mod tidy_command;
mod tidy_sources;
mod trained;
