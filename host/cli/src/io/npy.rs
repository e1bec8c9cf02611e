//! NumPy arrays of bytes in, of integers out, by the reader of the data's crate.

use anyhow::{Context, Result, ensure};
use bitfab::data::{Fitted, Reading, Takes, fit, read_array, write_array};
use bitfab::format::Kind;
use bitfab::graph::Shape;

/// What an array is called in messages; the caller adds its file.
const NAME: &str = "array";

/// Rows of bytes for a model.
#[derive(Debug)]
pub struct Rows(Fitted);

impl Rows {
    /// The rows in order.
    pub fn slices(&self) -> Vec<&[u8]> {
        self.0.rows()
    }
}

/// Reads the rows of a `.npy` file: one array of a row's shape, or of any shape that begins with the number of rows.
pub fn rows(file: &[u8], shape: Shape, kind: Kind) -> Result<Rows> {
    let rows = read_array(NAME, file)?.into_rows_for(NAME, shape)?;
    Ok(Rows(fit(rows, &Takes::bytes(shape, kind), Reading::Values)?))
}

/// Reads a `.npy` file of classes: one axis (or N x 1) of integers of any size, from 0.
pub fn classes(file: &[u8]) -> Result<Vec<usize>> {
    let labels = read_array(NAME, file)?.into_labels(NAME)?;
    ensure!(labels.names.is_empty(), "the classes are text, which needs a model that names its classes");
    Ok(labels.of_rows.into_iter().map(|class| class as usize).collect())
}

/// A `.npy` file of 32-bit integers.
pub fn file(shape: &[u64], values: &[i32]) -> Result<Vec<u8>> {
    write_array(shape, values).context("the result is no array")
}

#[cfg(test)]
mod tests {
    use super::*;
    use npyz::{NpyFile, Order, WriterBuilder};

    fn rows(file: &[u8], kind: Kind) -> Result<Rows> {
        super::rows(file, Shape::new(2, 3, 1), kind)
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
            let rows = rows(&bytes(shape, Order::C, &values), Kind::U8).unwrap();
            assert_eq!(rows.slices(), [&values[..6], &values[6..]], "{shape:?}");
        }
        for shape in [&[6][..], &[2, 3], &[2, 3, 1]] {
            assert_eq!(rows(&bytes(shape, Order::C, &values[..6]), Kind::U8).unwrap().slices().len(), 1);
        }
        let signed = rows(&bytes(&[1, 6], Order::C, &[-1i8, 2, 3, 4, 5, -128]), Kind::I8).unwrap();
        assert_eq!(signed.slices(), [&[255, 2, 3, 4, 5, 128]]);
    }

    #[test]
    fn everything_else_is_refused_with_a_reason() {
        let values: Vec<u8> = (0..12).collect();
        let whole = bytes(&[2, 6], Order::C, &values);
        let refuse = |file: &[u8], kind| format!("{:#}", rows(file, kind).unwrap_err());
        assert!(refuse(&whole, Kind::I8).contains("- 128).astype(numpy.int8)"));
        assert!(refuse(&bytes(&[1, 6], Order::C, &[-1i8; 6]), Kind::U8).contains("+ 128).astype(numpy.uint8)"));
        for (kind, wrong) in [(Kind::U8, "astype"), (Kind::I8, "astype")] {
            let text = refuse(&bytes(&[1, 6], Order::C, &[0.5f32; 6]), kind);
            assert!(text.contains("f4") && text.contains("round(x / STEP) + ZERO") && !text.contains(wrong), "{text}");
        }
        let text = refuse(&bytes(&[1, 6], Order::C, &[255i32; 6]), Kind::U8);
        assert!(text.contains("i4") && text.contains("x.astype(numpy.uint8) keeps them"), "{text}");
        for (file, words) in [
            (bytes(&[1, 6], Order::C, &[256i64, 1, 2, 3, 4, 5]), "from 1 to 256"),
            (bytes(&[1, 6], Order::C, &[u64::MAX; 6]), "does not fit 64 bits"),
            (bytes(&[1, 6], Order::C, &[-1i16; 6]), "from -1 to -1"),
        ] {
            let text = refuse(&file, Kind::U8);
            assert!(text.contains(words) && !text.contains("astype"), "{text}");
        }
        assert!(refuse(&bytes(&[2, 5], Order::C, &values[..10]), Kind::U8).contains("[2, 5]"));
        assert!(refuse(&bytes(&[0, 6], Order::C, &values[..0]), Kind::U8).contains("N from 1"));
        assert!(refuse(&bytes(&[2, 6], Order::Fortran, &values), Kind::U8).contains("ascontiguousarray"));
        assert!(refuse(&whole[..whole.len() - 1], Kind::U8).contains("damaged"));
        assert!(refuse(b"PK\x03\x04", Kind::U8).contains("numpy.save"));
        for end in 0..whole.len() {
            assert!(rows(&whole[..end], Kind::U8).is_err(), "cut to {end} bytes");
        }
    }

    #[test]
    fn classes_of_every_integer_type_are_read() {
        assert_eq!(classes(&bytes(&[3], Order::C, &[0i64, 2, 1])).unwrap(), [0, 2, 1]);
        assert_eq!(classes(&bytes(&[2, 1], Order::C, &[7u8, 9])).unwrap(), [7, 9]);
        let refuse = |file: &[u8]| format!("{:#}", classes(file).unwrap_err());
        assert!(refuse(&bytes(&[1], Order::C, &[-1i32])).contains("class of row 0 is -1"));
        assert!(refuse(&bytes(&[1], Order::C, &[1f32])).contains("astype"));
        assert!(refuse(&bytes(&[1, 2], Order::C, &[1u8, 2])).contains("[1, 2]"));
        let whole = bytes(&[3], Order::C, &[0i64, 2, 1]);
        for end in 0..whole.len() {
            assert!(classes(&whole[..end]).is_err(), "cut to {end} bytes");
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
