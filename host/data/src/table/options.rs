//! What a person may say about a table.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use bitfab_graph::Shape;

use crate::missing::Missing;

/// A column by its name, or by its position from 1 where no column has that name; `3-7` are the positions 3 to 7.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column(pub String);

impl FromStr for Column {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.into()))
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where the classes stand.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Label {
    /// In the last column that is left; with [`Expected`] columns in the one that is left beside them, if there is one.
    #[default]
    Auto,
    /// In this column.
    In(Column),
    /// Nowhere, or they are not wanted; with [`Expected`] columns others are left out.
    Absent,
}

/// What a model takes, where a file is read for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Names of its values, in its order; empty where it has none. Columns are then found by name, in any order.
    pub names: Vec<String>,
    /// How many values a row has.
    pub width: usize,
    /// The axes of its rows, which an array must have too; of no meaning if they do not hold `width` values.
    pub shape: Shape,
}

impl Expected {
    /// The axes of rows, if they hold a row.
    pub(crate) fn axes(&self) -> Option<Shape> {
        Some(self.shape).filter(|shape| shape.elements() == self.width as u64)
    }
}

/// What a person may say about a table; everything has a default.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct TableOptions {
    /// Where the classes stand.
    pub label: Label,
    /// The columns that are values, in this order; all that have no other role if empty.
    pub columns: Vec<Column>,
    /// Columns that are left out.
    pub drop: Vec<Column>,
    /// Columns of text that say what belongs together ([`Rows::groups`](crate::Rows::groups), in this order); no values.
    pub groups: Vec<Column>,
    /// What stands between columns; found out if not said.
    pub delimiter: Option<u8>,
    /// Whether a comma is the decimal point; found out if not said.
    pub decimal_comma: Option<bool>,
    /// Whether the first line is a heading; found out if not said.
    pub heading: Option<bool>,
    /// What is done about missing values.
    pub missing: Missing,
    /// What a model takes, where the table is read for one.
    pub expected: Option<Expected>,
}
