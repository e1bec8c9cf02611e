//! The tests of the whole house in one binary.

mod agreement;
mod faults;
mod golden;
mod tidy;
mod tidy_circles;
mod tidy_command;
mod tidy_sources;
mod trained;
