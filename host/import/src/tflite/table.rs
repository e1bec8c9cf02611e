//! Tables of a flatbuffer: every offset and length is checked against the file, so that a damaged one is an error.
//!
//! A table says where its list of fields is, a field where its value is. Nothing here follows more than one offset, so
//! that tables which contain themselves do no harm.

/// A table: some fields, each of which may be left out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table<'a> {
    file: &'a [u8],
    /// Where its body begins in the file.
    start: usize,
    /// Fields that are stored in place.
    body: &'a [u8],
    /// For each field two bytes: where it is in the body, or 0.
    places: &'a [u8],
}

/// A list of numbers or of tables.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vector<'a> {
    file: &'a [u8],
    /// Where its first element is in the file.
    start: usize,
    bytes: &'a [u8],
    width: usize,
}

/// What is said of an offset that leads nowhere.
fn outside(what: &str, at: usize) -> String {
    format!("{what} at byte {at} lies outside of the file")
}

/// Bytes of the file from `at` on.
fn bytes<const COUNT: usize>(file: &[u8], at: usize) -> Option<[u8; COUNT]> {
    file.get(at..)?.first_chunk().copied()
}

/// The place to which the offset at `at` leads.
fn follow(file: &[u8], at: usize) -> Result<usize, String> {
    let offset = bytes(file, at).map(u32::from_le_bytes).ok_or_else(|| outside("an offset", at))?;
    at.checked_add(offset as usize).ok_or_else(|| outside("an offset", at))
}

impl<'a> Table<'a> {
    /// The table with which the file begins.
    pub fn root(file: &'a [u8]) -> Result<Self, String> {
        Self::new(file, follow(file, 0)?)
    }

    /// The table at a place of the file.
    fn new(file: &'a [u8], start: usize) -> Result<Self, String> {
        let damaged = || outside("a table", start);
        let back = bytes(file, start).map(i32::from_le_bytes).ok_or_else(damaged)?;
        let list = i64::try_from(start).map_or(-1, |start| start - i64::from(back));
        let list = usize::try_from(list).map_err(|_| damaged())?;
        let size = |at: usize| bytes(file, at).map(|size| usize::from(u16::from_le_bytes(size)));
        let (length, width) = (size(list).ok_or_else(damaged)?, size(list.saturating_add(2)).ok_or_else(damaged)?);
        let places = file.get(list..).and_then(|rest| rest.get(4..length)).ok_or_else(damaged)?;
        let body = file.get(start..).and_then(|rest| rest.get(..width)).ok_or_else(damaged)?;
        Ok(Self { file, start, body, places })
    }

    /// Where a field is in the body; `None` where it is left out.
    fn place(&self, field: usize) -> Option<usize> {
        let place = bytes(self.places, 2 * field).map(u16::from_le_bytes)?;
        (place != 0).then_some(usize::from(place))
    }

    /// The bytes of a number that is stored in place.
    fn number<const COUNT: usize>(&self, field: usize) -> Result<Option<[u8; COUNT]>, String> {
        let Some(place) = self.place(field) else { return Ok(None) };
        bytes(self.body, place).map(Some).ok_or_else(|| format!("field {field} lies outside of its table"))
    }

    /// A signed byte, or what it is where it is left out.
    pub fn i8(&self, field: usize, default: i8) -> Result<i8, String> {
        Ok(self.number(field)?.map_or(default, i8::from_le_bytes))
    }

    /// A byte, or 0.
    pub fn u8(&self, field: usize) -> Result<u8, String> {
        Ok(self.number(field)?.map_or(0, u8::from_le_bytes))
    }

    /// A signed number of 32 bits, or what it is where it is left out.
    pub fn i32(&self, field: usize, default: i32) -> Result<i32, String> {
        Ok(self.number(field)?.map_or(default, i32::from_le_bytes))
    }

    /// A number of 32 bits, or 0.
    pub fn u32(&self, field: usize) -> Result<u32, String> {
        Ok(self.number(field)?.map_or(0, u32::from_le_bytes))
    }

    /// A number of 64 bits, or 0.
    pub fn u64(&self, field: usize) -> Result<u64, String> {
        Ok(self.number(field)?.map_or(0, u64::from_le_bytes))
    }

    /// A real number of 32 bits, or 0.
    pub fn f32(&self, field: usize) -> Result<f32, String> {
        Ok(self.number(field)?.map_or(0.0, f32::from_le_bytes))
    }

    /// Where the value of a field is that is stored elsewhere.
    fn target(&self, field: usize) -> Result<Option<usize>, String> {
        self.place(field).map(|place| follow(self.file, self.start + place)).transpose()
    }

    /// A table in a field.
    pub fn table(&self, field: usize) -> Result<Option<Self>, String> {
        self.target(field)?.map(|at| Self::new(self.file, at)).transpose()
    }

    /// A list of elements of `width` bytes; empty where it is left out.
    pub fn vector(&self, field: usize, width: usize) -> Result<Vector<'a>, String> {
        let Some(at) = self.target(field)? else {
            return Ok(Vector { file: self.file, start: 0, bytes: &[], width });
        };
        let length = bytes(self.file, at).map(u32::from_le_bytes).ok_or_else(|| outside("a list", at))?;
        let size = (length as usize).checked_mul(width);
        let rest = self.file.get(at + 4..).unwrap_or(&[]);
        let found = size.and_then(|size| rest.get(..size));
        let bytes = found.ok_or_else(|| format!("a list of {length} elements at byte {at} is longer than the file"))?;
        Ok(Vector { file: self.file, start: at + 4, bytes, width })
    }

    /// A text; empty where it is left out.
    pub fn text(&self, field: usize) -> Result<String, String> {
        Ok(String::from_utf8_lossy(self.vector(field, 1)?.bytes).into_owned())
    }
}

impl<'a> Vector<'a> {
    /// How many elements there are.
    pub fn len(&self) -> usize {
        self.bytes.len() / self.width
    }

    /// The elements as they are in the file.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Element `index`, a table.
    pub fn table(&self, index: usize) -> Result<Table<'a>, String> {
        Table::new(self.file, follow(self.file, self.start + index * self.width)?)
    }

    /// The elements as numbers that `read` makes of their bytes.
    pub fn numbers<const COUNT: usize, T>(&self, read: fn([u8; COUNT]) -> T) -> Vec<T> {
        self.bytes.as_chunks().0.iter().map(|&bytes| read(bytes)).collect()
    }
}
