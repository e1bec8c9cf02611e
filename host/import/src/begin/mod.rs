//! Where the device's bytes enter the model: at its input, or behind the quantiser with which it begins; and whether
//! rows are bytes or real values, of which codings make the bytes.

mod front;
mod quantiser;

use std::collections::BTreeSet;

use bitfab_graph::{ByteKind, Shape};

use crate::input::{Entry, InputMap};
use crate::layout::input_layout;
use crate::operators::{self, QUANTIZE_LINEAR};
use crate::{Array, Attribute, ImportError, Input, Source, execute, nearest};
pub(crate) use front::{Front, Unfit};
use quantiser::{Path, Quantiser};

/// What to do where codings are to be measured.
const ROWS: &str = "the model does not begin with a quantiser of at most 8 bits and one scale, so name rows of real values \
                    by --data, which show how far they reach";
/// The share of bytes that may be neighbours which is not worth a word.
const SAID: f64 = 0.001;
/// What to do where a source says nothing of its bytes.
const ASK: &str = "the model does not begin with a quantiser of at most 8 bits, so say how bytes become its input: \
                   --input u8/255 for pictures from 0 to 1, --input u8 or i8 for integers, --input i8*0.25 for a scale; \
                   or --input values for rows of real values, whose range is measured on --data";

/// A source with compound operators written out and constants computed, before it is known what its bytes are.
///
/// Where [`wants`](Self::wants) says so, rows of real values show how far they reach ([`see`](Self::see)); then
/// [`prepare`](Self::prepare).
#[derive(Clone, Debug)]
pub struct Start {
    source: Source,
    entry: Option<Entry>,
    path: Path,
    /// What rows are seen through, once one was.
    seen: Option<Box<Front>>,
    /// The least and the greatest value of the rows that were seen.
    range: Option<(f64, f64)>,
}

/// A source that begins with integers, how bytes stand for them, and what the caller has to do before.
pub(crate) struct Begun {
    pub source: Source,
    pub input: InputMap,
    pub front: Option<Front>,
    pub note: Option<String>,
}

impl Start {
    /// Reads how `source` begins; `entry` says what rows are made of, and is left out where that is for the source to say.
    ///
    /// # Errors
    /// If the source does not have one input, or a node has no meaning here.
    pub fn new(source: Source, entry: Option<Entry>) -> Result<Self, ImportError> {
        let mut source = operators::expand(source)?;
        execute::fold(&mut source)?;
        let [only] = source.inputs.as_slice() else {
            let names: Vec<&str> = source.inputs.iter().map(|input| input.name.as_str()).collect();
            let problem = format!("the model has {} inputs ({}), it needs exactly one", names.len(), names.join(", "));
            return Err(ImportError::Value { name: names.first().copied().unwrap_or("input").into(), problem });
        };
        let name = only.name.clone();
        if entry == Some(Entry::Values) && integers(&source).is_some() {
            let name = dequantised(&mut source)?;
            let path = Path::new(&source, &name);
            return Ok(Self { source, entry, path, seen: None, range: None });
        }
        let path = Path::new(&source, &name);
        Ok(Self { source, entry, path, seen: None, range: None })
    }

    /// Sizes of the rows of real values whose range is to be measured; `None` where the source knows its bytes, or where
    /// the caller said what they are.
    ///
    /// # Errors
    /// If the input has no fixed sizes.
    pub fn wants(&self) -> Result<Option<Shape>, ImportError> {
        let is_known = self.path.quantiser.is_some() || integers(&self.source).is_some();
        if is_known || matches!(self.entry, Some(Entry::Bytes(_))) {
            return Ok(None);
        }
        Ok(Some(input_layout(&self.source, &self.source.inputs[0])?.shape))
    }

    /// Widens the range by a row of real values.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare), and the node that cannot be computed.
    ///
    /// # Panics
    /// If the row is shorter than the input.
    pub fn see(&mut self, row: &[f32]) -> Result<(), ImportError> {
        let front = match self.seen.take() {
            Some(front) => front,
            None => {
                // A range so wide that codings of it exist wherever those of any other do.
                let Quantised { source, path, .. } = self.quantised((-1e9, 1e9))?;
                Box::new(self.front(&source, &path, true)?.1)
            }
        };
        for &value in &front.given(row)?.values {
            let (low, high) = self.range.unwrap_or((value, value));
            self.range = Some((low.min(value), high.max(value)));
        }
        self.seen = Some(front);
        Ok(())
    }

    /// Lets the source begin where the bytes stand.
    pub(crate) fn begin(self) -> Result<Begun, ImportError> {
        if let Some(Entry::Bytes(input)) = self.entry {
            return Ok(Begun { source: self.source, input, front: None, note: None });
        }
        match self.path.quantiser {
            Some(quantiser) if self.entry.is_none() => self.by_default(quantiser),
            Some(_) => self.coded(self.source.clone(), &self.path, false),
            None => match (integers(&self.source), self.range) {
                (Some(kind), _) => {
                    Ok(Begun { source: self.source, input: InputMap::new(kind), front: None, note: None })
                }
                (None, Some(range)) => {
                    let Quantised { source, path, why } = self.quantised(range)?;
                    let mut begun = self.coded(source, &path, true)?;
                    if let (Some(note), Some(why)) = (&mut begun.note, why) {
                        note.push_str("; ");
                        note.push_str(&why);
                    }
                    Ok(begun)
                }
                (None, None) => {
                    let problem = if self.entry.is_some() { ROWS } else { ASK };
                    Err(ImportError::Value { name: self.source.inputs[0].name.clone(), problem: problem.into() })
                }
            },
        }
    }

    /// Bytes are the integers of the quantiser; with arithmetic before it, rows are real values where codings can stand
    /// for it.
    fn by_default(self, quantiser: Quantiser) -> Result<Begun, ImportError> {
        let nodes = &self.path.nodes;
        let names: Vec<&str> = nodes.iter().map(|&index| self.source.nodes[index].name.as_str()).collect();
        let last = names[names.len() - 1];
        if self.path.is_plain(&self.source) {
            let is_own = quantiser.zero != 0 || quantiser.kind == ByteKind::I8;
            let note = is_own.then(|| own_bytes(last, &quantiser));
            return Ok(Begun { source: self.source, input: quantiser.reals(), front: None, note });
        }
        let why = match self.coded(self.source.clone(), &self.path, false) {
            Ok(begun) => return Ok(begun),
            Err(why) => why,
        };
        let note = format!(
            "the bytes are the integers of `{last}`: compute {} before the device, or say by --input how raw bytes enter \
             ({why})",
            names.join(", ")
        );
        let source = cut(self.source.clone(), nodes)?;
        Ok(Begun { source, input: quantiser.results(), front: None, note: Some(note) })
    }

    /// Rows are real values: codings stand for what is before the bytes.
    fn coded(&self, source: Source, path: &Path, is_ours: bool) -> Result<Begun, ImportError> {
        let (cut, front) = self.front(&source, path, is_ours)?;
        let codings = match front.codings.len() {
            1 => "one coding".to_string(),
            count => format!("{count} codings"),
        };
        let map = front.map();
        let mut note = if is_ours {
            format!("rows are real values, of which {codings} measured on them make bytes")
        } else {
            let names = names(&source, &path.nodes);
            format!("rows are real values, as the file takes them: {names} became {codings}")
        };
        if front.off > SAID {
            note.push_str(&format!(
                "; their values lie so far from zero that up to {:.1} % of the bytes may be neighbours of the file's",
                100.0 * front.off
            ));
        }
        Ok(Begun { source: cut, input: map, front: Some(front), note: Some(note) })
    }

    /// The source behind the nodes of a path, and the front that they are.
    fn front(&self, source: &Source, path: &Path, is_ours: bool) -> Result<(Source, Front), ImportError> {
        let cut = cut(source.clone(), &path.nodes)?;
        let front = Front::new(source, path, &cut, is_ours).map_err(|why| {
            let last = path.nodes.last().map_or("", |&index| source.nodes[index].name.as_str());
            let problem = format!("no coding stands for what is before `{last}`: {why}; say by --input what bytes are");
            ImportError::Value { name: source.inputs[0].name.clone(), problem }
        })?;
        Ok((cut, front))
    }

    /// The source with a quantiser of 8 bits behind the arithmetic with which it begins, or behind the input where that
    /// arithmetic is none of a coding's.
    ///
    /// # Errors
    /// Where the arithmetic is one of a coding's, but for its numbers.
    fn quantised(&self, range: (f64, f64)) -> Result<Quantised, ImportError> {
        let own = self.path.clone().arithmetic(&self.source);
        let at = |path: &Path| {
            let output = path.nodes.last().map(|&last| &self.source.nodes[last].outputs[0]);
            let tensor = output.unwrap_or(&self.source.inputs[0].name);
            let mut source = self.source.clone();
            nearest::quantise(&mut source, std::slice::from_ref(tensor), 8, range);
            let path = Path::new(&source, &self.source.inputs[0].name);
            Quantised { source, path, why: None }
        };
        let found = at(&own);
        if own.nodes.is_empty() {
            return Ok(found);
        }
        let rest = cut(found.source.clone(), &found.path.nodes)?;
        let names = names(&self.source, &own.nodes);
        match Front::new(&found.source, &found.path, &rest, true) {
            Ok(_) => Ok(found),
            Err(Unfit::Nodes(why)) => {
                let why = format!("they stand for the values themselves, since none stands for {names}: {why}");
                Ok(Quantised { why: Some(why), ..at(&Path { nodes: Vec::new(), quantiser: None }) })
            }
            Err(Unfit::Steps(why)) => {
                let problem = format!(
                    "no coding stands for {names}: {why}; leave out columns that are nearly constant, or limit the factor"
                );
                Err(ImportError::Value { name: self.source.inputs[0].name.clone(), problem })
            }
        }
    }
}

/// Names of nodes, for people.
fn names(source: &Source, nodes: &[usize]) -> String {
    let names: Vec<String> = nodes.iter().map(|&index| format!("`{}`", source.nodes[index].name)).collect();
    names.join(", ")
}

/// A source with a quantiser that is not the file's.
struct Quantised {
    source: Source,
    /// The nodes up to that quantiser.
    path: Path,
    /// Why it is not behind the arithmetic of the source.
    why: Option<String>,
}

/// The kind of the input's own integers, which are its bytes, as TFLite has it.
fn integers(source: &Source) -> Option<ByteKind> {
    match source.type_of(&source.inputs[0].name) {
        Some("uint8") => Some(ByteKind::U8),
        Some("int8") => Some(ByteKind::I8),
        _ => None,
    }
}

/// Lets a source whose input is integers take the real numbers that they stand for; gives the new input's name.
fn dequantised(source: &mut Source) -> Result<String, ImportError> {
    let name = source.inputs[0].name.clone();
    let Some(&(scale, zero)) = source.worth.get(&name) else {
        let problem =
            "its values are integers, and the file does not say what they are worth; leave out --input values";
        return Err(ImportError::Value { name, problem: problem.into() });
    };
    let kind = source.types[&name].clone();
    let [real, step, base] = ["real", "real.scale", "real.zero"].map(|part| unused(source, format!("{name}.{part}")));
    source.constants.insert(step.clone(), Array::new([], vec![scale]));
    source.constants.insert(base.clone(), Array::new([], vec![zero as f64]));
    source.types.insert(real.clone(), "float".into());
    source.inputs[0].name.clone_from(&real);
    let mut node = QUANTIZE_LINEAR.node(format!("{name}.quantiser"), vec![real.clone(), step, base], name);
    node.attributes.insert("zero_point_type".into(), Attribute::Text(kind));
    source.nodes.insert(0, node);
    Ok(real)
}

/// A name that no value of the source has yet.
fn unused(source: &Source, mut name: String) -> String {
    let outputs: BTreeSet<&String> = source.nodes.iter().flat_map(|node| &node.outputs).collect();
    while source.constants.contains_key(&name) || outputs.contains(&name) {
        name.push('\'');
    }
    name
}

/// Which bytes rows are made of.
fn own_bytes(node: &str, quantiser: &Quantiser) -> String {
    let kind = if quantiser.kind == ByteKind::I8 { "int8" } else { "uint8" };
    let zero = quantiser.zero;
    format!(
        "rows are the {kind} that `{node}` gives, as they are: {zero} stands for zero (with --input values they are the \
         real values that it takes)"
    )
}

/// Lets the source begin behind the last node of `path`, whose value has the sizes that zeros have there.
fn cut(mut source: Source, path: &[usize]) -> Result<Source, ImportError> {
    let last = source.nodes[path[path.len() - 1]].clone();
    let input = source.inputs[0].clone();
    let dims: Vec<usize> =
        input.dims.iter().enumerate().map(|(axis, size)| size.unwrap_or(usize::from(axis == 0))).collect();
    let count = Array::count(&dims).unwrap_or(0);
    let zeros = Array::new(if count == 0 { vec![0] } else { dims }, vec![0.0; count]);
    let until = path[path.len() - 1];
    let part = Source {
        nodes: source.nodes[..=until].to_vec(),
        outputs: last.outputs.clone(),
        constants: source.constants.clone(),
        ..source.clone()
    };
    let tensors = execute::run(&part, &[(input.name.clone(), zeros)].into())?;
    let name = last.outputs[0].clone();
    let sizes = tensors.get(&name).map_or(Vec::new(), |array| array.dims.iter().map(|&size| Some(size)).collect());
    source.inputs = vec![Input { name: name.clone(), dims: sizes }];
    // What only led to the quantiser goes; results must not depend on it in another way.
    let mut needed: BTreeSet<String> = source.outputs.iter().cloned().collect();
    let mut kept = Vec::new();
    while let Some(node) = source.nodes.pop() {
        let makes = |output: &String| needed.contains(output) && *output != name;
        if node.outputs.iter().any(makes) {
            needed.extend(node.inputs.iter().cloned());
            kept.push(node);
        }
    }
    kept.reverse();
    source.nodes = kept;
    Ok(source)
}
