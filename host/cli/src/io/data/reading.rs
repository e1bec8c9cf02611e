//! What a person may say about rows, named alike on every command.

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use bitfab::data::{CodingOptions, Column, Expected, Label, Missing, Mixed, TableOptions};
use bitfab::{Part, Splitting, Windowing};
use clap::ValueEnum;

/// Headings of the help.
const READ: &str = "How rows are read";
const SPLIT: &str = "How rows are split";

/// How the rows of a file are read.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Format {
    /// Folder of the data sets [default: $BITFAB_DATA or the user's cache folder].
    #[arg(long, help_heading = READ, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Classes of the rows of FILE.npy: whole numbers from 0, or text.
    #[arg(long, help_heading = READ, value_name = "FILE.npy")]
    pub labels: Option<PathBuf>,
    /// Table: the column of the class, by name or by position from 1 [default: the last one].
    #[arg(long, help_heading = READ, value_name = "COLUMN")]
    label: Option<Column>,
    /// Table: the columns that are values, by comma, each a name, a position from 1 or a range such as 3-7
    /// [default: all that have no other role].
    #[arg(long, help_heading = READ, value_name = "COLUMNS", value_delimiter = ',')]
    columns: Vec<Column>,
    /// Table: columns that are left out, by comma.
    #[arg(long, help_heading = READ, value_name = "COLUMNS", value_delimiter = ',')]
    drop: Vec<Column>,
    /// Table: what stands between columns: `,`, `;`, tab or any other character [default: found out].
    #[arg(long, help_heading = READ, value_name = "CHARACTER", value_parser = delimiter)]
    delimiter: Option<u8>,
    /// Table: the sign before the decimals [default: found out].
    #[arg(long, help_heading = READ, value_name = "SIGN")]
    decimal: Option<Decimal>,
    /// Table: whether the first line names the columns [default: found out].
    #[arg(long, help_heading = READ, value_name = "WHETHER")]
    heading: Option<Heading>,
    /// Values that are missing (empty, ?, NA, NaN): refuse, drop the row, or mean of the training part.
    #[arg(long, help_heading = READ, value_name = "WHAT", default_value = "refuse")]
    missing: Missing,
    /// Cut rows in the order of time into windows of this many rows.
    #[arg(long, help_heading = READ, value_name = "ROWS", value_parser = clap::value_parser!(u32).range(1..))]
    window: Option<u32>,
    /// Rows from the start of one window to the next [default: as long as the window].
    #[arg(long, help_heading = READ, value_name = "ROWS", value_parser = clap::value_parser!(u32).range(1..))]
    step: Option<u32>,
    /// Columns within whose runs of equal text windows stay, by comma, such as person,recording.
    #[arg(long, help_heading = READ, value_name = "COLUMNS", value_delimiter = ',')]
    by: Vec<String>,
    /// What becomes of a window whose rows are of different classes.
    #[arg(long, help_heading = READ, value_name = "WHAT", default_value = "drop")]
    mixed: MixedWindows,
    /// Classes are not wanted.
    #[arg(skip)]
    pub is_unlabelled: bool,
}

/// The decimal sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Decimal {
    /// 1.5
    Point,
    /// 1,5
    Comma,
}

/// Whether the first line names the columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Heading {
    /// It does.
    Yes,
    /// It is a row like the others.
    No,
}

/// What becomes of windows of several classes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum MixedWindows {
    /// They are left out, and counted.
    #[default]
    Drop,
    /// They are of the class of most of their rows.
    Majority,
}

/// How rows are split into parts.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct SplittingArguments {
    /// Split by this column (a person, a day, a recording): its rows stay together [default: by a hash of each row].
    #[arg(long, help_heading = SPLIT, value_name = "COLUMN")]
    pub split: Option<String>,
    /// The texts in the column of --split that are the test part, by comma.
    #[arg(long, help_heading = SPLIT, value_name = "TEXTS", value_delimiter = ',', requires = "split", conflicts_with = "test_share")]
    pub test_groups: Vec<String>,
    /// Share of the rows, or of the texts of --split, that is the test part [default: 0.2].
    #[arg(long, help_heading = SPLIT, value_name = "SHARE")]
    pub test_share: Option<f64>,
}

/// What else a person may say about rows to learn from.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct LearningArguments {
    #[command(flatten)]
    pub format: Format,
    #[command(flatten)]
    pub splitting: SplittingArguments,
    /// The test part, in a file of its own, with the same columns.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["test_groups", "test_share"])]
    pub test: Option<PathBuf>,
    /// The values of byte 0 and byte 255 of every column, as LOW..HIGH [default: least and greatest of the training part].
    #[arg(long, value_name = "LOW..HIGH", value_parser = range, allow_hyphen_values = true)]
    range: Option<(f32, f32)>,
    /// Share of a column's values that may lie outside its range at either end.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    tails: f64,
    /// What one raw count of the sensor is worth in the unit of the values: devices may then take counts of 16 bits.
    #[arg(long, value_name = "VALUE")]
    count: Option<f64>,
}

/// Which part of the rows is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PartArgument {
    /// Rows to judge by.
    Test,
    /// Rows to learn from.
    Train,
    /// Rows to choose by.
    Validation,
    /// All.
    All,
}

impl From<PartArgument> for Part {
    fn from(part: PartArgument) -> Self {
        match part {
            PartArgument::Test => Self::Test,
            PartArgument::Train => Self::Train,
            PartArgument::Validation => Self::Validation,
            PartArgument::All => Self::All,
        }
    }
}

fn delimiter(text: &str) -> Result<u8> {
    match text.as_bytes() {
        _ if text == "tab" || text == "\\t" => Ok(b'\t'),
        &[one] if one.is_ascii() => Ok(one),
        _ => bail!("one character such as ; or |, or the word tab"),
    }
}

fn range(text: &str) -> Result<(f32, f32)> {
    let (low, high) = text.split_once("..").context("use LOW..HIGH, as in -2..2")?;
    let number = |text: &str| text.trim().parse::<f32>().with_context(|| format!("'{text}' is not a number"));
    Ok((number(low)?, number(high)?))
}

impl Format {
    /// Options for a table, whose columns `groups` are not values; `expected` is what a model takes.
    pub fn table(&self, groups: &[String], expected: Option<Expected>) -> TableOptions {
        let mut columns: Vec<Column> = Vec::new();
        for group in groups.iter().chain(&self.by) {
            let column = Column(group.clone());
            if !columns.contains(&column) {
                columns.push(column);
            }
        }
        TableOptions {
            label: match &self.label {
                Some(column) => Label::In(column.clone()),
                None if self.is_unlabelled => Label::Absent,
                None => Label::Auto,
            },
            columns: self.columns.clone(),
            drop: self.drop.clone(),
            groups: columns,
            delimiter: self.delimiter,
            decimal_comma: self.decimal.map(|decimal| decimal == Decimal::Comma),
            heading: self.heading.map(|heading| heading == Heading::Yes),
            missing: self.missing,
            expected,
        }
    }

    /// How windows are cut.
    pub fn windowing(&self) -> Windowing {
        let mixed = match self.mixed {
            MixedWindows::Drop => Mixed::Drop,
            MixedWindows::Majority => Mixed::Majority,
        };
        Windowing { length: self.window, step: self.step, by: self.by.clone(), mixed }
    }

    /// Whether windows are asked for.
    pub const fn has_windows(&self) -> bool {
        self.window.is_some()
    }

    /// Refuses what is for tables alone.
    pub fn no_table(&self, name: &str) -> Result<()> {
        let is_said = self.label.is_some()
            || !self.columns.is_empty()
            || !self.drop.is_empty()
            || self.delimiter.is_some()
            || self.decimal.is_some();
        ensure!(
            !is_said,
            "{name} is not a table of your own: leave out --label, --columns, --drop, --delimiter and --decimal"
        );
        Ok(())
    }
}

impl SplittingArguments {
    /// How rows are split.
    pub fn value(&self) -> Splitting {
        let Self { split, test_groups, test_share } = self.clone();
        Splitting { split, test_groups, test_share }
    }
}

impl LearningArguments {
    /// How real values become bytes.
    pub fn codings(&self) -> CodingOptions {
        CodingOptions { range: self.range, tails: self.tails, count: self.count }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_and_delimiters_are_read_or_refused_in_words() {
        assert_eq!(range("-2..2.5").unwrap(), (-2.0, 2.5));
        assert!(range("2").unwrap_err().to_string().contains("LOW..HIGH"));
        assert!(range("a..2").unwrap_err().to_string().contains("'a'"));
        assert_eq!(delimiter(";").unwrap(), b';');
        assert_eq!((delimiter("tab").unwrap(), delimiter("\\t").unwrap()), (b'\t', b'\t'));
        assert!(delimiter("ab").is_err() && delimiter("é").is_err());
    }
}
