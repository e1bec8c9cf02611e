#![doc = include_str!("../README.md")]
#![no_std]

pub mod reference;
pub mod values;

/// The memory of one layer; each slice has exactly the size that the layer states, or is empty.
#[derive(Debug)]
pub struct Views<'a> {
    /// The model's input, for layers that read tensor 0.
    pub bytes: &'a [u8],
    /// The input tensor's words.
    pub input: &'a [u32],
    /// The residual tensor's words.
    pub residual: &'a [u32],
    /// The output tensor's words.
    pub output: &'a mut [u32],
    /// Working memory.
    pub scratch: &'a mut [u32],
}
