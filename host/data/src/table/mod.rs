//! Tables as people have them: numbers in columns, a class, perhaps a column that says what belongs together.

mod columns;
mod dialect;
mod numbers;
mod options;
mod text;

pub use options::{Column, Expected, Label, TableOptions};

use crate::error::{DataError, form_error};
use crate::limits::MAX_BYTES;
use crate::missing::Missing;
use crate::rows::{Groups, Labels, Rows, Values};
use bitfab_graph::Shape;
use columns::Roles;
use dialect::Dialect;
use numbers::Numbers;

/// Most values that a table may have.
const MAX_VALUES: usize = (MAX_BYTES / 4) as usize;

/// Reads a table: one row a line, numbers in columns, the class in a column of its own.
///
/// Found out where the options do not say: the encoding (UTF-8, UTF-16, else Windows-1252), the delimiter (comma,
/// semicolon or tab), the decimal comma (where the delimiter is another), whether the first line is a heading.
/// What was found out by guessing stands in [`Rows::notes`].
/// Lines before the table that begin with `@` are passed over (KEEL and ARFF write such).
///
/// # Errors
/// [`DataError`] names line and column, and what would work.
pub fn read_table(name: &str, bytes: &[u8], options: &TableOptions) -> Result<Rows, DataError> {
    let error = |problem: String| form_error(name, problem);
    let size = bytes.len() as u64;
    if size > MAX_BYTES {
        return Err(DataError::TooLarge { name: name.into(), bytes: size, limit: MAX_BYTES });
    }
    let mut notes = Vec::new();
    let text = text::decoded(bytes, &mut notes).map_err(error)?;
    let dialect = Dialect::of(&text, options).map_err(error)?;
    let mut records = dialect.records(&text);
    let heading = if dialect.has_heading { records.next().transpose().map_err(error)? } else { None };
    let first = records.next().transpose().map_err(error)?;
    let Some(first) = first else {
        return Err(error("0 rows".into()));
    };
    let names: Vec<String> = heading.iter().flat_map(|heading| heading.fields()).map(str::to_owned).collect();
    let width = if names.is_empty() { first.len() } else { names.len() };
    let roles = Roles::of(&names, width, &first, options, &mut notes).map_err(error)?;
    let mut collected = Collected::new(&roles, &dialect, width);
    collected.add(&first).map_err(error)?;
    for record in records {
        collected.add(&record.map_err(error)?).map_err(error)?;
        if collected.values.len() > MAX_VALUES {
            return Err(DataError::TooLarge { name: name.into(), bytes: size, limit: MAX_BYTES });
        }
    }
    collected.into_rows(name, options.missing, notes)
}

/// The rows so far.
struct Collected<'a> {
    roles: &'a Roles,
    width: usize,
    numbers: Numbers,
    values: Vec<f32>,
    labels: Vec<String>,
    groups: Vec<Vec<String>>,
    lines: Vec<u32>,
}

impl<'a> Collected<'a> {
    fn new(roles: &'a Roles, dialect: &Dialect, width: usize) -> Self {
        Self {
            roles,
            width,
            numbers: Numbers::new(dialect.comma),
            values: Vec::new(),
            labels: Vec::new(),
            groups: vec![Vec::new(); roles.groups.len()],
            lines: Vec::new(),
        }
    }

    fn add(&mut self, record: &dialect::Record) -> Result<(), String> {
        let (line, roles) = (record.line, self.roles);
        if record.len() != self.width {
            return Err(format!("line {line}: {} columns, the first line has {}", record.len(), self.width));
        }
        for &column in &roles.features {
            let number = self.numbers.number(&record[column], line);
            let problem = |problem: String| format!("line {line}, column {}: {problem}", roles.called(column));
            self.values.push(number.map_err(problem)?);
        }
        self.labels.extend(roles.label.map(|column| record[column].to_owned()));
        for (groups, &column) in self.groups.iter_mut().zip(&roles.groups) {
            groups.push(record[column].to_owned());
        }
        self.lines.push(line);
        Ok(())
    }

    fn into_rows(self, name: &str, missing: Missing, mut notes: Vec<String>) -> Result<Rows, DataError> {
        notes.extend(self.numbers.finish().map_err(|problem| form_error(name, problem))?);
        let shape = Shape::flat(self.roles.features.len() as u32);
        let mut rows = Rows::new(name, shape, Values::Reals(self.values))?;
        rows.lines = self.lines;
        rows.labels = self.roles.label.map(|column| Labels::named(&self.roles.name(column), &self.labels));
        let groups = self.groups.iter().zip(&self.roles.groups);
        rows.groups = groups.map(|(texts, &column)| Groups::new(&self.roles.name(column), texts)).collect();
        if self.roles.has_names {
            rows.names = self.roles.features.iter().map(|&column| self.roles.name(column)).collect();
        }
        (rows.notes, rows.missing) = (notes, missing);
        Ok(rows)
    }
}
