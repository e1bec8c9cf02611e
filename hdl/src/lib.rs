//! The accelerator in rust-hdl.
