//! A restricted reader of Python's pickles, protocol 2 and below, that knows data alone.
//!
//! A pickle is a program for a stack machine which may call any function of Python.
//! This reader runs an allow list of its instructions; the few functions that arrays and tables of `NumPy` and pandas
//! are pickled by become values, and every other name is refused before anything is done with it.
//! Nothing of what a pickle asks for is ever executed.

mod build;
mod machine;

pub use machine::read;

/// Why a pickle is refused; `at` counts bytes from its start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PickleError {
    /// The bytes end within an instruction, or before the last one.
    #[error("the pickle ends early at byte {at}")]
    Truncated {
        /// Where.
        at: usize,
    },
    /// An instruction outside the allow list, of a newer protocol or of a kind that data does not need.
    #[error("instruction {code:#04x} at byte {at} of the pickle is not one of those that arrays and tables need")]
    Instruction {
        /// Its code.
        code: u8,
        /// Where.
        at: usize,
    },
    /// A class or function outside the allow list.
    #[error("the pickle names {name:?} at byte {at}; only arrays of numbers, tables of pandas and text are read")]
    Name {
        /// Module and name.
        name: String,
        /// Where.
        at: usize,
    },
    /// Something that does not fit together.
    #[error("the pickle is damaged at byte {at}: {problem}")]
    Damaged {
        /// What does not fit.
        problem: &'static str,
        /// Where.
        at: usize,
    },
    /// The values do not have the form that a data set needs.
    #[error("the pickle does not hold what is expected: {problem}")]
    Form {
        /// What was looked for.
        problem: String,
    },
}

/// A value; what has parts lies in its [`Pickle`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A real number.
    Real(f64),
    /// Text.
    Text(&'a str),
    /// A class or function of the allow list; it is never called.
    Name(Name),
    /// A value with parts: its place in the pickle.
    Object(usize),
}

/// The classes and functions that a pickle of arrays and tables names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    /// `numpy.core.multiarray._reconstruct`: an empty array.
    Reconstruct,
    /// `numpy.ndarray`.
    NdArray,
    /// `numpy.dtype`.
    DType,
    /// `_codecs.encode`: text as bytes.
    Encode,
    /// `copy_reg._reconstructor`: an empty object of a class.
    Reconstructor,
    /// `__builtin__.object`.
    ObjectClass,
    /// `__builtin__.slice`.
    Slice,
    /// `pandas.core.indexes.base._new_Index`.
    NewIndex,
    /// A class of pandas, by its last name.
    Pandas(&'static str),
}

/// What the values of an array are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Real numbers of 64 bits.
    F64,
    /// Whole numbers of 64 bits.
    I64,
    /// Any values.
    Object,
}

/// A value with parts.
#[derive(Clone, Debug, PartialEq)]
pub enum Object<'a> {
    /// A list.
    List(Vec<Value<'a>>),
    /// A tuple.
    Tuple(Vec<Value<'a>>),
    /// Keys and values in the order in which they were set.
    Dict(Vec<(Value<'a>, Value<'a>)>),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A kind of values.
    Kind(Kind),
    /// An array; its values lie in the object `data` (bytes, or a list for [`Kind::Object`]).
    Array {
        /// Sizes, outermost first; the array is empty until they are set.
        shape: Vec<usize>,
        /// What its values are.
        kind: Kind,
        /// Whether the first index runs fastest.
        is_fortran: bool,
        /// The object that holds its values.
        data: usize,
    },
    /// Start, stop and step.
    Slice([Value<'a>; 3]),
    /// An object of a class of pandas and its state.
    Instance {
        /// The class.
        class: &'static str,
        /// What was set last.
        state: Value<'a>,
    },
}

/// The values of a pickle.
#[derive(Clone, Debug)]
pub struct Pickle<'a> {
    objects: Vec<Object<'a>>,
    root: Value<'a>,
}

fn form(problem: impl Into<String>) -> PickleError {
    PickleError::Form { problem: problem.into() }
}

impl<'a> Pickle<'a> {
    /// The whole.
    pub const fn root(&self) -> Value<'a> {
        self.root
    }

    /// The parts of a value that has some.
    pub fn object(&self, value: Value<'a>) -> Option<&Object<'a>> {
        match value {
            Value::Object(at) => self.objects.get(at),
            _ => None,
        }
    }

    /// The items of a list or tuple.
    ///
    /// # Errors
    /// [`PickleError::Form`] on anything else, naming `what`.
    pub fn items(&self, value: Value<'a>, what: &str) -> Result<&[Value<'a>], PickleError> {
        match self.object(value) {
            Some(Object::List(items) | Object::Tuple(items)) => Ok(items),
            _ => Err(form(format!("{what} is not a list"))),
        }
    }

    /// Keys and values of a dictionary.
    ///
    /// # Errors
    /// [`PickleError::Form`] on anything else, naming `what`.
    pub fn entries(&self, value: Value<'a>, what: &str) -> Result<&[(Value<'a>, Value<'a>)], PickleError> {
        match self.object(value) {
            Some(Object::Dict(entries)) => Ok(entries),
            _ => Err(form(format!("{what} is not a dictionary"))),
        }
    }

    /// The value of a key of text; that which was set last.
    ///
    /// # Errors
    /// [`PickleError::Form`] without a dictionary or without the key.
    pub fn get(&self, value: Value<'a>, key: &str) -> Result<Value<'a>, PickleError> {
        let entries = self.entries(value, key)?;
        let found = entries.iter().rev().find(|(name, _)| *name == Value::Text(key));
        found.map(|&(_, value)| value).ok_or_else(|| form(format!("there is no {key:?}")))
    }

    /// The state of an instance of a class of pandas.
    ///
    /// # Errors
    /// [`PickleError::Form`] on anything else.
    pub fn state(&self, value: Value<'a>, class: &str) -> Result<Value<'a>, PickleError> {
        match self.object(value) {
            Some(Object::Instance { class: found, state }) if *found == class => Ok(*state),
            _ => Err(form(format!("there is no {class}"))),
        }
    }

    /// Sizes of an array of numbers and its values in row-major order; whole numbers become real ones, exactly.
    ///
    /// # Errors
    /// [`PickleError::Form`] on anything else, and on whole numbers beyond 2^53.
    pub fn numbers(&self, value: Value<'a>, what: &str) -> Result<(Vec<usize>, Vec<f64>), PickleError> {
        let Some(Object::Array { shape, kind, is_fortran, data }) = self.object(value) else {
            return Err(form(format!("{what} is not an array")));
        };
        let Some(Object::Bytes(bytes)) = self.objects.get(*data) else {
            return Err(form(format!("{what} is not an array of numbers")));
        };
        let (words, _) = bytes.as_chunks::<8>();
        let values: Vec<f64> = match kind {
            Kind::F64 => words.iter().map(|word| f64::from_le_bytes(*word)).collect(),
            _ => {
                let whole = |word: &[u8; 8]| {
                    let value = i64::from_le_bytes(*word);
                    (value.unsigned_abs() <= 1 << 53).then_some(value as f64)
                };
                let values: Option<Vec<f64>> = words.iter().map(whole).collect();
                values.ok_or_else(|| form(format!("{what} has numbers beyond 2^53")))?
            }
        };
        match (shape.as_slice(), is_fortran) {
            (&[rows, columns], true) => {
                let turned = (0..rows * columns).map(|at| values[at % columns * rows + at / columns]).collect();
                Ok((shape.clone(), turned))
            }
            (&[_, _, _, ..], true) => Err(form(format!("{what} is stored column by column in {} axes", shape.len()))),
            _ => Ok((shape.clone(), values)),
        }
    }

    /// Sizes of an array of any values, and the values.
    ///
    /// # Errors
    /// [`PickleError::Form`] on anything else.
    pub fn values(&self, value: Value<'a>, what: &str) -> Result<(&[usize], &[Value<'a>]), PickleError> {
        if let Some(Object::Array { shape, kind: Kind::Object, data, .. }) = self.object(value)
            && let Some(Object::List(values)) = self.objects.get(*data)
        {
            return Ok((shape, values));
        }
        Err(form(format!("{what} is not an array of objects")))
    }
}

#[cfg(test)]
pub(crate) mod testing;

#[cfg(test)]
mod tests;
