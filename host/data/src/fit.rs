//! Rows for a model that is there: its codings, its classes, its names.

use crate::assemble::numbers;
use crate::axes;
use crate::coding::{Reading, apply, of_graph};
use crate::error::{DataError, form_error};
use crate::remedy::{is_of, remedy};
use crate::rows::{Rows, Values};
use crate::table::Expected;
use bitfab_format::{Coding, Kind, Limits, Model};
use bitfab_graph::{ByteKind, Graph, Interface, Shape};

/// What a model takes and says of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Takes {
    /// Sizes of a row.
    pub shape: Shape,
    /// Whether its bytes have a sign.
    pub kind: Kind,
    /// None, one, one a channel or one a value.
    pub codings: Vec<Coding>,
    /// The smallest and the largest byte.
    pub limits: Limits,
    /// Names of the values: none, one a channel or one a value.
    pub names: Vec<String>,
    /// Number of scores.
    pub classes: u32,
    /// Names of the classes; none or all.
    pub class_names: Vec<String>,
    /// Fingerprints of rows that were learned from, ascending: all of them or the smallest.
    pub fingerprints: Vec<u32>,
    /// How many different rows were learned from; 0 if unknown.
    pub learned_rows: u64,
}

/// How many rows were learned from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Learned {
    /// Rows whose fingerprint is among those that are known.
    pub matching: u64,
    /// Fingerprints that are known.
    pub known: u64,
    /// Different rows that the model learned from.
    pub learned_rows: u64,
    /// How many of the rows were learned from; an estimate unless all fingerprints are known.
    pub rows: u64,
}

impl Learned {
    /// Whether `rows` is a count, not an estimate.
    pub const fn is_exact(&self) -> bool {
        self.known == self.learned_rows
    }
}

impl Fitted {
    /// The rows.
    pub fn rows(&self) -> Vec<&[u8]> {
        self.bytes.chunks_exact(self.width).collect()
    }

    /// The sentence about rows that were learned from, if the model says anything of them.
    pub fn learned_text(&self) -> Option<String> {
        let learned = self.learned?;
        let all = self.bytes.len() / self.width;
        Some(match (learned.is_exact(), learned.matching) {
            // Rows are told apart by what the model sees of them.
            (true, rows) => format!("{rows} of these {all} rows were learned from (by their bytes)"),
            (false, 0) => format!(
                "none of these {all} rows is among {} that are known of the {} that were learned from",
                learned.known, learned.learned_rows
            ),
            (false, matching) => format!(
                "about {} of these {all} rows were learned from ({matching} are among {} that are known of {})",
                learned.rows, learned.known, learned.learned_rows
            ),
        })
    }
}

/// Rows as a model takes them.
#[derive(Clone, Debug, PartialEq)]
pub struct Fitted {
    /// Name for people.
    pub name: String,
    /// The bytes of all rows.
    pub bytes: Vec<u8>,
    /// Bytes of one row.
    pub width: usize,
    /// The number of each row in its source, from 0; of windows that of their first row.
    pub sources: Vec<u32>,
    /// Classes by the model's numbers, where the rows have classes.
    pub labels: Option<Vec<u32>>,
    /// How many values of each coding lay outside its range and were moved to its end; empty without codings.
    pub clamped: Vec<u64>,
    /// How many of the rows the model has learned from; `None` where it does not say.
    pub learned: Option<Learned>,
    /// What a person should know.
    pub notes: Vec<String>,
}

impl Takes {
    /// A model that takes rows of bytes and says nothing of them.
    pub fn bytes(shape: Shape, kind: Kind) -> Self {
        Self {
            shape,
            kind,
            codings: Vec::new(),
            limits: Limits::of(kind),
            names: Vec::new(),
            classes: 0,
            class_names: Vec::new(),
            fingerprints: Vec::new(),
            learned_rows: 0,
        }
    }

    /// The same with the codings of an interface.
    pub fn coded(mut self, interface: &Interface) -> Self {
        self.codings = of_graph(&interface.codings);
        if let Some([low, high]) = interface.limits {
            self.limits = Limits { low, high };
        }
        self
    }

    /// What a model file says.
    pub fn of_model(model: &Model<'_>) -> Self {
        let (input, interface) = (model.input(), model.interface());
        let codings: Vec<Coding> = (0..interface.codings()).filter_map(|at| interface.coding(at)).collect();
        Self {
            shape: Shape::new(input.shape.height, input.shape.width, input.shape.channels),
            kind: input.kind,
            limits: if codings.is_empty() { Limits::of(input.kind) } else { interface.limits() },
            codings,
            names: (0..interface.names()).map(|at| interface.name(at).to_owned()).collect(),
            classes: model.output().shape.volume(),
            class_names: (0..interface.classes()).filter_map(|at| interface.class(at)).map(str::to_owned).collect(),
            fingerprints: interface.fingerprints().to_vec(),
            learned_rows: interface.learned_rows(),
        }
    }

    /// What a graph says, which has all fingerprints; `classes` is the number of its scores.
    pub fn of_graph(graph: &Graph, classes: u32) -> Self {
        let Interface { codings, limits, names, classes: class_names, learned, .. } = &graph.interface;
        let kind = match graph.input_kind {
            ByteKind::U8 => Kind::U8,
            ByteKind::I8 => Kind::I8,
        };
        Self {
            shape: graph.input,
            kind,
            codings: of_graph(codings),
            limits: limits.map_or(Limits::of(kind), |[low, high]| Limits { low, high }),
            names: names.clone(),
            classes,
            class_names: class_names.clone(),
            fingerprints: learned.clone(),
            learned_rows: learned.len() as u64,
        }
    }

    /// The smallest and the largest byte of rows that are read so.
    fn limits(&self, reading: Reading) -> Limits {
        if reading == Reading::Bytes { Limits::of(self.kind) } else { self.limits }
    }

    /// What a table that is read for the model must have.
    pub fn expected(&self) -> Expected {
        let width = self.shape.elements() as usize;
        let names = if self.names.len() == width { self.names.clone() } else { Vec::new() };
        Expected { names, width, shape: self.shape }
    }
}

/// The rows as the model takes them: values by its codings, classes by its names.
///
/// # Errors
/// [`DataError::Form`] if the shape is another, columns have other names, a value is missing or has no byte, or a class is
/// unknown to the model.
pub fn fit(rows: Rows, takes: &Takes, reading: Reading) -> Result<Fitted, DataError> {
    let rows = rows.settled()?;
    let error = |problem: String| form_error(&rows.name, problem);
    if rows.is_empty() {
        return Err(error("0 rows".into()));
    }
    if !axes::suits(rows.shape, takes.shape) {
        let (shape, wanted) = (rows.shape, takes.shape);
        return Err(error(format!(
            "rows are {shape}, the model takes {wanted} (height x width x channels) or {} values",
            wanted.elements()
        )));
    }
    let both = !rows.names.is_empty() && rows.names.len() == takes.names.len();
    if both && rows.names != takes.names {
        return Err(error("columns have other names, or another order, than the model's inputs".into()));
    }
    check_reading(&rows, takes, reading).map_err(error)?;
    let coded = apply(&rows, &takes.codings, takes.limits(reading), reading)?;
    let labels = rows.labels.as_ref().map(|labels| numbers(labels, &takes.class_names, takes.classes).map_err(error));
    let width = rows.width();
    let mut notes = rows.notes.clone();
    if coded.filled > 0 {
        notes.push(format!(
            "{} missing values took the base of their coding, the mean of what was learned",
            coded.filled
        ));
    }
    Ok(Fitted {
        sources: (0..rows.len()).map(|row| rows.source(row)).collect(),
        labels: labels.transpose()?,
        learned: learned(&coded.bytes, width, takes),
        width,
        bytes: coded.bytes,
        clamped: coded.clamped,
        notes,
        name: rows.name,
    })
}

/// What is meant by the values must be certain.
fn check_reading(rows: &Rows, takes: &Takes, reading: Reading) -> Result<(), String> {
    let is_coded = !takes.codings.is_empty();
    let is_byte = is_of(&rows.values, takes.kind);
    let is_other_byte = !is_byte && !matches!(rows.values, Values::Reals(_));
    match (&rows.item, reading) {
        (_, Reading::Counts) if !is_coded => Err("the model takes bytes and knows no counts".into()),
        (_, Reading::Values) if is_byte && is_coded => {
            Err("the array holds bytes, and the model makes bytes of real values itself: \
             say that they are its bytes, or convert them by x.astype(numpy.float32)"
                .into())
        }
        // A person may say that whole numbers of another size are bytes, not that bytes are others.
        (Some(item), Reading::Values) if !is_byte && !is_coded => Err(remedy(rows, item, takes.kind)),
        (Some(item), Reading::Bytes) if is_other_byte => Err(remedy(rows, item, takes.kind)),
        _ => Ok(()),
    }
}

/// How many rows were learned from.
fn learned(bytes: &[u8], width: usize, takes: &Takes) -> Option<Learned> {
    let known = takes.fingerprints.len() as u64;
    if known == 0 {
        return None;
    }
    let is_known = |row: &&[u8]| takes.fingerprints.binary_search(&crc32fast::hash(row)).is_ok();
    let matching = bytes.chunks_exact(width).filter(is_known).count() as u64;
    // The known ones are a fair sample of all: as large a share of both is here.
    let estimate = u128::from(matching) * u128::from(takes.learned_rows) / u128::from(known);
    let rows = estimate.min((bytes.len() / width) as u128) as u64;
    Some(Learned { matching, known, learned_rows: takes.learned_rows, rows })
}
