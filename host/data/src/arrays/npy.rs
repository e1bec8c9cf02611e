//! One `.npy` file.

use crate::error::{DataError, form_error};
use crate::limits::MAX_BYTES;
use half::f16;
use npyz::{DType, NpyFile, Order, TypeChar, WriteOptions, WriterBuilder};

/// The items of an array, row after row.
#[derive(Clone, Debug, PartialEq)]
pub enum Items {
    /// `uint8` or `bool`.
    Bytes(Vec<u8>),
    /// `int8`.
    Signed(Vec<i8>),
    /// Whole numbers of 16 to 64 bits.
    Whole(Vec<i64>),
    /// Real numbers of 16, 32 or 64 bits, the last to the nearest `f32`.
    Reals(Vec<f32>),
    /// Text.
    Texts(Vec<String>),
}

/// An array: its axes and its items.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Length of each axis, the slowest first.
    pub sizes: Vec<u64>,
    /// As many items as the product of the axes.
    pub items: Items,
    /// NumPy's name of the type, for messages.
    pub kind: String,
}

/// Reads a `.npy` file of numbers or text.
///
/// # Errors
/// [`DataError`] if the file is damaged, too large, stored column by column, or holds items of another type.
pub fn read_array(name: &str, file: &[u8]) -> Result<Array, DataError> {
    if file.len() as u64 > MAX_BYTES {
        return Err(DataError::TooLarge { name: name.into(), bytes: file.len() as u64, limit: MAX_BYTES });
    }
    parse(file).map_err(|problem| form_error(name, problem))
}

/// A `.npy` file of 32-bit integers with these axes.
///
/// # Errors
/// [`DataError::Form`] if the axes do not hold as many values.
pub fn write_array(sizes: &[u64], values: &[i32]) -> Result<Vec<u8>, DataError> {
    let write = || -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut writer = WriteOptions::new().default_dtype().shape(sizes).writer(&mut bytes).begin_nd()?;
        writer.extend(values)?;
        writer.finish()?;
        Ok(bytes)
    };
    write().map_err(|error| form_error("array", error.to_string()))
}

fn parse(file: &[u8]) -> Result<Array, String> {
    let start = head_length(file)?;
    let npy = NpyFile::new(file).map_err(|error| format!("not a .npy file (numpy.save makes one): {error}"))?;
    if npy.order() == Order::Fortran && npy.shape().len() > 1 {
        return Err("the array is stored column by column: save numpy.ascontiguousarray(x)".into());
    }
    let sizes = npy.shape().to_vec();
    let dtype = npy.dtype();
    let DType::Plain(plain) = &dtype else {
        return Err(format!("the array has the type {}, needs numbers or text", dtype.descr()));
    };
    let kind = plain.to_string();
    let item = plain.num_bytes().ok_or_else(|| format!("the array has the type {kind}, needs numbers or text"))?;
    // Nothing takes memory before what the head promises is known to be there.
    let promised = sizes.iter().try_fold(item as u64, |product, &size| product.checked_mul(size));
    let found = file.len() as u64 - start;
    if promised != Some(found) {
        return Err(format!(
            "the head promises {sizes:?} items of {item} bytes, {found} bytes follow it: damaged or cut"
        ));
    }
    let items = items((plain.type_char(), plain.size_field()), &kind, npy)?;
    Ok(Array { sizes, items, kind })
}

/// Length of the head, which must lie within the file before anything believes it.
fn head_length(file: &[u8]) -> Result<u64, String> {
    let head = match (file.get(6), file.get(8..12)) {
        _ if !file.starts_with(b"\x93NUMPY") => return Err("not a .npy file (numpy.save makes one)".into()),
        (Some(1), Some(&[a, b, _, _])) => 10 + u64::from(u16::from_le_bytes([a, b])),
        (Some(_), Some(&[a, b, c, d])) => 12 + u64::from(u32::from_le_bytes([a, b, c, d])),
        _ => return Err("shorter than the head of a .npy file".into()),
    };
    let start = if file.get(6) == Some(&1) { 10 } else { 12 };
    let text = file.get(start..head as usize).ok_or("ends within its head")?;
    // The reader of heads takes time that doubles with each level of brackets; that of an array of plain items has one
    // pair of braces, and one of brackets round its axes.
    let count = |bracket: u8| text.iter().filter(|&&byte| byte == bracket).count();
    if count(b'[') > 0 {
        return Err("the array has a type of several fields, needs numbers or text".into());
    }
    if count(b'{') != 1 || count(b'(') != 1 {
        return Err("its head is damaged: it is not one dictionary with one shape".into());
    }
    Ok(head)
}

/// The items of a type that is known.
fn items(kind: (TypeChar, u64), text: &str, npy: NpyFile<&[u8]>) -> Result<Items, String> {
    fn all<T: npyz::Deserialize>(npy: NpyFile<&[u8]>) -> Result<Vec<T>, String> {
        npy.into_vec::<T>().map_err(|error| error.to_string())
    }
    fn whole<T: npyz::Deserialize + TryInto<i64>>(npy: NpyFile<&[u8]>) -> Result<Items, String> {
        let numbers = all::<T>(npy)?.into_iter().map(|number| number.try_into().ok());
        numbers
            .collect::<Option<_>>()
            .map(Items::Whole)
            .ok_or_else(|| "a number does not fit 64 bits with a sign".into())
    }
    Ok(match kind {
        (TypeChar::Uint, 1) => Items::Bytes(all(npy)?),
        (TypeChar::Bool, 1) => Items::Bytes(all::<bool>(npy)?.into_iter().map(u8::from).collect()),
        (TypeChar::Int, 1) => Items::Signed(all(npy)?),
        (TypeChar::Uint, 2) => whole::<u16>(npy)?,
        (TypeChar::Uint, 4) => whole::<u32>(npy)?,
        (TypeChar::Uint, 8) => whole::<u64>(npy)?,
        (TypeChar::Int, 2) => whole::<i16>(npy)?,
        (TypeChar::Int, 4) => whole::<i32>(npy)?,
        (TypeChar::Int, 8) => whole::<i64>(npy)?,
        (TypeChar::Float, 2) => Items::Reals(all::<f16>(npy)?.into_iter().map(f32::from).collect()),
        (TypeChar::Float, 4) => Items::Reals(all(npy)?),
        // A device takes 32 bits: nearest, ties to even.
        (TypeChar::Float, 8) => Items::Reals(all::<f64>(npy)?.into_iter().map(|number| number as f32).collect()),
        (TypeChar::UnicodeStr, _) => Items::Texts(all(npy)?),
        _ => return Err(format!("the array has the type {text}, needs numbers or text")),
    })
}
