//! NumPy archives: arrays by name, each read when it is asked for and within a bound.

use std::io::{Cursor, Read};

use zip::ZipArchive;

use super::array;
use crate::{Array, ImportError};

/// The most values of all arrays together: far more than a device holds.
const MAX_VALUES: usize = 1 << 24;
/// The most names that a message lists.
const MAX_LISTED: usize = 24;

/// The arrays of a `.npz` file.
pub(super) struct Archive<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
    /// Values that may still be read.
    left: usize,
}

impl<'a> Archive<'a> {
    /// Opens an archive; its arrays are read later.
    pub fn new(bytes: &'a [u8]) -> Result<Self, ImportError> {
        let zip = ZipArchive::new(Cursor::new(bytes)).map_err(|error| ImportError::File {
            format: ".npz",
            problem: format!("its {} bytes are no archive, or cut: {error}; write it with numpy.savez", bytes.len()),
        })?;
        Ok(Self { zip, left: MAX_VALUES })
    }

    /// One array in row-major order.
    ///
    /// # Errors
    /// A sentence that names the array.
    pub fn array(&mut self, name: &str) -> Result<Array, String> {
        let Some(index) = self.zip.index_for_name(&format!("{name}.npy")) else {
            return Err(format!("the archive has no array `{name}`; it has {}", self.known()));
        };
        let wrong = |problem: String| format!("array `{name}`: {problem}");
        let mut entry = self.zip.by_index(index).map_err(|error| wrong(error.to_string()))?;
        let array = read(&mut entry, self.left).map_err(wrong)?;
        self.left -= array.values.len();
        Ok(array)
    }

    /// The names of the arrays, for messages.
    fn known(&self) -> String {
        let names = self.zip.file_names().flatten(); // a name that is no text is no array's
        let mut names: Vec<String> = names.filter_map(|name| Some(name.strip_suffix(".npy")?.to_owned())).collect();
        names.sort_unstable();
        let more = names.len().saturating_sub(MAX_LISTED);
        names.truncate(MAX_LISTED);
        match (names.is_empty(), more) {
            (true, _) => "none".into(),
            (false, 0) => names.join(", "),
            (false, more) => format!("{} and {more} more", names.join(", ")),
        }
    }
}

/// Reads the head, then as many bytes as it promises, if those are not too many.
fn read(file: &mut impl Read, left: usize) -> Result<Array, String> {
    let head = array::Head::read(file)?;
    let count = Array::count(&head.dims).filter(|&count| count <= left).ok_or_else(|| {
        format!("sizes {:?} are too many values; all arrays together may have {MAX_VALUES}", head.dims)
    })?;
    let promised = count as u64 * head.item.size as u64;
    let mut bytes = Vec::new();
    file.take(promised + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    let found = bytes.len() as u64;
    if found != promised {
        let found = if found > promised { "more".into() } else { found.to_string() };
        return Err(format!("sizes {:?} promise {promised} bytes of values, there are {found}", head.dims));
    }
    head.array(&bytes)
}
