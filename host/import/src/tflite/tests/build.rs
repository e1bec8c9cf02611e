//! Small files, built table by table: what a converter would write, and what it never would.

/// Codes of types of numbers.
pub const INT8: i8 = 9;
pub const INT32: i8 = 2;
pub const UINT8: i8 = 3;

/// A value of a table's field.
#[derive(Clone)]
pub enum Field {
    /// Bytes that are stored in place.
    Flat(Vec<u8>),
    /// A table, a list or a text.
    Far(Part),
}

/// What an offset leads to.
#[derive(Clone)]
pub enum Part {
    Table(Vec<Option<Field>>),
    /// Elements that are stored one behind the other, and how many there are.
    List(usize, Vec<u8>),
    Tables(Vec<Part>),
}

pub fn byte(value: i8) -> Option<Field> {
    Some(Field::Flat(vec![value as u8]))
}

pub fn word(value: i32) -> Option<Field> {
    Some(Field::Flat(value.to_le_bytes().to_vec()))
}

pub fn far(part: Part) -> Option<Field> {
    Some(Field::Far(part))
}

pub fn text(text: &str) -> Option<Field> {
    far(Part::List(text.len(), text.as_bytes().to_vec()))
}

pub fn words(values: &[i32]) -> Option<Field> {
    far(Part::List(values.len(), values.iter().flat_map(|value| value.to_le_bytes()).collect()))
}

pub fn longs(values: &[i64]) -> Option<Field> {
    far(Part::List(values.len(), values.iter().flat_map(|value| value.to_le_bytes()).collect()))
}

pub fn floats(values: &[f32]) -> Option<Field> {
    far(Part::List(values.len(), values.iter().flat_map(|value| value.to_le_bytes()).collect()))
}

fn write(file: &mut Vec<u8>, part: &Part) -> usize {
    match part {
        Part::Table(fields) => table(file, fields),
        Part::List(count, bytes) => {
            let at = file.len();
            file.extend((*count as u32).to_le_bytes());
            file.extend(bytes);
            at
        }
        Part::Tables(parts) => {
            let at = file.len();
            file.extend((parts.len() as u32).to_le_bytes());
            file.resize(at + 4 + 4 * parts.len(), 0);
            for (index, part) in parts.iter().enumerate() {
                let place = at + 4 + 4 * index;
                let target = write(file, part);
                file[place..place + 4].copy_from_slice(&((target - place) as u32).to_le_bytes());
            }
            at
        }
    }
}

/// The list of places, the body, then what the body leads to.
fn table(file: &mut Vec<u8>, fields: &[Option<Field>]) -> usize {
    let (mut places, mut body, mut fars) = (Vec::new(), vec![0; 4], Vec::new());
    for field in fields {
        places.push(if field.is_some() { body.len() as u16 } else { 0 });
        match field {
            Some(Field::Flat(bytes)) => body.extend(bytes),
            Some(Field::Far(part)) => {
                fars.push((body.len(), part));
                body.extend([0; 4]);
            }
            None => {}
        }
    }
    let list = file.len();
    for size in [4 + 2 * places.len() as u16, body.len() as u16].into_iter().chain(places) {
        file.extend(size.to_le_bytes());
    }
    let at = file.len();
    body[..4].copy_from_slice(&((at - list) as i32).to_le_bytes());
    file.extend(body);
    for (place, part) in fars {
        let target = write(file, part);
        file[at + place..at + place + 4].copy_from_slice(&((target - at - place) as u32).to_le_bytes());
    }
    at
}

/// A whole file with this root.
pub fn file(root: &Part) -> Vec<u8> {
    let mut file = b"\0\0\0\0TFL3".to_vec();
    let at = write(&mut file, root);
    file[..4].copy_from_slice(&(at as u32).to_le_bytes());
    file
}

/// A tensor that is written.
#[derive(Clone)]
pub struct Tensor {
    pub name: &'static str,
    pub dims: Vec<i32>,
    pub kind: i8,
    pub scales: Vec<f32>,
    pub zeros: Vec<i64>,
    pub axis: i32,
    pub data: Vec<u8>,
}

impl Tensor {
    pub fn new(name: &'static str, dims: &[i32], kind: i8, scale: f32, zero: i64) -> Self {
        let (scales, zeros) = (vec![scale], vec![zero]);
        Self { name, dims: dims.into(), kind, scales, zeros, axis: 0, data: Vec::new() }
    }
}

/// An operator that is written.
#[derive(Clone)]
pub struct Operator {
    pub code: i32,
    pub inputs: Vec<i32>,
    pub outputs: Vec<i32>,
    pub kind: i8,
    pub options: Vec<Option<Field>>,
}

/// A graph that is written; the first tensor is its input, the last one its result.
#[derive(Clone)]
pub struct Graph {
    pub tensors: Vec<Tensor>,
    pub operators: Vec<Operator>,
}

impl Graph {
    pub fn file(&self) -> Vec<u8> {
        let bytes = |data: &Vec<u8>| Part::Table(vec![far(Part::List(data.len(), data.clone()))]);
        let nothing = Vec::new();
        let buffers = std::iter::once(&nothing).chain(self.tensors.iter().map(|one| &one.data)).map(bytes);
        let tensor = |(at, one): (usize, &Tensor)| {
            let quant = vec![None, None, floats(&one.scales), longs(&one.zeros), None, None, word(one.axis)];
            let buffer = if one.data.is_empty() { 0 } else { at as i32 + 1 };
            let fields = vec![words(&one.dims), byte(one.kind), word(buffer), text(one.name), far(Part::Table(quant))];
            Part::Table(fields)
        };
        let operator = |(at, one): (usize, &Operator)| {
            let options = far(Part::Table(one.options.clone()));
            Part::Table(vec![word(at as i32), words(&one.inputs), words(&one.outputs), byte(one.kind), options])
        };
        let code = |one: &Operator| Part::Table(vec![byte(one.code.min(127) as i8), None, None, word(one.code)]);
        let graph = Part::Table(vec![
            far(Part::Tables(self.tensors.iter().enumerate().map(tensor).collect())),
            words(&[0]),
            words(&[self.tensors.len() as i32 - 1]),
            far(Part::Tables(self.operators.iter().enumerate().map(operator).collect())),
        ]);
        file(&Part::Table(vec![
            word(3),
            far(Part::Tables(self.operators.iter().map(code).collect())),
            far(Part::Tables(vec![graph])),
            None,
            far(Part::Tables(buffers.collect())),
        ]))
    }
}

/// A convolution 1x1 with a relu over two pixels of two channels, then a dense layer.
pub fn small() -> Graph {
    let x = Tensor::new("x", &[1, 1, 2, 2], INT8, 0.5, 1);
    let mut w = Tensor::new("w", &[2, 1, 1, 2], INT8, 0.25, 0);
    (w.scales, w.zeros, w.data) = (vec![0.25, 0.5], vec![0, 0], vec![1, 2, 0xfd, 4]);
    let mut b = Tensor::new("b", &[2], INT32, 0.125, 0);
    b.data = [10i32, -20].iter().flat_map(|value| value.to_le_bytes()).collect();
    let y = Tensor::new("y", &[1, 1, 2, 2], INT8, 1.0, -128);
    let mut v = Tensor::new("v", &[1, 4], INT8, 0.5, 0);
    v.data = vec![1, 0xff, 2, 3];
    let z = Tensor::new("z", &[1, 1], INT8, 2.0, 5);
    let move_by_one = vec![byte(1), word(1), word(1), byte(1)];
    let conv = Operator { code: 3, inputs: vec![0, 1, 2], outputs: vec![3], kind: 1, options: move_by_one };
    let dense = Operator { code: 9, inputs: vec![3, 4, -1], outputs: vec![5], kind: 8, options: vec![byte(0)] };
    Graph { tensors: vec![x, w, b, y, v, z], operators: vec![conv, dense] }
}
