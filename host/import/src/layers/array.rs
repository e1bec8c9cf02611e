//! One `.npy` file: its head and its values.
//!
//! The head is a Python dictionary that NumPy writes in one way; no other way is read, so that nothing nests.

use std::io::Read;

use half::f16;

use crate::Array;
use crate::array::transposed;

/// The most bytes of a head.
const MAX_HEAD: u64 = 1 << 16;
/// The most axes of an array.
const MAX_AXES: usize = 8;
const KINDS: &str = "whole numbers, floats of 16 to 64 bits and bool are read";

/// The type of each number.
pub(super) struct Item {
    kind: u8,
    /// Bytes of one number.
    pub size: usize,
    is_big_endian: bool,
}

/// What stands before the values.
pub(super) struct Head {
    pub item: Item,
    pub dims: Vec<usize>,
    /// Column-major.
    is_turned: bool,
}

impl Head {
    /// Reads everything before the values.
    pub fn read(file: &mut impl Read) -> Result<Self, String> {
        let mut bytes = Vec::new();
        let mut more = |bytes: &mut Vec<u8>, length: u64| match file.by_ref().take(length).read_to_end(bytes) {
            Ok(read) if read as u64 == length => Ok(()),
            Ok(_) => Err("ends within its head".to_string()),
            Err(error) => Err(error.to_string()),
        };
        more(&mut bytes, 10)?;
        let length = match bytes[..] {
            [0x93, b'N', b'U', b'M', b'P', b'Y', 1, _, a, b] => u64::from(u16::from_le_bytes([a, b])),
            [0x93, b'N', b'U', b'M', b'P', b'Y', 2 | 3, _, a, b] => {
                more(&mut bytes, 2)?;
                u64::from(u32::from_le_bytes([a, b, bytes[10], bytes[11]]))
            }
            _ => return Err("is no .npy file".into()),
        };
        if length > MAX_HEAD {
            return Err(format!("its head has {length} bytes, at most {MAX_HEAD} are read"));
        }
        bytes.clear();
        more(&mut bytes, length)?;
        Self::parse(&String::from_utf8_lossy(&bytes))
    }

    /// `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`.
    fn parse(text: &str) -> Result<Self, String> {
        let after = |key: &str| {
            let found = text.split_once(&format!("'{key}':")).map(|(_, rest)| rest.trim_start());
            found.ok_or_else(|| format!("its head does not say `{key}`"))
        };
        let kind = after("descr")?;
        let quoted = kind.strip_prefix('\'').and_then(|rest| rest.split_once('\''));
        let (kind, _) = quoted.ok_or_else(|| format!("its items are not one type; {KINDS}"))?;
        let is_turned = match after("fortran_order")? {
            rest if rest.starts_with("False") => false,
            rest if rest.starts_with("True") => true,
            _ => return Err("its head does not say whether it is in Fortran's order".into()),
        };
        let shape = after("shape")?.strip_prefix('(').and_then(|rest| rest.split_once(')'));
        let (shape, _) = shape.ok_or("its head has no sizes")?;
        let sizes = shape.split(',').map(str::trim).filter(|size| !size.is_empty());
        let dims: Result<Vec<usize>, _> = sizes.take(MAX_AXES + 1).map(str::parse).collect();
        let dims = dims.map_err(|_| "its sizes are no whole numbers, or too large".to_string())?;
        if dims.len() > MAX_AXES {
            return Err(format!("more than {MAX_AXES} axes"));
        }
        Ok(Self { item: Item::parse(kind)?, dims, is_turned })
    }

    /// The values of an array of these sizes; `bytes` are as many as the sizes say.
    pub fn array(self, bytes: &[u8]) -> Result<Array, String> {
        let values: Vec<f64> = bytes.chunks_exact(self.item.size).map(|bytes| self.item.real(bytes)).collect();
        if let Some(at) = values.iter().position(|value| !value.is_finite()) {
            return Err(format!("value {at} is {}; every number must be finite", values[at]));
        }
        if !self.is_turned {
            return Ok(Array::new(self.dims, values));
        }
        let backwards: Vec<usize> = (0..self.dims.len()).rev().collect();
        let dims: Vec<usize> = self.dims.iter().rev().copied().collect();
        Ok(permuted(&Array::new(dims, values), &backwards))
    }
}

impl Item {
    /// A type as `<f4` or `|u1`.
    fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("items of type {text:?}; {KINDS}");
        let &[order, kind, size] = text.as_bytes() else { return Err(wrong()) };
        let size = usize::from(size.wrapping_sub(b'0'));
        let is_known = match kind {
            b'b' => size == 1,
            b'i' | b'u' => matches!(size, 1 | 2 | 4 | 8),
            b'f' => matches!(size, 2 | 4 | 8),
            _ => false,
        };
        if !is_known || !b"<>|=".contains(&order) {
            return Err(wrong());
        }
        Ok(Self { kind, size, is_big_endian: order == b'>' })
    }

    /// One number of `size` bytes.
    fn real(&self, bytes: &[u8]) -> f64 {
        let mut low = [0; 8];
        low.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        if self.is_big_endian {
            low[..self.size].reverse();
        }
        let bits = u64::from_le_bytes(low);
        let unused = 64 - 8 * self.size as u32;
        match (self.kind, self.size) {
            (b'f', 2) => f16::from_bits(bits as u16).into(),
            (b'f', 4) => f32::from_bits(bits as u32).into(),
            (b'f', _) => f64::from_bits(bits),
            (b'i', _) => ((bits << unused) as i64 >> unused) as f64,
            (b'b', _) => f64::from(u8::from(bits != 0)),
            _ => bits as f64,
        }
    }
}

/// The array with its axes in another order: axis `i` of the result is axis `order[i]`.
pub(super) fn permuted(array: &Array, order: &[usize]) -> Array {
    let places = transposed(&array.dims, order);
    let dims: Vec<usize> = order.iter().map(|&axis| array.dims[axis]).collect();
    Array::new(dims, places.into_iter().map(|at| array.values[at]).collect())
}
