//! NumPy archives with `x_train`, `y_train`, `x_test`, `y_test`.

use super::{Dataset, MAX_BYTES, Split};
use crate::error::{TrainError, data_error};
use bitfab_graph::Shape;
use npyz::{DType, NpyFile, Order, TypeChar};
use std::io::{Cursor, Read};

/// A data set from a `.npz` file: inputs `u8` of 2 to 4 sizes (rows first, channels last), labels of whole numbers.
///
/// # Errors
/// [`TrainError::Data`] names the array that is missing or of the wrong form.
pub fn from_npz(name: &str, bytes: &[u8]) -> Result<Dataset, TrainError> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes))
        .map_err(|error| data_error(name, format!("not a .npz archive: {error}")))?;
    let mut array = |key: &str| -> Result<Array, TrainError> {
        let entry = archive.by_name(&format!("{key}.npy"));
        let error = |problem: String| data_error(name, format!("array {key}: {problem}"));
        let mut file = Vec::new();
        entry
            .map_err(|e| error(format!("{e}; needs x_train, y_train, x_test, y_test")))?
            .take(MAX_BYTES + 1)
            .read_to_end(&mut file)
            .map_err(|e| error(e.to_string()))?;
        parse(&file).map_err(error)
    };
    let (train_inputs, train_labels) = (array("x_train")?, array("y_train")?);
    let (test_inputs, test_labels) = (array("x_test")?, array("y_test")?);
    let (train_shape, train) = split(name, "train", train_inputs, train_labels)?;
    let (test_shape, test) = split(name, "test", test_inputs, test_labels)?;
    if train_shape != test_shape {
        let problem = format!("x_train rows are {train_shape}, x_test rows {test_shape}");
        return Err(data_error(name, problem));
    }
    Dataset::new(name, train_shape, train, test)
}

/// Sizes, item type and content.
struct Array {
    sizes: Vec<u64>,
    bytes: bool,
    values: Vec<u8>,
}

/// One `.npy` file; wider whole numbers are accepted if every value is 0 to 255.
fn parse(file: &[u8]) -> Result<Array, String> {
    if file.len() as u64 > MAX_BYTES {
        return Err(format!("more than {MAX_BYTES} bytes"));
    }
    check_head(file)?;
    let npy = NpyFile::new(file).map_err(|error| error.to_string())?;
    if npy.order() == Order::Fortran && npy.shape().len() > 1 {
        return Err("column-major; save a C-ordered array".into());
    }
    let sizes = npy.shape().to_vec();
    let count = sizes
        .iter()
        .try_fold(1u64, |product, &size| product.checked_mul(size))
        .filter(|&count| count <= file.len() as u64)
        .ok_or_else(|| format!("sizes {sizes:?} exceed the file"))?;
    let kind = match npy.dtype() {
        DType::Plain(kind) => (kind.type_char(), kind.size_field()),
        other => return Err(format!("item type {}, needs whole numbers", other.descr())),
    };
    let values = match kind {
        (TypeChar::Uint, 1) => npy.into_vec::<u8>().map_err(|error| error.to_string())?,
        (TypeChar::Uint, 2) => narrow::<u16>(npy)?,
        (TypeChar::Uint, 4) => narrow::<u32>(npy)?,
        (TypeChar::Uint, 8) => narrow::<u64>(npy)?,
        (TypeChar::Int, 1) => narrow::<i8>(npy)?,
        (TypeChar::Int, 2) => narrow::<i16>(npy)?,
        (TypeChar::Int, 4) => narrow::<i32>(npy)?,
        (TypeChar::Int, 8) => narrow::<i64>(npy)?,
        (other, size) => return Err(format!("item type {other:?}{size}, needs whole numbers")),
    };
    if values.len() as u64 != count {
        return Err(format!("sizes {sizes:?} need {count} values, found {}", values.len()));
    }
    let bytes = kind == (TypeChar::Uint, 1);
    Ok(Array { sizes, bytes, values })
}

/// The head's own length must lie within the file, before anything believes it.
fn check_head(file: &[u8]) -> Result<(), String> {
    let head = match (file.get(6), file.get(8..12)) {
        (Some(1), Some(&[a, b, _, _])) => 10 + u64::from(u16::from_le_bytes([a, b])),
        (Some(_), Some(&[a, b, c, d])) => 12 + u64::from(u32::from_le_bytes([a, b, c, d])),
        _ => return Err("shorter than the head of a .npy file".into()),
    };
    if head > file.len() as u64 {
        return Err("ends within its head".into());
    }
    Ok(())
}

/// Values of a wider type that all fit a byte.
fn narrow<T>(npy: NpyFile<&[u8]>) -> Result<Vec<u8>, String>
where
    T: npyz::Deserialize + Copy + std::fmt::Display,
    u8: TryFrom<T>,
{
    let values = npy.into_vec::<T>().map_err(|error| error.to_string())?;
    let convert = |&value: &T| u8::try_from(value).map_err(|_| format!("value {value}, needs 0 to 255"));
    values.iter().map(convert).collect()
}

/// Inputs and labels of one part.
fn split(name: &str, part: &str, inputs: Array, labels: Array) -> Result<(Shape, Split), TrainError> {
    if !inputs.bytes {
        let problem = format!("array x_{part}: items are not u8; convert with .astype('uint8')");
        return Err(data_error(name, problem));
    }
    let size = |at: usize| u32::try_from(inputs.sizes[at]).unwrap_or(0);
    let shape = match inputs.sizes.len() {
        2 => Shape::flat(size(1)),
        3 => Shape::new(size(1), size(2), 1),
        4 => Shape::new(size(1), size(2), size(3)),
        other => {
            let problem = format!("array x_{part}: {other} sizes, needs 2 to 4");
            return Err(data_error(name, problem));
        }
    };
    if labels.values.len() as u64 != inputs.sizes[0] {
        let (found, need) = (labels.values.len(), inputs.sizes[0]);
        return Err(data_error(name, format!("array y_{part}: {found} labels for {need} rows")));
    }
    let split = Split { inputs: inputs.values, labels: labels.values };
    Ok((shape, split))
}
