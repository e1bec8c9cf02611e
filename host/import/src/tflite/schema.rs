//! What a TFLite file holds: operators, tensors and the bytes of constants, decoded and weighed before they are used.

use super::names;
use super::table::{Table, Vector};
use crate::ImportError;

/// The most operators and tensors that are read.
const MAX_PARTS: usize = 20_000;
/// The most values of a tensor, as of a graph's input.
pub(super) const MAX_VALUES: usize = 1 << 24;

/// A file.
pub(super) struct Model<'a> {
    pub tensors: Vec<Result<Tensor<'a>, String>>,
    pub operators: Vec<Operator<'a>>,
    pub inputs: Vec<usize>,
    pub outputs: Vec<usize>,
}

/// A tensor: sizes, type and quantisation, and its bytes if it is a constant.
pub(super) struct Tensor<'a> {
    pub name: String,
    pub dims: Vec<usize>,
    /// The type of its numbers, such as `int8`.
    pub kind: String,
    /// Empty for what is computed.
    pub data: &'a [u8],
    pub scales: Vec<f32>,
    pub zeros: Vec<i64>,
    /// The axis along which there are several scales.
    pub axis: i32,
    /// Whether it keeps its value from run to run.
    pub is_variable: bool,
    pub is_sparse: bool,
}

/// An operator.
pub(super) struct Operator<'a> {
    /// Its name, as `CONV_2D`.
    pub name: String,
    /// Tensors that it reads; -1 for one that is left out.
    pub inputs: Vec<i32>,
    pub outputs: Vec<i32>,
    /// Which kind of options there is, and the options.
    options: Option<(u8, Table<'a>)>,
}

/// How many numbers and letters may still be decoded: lists that many tables share would fill a machine.
struct Budget(usize);

impl Budget {
    fn take(&mut self, count: usize) -> Result<(), String> {
        self.0 = self.0.checked_sub(count).ok_or("its lists are shared by too many tensors and operators")?;
        Ok(())
    }

    fn numbers<const COUNT: usize, T>(
        &mut self,
        table: &Table<'_>,
        field: usize,
        read: fn([u8; COUNT]) -> T,
    ) -> Result<Vec<T>, String> {
        let vector = table.vector(field, COUNT)?;
        self.take(vector.len())?;
        Ok(vector.numbers(read))
    }

    fn text(&mut self, table: &Table<'_>, field: usize) -> Result<String, String> {
        self.take(table.vector(field, 1)?.len())?;
        table.text(field)
    }
}

/// An error of the file as a whole.
pub(super) fn wrong(problem: impl Into<String>) -> ImportError {
    ImportError::File { format: "TFLite", problem: problem.into() }
}

impl<'a> Model<'a> {
    /// Decodes the first graph of a file.
    pub fn new(file: &'a [u8]) -> Result<Self, ImportError> {
        if file.get(4..8) != Some(b"TFL3") {
            return Err(wrong("its bytes 4 to 7 are not `TFL3`"));
        }
        let damaged = |problem: String| {
            wrong(format!("its {} bytes are damaged or cut: {problem}; copy or convert it again", file.len()))
        };
        let root = Table::root(file).map_err(damaged)?;
        let version = root.u32(0).map_err(damaged)?;
        if version != 3 {
            return Err(wrong(format!("it has version {version} of the format, 3 is read")));
        }
        Self::decode(&root, &mut Budget(4 * file.len() + 1024)).map_err(damaged)
    }

    fn decode(root: &Table<'a>, budget: &mut Budget) -> Result<Self, String> {
        let codes = codes(root, budget)?;
        let graphs = root.vector(2, 4)?;
        if graphs.len() == 0 {
            return Err("it has no graph".into());
        }
        let (graph, buffers) = (graphs.table(0)?, root.vector(4, 4)?);
        let (tensors, operators) = (graph.vector(0, 4)?, graph.vector(3, 4)?);
        if tensors.len().max(operators.len()) > MAX_PARTS {
            return Err(format!(
                "{} tensors and {} operators, at most {MAX_PARTS} are read",
                tensors.len(),
                operators.len()
            ));
        }
        let tensors: Vec<_> =
            (0..tensors.len()).map(|at| Tensor::new(&tensors.table(at)?, &buffers, at, budget)).collect();
        let operators = (0..operators.len()).map(|at| Operator::new(&operators.table(at)?, &codes, budget));
        let operators = operators.collect::<Result<Vec<_>, String>>()?;
        let mut places = |field: usize| -> Result<Vec<usize>, String> {
            let numbers = budget.numbers(&graph, field, i32::from_le_bytes)?;
            let place = |&at: &i32| usize::try_from(at).ok().filter(|&at| at < tensors.len());
            numbers.iter().map(|at| place(at).ok_or(format!("tensor {at} of {}", tensors.len()))).collect()
        };
        let (inputs, outputs) = (places(1)?, places(2)?);
        Ok(Self { tensors, operators, inputs, outputs })
    }

    /// A tensor.
    pub fn tensor(&self, at: usize) -> Result<&Tensor<'a>, String> {
        let tensor = self.tensors.get(at).ok_or_else(|| format!("tensor {at} of {}", self.tensors.len()))?;
        tensor.as_ref().map_err(|problem| format!("its tensor {at} {problem}"))
    }
}

/// The names of the operators that a file numbers.
fn codes(root: &Table<'_>, budget: &mut Budget) -> Result<Vec<String>, String> {
    let codes = root.vector(1, 4)?;
    budget.take(codes.len())?;
    let name = |at: usize| {
        let code = codes.table(at)?;
        // Codes from 127 on have a field of their own; older files have the first alone.
        let builtin = i32::from(code.i8(0, 0)?).max(code.i32(3, 0)?);
        let name = names::operator(builtin);
        Ok(if name == "CUSTOM" { format!("CUSTOM `{}`", budget.text(&code, 1)?) } else { name })
    };
    (0..codes.len()).map(name).collect()
}

impl<'a> Tensor<'a> {
    fn new(table: &Table<'a>, buffers: &Vector<'a>, at: usize, budget: &mut Budget) -> Result<Self, String> {
        let sizes = budget.numbers(table, 0, i32::from_le_bytes)?;
        let dims: Option<Vec<usize>> = sizes.iter().map(|&size| usize::try_from(size).ok()).collect();
        let many = |dims: &Vec<usize>| dims.iter().try_fold(1usize, |count, &size| count.checked_mul(size));
        let fits = |dims: &Vec<usize>| many(dims).is_some_and(|count| (1..=MAX_VALUES).contains(&count));
        let dims = dims
            .filter(fits)
            .ok_or_else(|| format!("has sizes {sizes:?}; fixed sizes and 1 to {MAX_VALUES} values are needed"))?;
        let name = budget.text(table, 3)?;
        let (scales, zeros, axis) = match table.table(4)? {
            Some(quantisation) => (
                budget.numbers(&quantisation, 2, f32::from_le_bytes)?,
                budget.numbers(&quantisation, 3, i64::from_le_bytes)?,
                quantisation.i32(6, 0)?,
            ),
            None => Default::default(),
        };
        let name = if name.is_empty() { format!("tensor {at}") } else { name };
        Ok(Self {
            name,
            dims,
            kind: names::number(table.i8(1, 0)?),
            data: data(table.u32(2)?, buffers)?,
            scales,
            zeros,
            axis,
            is_variable: table.u8(5)? != 0,
            is_sparse: table.table(6)?.is_some(),
        })
    }

    /// How many values there are.
    pub fn count(&self) -> usize {
        self.dims.iter().product()
    }
}

/// The bytes of a buffer; none for buffer 0 and for an empty one.
fn data<'a>(at: u32, buffers: &Vector<'a>) -> Result<&'a [u8], String> {
    if at == 0 {
        return Ok(&[]);
    }
    let at = usize::try_from(at).ok().filter(|&at| at < buffers.len());
    let buffer = buffers.table(at.ok_or_else(|| format!("has a buffer that is none of {}", buffers.len()))?)?;
    if buffer.u64(1)? > 1 || buffer.u64(2)? > 1 {
        return Err("has its bytes behind the flatbuffer, as files of more than 2 GB do; that is not read".into());
    }
    Ok(buffer.vector(0, 1)?.bytes())
}

impl<'a> Operator<'a> {
    fn new(table: &Table<'a>, codes: &[String], budget: &mut Budget) -> Result<Self, String> {
        let code = table.u32(0)? as usize;
        let name = codes.get(code).ok_or_else(|| format!("operator code {code} of {}", codes.len()))?;
        budget.take(name.len())?;
        let options = table.table(4)?.map(|options| Ok::<_, String>((table.u8(3)?, options))).transpose()?;
        Ok(Self {
            name: name.clone(),
            inputs: budget.numbers(table, 1, i32::from_le_bytes)?,
            outputs: budget.numbers(table, 2, i32::from_le_bytes)?,
            options,
        })
    }

    /// The options of a kind, which the operator must have.
    pub fn options(&self, kind: u8) -> Result<Table<'a>, String> {
        match self.options {
            Some((found, options)) if found == kind => Ok(options),
            Some((found, _)) => Err(format!("its options are of kind {found}, {kind} are its own")),
            None => Err("has no options; convert the model again".into()),
        }
    }

    /// Tensor `at` of those that it reads.
    pub fn input(&self, at: usize) -> Result<usize, String> {
        self.optional(at).ok_or_else(|| format!("its input {at} is missing"))
    }

    /// Tensor `at` of those that it reads, unless it is left out.
    pub fn optional(&self, at: usize) -> Option<usize> {
        self.inputs.get(at).and_then(|&at| usize::try_from(at).ok())
    }

    /// The one tensor that it yields.
    pub fn output(&self) -> Result<usize, String> {
        match self.outputs.as_slice() {
            [one] => usize::try_from(*one).map_err(|_| format!("it yields tensor {one}")),
            other => Err(format!("it yields {} tensors, one is known", other.len())),
        }
    }
}
