//! NumPy arrays of bytes in, of integers out.

use anyhow::{Context, Result, bail, ensure};
use bitfab_format::{Kind, Tensor};
use npyz::{DType, NpyFile, Order, TypeChar, WriterBuilder};

/// Rows of bytes for a model.
#[derive(Debug)]
pub struct Rows {
    bytes: Vec<u8>,
    width: usize,
}

impl Rows {
    /// The rows in order.
    pub fn slices(&self) -> Vec<&[u8]> {
        self.bytes.chunks_exact(self.width).collect()
    }
}

/// Reads the rows of a `.npy` file: one array of a row's shape, or of any shape that begins with the number of rows.
pub fn rows(file: &[u8], input: &Tensor) -> Result<Rows> {
    let npy = NpyFile::new(file).context("not a .npy file (numpy.save makes one)")?;
    let wanted = if input.kind == Kind::I8 { "int8" } else { "uint8" };
    let (type_char, found) = kind_of(&npy.dtype());
    let fits = matches!((type_char, input.kind), (Some(TypeChar::Uint), Kind::U8) | (Some(TypeChar::Int), Kind::I8));
    ensure!(fits, "the array has the type {found}, the model takes {wanted}: convert it by x.astype(numpy.{wanted})");
    let column_major = npy.order() == Order::Fortran && npy.shape().len() > 1;
    ensure!(!column_major, "the array is stored column by column: save numpy.ascontiguousarray(x)");
    let shape = npy.shape().to_vec();
    let width = input.shape.volume() as usize;
    let count = row_count(&shape, input)?;
    // Bytes need no conversion; the header's promise is checked against what is there before memory is taken.
    let promised = (count as u64).saturating_mul(width as u64);
    let Some(start) = (file.len() as u64).checked_sub(promised).filter(|&start| start == header_length(file)) else {
        bail!("the header promises {promised} bytes, which is not what follows it: the file is damaged");
    };
    Ok(Rows { bytes: file[start as usize..].to_vec(), width })
}

/// Length of a header that was already read (versions 1 to 3 of the format).
fn header_length(file: &[u8]) -> u64 {
    let byte = |at: usize| file.get(at).copied().map_or(0, u64::from);
    match byte(6) {
        1 => 10 + (byte(8) | byte(9) << 8),
        _ => 12 + (byte(8) | byte(9) << 8 | byte(10) << 16 | byte(11) << 24),
    }
}

/// The kind of a one-byte type, and its name for people.
fn kind_of(dtype: &DType) -> (Option<TypeChar>, String) {
    match dtype {
        DType::Plain(plain) if plain.size_field() == 1 => (Some(plain.type_char()), plain.to_string()),
        DType::Plain(plain) => (None, plain.to_string()),
        other => (None, other.descr()),
    }
}

fn row_count(shape: &[u64], input: &Tensor) -> Result<usize> {
    let model = input.shape;
    let width = u64::from(model.volume());
    let product = |sizes: &[u64]| sizes.iter().try_fold(1u64, |product, &size| product.checked_mul(size));
    let exact = [u64::from(model.height), u64::from(model.width), u64::from(model.channels)];
    let one = shape == exact || shape == [width] || (model.channels == 1 && shape == &exact[..2]);
    if one {
        return Ok(1);
    }
    match shape.split_first() {
        Some((&rows, rest)) if rows > 0 && !rest.is_empty() && product(rest) == Some(width) => Ok(rows as usize),
        _ => bail!(
            "the array has the shape {shape:?}, the model takes N x {} x {} x {} or N x {width}, N from 1",
            model.height,
            model.width,
            model.channels
        ),
    }
}

/// A `.npy` file of 32-bit integers.
pub fn file(shape: &[u64], values: &[i32]) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut writer = npyz::WriteOptions::new().default_dtype().shape(shape).writer(&mut bytes).begin_nd()?;
    writer.extend(values)?;
    writer.finish()?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bitfab_format::{Region, Shape};

    fn tensor(kind: Kind) -> Tensor {
        Tensor { shape: Shape::new(2, 3, 1), kind, region: Region::default() }
    }

    fn bytes<T: npyz::AutoSerialize + Copy>(shape: &[u64], order: Order, values: &[T]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let options = npyz::WriteOptions::new().default_dtype().shape(shape).order(order);
        let mut writer = options.writer(&mut bytes).begin_nd().unwrap();
        writer.extend(values).unwrap();
        writer.finish().unwrap();
        bytes
    }

    #[test]
    fn rows_of_every_accepted_shape_are_read() {
        let values: Vec<u8> = (0..12).collect();
        for shape in [&[2, 6][..], &[2, 2, 3], &[2, 2, 3, 1], &[2, 6, 1]] {
            let rows = rows(&bytes(shape, Order::C, &values), &tensor(Kind::U8)).unwrap();
            assert_eq!(rows.slices(), [&values[..6], &values[6..]], "{shape:?}");
        }
        for shape in [&[6][..], &[2, 3], &[2, 3, 1]] {
            assert_eq!(rows(&bytes(shape, Order::C, &values[..6]), &tensor(Kind::U8)).unwrap().slices().len(), 1);
        }
        let signed = rows(&bytes(&[1, 6], Order::C, &[-1i8, 2, 3, 4, 5, -128]), &tensor(Kind::I8)).unwrap();
        assert_eq!(signed.slices(), [&[255, 2, 3, 4, 5, 128]]);
    }

    #[test]
    fn everything_else_is_refused_with_a_reason() {
        let values: Vec<u8> = (0..12).collect();
        let whole = bytes(&[2, 6], Order::C, &values);
        let refuse = |file: &[u8], kind| format!("{:#}", rows(file, &tensor(kind)).unwrap_err());
        assert!(refuse(&whole, Kind::I8).contains("astype(numpy.int8)"));
        assert!(refuse(&bytes(&[1, 6], Order::C, &[1f32; 6]), Kind::U8).contains("f4"));
        assert!(refuse(&bytes(&[1, 6], Order::C, &[1i32; 6]), Kind::U8).contains("i4"));
        assert!(refuse(&bytes(&[2, 5], Order::C, &values[..10]), Kind::U8).contains("[2, 5]"));
        assert!(refuse(&bytes(&[0, 6], Order::C, &values[..0]), Kind::U8).contains("N from 1"));
        assert!(refuse(&bytes(&[2, 6], Order::Fortran, &values), Kind::U8).contains("ascontiguousarray"));
        assert!(refuse(&whole[..whole.len() - 1], Kind::U8).contains("damaged"));
        assert!(refuse(b"PK\x03\x04", Kind::U8).contains("numpy.save"));
        for end in 0..whole.len() {
            assert!(rows(&whole[..end], &tensor(Kind::U8)).is_err(), "cut to {end} bytes");
        }
    }

    #[test]
    fn written_integers_are_read_back() {
        let file = file(&[2, 2], &[1, -2, i32::MIN, i32::MAX]).unwrap();
        let npy = NpyFile::new(&file[..]).unwrap();
        assert_eq!((npy.shape(), npy.dtype().descr()), (&[2, 2][..], "'<i4'".to_owned()));
        assert_eq!(npy.into_vec::<i32>().unwrap(), [1, -2, i32::MIN, i32::MAX]);
    }
}
