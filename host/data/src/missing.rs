//! Values that are missing.

use std::str::FromStr;

/// What is done about values that are missing: empty fields, `?`, `NA`, `N/A`, `NaN` and `null` in a table, values
/// that are not numbers in an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Missing {
    /// The first one is an error that names its place.
    #[default]
    Refuse,
    /// Rows with a missing value (or class) are left out, and counted.
    Drop,
    /// A missing value takes the mean of the training part: the `base` of its coding, which a model carries, so that
    /// every command fills in the same.
    Mean,
}

impl FromStr for Missing {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "refuse" => Ok(Self::Refuse),
            "drop" => Ok(Self::Drop),
            "mean" => Ok(Self::Mean),
            other => Err(format!("'{other}' is none of refuse, drop, mean")),
        }
    }
}
