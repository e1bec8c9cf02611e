//! NumPy arrays: `.npy` files, and `.npz` archives of them.

mod npy;
mod npz;

pub use npy::{Array, Items, read_array, write_array};
pub use npz::read_npz;

use crate::axes;
use crate::error::{DataError, form_error};
use crate::rows::{Labels, Rows, Values};
use bitfab_graph::Shape;

/// The most classes that labels may name.
const MAX_CLASSES: i64 = 1 << 16;

impl Array {
    /// The array as rows: the first axis counts rows, the others are the values of a row, height x width x channels.
    ///
    /// Two axes are rows of a vector, three rows of height x width, four of height x width x channels.
    /// Bytes stay bytes; every other type of numbers becomes `f32`, to the nearest.
    ///
    /// # Errors
    /// [`DataError::Form`] if there are not 2 to 4 axes or the items are no numbers.
    pub fn into_rows(self, name: &str) -> Result<Rows, DataError> {
        let size = |at: usize| u32::try_from(self.sizes[at]).unwrap_or(u32::MAX);
        let shape = match self.sizes.len() {
            2 => Shape::flat(size(1)),
            3 => Shape::new(size(1), size(2), 1),
            4 => Shape::new(size(1), size(2), size(3)),
            axes => {
                let problem =
                    format!("{axes} axes, rows need 2 to 4: rows x values, rows x height x width, or those x channels");
                return Err(form_error(name, problem));
            }
        };
        self.rows_of(name, shape)
    }

    /// The array as rows for a model whose rows have this shape: with its axes (those of length 1 may be left out), flat,
    /// or as one row ([`AXES_RULE`](crate::AXES_RULE)).
    ///
    /// # Errors
    /// [`DataError::Form`] on other axes, in words that help, and if the items are no numbers.
    pub fn into_rows_for(self, name: &str, shape: Shape) -> Result<Rows, DataError> {
        axes::rows(&self.sizes, shape).map_err(|problem| form_error(name, problem))?;
        self.rows_of(name, shape)
    }

    fn rows_of(self, name: &str, shape: Shape) -> Result<Rows, DataError> {
        let mut rows = Rows::new(name, shape, self.items.into_values(name)?)?;
        rows.item = Some(self.kind);
        Ok(rows)
    }

    /// The array as classes: one axis (or N x 1) of whole numbers from 0, or of text.
    ///
    /// # Errors
    /// [`DataError::Form`] on other axes, other items, or a class below 0 or above 65535.
    pub fn into_labels(self, name: &str) -> Result<Labels, DataError> {
        if !matches!(self.sizes.as_slice(), [_] | [_, 1]) {
            let problem = format!("the array has the shape {:?}, classes are one number or text a row", self.sizes);
            return Err(form_error(name, problem));
        }
        if let Items::Texts(texts) = &self.items {
            return Ok(Labels::named("", texts));
        }
        let numbers = self.items.whole().ok_or_else(|| {
            form_error(name, "classes are whole numbers or text: convert them by y.astype(numpy.uint8)")
        })?;
        match numbers.iter().position(|class| !(0..MAX_CLASSES).contains(class)) {
            Some(at) => {
                let problem = format!("class of row {at} is {}, allowed are 0 to {}", numbers[at], MAX_CLASSES - 1);
                Err(form_error(name, problem))
            }
            None => Ok(Labels { of_rows: numbers.iter().map(|&class| class as u32).collect(), ..Labels::default() }),
        }
    }
}

impl Items {
    /// The items as values of rows.
    fn into_values(self, name: &str) -> Result<Values, DataError> {
        Ok(match self {
            Self::Bytes(bytes) => Values::Bytes(bytes),
            Self::Signed(bytes) => Values::Signed(bytes),
            // Nearest, ties to even.
            Self::Whole(numbers) => Values::Reals(numbers.into_iter().map(|number| number as f32).collect()),
            Self::Reals(numbers) => Values::Reals(numbers),
            Self::Texts(_) => return Err(form_error(name, "the items are text, rows need numbers")),
        })
    }

    /// The items as whole numbers, if they are.
    fn whole(&self) -> Option<Vec<i64>> {
        match self {
            Self::Bytes(bytes) => Some(bytes.iter().map(|&byte| i64::from(byte)).collect()),
            Self::Signed(bytes) => Some(bytes.iter().map(|&byte| i64::from(byte)).collect()),
            Self::Whole(numbers) => Some(numbers.clone()),
            Self::Reals(_) | Self::Texts(_) => None,
        }
    }
}
