//! Files: those that are read, those that are written, and what a person says about them.

pub mod data;
pub mod files;
pub mod inputs;
pub mod lock;
pub mod models;
pub mod npy;
pub mod outputs;
pub mod sources;
