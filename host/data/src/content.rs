//! What a file of rows holds.

use crate::rows::Rows;

/// What a file holds.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "there is one of it at a time")]
pub enum Content {
    /// Rows that nobody has split.
    Rows(Rows),
    /// Parts that the file itself tells apart.
    Parts {
        /// Rows to learn from.
        train: Rows,
        /// Rows to choose by, if the file has them.
        validation: Option<Rows>,
        /// Rows to judge by.
        test: Rows,
    },
}
