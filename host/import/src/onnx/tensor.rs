//! Arrays of a file: every type of numbers, inside the file or beside it.

use half::{bf16, f16};
use prost::bytes::Bytes;

use super::proto;
use crate::Array;
use crate::array::MAX_VALUES;

/// Reads a file that lies beside the model, by its relative path.
pub type External<'a> = &'a mut dyn FnMut(&str) -> std::io::Result<Vec<u8>>;

/// Files beside the model, and how much may still be read.
pub(crate) struct Store<'a> {
    external: External<'a>,
    /// Models keep most constants in one file.
    last: Option<(String, Bytes)>,
    room: usize,
}

impl<'a> Store<'a> {
    pub fn new(external: External<'a>) -> Self {
        Self { external, last: None, room: MAX_VALUES }
    }

    fn file(&mut self, path: &str) -> Result<Bytes, String> {
        if let Some((_, bytes)) = self.last.as_ref().filter(|(name, _)| name == path) {
            return Ok(bytes.clone());
        }
        let bytes = (self.external)(path).map_err(|error| format!("its data file `{path}` cannot be read: {error}"))?;
        let bytes = Bytes::from(bytes);
        self.last = Some((path.into(), bytes.clone()));
        Ok(bytes)
    }
}

/// The name of a type of numbers and its bits.
pub(crate) fn type_name(code: i32) -> Option<(&'static str, usize)> {
    Some(match code {
        1 => ("float", 32),
        2 => ("uint8", 8),
        3 => ("int8", 8),
        4 => ("uint16", 16),
        5 => ("int16", 16),
        6 => ("int32", 32),
        7 => ("int64", 64),
        9 => ("bool", 8),
        10 => ("float16", 16),
        11 => ("double", 64),
        12 => ("uint32", 32),
        13 => ("uint64", 64),
        16 => ("bfloat16", 16),
        21 => ("uint4", 4),
        22 => ("int4", 4),
        25 => ("uint2", 2),
        26 => ("int2", 2),
        _ => return None,
    })
}

/// The numbers of a tensor.
pub(crate) fn array(tensor: &proto::Tensor, store: &mut Store<'_>) -> Result<Array, String> {
    let (name, bits) = type_name(tensor.data_type)
        .ok_or_else(|| format!("numbers of type {}; text, complex and 8-bit floats are not read", tensor.data_type))?;
    let dims: Option<Vec<usize>> = tensor.dims.iter().map(|&size| usize::try_from(size).ok()).collect();
    let dims = dims.ok_or_else(|| format!("sizes {:?}", tensor.dims))?;
    let count = Array::count(&dims).ok_or_else(|| format!("sizes {dims:?} are too many values"))?;
    store.room = store.room.checked_sub(count).ok_or_else(|| format!("more than {MAX_VALUES} constants in all"))?;
    let raw = if tensor.data_location == 1 { outside(tensor, store)? } else { tensor.raw_data.clone() };
    let has_raw = tensor.data_location == 1 || !raw.is_empty();
    let values = if has_raw { from_bytes(&raw, name, bits, count)? } else { from_fields(tensor, name, count) };
    if values.len() != count {
        return Err(format!("sizes {dims:?} need {count} values, the file has {}", values.len()));
    }
    match values.iter().position(|value| value.is_nan()) {
        Some(at) => Err(format!("value {at} is not a number; repair the model before exporting it")),
        None => Ok(Array::new(dims, values)),
    }
}

/// The bytes of a tensor that is stored beside the model.
fn outside(tensor: &proto::Tensor, store: &mut Store<'_>) -> Result<Bytes, String> {
    let find = |key: &str| tensor.external_data.iter().find(|entry| entry.key == key).map(|entry| entry.value.as_str());
    let path = find("location").ok_or("is stored outside the file, but no location is given")?;
    // Backslashes and colons would be separators on other systems.
    let is_inside = !path.is_empty()
        && !path.contains(['\\', ':'])
        && std::path::Path::new(path)
            .components()
            .all(|part| matches!(part, std::path::Component::Normal(_) | std::path::Component::CurDir));
    if !is_inside {
        return Err(format!("is stored at `{path}`, which is outside the model's folder"));
    }
    let number =
        |key: &str| find(key).map(|text| text.parse::<usize>().map_err(|_| format!("{key} `{text}` is not a number")));
    let (offset, length) = (number("offset").transpose()?.unwrap_or(0), number("length").transpose()?);
    let bytes = store.file(path)?;
    let end = length.map_or(Some(bytes.len()), |length| offset.checked_add(length));
    match end.filter(|&end| offset <= end && end <= bytes.len()) {
        Some(end) => Ok(bytes.slice(offset..end)),
        None => Err(format!("its data file `{path}` has {} bytes, it needs bytes {offset} and up", bytes.len())),
    }
}

/// Little-endian numbers; below 8 bits the low bits of a byte come first.
fn from_bytes(raw: &[u8], name: &str, bits: usize, count: usize) -> Result<Vec<f64>, String> {
    let need = (count as u128 * bits as u128).div_ceil(8);
    if raw.len() as u128 != need {
        return Err(format!("{count} values of {name} take {need} bytes, the file has {}", raw.len()));
    }
    macro_rules! numbers {
        ($type:ty) => {
            raw.chunks_exact(size_of::<$type>())
                .map(|bytes| <$type>::from_le_bytes(bytes.try_into().unwrap_or_default()))
        };
    }
    Ok(match name {
        "float" => numbers!(f32).map(f64::from).collect(),
        "double" => numbers!(f64).collect(),
        "float16" => numbers!(u16).map(|bits| f16::from_bits(bits).to_f64()).collect(),
        "bfloat16" => numbers!(u16).map(|bits| bf16::from_bits(bits).to_f64()).collect(),
        "uint8" => raw.iter().map(|&byte| f64::from(byte)).collect(),
        "bool" => raw.iter().map(|&byte| f64::from(u8::from(byte != 0))).collect(),
        "int8" => raw.iter().map(|&byte| f64::from(byte as i8)).collect(),
        "uint16" => numbers!(u16).map(f64::from).collect(),
        "int16" => numbers!(i16).map(f64::from).collect(),
        "uint32" => numbers!(u32).map(f64::from).collect(),
        "int32" => numbers!(i32).map(f64::from).collect(),
        "uint64" => numbers!(u64).map(|value| value as f64).collect(),
        "int64" => numbers!(i64).map(|value| value as f64).collect(),
        _ => (0..count).map(|at| small(raw[at * bits / 8] >> (at * bits % 8), name, bits)).collect(),
    })
}

/// The number in the low bits of a byte.
fn small(byte: u8, name: &str, bits: usize) -> f64 {
    let value = byte & ((1 << bits) - 1);
    let is_negative = name.starts_with("int") && value >> (bits - 1) == 1;
    f64::from(value) - if is_negative { f64::from(1u8 << bits) } else { 0.0 }
}

/// Numbers in the fields of their type.
fn from_fields(tensor: &proto::Tensor, name: &str, count: usize) -> Vec<f64> {
    let words = || tensor.int32_data.iter().copied();
    match name {
        "float" => tensor.float_data.iter().map(|&value| f64::from(value)).collect(),
        "double" => tensor.double_data.clone(),
        "int64" => tensor.int64_data.iter().map(|&value| value as f64).collect(),
        "uint64" | "uint32" => tensor.uint64_data.iter().map(|&value| value as f64).collect(),
        "float16" => words().map(|bits| f16::from_bits(bits as u16).to_f64()).collect(),
        "bfloat16" => words().map(|bits| bf16::from_bits(bits as u16).to_f64()).collect(),
        "uint4" | "int4" | "uint2" | "int2" => {
            let bits = if name.ends_with('4') { 4 } else { 2 };
            let each =
                words().flat_map(|word| (0..8 / bits).map(move |at| small((word as u8) >> (at * bits), name, bits)));
            each.take(count).collect()
        }
        _ => words().map(f64::from).collect(),
    }
}
