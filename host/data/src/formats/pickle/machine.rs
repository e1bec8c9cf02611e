//! The stack machine: an allow list of instructions over a stack, a memo and a heap of objects.

use super::{Name, Object, Pickle, PickleError, Value};

/// The most values on the stack, in the memo and on the heap, each; a table of a million rows needs some thousands.
const MOST: usize = 1 << 22;

/// The classes and functions that may be named.
const NAMES: [(&str, &str, Name); 12] = [
    ("numpy.core.multiarray", "_reconstruct", Name::Reconstruct),
    ("numpy", "ndarray", Name::NdArray),
    ("numpy", "dtype", Name::DType),
    ("_codecs", "encode", Name::Encode),
    ("copy_reg", "_reconstructor", Name::Reconstructor),
    ("__builtin__", "object", Name::ObjectClass),
    ("__builtin__", "slice", Name::Slice),
    ("pandas.core.indexes.base", "_new_Index", Name::NewIndex),
    ("pandas.core.indexes.base", "Index", Name::Pandas("Index")),
    ("pandas.core.indexes.range", "RangeIndex", Name::Pandas("RangeIndex")),
    ("pandas.core.frame", "DataFrame", Name::Pandas("DataFrame")),
    ("pandas.core.internals.managers", "BlockManager", Name::Pandas("BlockManager")),
];

/// A program that is being run.
pub(super) struct Machine<'a> {
    bytes: &'a [u8],
    /// The next byte.
    pub(super) at: usize,
    /// Start of the current instruction.
    pub(super) start: usize,
    stack: Vec<Value<'a>>,
    /// Heights of the stack at which marks were set.
    marks: Vec<usize>,
    memo: Vec<Option<Value<'a>>>,
    pub(super) objects: Vec<Object<'a>>,
    /// Bytes that text may still be turned into: text comes from the file, each once or twice.
    pub(super) budget: usize,
}

/// Reads a pickle of arrays, tables and text.
///
/// # Errors
/// [`PickleError`] on instructions and names outside the allow lists, on damage, and on more than 2^22 values.
/// There is no panic and no unbounded memory on any bytes.
pub fn read(bytes: &[u8]) -> Result<Pickle<'_>, PickleError> {
    let mut machine = Machine {
        bytes,
        at: 0,
        start: 0,
        stack: Vec::new(),
        marks: Vec::new(),
        memo: Vec::new(),
        objects: Vec::new(),
        budget: bytes.len().saturating_mul(2),
    };
    loop {
        machine.start = machine.at;
        match machine.byte()? {
            b'.' => break,
            code => machine.step(code)?,
        }
    }
    let root = machine.pop()?;
    Ok(Pickle { objects: machine.objects, root })
}

impl<'a> Machine<'a> {
    pub(super) fn damaged<T>(&self, problem: &'static str) -> Result<T, PickleError> {
        Err(PickleError::Damaged { problem, at: self.start })
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], PickleError> {
        let end = self.at.checked_add(count);
        let found = end.and_then(|end| self.bytes.get(self.at..end));
        let found = found.ok_or(PickleError::Truncated { at: self.bytes.len() })?;
        self.at += count;
        Ok(found)
    }

    fn byte(&mut self) -> Result<u8, PickleError> {
        Ok(self.take(1)?[0])
    }

    /// A number of `count` bytes, at most 8, low byte first.
    fn number(&mut self, count: usize) -> Result<u64, PickleError> {
        Ok(self.take(count)?.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte)))
    }

    fn line(&mut self) -> Result<&'a str, PickleError> {
        let rest = &self.bytes[self.at..];
        let Some(length) = rest.iter().position(|&byte| byte == b'\n') else {
            return Err(PickleError::Truncated { at: self.bytes.len() });
        };
        let line = self.take(length + 1)?;
        std::str::from_utf8(&line[..length]).or_else(|_| self.damaged("a line is not text"))
    }

    pub(super) fn push(&mut self, value: Value<'a>) -> Result<(), PickleError> {
        if self.stack.len() >= MOST {
            return self.damaged("more values than any table has");
        }
        self.stack.push(value);
        Ok(())
    }

    pub(super) fn pop(&mut self) -> Result<Value<'a>, PickleError> {
        let floor = self.marks.last().copied().unwrap_or(0);
        match self.stack.pop() {
            Some(value) if self.stack.len() >= floor => Ok(value),
            _ => self.damaged("there is no value left"),
        }
    }

    fn top(&self) -> Result<Value<'a>, PickleError> {
        let floor = self.marks.last().copied().unwrap_or(0);
        match self.stack.last() {
            Some(&value) if self.stack.len() > floor => Ok(value),
            _ => self.damaged("there is no value left"),
        }
    }

    /// All values above the last mark, which is removed.
    fn marked(&mut self) -> Result<Vec<Value<'a>>, PickleError> {
        match self.marks.pop() {
            Some(height) => Ok(self.stack.split_off(height)),
            None => self.damaged("there is no mark"),
        }
    }

    /// The last `count` values.
    fn last(&mut self, count: usize) -> Result<Vec<Value<'a>>, PickleError> {
        let mut values: Vec<Value<'a>> = (0..count).map(|_| self.pop()).collect::<Result<_, _>>()?;
        values.reverse();
        Ok(values)
    }

    pub(super) fn push_object(&mut self, object: Object<'a>) -> Result<(), PickleError> {
        if self.objects.len() >= MOST {
            return self.damaged("more objects than any table has");
        }
        self.objects.push(object);
        self.push(Value::Object(self.objects.len() - 1))
    }

    /// Runs one instruction.
    fn step(&mut self, code: u8) -> Result<(), PickleError> {
        match code {
            0x80 => self.protocol(),
            b'(' => self.mark(),
            b'N' => self.push(Value::None),
            0x88 | 0x89 => self.push(Value::Bool(code == 0x88)),
            b'I' => self.decimal(),
            b'J' => self.number(4).and_then(|number| self.push(Value::Int(i64::from(number as u32 as i32)))),
            b'K' => self.number(1).and_then(|number| self.push(Value::Int(number as i64))),
            b'M' => self.number(2).and_then(|number| self.push(Value::Int(number as i64))),
            b'G' => self.number(8).and_then(|bits| self.push(Value::Real(f64::from_bits(bits.swap_bytes())))),
            b'X' => self.text(),
            b'c' => self.name(),
            b')' => self.push_object(Object::Tuple(Vec::new())),
            b']' => self.push_object(Object::List(Vec::new())),
            b'}' => self.push_object(Object::Dict(Vec::new())),
            b't' => self.marked().and_then(|values| self.push_object(Object::Tuple(values))),
            0x85..=0x87 => self.last(usize::from(code - 0x84)).and_then(|few| self.push_object(Object::Tuple(few))),
            b'a' => self.last(1).and_then(|one| self.append(one)),
            b'e' => self.marked().and_then(|values| self.append(values)),
            b's' => self.last(2).and_then(|pair| self.set(pair)),
            b'u' => self.marked().and_then(|pairs| self.set(pairs)),
            b'q' => self.number(1).and_then(|place| self.remember(place)),
            b'r' => self.number(4).and_then(|place| self.remember(place)),
            b'h' => self.number(1).and_then(|place| self.recall(place)),
            b'j' => self.number(4).and_then(|place| self.recall(place)),
            b'R' => self.reduce(),
            b'b' => self.build(),
            _ => Err(PickleError::Instruction { code, at: self.start }),
        }
    }

    fn protocol(&mut self) -> Result<(), PickleError> {
        match self.byte()? {
            ..=2 => Ok(()),
            _ => self.damaged("its protocol is newer than 2"),
        }
    }

    fn mark(&mut self) -> Result<(), PickleError> {
        if self.marks.len() >= MOST {
            return self.damaged("more marks than any table has");
        }
        self.marks.push(self.stack.len());
        Ok(())
    }

    /// A decimal number; `00` and `01` are how old protocols say `False` and `True`.
    fn decimal(&mut self) -> Result<(), PickleError> {
        match self.line()? {
            "00" => self.push(Value::Bool(false)),
            "01" => self.push(Value::Bool(true)),
            digits => match digits.parse() {
                Ok(number) => self.push(Value::Int(number)),
                Err(_) => self.damaged("a number is not one of 64 bits"),
            },
        }
    }

    fn text(&mut self) -> Result<(), PickleError> {
        let length = self.number(4)? as usize;
        match std::str::from_utf8(self.take(length)?) {
            Ok(text) => self.push(Value::Text(text)),
            Err(_) => self.damaged("text is not UTF-8"),
        }
    }

    fn name(&mut self) -> Result<(), PickleError> {
        let (module, name) = (self.line()?, self.line()?);
        match NAMES.iter().find(|known| (known.0, known.1) == (module, name)) {
            Some(&(_, _, name)) => self.push(Value::Name(name)),
            None => Err(PickleError::Name { name: short(&format!("{module}.{name}")), at: self.start }),
        }
    }

    fn append(&mut self, mut values: Vec<Value<'a>>) -> Result<(), PickleError> {
        match self.top()? {
            Value::Object(at) => match &mut self.objects[at] {
                Object::List(items) => items.append(&mut values),
                _ => return self.damaged("something is appended to what is no list"),
            },
            _ => return self.damaged("something is appended to what is no list"),
        }
        Ok(())
    }

    fn set(&mut self, pairs: Vec<Value<'a>>) -> Result<(), PickleError> {
        let (pairs, []) = pairs.as_chunks::<2>() else {
            return self.damaged("a key has no value");
        };
        match self.top()? {
            Value::Object(at) => match &mut self.objects[at] {
                Object::Dict(entries) => entries.extend(pairs.iter().map(|&[key, value]| (key, value))),
                _ => return self.damaged("a key is set in what is no dictionary"),
            },
            _ => return self.damaged("a key is set in what is no dictionary"),
        }
        Ok(())
    }

    fn remember(&mut self, place: u64) -> Result<(), PickleError> {
        let (place, value) = (place as usize, self.top()?);
        if place >= MOST {
            return self.damaged("the memo is larger than that of any table");
        }
        if self.memo.len() <= place {
            self.memo.resize(place + 1, None);
        }
        self.memo[place] = Some(value);
        Ok(())
    }

    fn recall(&mut self, place: u64) -> Result<(), PickleError> {
        match self.memo.get(place as usize).copied().flatten() {
            Some(value) => self.push(value),
            None => self.damaged("the memo has nothing there"),
        }
    }
}

/// At most the first 80 characters, for messages.
fn short(text: &str) -> String {
    text.chars().take(80).collect()
}
