//! From rows that were read to parts, and to a data set to learn from.

use std::io::Read;

use bitfab_data::formats::{hapt_windows, series, watch};
use bitfab_data::{
    CodingOptions, Content, Dataset, IdxFiles, Labels, MAX_BYTES, Parts, Rows, Split, TableOptions, TestPart, Values,
    WindowOptions, assemble, digits, from_idx, read_table, split, windows,
};

use super::choices::{Part, Splitting, TestGroups, Windowing};
use super::known::{HAPT_TEST, Known, WATCH_TEST};
use crate::Result;

/// Decides the order of the embedded digits; the same everywhere, so that no test row is learned from.
const SPLIT_SEED: u64 = 0;

/// What a name or a file holds.
#[derive(Clone, Debug)]
pub enum Loaded {
    /// Rows of bytes in two parts.
    Set(Dataset),
    /// Rows as they were read from a file of the user.
    File(Content),
    /// Rows of a known data set, and the column and texts of its test part where it has such.
    Known(Content, Option<TestGroups>),
}

/// How rows become a data set to learn from.
#[derive(Clone, Debug, Default)]
pub struct Learning {
    /// How they are split.
    pub splitting: Splitting,
    /// Which of how many test parts, where each row is judged once.
    pub fold: Option<(u32, u32)>,
    /// How real values become bytes.
    pub codings: CodingOptions,
    /// The test part, where it has a file of its own.
    pub test: Option<Rows>,
    /// Share of the training rows that is cut off to choose by.
    pub validation: f64,
}

impl Loaded {
    /// A data set to learn from; of those that have parts, whoever learns cuts the rows to choose by.
    ///
    /// # Errors
    /// [`Error::Choice`](crate::Error::Choice) where a split is asked of what has its own;
    /// [`Error::Data`](crate::Error::Data) where the rows do not allow it.
    pub fn dataset(self, how: Learning) -> Result<Dataset> {
        let (content, default) = match self {
            Self::Set(data) => {
                ensure!(
                    !how.splitting.is_asked() && how.test.is_none() && how.fold.is_none(),
                    Choice,
                    "{} has its own test part: leave out --split, --test-groups, --test-share, --test and --folds",
                    data.name
                );
                return Ok(data);
            }
            Self::File(content) => (content, None),
            Self::Known(content, default) => (content, default),
        };
        let mut options = how.splitting.options(default.filter(|_| how.test.is_none()), how.validation);
        if let Some((index, count)) = how.fold {
            options.test = TestPart::Fold { index, count };
        }
        Ok(assemble(split(content, how.test, &options)?, &how.codings)?)
    }

    /// The rows of one part, cut as they are for learning; where no part is named the test part of what has parts, and all
    /// rows of a file that has none.
    ///
    /// # Errors
    /// Where a split is asked for that the rows do not allow, or that no part is asked of.
    pub fn part(self, part: Option<Part>, splitting: &Splitting, validation: f64) -> Result<Rows> {
        let parts = match self {
            Self::Set(data) => {
                let (name, asked) = (&data.name, splitting.is_asked());
                ensure!(!asked, Choice, "{name} has its own test part: leave out --split");
                ensure!(part != Some(Part::Validation), Choice, "{name} has no validation part of its own");
                parts_of(&data)?
            }
            Self::File(Content::Rows(rows)) if part.is_none() => {
                let is_asked = splitting.is_asked();
                ensure!(!is_asked, Choice, "all rows are used; --split and --test-share are for --part test");
                return Ok(rows);
            }
            Self::File(Content::Rows(rows)) | Self::Known(Content::Rows(rows), _) if part == Some(Part::All) => {
                return Ok(rows);
            }
            Self::File(content) => split(content, None, &splitting.options(None, validation))?,
            Self::Known(content, default) => split(content, None, &splitting.options(default, validation))?,
        };
        match part.unwrap_or(Part::Test) {
            Part::Test => Ok(parts.test),
            Part::Train => Ok(parts.train),
            Part::Validation => Ok(parts.validation),
            Part::All => {
                bail!(Choice, "the parts are rows of their own: name one of test, train, validation")
            }
        }
    }

    /// The rows to learn from where there are parts, else all.
    ///
    /// # Errors
    /// As [`Self::part`].
    pub fn rows_to_learn_from(self, splitting: &Splitting) -> Result<Rows> {
        match self {
            Self::File(Content::Rows(rows)) => Ok(rows),
            other => other.part(Some(Part::Train), splitting, 0.0),
        }
    }
}

/// The parts of a data set as rows.
fn parts_of(data: &Dataset) -> Result<Parts> {
    let rows = |split: &Split| -> Result<Rows> {
        let mut rows = Rows::new(&data.name, data.shape, Values::Bytes(split.inputs.clone()))?;
        let of_rows = split.labels.iter().map(|&label| u32::from(label)).collect();
        rows.labels = Some(Labels { of_rows, names: data.interface.classes.clone(), ..Labels::default() });
        Ok(rows)
    };
    let (train, validation, test) = (rows(&data.train)?, rows(&data.validation)?, rows(&data.test)?);
    Ok(Parts { train, validation, test, how: String::new(), notes: Vec::new() })
}

impl Known {
    /// Reads the data set from the contents of its [files](Self::pins), in their order; the embedded one has none.
    ///
    /// # Errors
    /// [`Error::Data`](crate::Error::Data) where a file is damaged, [`Error::Choice`](crate::Error::Choice) where windows
    /// are asked of rows that are no time series.
    pub fn read(self, files: &[Vec<u8>], asked: &Windowing) -> Result<Loaded> {
        let name = self.name();
        let is_series = matches!(self, Self::Hapt | Self::Watch);
        let is_plain = is_series || asked.options(None)?.is_none();
        ensure!(is_plain, Choice, "{name} is no time series: leave out --window");
        Ok(match (self, files) {
            (Self::Digits, []) => Loaded::Set(digits(SPLIT_SEED)?),
            (Self::Mnist | Self::FashionMnist, [train_images, train_labels, test_images, test_labels]) => {
                Loaded::Set(from_idx(name, IdxFiles { train_images, train_labels, test_images, test_labels })?)
            }
            (Self::Hapt, [pickle]) => {
                let rows = hapt_windows(&unpacked(pickle)?, &windowed(asked, (128, 64, "recording"))?)?;
                Loaded::Known(Content::Rows(rows), Some(("person", &HAPT_TEST)))
            }
            (Self::Watch, [array]) => {
                let rows = windows(watch(array)?, &windowed(asked, (100, 50, "recording"))?)?;
                Loaded::Known(Content::Rows(rows), Some(("person", &WATCH_TEST)))
            }
            (Self::JapaneseVowels, [train, test]) => Loaded::Known(series(name, train, test)?, None),
            (_, [table]) => Loaded::Known(Content::Rows(read_table(name, table, &TableOptions::default())?), None),
            _ => bail!(Rows, "data set {name} is not made of {} files", files.len()),
        })
    }
}

/// The windows that are asked for, or those of a known data set.
fn windowed(asked: &Windowing, default: (u32, u32, &str)) -> Result<WindowOptions> {
    match asked.options(Some(default))? {
        Some(options) => Ok(options),
        None => bail!(Choice, "windows have a length"),
    }
}

/// The contents of a gzipped file.
fn unpacked(file: &[u8]) -> Result<Vec<u8>> {
    let mut plain = Vec::new();
    match flate2::read::GzDecoder::new(file).take(MAX_BYTES).read_to_end(&mut plain) {
        Ok(_) => Ok(plain),
        Err(error) => bail!(Rows, "the file is not gzipped: {error}"),
    }
}
