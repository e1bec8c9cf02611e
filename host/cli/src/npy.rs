//! NumPy arrays of bytes in, of integers out.

use anyhow::{Context, Result, bail, ensure};
use bitfab_format::Kind;
use npyz::{DType, NpyFile, Order, TypeChar, WriterBuilder};

use crate::axes;
use crate::models::Need;

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
pub fn rows(file: &[u8], input: &Need) -> Result<Rows> {
    let npy = NpyFile::new(file).context("not a .npy file (numpy.save makes one)")?;
    let (type_char, found) = kind_of(&npy.dtype());
    let fits = matches!((type_char, input.kind), (Some(TypeChar::Uint), Kind::U8) | (Some(TypeChar::Int), Kind::I8));
    if !fits {
        bail!("the array has the type {found}, the model takes {}", remedy(npy, input.kind));
    }
    let column_major = npy.order() == Order::Fortran && npy.shape().len() > 1;
    ensure!(!column_major, "the array is stored column by column: save numpy.ascontiguousarray(x)");
    let shape = npy.shape().to_vec();
    let width = input.shape.volume() as usize;
    let count = axes::rows(&shape, input.shape)?;
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

/// What a model takes, and how an array of another type gets there without becoming something else.
fn remedy(npy: NpyFile<&[u8]>, kind: Kind) -> String {
    let (wanted, low, high) = if kind == Kind::I8 { ("int8", -128, 127) } else { ("uint8", 0, 255) };
    let DType::Plain(plain) = npy.dtype() else {
        return format!("{wanted}; save one array of numbers without fields");
    };
    let code = format!(
        "round(x / STEP) + ZERO within {low} to {high}, with the step and the zero that the model was trained with \
         (`bitfab import` shows them as its input, KIND-ZERO*STEP)"
    );
    match (plain.type_char(), plain.size_field(), kind) {
        (TypeChar::Int, 1, _) => format!(
            "{wanted}; if these are its bytes less 128, as an int8 file has them, add it: \
             (x.astype(numpy.int16) + 128).astype(numpy.uint8)"
        ),
        (TypeChar::Uint, 1, _) => format!(
            "{wanted}; if these are its bytes plus 128, as pixels are, take it off: \
             (x.astype(numpy.int16) - 128).astype(numpy.int8)"
        ),
        (TypeChar::Int | TypeChar::Uint, ..) => match ends(npy) {
            Some((least, most)) if (low..=high).contains(&least) && (low..=high).contains(&most) => {
                format!("{wanted}; all of these fit, so that x.astype(numpy.{wanted}) keeps them")
            }
            Some((least, most)) => format!("{wanted}, {low} to {high}; these go from {least} to {most}: give {code}"),
            None => format!("{wanted}, {low} to {high}"),
        },
        (TypeChar::Float, ..) => format!("{wanted}; these are real numbers, whose bytes are {code}"),
        _ => format!("{wanted}; save an array of numbers"),
    }
}

/// Least and greatest of an array of integers; `None` if it is empty, damaged, or beyond 64 bits with a sign.
fn ends(npy: NpyFile<&[u8]>) -> Option<(i64, i64)> {
    let values = integers(npy).ok()??;
    values.iter().copied().min().zip(values.iter().copied().max())
}

/// The values of an array of integers of any size; `None` if its elements are something else.
fn integers(npy: NpyFile<&[u8]>) -> Result<Option<Vec<i64>>> {
    macro_rules! read {
        ($type:ty) => {
            npy.into_vec::<$type>()?.into_iter().map(|value| i64::try_from(value).unwrap_or(i64::MAX)).collect()
        };
    }
    let DType::Plain(plain) = npy.dtype() else { return Ok(None) };
    Ok(Some(match (plain.type_char(), plain.size_field()) {
        (TypeChar::Int, 1) => read!(i8),
        (TypeChar::Int, 2) => read!(i16),
        (TypeChar::Int, 4) => read!(i32),
        (TypeChar::Int, 8) => read!(i64),
        (TypeChar::Uint, 1) => read!(u8),
        (TypeChar::Uint, 2) => read!(u16),
        (TypeChar::Uint, 4) => read!(u32),
        (TypeChar::Uint, 8) => read!(u64),
        _ => return Ok(None),
    }))
}

/// The kind of a one-byte type, and its name for people.
fn kind_of(dtype: &DType) -> (Option<TypeChar>, String) {
    match dtype {
        DType::Plain(plain) if plain.size_field() == 1 => (Some(plain.type_char()), plain.to_string()),
        DType::Plain(plain) => (None, plain.to_string()),
        other => (None, other.descr()),
    }
}

/// The most classes that a file may name.
const MAX_CLASSES: i64 = 1 << 16;

/// Reads a `.npy` file of classes: one axis (or N x 1) of integers of any size, from 0.
pub fn classes(file: &[u8]) -> Result<Vec<usize>> {
    let npy = NpyFile::new(file).context("not a .npy file (numpy.save makes one)")?;
    let shape = npy.shape().to_vec();
    ensure!(matches!(shape.as_slice(), [_] | [_, 1]), "the array has the shape {shape:?}, classes are N integers");
    let found = npy.dtype().descr();
    let Some(classes) = integers(npy)? else {
        bail!("the array has the type {found}, classes are whole numbers: x.astype(numpy.int64), if they are")
    };
    match classes.iter().position(|class| !(0..MAX_CLASSES).contains(class)) {
        Some(at) => bail!("class {at} is {}, allowed are 0 to {}", classes[at], MAX_CLASSES - 1),
        None => Ok(classes.into_iter().map(|class| class as usize).collect()),
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
    use bitfab_format::Shape;

    fn need(kind: Kind) -> Need {
        Need { shape: Shape::new(2, 3, 1), kind }
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
            let rows = rows(&bytes(shape, Order::C, &values), &need(Kind::U8)).unwrap();
            assert_eq!(rows.slices(), [&values[..6], &values[6..]], "{shape:?}");
        }
        for shape in [&[6][..], &[2, 3], &[2, 3, 1]] {
            assert_eq!(rows(&bytes(shape, Order::C, &values[..6]), &need(Kind::U8)).unwrap().slices().len(), 1);
        }
        let signed = rows(&bytes(&[1, 6], Order::C, &[-1i8, 2, 3, 4, 5, -128]), &need(Kind::I8)).unwrap();
        assert_eq!(signed.slices(), [&[255, 2, 3, 4, 5, 128]]);
    }

    #[test]
    fn everything_else_is_refused_with_a_reason() {
        let values: Vec<u8> = (0..12).collect();
        let whole = bytes(&[2, 6], Order::C, &values);
        let refuse = |file: &[u8], kind| format!("{:#}", rows(file, &need(kind)).unwrap_err());
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
            (bytes(&[1, 6], Order::C, &[u64::MAX; 6]), "to 9223372036854775807"),
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
            assert!(rows(&whole[..end], &need(Kind::U8)).is_err(), "cut to {end} bytes");
        }
    }

    #[test]
    fn classes_of_every_integer_type_are_read() {
        assert_eq!(classes(&bytes(&[3], Order::C, &[0i64, 2, 1])).unwrap(), [0, 2, 1]);
        assert_eq!(classes(&bytes(&[2, 1], Order::C, &[7u8, 9])).unwrap(), [7, 9]);
        let refuse = |file: &[u8]| format!("{:#}", classes(file).unwrap_err());
        assert!(refuse(&bytes(&[1], Order::C, &[-1i32])).contains("class 0 is -1"));
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
