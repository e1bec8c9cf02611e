//! What calls stand for: each known function makes a value, each state fills one.

use super::machine::Machine;
use super::{Kind, Name, Object, PickleError, Value};

impl<'a> Machine<'a> {
    /// The parts of a tuple.
    fn tuple(&self, value: Value<'a>) -> Result<&[Value<'a>], PickleError> {
        match value {
            Value::Object(at) => match &self.objects[at] {
                Object::Tuple(values) => Ok(values),
                _ => self.damaged("a tuple is missing"),
            },
            _ => self.damaged("a tuple is missing"),
        }
    }

    /// A call: a name and its arguments become a value.
    pub(super) fn reduce(&mut self) -> Result<(), PickleError> {
        let (arguments, function) = (self.pop()?, self.pop()?);
        let Value::Name(function) = function else {
            return self.damaged("what is called is not a function");
        };
        let arguments: [Option<Value<'a>>; 4] = {
            let found = self.tuple(arguments)?;
            std::array::from_fn(|at| found.get(at).copied())
        };
        match (function, arguments) {
            (Name::Encode, [Some(Value::Text(text)), Some(Value::Text("latin1")), None, None]) => self.encode(text),
            (Name::Reconstruct, [Some(Value::Name(Name::NdArray)), Some(_), Some(_), None]) => {
                let data = self.objects.len();
                self.push_object(Object::Array { shape: vec![0], kind: Kind::Object, is_fortran: false, data })
            }
            (Name::DType, [Some(Value::Text(code)), Some(_), Some(_), None]) => self.kind(code),
            (
                Name::Reconstructor,
                [Some(Value::Name(Name::Pandas(class))), Some(Value::Name(Name::ObjectClass)), Some(_), None],
            ) => self.push_object(Object::Instance { class, state: Value::None }),
            (Name::NewIndex, [Some(Value::Name(Name::Pandas(class))), Some(state), None, None]) => {
                self.push_object(Object::Instance { class, state })
            }
            (Name::Slice, [Some(start), Some(stop), Some(step), None]) => {
                self.push_object(Object::Slice([start, stop, step]))
            }
            _ => self.damaged("a call has arguments that no array or table has"),
        }
    }

    /// Text of characters below 256 as bytes: how Python 2 keeps bytes.
    fn encode(&mut self, text: &str) -> Result<(), PickleError> {
        let Some(budget) = self.budget.checked_sub(text.len()) else {
            return self.damaged("text is turned into bytes over and over");
        };
        self.budget = budget;
        let bytes: Result<Vec<u8>, _> = text.chars().map(u8::try_from).collect();
        match bytes {
            Ok(bytes) => self.push_object(Object::Bytes(bytes)),
            Err(_) => self.damaged("text has characters that are no bytes"),
        }
    }

    fn kind(&mut self, code: &str) -> Result<(), PickleError> {
        match code {
            "f8" => self.push_object(Object::Kind(Kind::F64)),
            "i8" => self.push_object(Object::Kind(Kind::I64)),
            "O8" => self.push_object(Object::Kind(Kind::Object)),
            _ => self.damaged("an array is neither of 64-bit numbers nor of objects"),
        }
    }

    /// A state fills the object below it.
    pub(super) fn build(&mut self) -> Result<(), PickleError> {
        let (state, object) = (self.pop()?, self.pop()?);
        let Value::Object(at) = object else {
            return self.damaged("a state is set in what has none");
        };
        let filled = match &self.objects[at] {
            Object::Instance { class, .. } => Object::Instance { class, state },
            Object::Kind(kind) => Object::Kind(self.order(*kind, state)?),
            Object::Array { .. } => self.array(state)?,
            _ => return self.damaged("a state is set in what has none"),
        };
        self.objects[at] = filled;
        self.push(object)
    }

    /// The state of a kind of values: low byte first, no fields.
    fn order(&self, kind: Kind, state: Value<'a>) -> Result<Kind, PickleError> {
        match self.tuple(state)? {
            [_, Value::Text("<" | "|"), Value::None, Value::None, Value::None, ..] => Ok(kind),
            _ => self.damaged("numbers are stored high byte first, or in fields"),
        }
    }

    /// The state of an array: version, sizes, kind, order, values.
    fn array(&self, state: Value<'a>) -> Result<Object<'a>, PickleError> {
        let &[_, shape, Value::Object(kind), Value::Bool(is_fortran), Value::Object(data)] = self.tuple(state)? else {
            return self.damaged("the state of an array has an unknown form");
        };
        let mut sizes = Vec::new();
        for size in self.tuple(shape)? {
            match *size {
                Value::Int(size) if (0..1 << 32).contains(&size) => sizes.push(size as usize),
                _ => return self.damaged("a size of an array is none"),
            }
        }
        let Object::Kind(kind) = self.objects[kind] else {
            return self.damaged("the state of an array has an unknown form");
        };
        let count = sizes.iter().try_fold(1usize, |count, &size| count.checked_mul(size));
        let found = match (&self.objects[data], kind) {
            (Object::Bytes(bytes), Kind::F64 | Kind::I64) if bytes.len() % 8 == 0 => bytes.len() / 8,
            (Object::List(values), Kind::Object) => values.len(),
            _ => return self.damaged("the values of an array are not of its kind"),
        };
        if count != Some(found) {
            return self.damaged("the sizes of an array are not those of its values");
        }
        Ok(Object::Array { shape: sizes, kind, is_fortran, data })
    }
}
