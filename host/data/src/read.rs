//! A file's form by its name, and its content.

use crate::arrays::{read_array, read_npz};
use crate::content::Content;
use crate::error::DataError;
use crate::limits::MAX_BYTES;
use crate::table::{Expected, TableOptions, read_table};

/// Forms of files that hold rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Text in columns: `.csv`, `.tsv`, `.txt`, `.dat`.
    Table,
    /// One NumPy array: `.npy`.
    Array,
    /// Several NumPy arrays: `.npz`.
    Archive,
}

impl Form {
    /// The form that a file's name ends in, in letters of either case; `None` if it is none of them.
    pub fn of(file: &str) -> Option<Self> {
        let (_, ending) = file.rsplit_once('.')?;
        match ending.to_ascii_lowercase().as_str() {
            "csv" | "tsv" | "txt" | "dat" => Some(Self::Table),
            "npy" => Some(Self::Array),
            "npz" => Some(Self::Archive),
            _ => None,
        }
    }
}

/// Whether a file of this size is read at all; ask before reading it.
///
/// # Errors
/// [`DataError::TooLarge`] says the size and the limit.
pub fn check_size(name: &str, bytes: u64) -> Result<(), DataError> {
    if bytes > MAX_BYTES {
        return Err(DataError::TooLarge { name: name.into(), bytes, limit: MAX_BYTES });
    }
    Ok(())
}

/// Reads a file of any form; `options` are for tables, but `missing` and `expected` are for all.
///
/// # Errors
/// [`DataError`] as [`read_table`], [`read_array`] and [`read_npz`].
pub fn read(name: &str, form: Form, bytes: &[u8], options: &TableOptions) -> Result<Content, DataError> {
    check_size(name, bytes.len() as u64)?;
    let model = options.expected.as_ref().and_then(Expected::axes);
    let array = || read_array(name, bytes);
    let mut content = match form {
        Form::Table => Content::Rows(read_table(name, bytes, options)?),
        Form::Array => Content::Rows(match model {
            Some(shape) => array()?.into_rows_for(name, shape)?,
            None => array()?.into_rows(name)?,
        }),
        Form::Archive => read_npz(name, bytes, model)?,
    };
    match &mut content {
        Content::Rows(rows) => rows.missing = options.missing,
        Content::Parts { train, validation, test } => {
            [Some(train), validation.as_mut(), Some(test)]
                .into_iter()
                .flatten()
                .for_each(|r| r.missing = options.missing);
        }
    }
    Ok(content)
}
