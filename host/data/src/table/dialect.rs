//! How a table is written: what stands between columns, and whether it has a heading.

use super::numbers::{is_missing, parsed};
use super::options::TableOptions;
use std::ops::Index;

/// Lines that are looked at to find the delimiter out.
const LOOKED_AT: usize = 50;

/// How a table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dialect {
    pub(crate) delimiter: u8,
    /// Whether a comma is the decimal point; found out as numbers are read if `None`.
    pub(crate) comma: Option<bool>,
    pub(crate) has_heading: bool,
    /// Bytes before the table.
    skipped: usize,
}

/// One line of a table, or several if a quoted field has line ends.
pub(crate) struct Record {
    fields: csv::StringRecord,
    /// The line it begins in, from 1.
    pub(crate) line: u32,
}

impl Record {
    pub(crate) fn len(&self) -> usize {
        self.fields.len()
    }

    pub(crate) fn fields(&self) -> impl Iterator<Item = &str> {
        self.fields.iter()
    }
}

impl Index<usize> for Record {
    type Output = str;

    fn index(&self, column: usize) -> &str {
        &self.fields[column]
    }
}

impl Dialect {
    /// What the options say, and what the text shows where they do not.
    pub(crate) fn of(text: &str, options: &TableOptions) -> Result<Self, String> {
        let (skipped, said) = preamble(text);
        let mut dialect = Self { delimiter: b',', comma: options.decimal_comma, has_heading: false, skipped };
        dialect.delimiter = match options.delimiter.or(said) {
            Some(delimiter) if delimiter.is_ascii() && !b"\"\r\n".contains(&delimiter) => delimiter,
            Some(delimiter) => return Err(format!("'{}' cannot stand between columns", delimiter.escape_ascii())),
            None => dialect.found_delimiter(text),
        };
        // Commas part columns or decimals, not both.
        if dialect.delimiter == b',' {
            if options.decimal_comma == Some(true) {
                return Err("commas stand between columns, so they cannot be decimal points: save with ;".into());
            }
            dialect.comma = Some(false);
        }
        dialect.has_heading = match options.heading {
            Some(has_heading) => has_heading,
            None => dialect.found_heading(text)?,
        };
        Ok(dialect)
    }

    /// The records of the table; empty lines are passed over.
    pub(crate) fn records<'t>(self, text: &'t str) -> impl Iterator<Item = Result<Record, String>> + use<'t> {
        let body = &text.as_bytes()[self.skipped..];
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .trim(csv::Trim::All)
            .delimiter(self.delimiter)
            .from_reader(body);
        let mut lines = Lines { text: text.as_bytes(), at: 0, line: 1 };
        std::iter::from_fn(move || {
            let mut fields = csv::StringRecord::new();
            match reader.read_record(&mut fields) {
                Ok(false) => None,
                Ok(true) => {
                    let start = fields.position().map_or(0, |position| position.byte() as usize);
                    Some(Ok(Record { line: lines.of(self.skipped + start), fields }))
                }
                Err(error) => Some(Err(error.to_string())),
            }
        })
    }

    /// The delimiter by which the first lines have equally many columns, at least two; tab before semicolon before comma,
    /// because decimal commas are as regular as columns.
    fn found_delimiter(self, text: &str) -> u8 {
        let columns = |delimiter: u8| -> Vec<usize> {
            let records = Self { delimiter, ..self }.records(text).take(LOOKED_AT);
            records.map(|record| record.map_or(0, |record| record.len())).collect()
        };
        let all = [b'\t', b';', b','].map(|delimiter| (delimiter, columns(delimiter)));
        let is_even = |counts: &[usize]| counts.iter().all(|&count| count > 1 && count == counts[0]);
        let even = all.iter().find(|(_, counts)| is_even(counts));
        let some = || all.iter().find(|(_, counts)| counts.first().is_some_and(|&count| count > 1));
        even.or_else(some).map_or(b',', |(delimiter, _)| *delimiter)
    }

    /// Whether the first line has names: nothing like a number and few gaps among its fields.
    /// The numbers 0, 1, 2, ... are names that some programs give to columns without any, and may be values.
    fn found_heading(self, text: &str) -> Result<bool, String> {
        let Some(first) = self.records(text).next().transpose()? else { return Ok(false) };
        if !first.fields().any(looks_like_number) {
            // A gap where a name should be is a column without a name; half of them is a row without values.
            return Ok(first.fields().filter(|field| is_missing(field)).count() * 2 < first.len());
        }
        let numbers = first.fields().map_while(|field| field.parse::<usize>().ok()).collect::<Vec<_>>();
        let counts = numbers.iter().enumerate().all(|(at, &number)| number == at);
        let has_class = numbers.len() + 1 == first.len();
        if counts && (has_class && numbers.len() > 1 || numbers.len() == first.len() && numbers.len() > 2) {
            return Err("the first line counts the columns, so it may be a heading or a row: say whether it is a heading (yes or no)".into());
        }
        Ok(false)
    }
}

/// Whether a field is a number in some way of writing, or a date or a time: no name begins so and has no letters.
fn looks_like_number(field: &str) -> bool {
    let digits = field.trim_start_matches(['+', '-', '.', ',']);
    let has_letters = || field.chars().any(|c| c.is_alphabetic() && !matches!(c, 'e' | 'E'));
    parsed(field, false).is_some() || digits.starts_with(|c: char| c.is_ascii_digit()) && !has_letters()
}

/// Bytes before the table, and the delimiter if a line `sep=;` names one.
fn preamble(text: &str) -> (usize, Option<u8>) {
    let (mut at, mut said) = (0, None);
    while at < text.len() {
        let rest = &text[at..];
        let content = rest.split(['\r', '\n']).next().unwrap_or(rest);
        let ends = rest.len() - rest[content.len()..].trim_start_matches(['\r', '\n']).len() - content.len();
        let line = content.len();
        match content.trim_end().strip_prefix("sep=").map(str::as_bytes) {
            Some(&[delimiter]) if at == 0 => said = Some(delimiter),
            _ if content.is_empty() || content.starts_with('@') => {}
            _ => break,
        }
        at += line + ends;
    }
    (at, said)
}

/// Counts lines up to rising places.
struct Lines<'t> {
    text: &'t [u8],
    at: usize,
    line: u32,
}

impl Lines<'_> {
    /// The line of the first character at or behind `start` that ends no line.
    fn of(&mut self, start: usize) -> u32 {
        // The reader leaves line ends before a record to it.
        while self.at < self.text.len() && (self.at < start || b"\r\n".contains(&self.text[self.at])) {
            let is_lone_return = self.text[self.at] == b'\r' && self.text.get(self.at + 1) != Some(&b'\n');
            if self.text[self.at] == b'\n' || is_lone_return {
                self.line = self.line.saturating_add(1);
            }
            self.at += 1;
        }
        self.line
    }
}
