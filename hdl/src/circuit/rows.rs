//! The constants of the row of a table that is executed.

use super::builder::Builder;
use super::compute::mask;
use super::wire::Wire;
use crate::circuit::width;

/// Rows of a table, and which one is looked at.
pub(crate) struct Rows<'b, 'r, R> {
    c: &'b Builder,
    index: Wire<'b>,
    rows: &'r [R],
}

impl<'b, 'r, R> Rows<'b, 'r, R> {
    /// The rows, with the wire that says which one is looked at.
    pub fn new(c: &'b Builder, index: Wire<'b>, rows: &'r [R]) -> Self {
        Self { c, index, rows }
    }

    fn column(&self, name: &str, bits: u32, values: Vec<u64>) -> Wire<'b> {
        self.c.table(self.index, &values, bits).named(name)
    }

    /// The lowest `bits` bits of a number that may wrap.
    pub fn word(&self, name: &str, bits: u32, of: impl Fn(&R) -> u32) -> Wire<'b> {
        let cut = |row| u64::from(of(row)) & mask(bits) as u64;
        self.column(name, bits, self.rows.iter().map(cut).collect())
    }

    /// The same of the row after this one, the first after the last.
    pub fn next_word(&self, name: &str, bits: u32, of: impl Fn(&R) -> u32) -> Wire<'b> {
        let cut = |row| u64::from(of(row)) & mask(bits) as u64;
        let mut values: Vec<u64> = self.rows.iter().map(cut).collect();
        values.rotate_left(1);
        self.column(name, bits, values)
    }

    /// A number in as many bits as the largest one has.
    pub fn count(&self, name: &str, of: impl Fn(&R) -> u32) -> Wire<'b> {
        self.word(name, width(self.most(&of).into()), of)
    }

    /// A bit.
    pub fn flag(&self, name: &str, of: impl Fn(&R) -> bool) -> Wire<'b> {
        self.word(name, 1, |row| of(row).into())
    }

    /// A register that counts up to the number of each row, a constant where that is 0 for all.
    pub fn counter(&self, name: &str, of: impl Fn(&R) -> u32) -> Wire<'b> {
        self.c.counter(name, self.most(&of))
    }

    /// The largest number of all rows.
    pub fn most(&self, of: impl Fn(&R) -> u32) -> u32 {
        self.rows.iter().map(of).max().unwrap_or(0)
    }
}
