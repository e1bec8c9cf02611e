//! Rows as they were read, before anything is split or coded.

use crate::error::{DataError, form_error};
use crate::missing::Missing;
use bitfab_graph::Shape;
use std::collections::HashMap;

/// The values of all rows, one row after the other, channels innermost.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Bytes 0 to 255 of an array that holds bytes.
    Bytes(Vec<u8>),
    /// Signed bytes of an array that holds such.
    Signed(Vec<i8>),
    /// Real values; numbers of every other type are taken as the nearest `f32`, which is what a device takes.
    Reals(Vec<f32>),
}

impl Values {
    /// How many values there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Bytes(values) => values.len(),
            Self::Signed(values) => values.len(),
            Self::Reals(values) => values.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Value `index` as a real number.
    ///
    /// # Panics
    /// If there is no such value.
    pub fn real(&self, index: usize) -> f32 {
        match self {
            Self::Bytes(values) => f32::from(values[index]),
            Self::Signed(values) => f32::from(values[index]),
            Self::Reals(values) => values[index],
        }
    }

    /// Windows of `length` values from the start of rows of `width` values.
    pub(crate) fn windows(&self, starts: &[u32], length: usize, width: usize) -> Self {
        fn cut<T: Copy>(values: &[T], starts: &[u32], length: usize, width: usize) -> Vec<T> {
            let window = |&start: &u32| &values[start as usize * width..start as usize * width + length];
            starts.iter().flat_map(window).copied().collect()
        }
        match self {
            Self::Bytes(values) => Self::Bytes(cut(values, starts, length, width)),
            Self::Signed(values) => Self::Signed(cut(values, starts, length, width)),
            Self::Reals(values) => Self::Reals(cut(values, starts, length, width)),
        }
    }

    /// The rows with these numbers, `width` values each.
    pub(crate) fn pick(&self, rows: &[u32], width: usize) -> Self {
        self.windows(rows, width, width)
    }
}

/// The classes of all rows.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Labels {
    /// Class of each row, from 0.
    pub of_rows: Vec<u32>,
    /// What they are called: the name of the column, or of the array; empty if unknown.
    pub column: String,
    /// Names of the classes 0, 1, ...; empty where the source has numbers alone.
    /// Those of a table are sorted: as numbers if all are whole numbers, else as text.
    pub names: Vec<String>,
}

/// A column of text that says which rows belong together: a person, a day, a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Groups {
    /// Name of the column.
    pub column: String,
    /// The different texts, sorted.
    pub names: Vec<String>,
    /// Which of them each row has.
    pub of_rows: Vec<u32>,
}

impl Groups {
    /// The column with this text in each row.
    pub fn new(column: &str, texts: &[impl AsRef<str>]) -> Self {
        let (names, of_rows) = numbered(texts);
        Self { column: column.into(), names, of_rows }
    }
}

impl Labels {
    /// Classes by name: the distinct names sorted (as numbers if all are whole numbers, else as text).
    pub fn named(column: &str, texts: &[impl AsRef<str>]) -> Self {
        let (names, of_rows) = numbered(texts);
        Self { of_rows, column: column.into(), names }
    }
}

/// Distinct texts in a fixed order, and which of them each row has.
fn numbered(texts: &[impl AsRef<str>]) -> (Vec<String>, Vec<u32>) {
    let mut names: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
    names.sort_unstable();
    names.dedup();
    let numbers: Option<Vec<i64>> = names.iter().map(|name| name.parse().ok()).collect();
    if let Some(numbers) = numbers {
        let mut pairs: Vec<(i64, &str)> = numbers.into_iter().zip(names).collect();
        pairs.sort_unstable();
        names = pairs.into_iter().map(|(_, name)| name).collect();
    }
    let index: HashMap<&str, u32> = names.iter().enumerate().map(|(at, &name)| (name, at as u32)).collect();
    let of_rows = texts.iter().map(|text| index[text.as_ref()]).collect();
    (names.into_iter().map(str::to_owned).collect(), of_rows)
}

/// Rows of values with what is known of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    /// Name for people.
    pub name: String,
    /// Sizes of one row; a row of a table is 1 x 1 x columns.
    pub shape: Shape,
    /// `len() * shape.elements()` values.
    pub values: Values,
    /// The classes, where the source has them.
    pub labels: Option<Labels>,
    /// The columns that a split goes by and that windows do not cross.
    pub groups: Vec<Groups>,
    /// Names of the values: none, one a channel or one a value.
    pub names: Vec<String>,
    /// Units of the values: none, one for all, one a channel or one a value.
    pub units: Vec<String>,
    /// The line of the file that each row begins in, from 1; empty where there are no lines.
    pub lines: Vec<u32>,
    /// The number of each row in its source, from 0; of windows that of their first row. Empty where it is the row's own.
    pub sources: Vec<u32>,
    /// NumPy's name of the type of the items, where the rows are an array; numbers of a table may be bytes or real values,
    /// those of an array are what their type says.
    pub item: Option<String>,
    /// What is done about values that are not numbers and classes that are empty; see [`Self::settled`].
    pub missing: Missing,
    /// Whether neighbouring rows share values, as windows over time do whose step is shorter than they are.
    pub overlap: bool,
    /// What a person should know: columns that are constant, rows that were left out, and the like.
    pub notes: Vec<String>,
}

impl Rows {
    /// Rows of which nothing else is known.
    ///
    /// # Errors
    /// [`DataError::Form`] if the number of values is no whole number of rows, or a row has no or too many values.
    pub fn new(name: &str, shape: Shape, values: Values) -> Result<Self, DataError> {
        let width = shape.elements();
        if !(1..=bitfab_graph::limits::MAX_ELEMENTS).contains(&width) {
            return Err(form_error(name, format!("rows of shape {shape}; sizes must be 1 or more")));
        }
        if !(values.len() as u64).is_multiple_of(width) {
            return Err(form_error(name, format!("{} values are no whole rows of shape {shape}", values.len())));
        }
        if values.len() as u64 / width > u64::from(u32::MAX) {
            return Err(form_error(name, "more than 4294967295 rows"));
        }
        Ok(Self {
            name: name.into(),
            shape,
            values,
            labels: None,
            groups: Vec::new(),
            names: Vec::new(),
            units: Vec::new(),
            lines: Vec::new(),
            sources: Vec::new(),
            item: None,
            missing: Missing::Refuse,
            overlap: false,
            notes: Vec::new(),
        })
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.values.len() / self.width()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Values of one row.
    pub fn width(&self) -> usize {
        self.shape.elements().max(1) as usize
    }

    /// Where row `index` came from, for messages: its line, or its number from 0.
    pub fn place(&self, index: usize) -> String {
        self.lines.get(index).map_or_else(|| format!("row {index}"), |line| format!("line {line}"))
    }

    /// The number of row `index` in its source, from 0.
    pub fn source(&self, index: usize) -> u32 {
        self.sources.get(index).copied().unwrap_or(index as u32)
    }

    /// What value `index` of a row is called, for messages: its name, or its number from 1.
    pub fn value_name(&self, index: usize) -> String {
        match index.checked_rem(self.names.len()).map(|at| &self.names[at]) {
            Some(name) if self.names.len() == self.width() => format!("'{name}'"),
            Some(name) => format!("'{name}' (step {})", index / self.names.len() + 1),
            None => format!("{}", index + 1),
        }
    }

    /// The rows with these numbers, in this order.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn pick(&self, rows: &[u32]) -> Self {
        let numbers = |all: &[u32]| rows.iter().map(|&row| all[row as usize]).collect();
        Self {
            name: self.name.clone(),
            shape: self.shape,
            values: self.values.pick(rows, self.width()),
            labels: self.labels.as_ref().map(|labels| Labels { of_rows: numbers(&labels.of_rows), ..labels.clone() }),
            groups: self
                .groups
                .iter()
                .map(|groups| Groups { of_rows: numbers(&groups.of_rows), ..groups.clone() })
                .collect(),
            names: self.names.clone(),
            units: self.units.clone(),
            lines: rows.iter().filter_map(|&row| self.lines.get(row as usize).copied()).collect(),
            sources: rows.iter().map(|&row| self.source(row as usize)).collect(),
            item: self.item.clone(),
            missing: self.missing,
            overlap: self.overlap,
            notes: Vec::new(),
        }
    }

    /// The rows with these classes.
    ///
    /// # Errors
    /// [`DataError::Form`] if there is not one class a row.
    pub fn with_labels(mut self, labels: Labels) -> Result<Self, DataError> {
        if labels.of_rows.len() != self.len() {
            return Err(form_error(&self.name, format!("{} classes for {} rows", labels.of_rows.len(), self.len())));
        }
        self.labels = Some(labels);
        Ok(self)
    }

    /// Rows of height x width x 1 as a series of `height` steps of `width` channels: the same values, other axes.
    ///
    /// # Errors
    /// [`DataError::Form`] if rows have more than one channel.
    pub fn series(mut self) -> Result<Self, DataError> {
        let Shape { height, width, channels } = self.shape;
        if channels != 1 {
            return Err(form_error(&self.name, format!("rows are {}, a series has steps x channels", self.shape)));
        }
        self.shape = Shape::new(height, 1, width);
        Ok(self)
    }

    /// The rows after what is to be done about missing values ([`Self::missing`]) was done.
    ///
    /// A class is missing if its text is empty or `?`.
    ///
    /// # Errors
    /// [`DataError::Form`] names the first missing value if they are refused, and the first missing class unless rows
    /// are dropped; and if there is not one class or one text of a group a row.
    pub fn settled(self) -> Result<Self, DataError> {
        self.check()?;
        if self.missing != Missing::Drop {
            let gap = (0..self.len()).find_map(|row| Some((row, self.gap(row)?)));
            let Some((row, problem)) = gap else { return Ok(self) };
            return Err(form_error(&self.name, format!("{}{problem}", self.place(row))));
        }
        let kept: Vec<u32> = (0..self.len()).filter(|&row| !self.has_gap(row)).map(|row| row as u32).collect();
        if kept.len() == self.len() {
            return Ok(self);
        }
        let mut left = self.pick(&kept);
        left.notes = self.notes.clone();
        left.notes.push(format!("{} of {} rows have gaps and are left out", self.len() - kept.len(), self.len()));
        Ok(left)
    }

    /// Lists fit the rows.
    fn check(&self) -> Result<(), DataError> {
        let (rows, values, channels) = (self.len(), self.width(), self.shape.channels as usize);
        let labels = self.labels.iter().map(|labels| (&labels.of_rows, labels.names.len(), labels.names.is_empty()));
        let groups = self.groups.iter().map(|groups| (&groups.of_rows, groups.names.len(), false));
        for (of_rows, names, is_free) in labels.chain(groups) {
            if of_rows.len() != rows {
                return Err(form_error(&self.name, format!("{} classes or groups for {rows} rows", of_rows.len())));
            }
            if !is_free && of_rows.iter().any(|&at| at as usize >= names) {
                return Err(form_error(&self.name, "a class or a group has no name"));
            }
        }
        let is_list = |count: usize| [0, channels, values].contains(&count);
        if !is_list(self.names.len()) || !(is_list(self.units.len()) || self.units.len() == 1) {
            let (names, units) = (self.names.len(), self.units.len());
            let problem = format!("{names} names and {units} units for {channels} channels and {values} values");
            return Err(form_error(&self.name, problem));
        }
        Ok(())
    }

    /// Whether a row lacks a value or its class.
    pub(crate) fn has_gap(&self, row: usize) -> bool {
        self.missing_value(row).is_some() || self.lacks_class(row)
    }

    /// What is missing in a row and may not be, for messages.
    fn gap(&self, row: usize) -> Option<String> {
        match self.missing_value(row).filter(|_| self.missing != Missing::Mean) {
            Some(at) => Some(format!(
                ", column {}: no number; drop such rows or fill in the mean (--missing drop|mean)",
                self.value_name(at)
            )),
            None => self.lacks_class(row).then(|| ": no class; drop such rows (--missing drop)".into()),
        }
    }

    fn missing_value(&self, row: usize) -> Option<usize> {
        let width = self.width();
        (0..width).find(|&at| self.values.real(row * width + at).is_nan())
    }

    fn lacks_class(&self, row: usize) -> bool {
        let text = |labels: &Labels| {
            labels.names.get(labels.of_rows[row] as usize).is_some_and(|name| name.is_empty() || name == "?")
        };
        self.labels.as_ref().is_some_and(text)
    }
}
