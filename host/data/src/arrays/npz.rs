//! Contents of arrays.

use super::Array;
use super::npy::{Items, read_array};
use crate::content::Content;
use crate::error::{DataError, form_error};
use crate::limits::MAX_BYTES;
use crate::rows::{Labels, Rows};
use bitfab_graph::Shape;
use std::io::{Cursor, Read};

/// Names of arrays that an archive may hold; any other is refused, so that none is passed over in silence.
const KNOWN: [&str; 11] =
    ["x", "y", "x_train", "y_train", "x_validation", "y_validation", "x_test", "y_test", "classes", "names", "units"];

/// Reads a `.npz` archive: rows `x` with classes `y`, or parts `x_train`, `y_train`, `x_test`, `y_test` and perhaps
/// `x_validation`, `y_validation`; arrays of text `classes`, `names` and `units` name the classes and the values.
/// For a `model` rows must have the axes of its rows, or none.
///
/// # Errors
/// [`DataError`] names the array that is missing, unknown, of the wrong form or does not fit the others.
pub fn read_npz(name: &str, bytes: &[u8], model: Option<Shape>) -> Result<Content, DataError> {
    let mut reader = Reader::new(name, bytes, model)?;
    if reader.has("x") {
        return Ok(Content::Rows(reader.rows("x", "y")?));
    }
    let validation = reader.has("x_validation");
    let train = reader.rows("x_train", "y_train")?;
    let validation = validation.then(|| reader.rows("x_validation", "y_validation")).transpose()?;
    let test = reader.rows("x_test", "y_test")?;
    for (key, part) in validation.iter().map(|part| ("x_validation", part)).chain([("x_test", &test)]) {
        if part.shape != train.shape {
            return Err(form_error(name, format!("x_train rows are {}, {key} rows {}", train.shape, part.shape)));
        }
    }
    Ok(Content::Parts { train, validation, test })
}

struct Reader<'a> {
    name: &'a str,
    zip: zip::ZipArchive<Cursor<&'a [u8]>>,
    /// The shape of a model's rows, where the archive is read for one.
    model: Option<Shape>,
    /// Bytes that may still be unpacked.
    left: u64,
}

impl<'a> Reader<'a> {
    fn new(name: &'a str, bytes: &'a [u8], model: Option<Shape>) -> Result<Self, DataError> {
        let zip = zip::ZipArchive::new(Cursor::new(bytes))
            .map_err(|error| form_error(name, format!("not a .npz archive: {error}")))?;
        // A name that is no text is given as far as it can be read.
        let is_known = |file: &str| KNOWN.iter().any(|known| is_array(file, known));
        let mut names = zip.file_names_raw().map(|name| String::from_utf8_lossy(name).into_owned());
        let stranger = names.find(|file| !is_known(file));
        drop(names);
        if let Some(file) = stranger {
            let problem = format!("{file} is none of the arrays that are known: {}", KNOWN.join(", "));
            return Err(form_error(name, problem));
        }
        Ok(Self { name, zip, model, left: MAX_BYTES })
    }

    fn has(&self, key: &str) -> bool {
        self.zip.file_names().flatten().any(|file| is_array(&file, key))
    }

    /// One array, while all together stay below the limit.
    fn array(&mut self, key: &str) -> Result<Array, DataError> {
        let name = self.name;
        let error = |problem: String| form_error(name, format!("array {key}: {problem}"));
        let entry = self.zip.by_name(&format!("{key}.npy"));
        let entry = entry.map_err(|e| error(format!("{e}; needs x and y, or x_train, y_train, x_test, y_test")))?;
        let mut file = Vec::new();
        entry.take(self.left + 1).read_to_end(&mut file).map_err(|e| error(e.to_string()))?;
        let Some(left) = self.left.checked_sub(file.len() as u64) else {
            return Err(DataError::TooLarge { name: name.into(), bytes: MAX_BYTES + 1, limit: MAX_BYTES });
        };
        self.left = left;
        read_array(&format!("{name}, array {key}"), &file)
    }

    /// Rows and their classes.
    fn rows(&mut self, inputs: &str, labels: &str) -> Result<Rows, DataError> {
        let array = self.array(inputs)?;
        let labels_array = if labels == "y" && !self.has("y") { None } else { Some(self.array(labels)?) };
        let count = array.sizes.first().copied().unwrap_or(0);
        let classes = match labels_array {
            Some(array) => Some(self.labels(labels, array, count)?),
            None => None,
        };
        let (names, units) = (self.texts("names")?, self.texts("units")?);
        let name = format!("{}, array {inputs}", self.name);
        let mut rows = match self.model {
            Some(shape) => array.into_rows_for(&name, shape)?,
            None => array.into_rows(&name)?,
        };
        rows.name = self.name.into();
        (rows.labels, rows.names, rows.units) = (classes, names, units);
        Ok(rows)
    }

    fn labels(&mut self, key: &str, array: Array, rows: u64) -> Result<Labels, DataError> {
        let mut labels = array.into_labels(&format!("{}, array {key}", self.name))?;
        if labels.of_rows.len() as u64 != rows {
            let problem = format!("array {key}: {} labels for {rows} rows", labels.of_rows.len());
            return Err(form_error(self.name, problem));
        }
        let names = self.texts("classes")?;
        if names.is_empty() {
            return Ok(labels);
        }
        let problem = if labels.names.is_empty() {
            let beyond = labels.of_rows.iter().find(|&&class| class as usize >= names.len());
            beyond.map(|class| format!("array {key}: class {class}, array classes has {} names", names.len()))
        } else {
            // Named rows take the archive's order of names.
            let place: Vec<Option<usize>> =
                labels.names.iter().map(|name| names.iter().position(|known| known == name)).collect();
            match place.iter().position(Option::is_none) {
                Some(at) => Some(format!("array {key}: class '{}' is not in array classes", labels.names[at])),
                None => {
                    labels.of_rows.iter_mut().for_each(|c| *c = place[*c as usize].unwrap_or(0) as u32);
                    None
                }
            }
        };
        labels.names = names;
        problem.map_or(Ok(labels), |problem| Err(form_error(self.name, problem)))
    }

    /// An array of text; empty if the archive has none.
    fn texts(&mut self, key: &str) -> Result<Vec<String>, DataError> {
        if !self.has(key) {
            return Ok(Vec::new());
        }
        match self.array(key)?.items {
            Items::Texts(texts) => Ok(texts),
            _ => Err(form_error(self.name, format!("array {key}: needs text"))),
        }
    }
}

/// Whether an entry is the array of this name.
fn is_array(file: &str, key: &str) -> bool {
    file.strip_suffix(".npy") == Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn all_arrays_together_stay_below_the_limit() {
        let file = crate::arrays::write_array(&[1000], &[0; 1000]).unwrap();
        let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for key in ["x", "y"] {
            archive.start_file(format!("{key}.npy"), zip::write::SimpleFileOptions::default()).unwrap();
            archive.write_all(&file).unwrap();
        }
        let bytes = archive.finish().unwrap().into_inner();
        // Both unpack to far more than the archive has.
        assert!(bytes.len() < file.len() / 2);
        let with = |left: usize| {
            let mut reader = Reader { left: left as u64, ..Reader::new("t", &bytes, None).unwrap() };
            reader.array("x").and_then(|_| reader.array("y"))
        };
        assert!(with(2 * file.len()).is_ok());
        for left in [2 * file.len() - 1, file.len() - 1, 0] {
            assert!(matches!(with(left), Err(DataError::TooLarge { .. })), "{left}");
        }
    }
}
