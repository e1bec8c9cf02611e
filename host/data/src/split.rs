//! Which rows are to learn from, to choose by and to judge by: the same in every run, whatever else the file holds.

use crate::content::Content;
use crate::error::{DataError, form_error, option_error};
use crate::rows::{Groups, Rows};
use sha2::{Digest, Sha256};
use std::collections::{BTreeSet, HashSet};

/// Which rows are kept for the test part.
#[derive(Clone, Debug, PartialEq)]
pub enum TestPart {
    /// About this share, above 0 and below 1: of the groups if there is a column to split by, else of the rows by hash.
    Share(f64),
    /// The groups with these names.
    Groups(Vec<String>),
    /// One of several parts of about equal size.
    Fold {
        /// Which one, from 0.
        index: u32,
        /// How many there are, at least 2.
        count: u32,
    },
}

/// How rows are split.
#[derive(Clone, Debug, PartialEq)]
pub struct SplitOptions {
    /// The column of [`Rows::groups`] whose rows stay together; rows are split one by one if `None`.
    pub by: Option<String>,
    /// Which rows are kept for the test part.
    pub test: TestPart,
    /// Share of the rest that is cut off to choose by while learning, 0 to below 1.
    pub validation: f64,
}

impl Default for SplitOptions {
    fn default() -> Self {
        Self { by: None, test: TestPart::Share(0.2), validation: 0.0 }
    }
}

/// The parts of the rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Parts {
    /// Rows to learn from.
    pub train: Rows,
    /// Rows to choose by; may be empty.
    pub validation: Rows,
    /// Rows to judge by.
    pub test: Rows,
    /// How they were told apart, for people.
    pub how: String,
    /// What a person should know.
    pub notes: Vec<String>,
}

/// Splits what a file holds; parts that the file tells apart stay, and so does a test part that is `given`.
///
/// A row's hash is the SHA-256 of its values as little-endian `f32` (zero without a sign); its first four bytes, read as
/// a big-endian number of 32 bits, decide about the test part, the next four about the validation part.
/// So rows that are appended, removed or moved change the part of no other row, and equal rows are in one part.
/// Groups are ranked by the SHA-256 of their names, and the first are taken, at least one.
///
/// # Errors
/// [`DataError::Form`] if a part has no rows, a group or a column is unknown, or a share is out of range.
pub fn split(content: Content, given: Option<Rows>, options: &SplitOptions) -> Result<Parts, DataError> {
    check(options).map_err(|problem| option_error("split", problem))?;
    let (rows, given, validation) = match (content, given) {
        (Content::Rows(rows), given) => (rows, given, None),
        (Content::Parts { train, validation, test }, None) => (train, Some(test), validation),
        (Content::Parts { train, .. }, Some(given)) => {
            let problem = format!("has a test part of its own, so {} cannot be another", given.name);
            return Err(form_error(&train.name, problem));
        }
    };
    let rows = rows.settled()?;
    let given = given.map(Rows::settled).transpose()?;
    let validation = validation.map(Rows::settled).transpose()?;
    for part in [&given, &validation].into_iter().flatten() {
        fit_each_other(&rows, part)?;
    }
    let splitter = Splitter::new(&rows, options)?;
    let mut notes = notes(&[Some(&rows), given.as_ref(), validation.as_ref()]);
    let mut how = Vec::new();
    let all: Vec<u32> = (0..rows.len() as u32).collect();
    let (rest, test) = match given {
        Some(test) => {
            how.push("test part as given".into());
            (all, test)
        }
        None => {
            let (rest, test) = splitter.test(all, &mut how)?;
            if rows.overlap && splitter.groups.is_none() {
                notes.push(OVERLAP.into());
            }
            (rest, rows.pick(&test))
        }
    };
    let (train, validation) = match validation {
        Some(validation) => (rest, validation),
        None => {
            let (rest, validation) = splitter.validation(rest, &mut how, &mut notes)?;
            (rest, rows.pick(&validation))
        }
    };
    Ok(Parts { train: rows.pick(&train), validation, test, how: how.join("; "), notes })
}

/// What is said of windows that share rows and are split one by one.
const OVERLAP: &str = "neighbouring windows overlap, so the test part is not new to the network: split by a column";

/// The notes of all parts, each with the name of its source.
fn notes(parts: &[Option<&Rows>]) -> Vec<String> {
    let of_part = |part: &&Rows| part.notes.iter().map(|note| format!("{}: {note}", part.name)).collect::<Vec<_>>();
    parts.iter().flatten().flat_map(of_part).collect()
}

/// Whether shares and counts are in range.
fn check(options: &SplitOptions) -> Result<(), String> {
    if !(0.0..1.0).contains(&options.validation) {
        return Err(format!("a validation part of {} of the rows, allowed is 0 to below 1", options.validation));
    }
    match &options.test {
        TestPart::Share(share) if !(*share > 0.0 && *share < 1.0) => {
            Err(format!("a test part of {share} of the rows, allowed is above 0 and below 1"))
        }
        TestPart::Fold { index, count } if *count < 2 || index >= count => {
            Err(format!("fold {index} of {count}, allowed are at least 2 folds, counted from 0"))
        }
        TestPart::Groups(_) if options.by.is_none() => Err("groups for the test part need a column to split by".into()),
        _ => Ok(()),
    }
}

/// Whether a part that was given has rows like those to learn from.
fn fit_each_other(rows: &Rows, part: &Rows) -> Result<(), DataError> {
    if rows.shape != part.shape {
        let problem = format!("rows are {}, those to learn from ({}) are {}", part.shape, rows.name, rows.shape);
        return Err(form_error(&part.name, problem));
    }
    if rows.names != part.names && !rows.names.is_empty() && !part.names.is_empty() {
        let problem = format!("columns have other names, or another order, than those of {}", rows.name);
        return Err(form_error(&part.name, problem));
    }
    Ok(())
}

/// What decides about rows.
struct Splitter<'a> {
    rows: &'a Rows,
    options: &'a SplitOptions,
    groups: Option<&'a Groups>,
}

impl<'a> Splitter<'a> {
    fn new(rows: &'a Rows, options: &'a SplitOptions) -> Result<Self, DataError> {
        let find = |by: &String| {
            let found = rows.groups.iter().find(|groups| groups.column == *by);
            found.ok_or_else(|| form_error(&rows.name, format!("there is no column '{by}' to split by")))
        };
        Ok(Self { rows, options, groups: options.by.as_ref().map(find).transpose()? })
    }

    fn error(&self, problem: impl Into<String>) -> DataError {
        form_error(&self.rows.name, problem)
    }

    /// The rest and the test part.
    fn test(&self, all: Vec<u32>, how: &mut Vec<String>) -> Result<(Vec<u32>, Vec<u32>), DataError> {
        let (rest, test) = match self.groups {
            Some(groups) => {
                let chosen = self.test_groups(groups)?;
                how.push(format!("test part: {}", listed(groups, &chosen)));
                all.into_iter().partition(|&row| !chosen.contains(&groups.of_rows[row as usize]))
            }
            None => {
                let is_test = |hash: u32| match self.options.test {
                    TestPart::Fold { index, count } => (u64::from(hash) * u64::from(count)) >> 32 == u64::from(index),
                    TestPart::Share(share) => is_within(hash, share),
                    TestPart::Groups(_) => false,
                };
                how.push("test part: by the SHA-256 of each row's values".into());
                all.into_iter().partition::<Vec<u32>, _>(|&row| !is_test(hashes(self.rows, row as usize)[0]))
            }
        };
        if test.is_empty() || rest.is_empty() {
            let which = if test.is_empty() { "test part" } else { "part to learn from" };
            return Err(self.error(format!("{} rows are too few: the {which} has none", self.rows.len())));
        }
        Ok((rest, test))
    }

    /// The groups of the test part.
    fn test_groups(&self, groups: &Groups) -> Result<Vec<u32>, DataError> {
        let ranked = ranked(groups);
        let count = ranked.len();
        let column = &groups.column;
        let folds = if let TestPart::Fold { count, .. } = self.options.test { count as usize } else { 2 };
        if count < folds {
            return Err(self.error(format!("column '{column}' has {count} different texts, needs at least {folds}")));
        }
        match &self.options.test {
            TestPart::Share(share) => {
                let kept = ((count as f64 * share).round() as usize).clamp(1, count - 1);
                Ok(ranked[..kept].to_vec())
            }
            TestPart::Fold { index, count } => {
                Ok(ranked.into_iter().skip(*index as usize).step_by(*count as usize).collect())
            }
            TestPart::Groups(names) => names
                .iter()
                .map(|name| {
                    let found = groups.names.iter().position(|known| known == name).map(|at| at as u32);
                    found.ok_or_else(|| {
                        let known = listed(groups, &(0..count as u32).collect::<Vec<_>>());
                        self.error(format!("column '{column}' has no '{name}'; it has {known}"))
                    })
                })
                .collect(),
        }
    }

    /// What is left to learn from and the part to choose by.
    fn validation(
        &self,
        rest: Vec<u32>,
        how: &mut Vec<String>,
        notes: &mut Vec<String>,
    ) -> Result<(Vec<u32>, Vec<u32>), DataError> {
        let share = self.options.validation;
        if share == 0.0 {
            return Ok((rest, Vec::new()));
        }
        if let Some(groups) = self.groups {
            let mut left = ranked(groups);
            let present: HashSet<u32> = rest.iter().map(|&row| groups.of_rows[row as usize]).collect();
            left.retain(|group| present.contains(group));
            if left.len() > 1 {
                let kept = ((left.len() as f64 * share).round() as usize).clamp(1, left.len() - 1);
                let chosen = &left[..kept];
                how.push(format!("validation part: {}", listed(groups, chosen)));
                return Ok(rest.into_iter().partition(|&row| !chosen.contains(&groups.of_rows[row as usize])));
            }
            notes.push(format!(
                "one of '{}' is left to learn from, so the validation part is cut by rows",
                groups.column
            ));
        }
        how.push("validation part: by the SHA-256 of each row's values".into());
        let is_far = |row: u32| !is_within(hashes(self.rows, row as usize)[1], share);
        let class = |row: u32| self.rows.labels.as_ref().map(|labels| labels.of_rows[row as usize]);
        let (train, near): (Vec<u32>, Vec<u32>) = rest.iter().partition(|&&row| is_far(row));
        let learned: HashSet<Option<u32>> = train.iter().map(|&row| class(row)).collect();
        // A class of which nothing would be left to learn from is not cut.
        let chosen: HashSet<u32> = near.into_iter().filter(|&row| learned.contains(&class(row))).collect();
        let (train, validation): (Vec<u32>, Vec<u32>) = rest.into_iter().partition(|row| !chosen.contains(row));
        if train.is_empty() {
            return Err(self.error("no rows are left to learn from; make the validation part smaller"));
        }
        Ok((train, validation))
    }
}

/// The two numbers that decide about a row.
fn hashes(rows: &Rows, row: usize) -> [u32; 2] {
    let width = rows.width();
    hashes_of((row * width..(row + 1) * width).map(|at| rows.values.real(at)))
}

/// The two numbers that decide about the row of these values.
pub(crate) fn hashes_of(values: impl Iterator<Item = f32>) -> [u32; 2] {
    let mut hash = Sha256::new();
    for value in values {
        // One number is one text: zero has no sign, what is no number has one form.
        let value = if value == 0.0 {
            0.0
        } else if value.is_nan() {
            f32::NAN
        } else {
            value
        };
        hash.update(value.to_le_bytes());
    }
    first_numbers(&hash.finalize())
}

/// The first two big-endian numbers of a digest.
fn first_numbers(digest: &[u8]) -> [u32; 2] {
    let number = |at: usize| digest[at..at + 4].iter().fold(0, |number, &byte| number << 8 | u32::from(byte));
    [number(0), number(4)]
}

/// Whether a hash lies within the first `share` of all hashes.
pub(crate) fn is_within(hash: u32, share: f64) -> bool {
    f64::from(hash) < share * 4_294_967_296.0
}

/// The groups that have rows, by the SHA-256 of their names.
fn ranked(groups: &Groups) -> Vec<u32> {
    let present: BTreeSet<u32> = groups.of_rows.iter().copied().collect();
    let mut ranked: Vec<u32> = present.into_iter().collect();
    ranked.sort_by_cached_key(|&group| Sha256::digest(groups.names[group as usize].as_bytes()).to_vec());
    ranked
}

/// Some groups for people.
fn listed(groups: &Groups, some: &[u32]) -> String {
    let names: Vec<&str> = some.iter().take(12).map(|&group| groups.names[group as usize].as_str()).collect();
    let more = if some.len() > 12 { ", ..." } else { "" };
    format!("{} of {} of column '{}': {}{more}", some.len(), groups.names.len(), groups.column, names.join(", "))
}
