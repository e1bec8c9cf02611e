//! A row of real values or raw counts as the bytes of the input (SPEC 10.3): what laptop, device and the host side of
//! the accelerator all call.

use core::fmt;

use super::coding::whole;
use crate::{Coded, Limits, Model};

/// Why a row of values has no bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum CodingError {
    /// The values, or the bytes that are to be written, are not as many as the model takes.
    Length {
        /// Values of a row.
        need: usize,
    },
    /// A value is no number (NaN).
    NotANumber {
        /// Which of the row, from 0.
        index: usize,
    },
    /// The model has no coder, so that it takes whole numbers of its range and nothing else.
    NotAByte {
        /// Which of the row, from 0.
        index: usize,
        /// The least number that it takes.
        low: i16,
        /// The greatest.
        high: i16,
    },
}

impl fmt::Display for CodingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { need } => write!(f, "the row has the wrong length: the model takes {need} values"),
            Self::NotANumber { index } => write!(f, "value {index} of the row is not a number"),
            Self::NotAByte { index, low, high } => write!(
                f,
                "value {index} of the row is no whole number from {low} to {high}: the model has no coder of real values"
            ),
        }
    }
}

impl core::error::Error for CodingError {}

impl Model<'_> {
    /// Codes a row of real values (height x width x channels, channels innermost) into the bytes of an input; both have
    /// [`Model::input_bytes`] entries.
    ///
    /// Returns how many values lay outside what the model learned and were moved to the nearer limit, as infinities are.
    /// A model without coders takes bytes as they are: whole numbers of its range.
    /// No operation of floating point: the same on every core.
    ///
    /// # Errors
    /// [`CodingError`] for slices of another length, a value that is no number, or one that a model without coders does
    /// not take; what `bytes` then holds means nothing.
    pub fn code_real(&self, values: &[f32], bytes: &mut [u8]) -> Result<usize, CodingError> {
        let (interface, limits) = (self.interface(), self.limits());
        let not_a_number = |index| CodingError::NotANumber { index };
        self.code(values, bytes, |index, &value: &f32| match interface.coding(index) {
            Some(coding) => coding.code_real(value, limits).ok_or(not_a_number(index)),
            None if value.is_nan() => Err(not_a_number(index)),
            None => as_it_is(index, whole(value.to_bits()), limits),
        })
    }

    /// As [`Model::code_real`], from raw counts of a sensor: each is worth what the model says of counts, or itself.
    ///
    /// # Errors
    /// As [`Model::code_real`]; every count is a number.
    pub fn code_counts(&self, counts: &[i16], bytes: &mut [u8]) -> Result<usize, CodingError> {
        let (interface, limits) = (self.interface(), self.limits());
        self.code(counts, bytes, |index, &count: &i16| match interface.coding(index) {
            Some(coding) => Ok(coding.code_count(count, limits)),
            None => as_it_is(index, Some(i32::from(count)), limits),
        })
    }

    /// What codings give at least and at most; the range of bytes where there are none.
    fn limits(&self) -> Limits {
        let interface = self.interface();
        if interface.codings() == 0 { Limits::of(self.input().kind) } else { interface.limits() }
    }

    /// Codes each value, and counts those that were moved.
    fn code<T>(
        &self,
        values: &[T],
        bytes: &mut [u8],
        one: impl Fn(usize, &T) -> Result<Coded, CodingError>,
    ) -> Result<usize, CodingError> {
        let need = self.input_bytes();
        if values.len() != need || bytes.len() != need {
            return Err(CodingError::Length { need });
        }
        let mut clamped = 0;
        for (index, (value, byte)) in values.iter().zip(bytes).enumerate() {
            let coded = one(index, value)?;
            *byte = coded.byte;
            clamped += usize::from(coded.is_clamped);
        }
        Ok(clamped)
    }
}

/// A whole number as the byte that it is.
fn as_it_is(index: usize, number: Option<i32>, limits: Limits) -> Result<Coded, CodingError> {
    let Limits { low, high } = limits;
    match number {
        Some(number) if (i32::from(low)..=i32::from(high)).contains(&number) => {
            Ok(Coded { byte: number as u8, is_clamped: false })
        }
        _ => Err(CodingError::NotAByte { index, low, high }),
    }
}
