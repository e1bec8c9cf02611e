//! From a name or a file to rows, and from rows to a data set.

use std::fs;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use bitfab::data::formats::{hapt_windows, series, watch};
use bitfab::data::{
    Content, Dataset, Expected, Form, IdxFiles, Labels, Parts, Rows, TableOptions, Values, assemble, check_size,
    digits, from_idx, read, read_array, read_table, split, windows,
};
use clap::ValueEnum;

use super::fetch;
use super::known::{HAPT_TEST, Known, WATCH_TEST};
use super::reading::{Format, Learning, Part, Splitting};
use crate::io::files;

/// Decides the order of the embedded digits; the same everywhere, so that no test row is learned from.
const SPLIT_SEED: u64 = 0;

/// What a name or a file holds.
#[derive(Debug)]
pub enum Loaded {
    /// Rows of bytes in two parts.
    Set(Dataset),
    /// Rows as they were read from a file of the user.
    File(Content),
    /// Rows of a known data set, and the column and texts of its test part where it has such.
    Known(Content, Option<TestGroups>),
}

/// A column and the texts in it that are the test part.
type TestGroups = (&'static str, &'static [&'static str]);

/// A data set by name or file, read and split as is the default.
pub fn load(name: &str, dir: Option<&Path>) -> Result<Dataset> {
    let mut how = Learning::default();
    how.format.dir = dir.map(Path::to_owned);
    dataset(name, &how, 0.0)
}

/// A data set to learn from; where its rows are split here, a share of the training part is cut off to choose by.
pub fn dataset(name: &str, how: &Learning, validation: f64) -> Result<Dataset> {
    let groups = how.splitting.split.as_slice();
    match Loaded::of(name, &how.format, groups, None)? {
        // Whoever learns cuts the rows to choose by.
        Loaded::Set(data) => {
            ensure!(
                !how.splitting.is_asked() && how.test.is_none() && how.fold.is_none(),
                "{name} has its own test part: leave out --split, --test-groups, --test-share, --test and --folds"
            );
            Ok(data)
        }
        Loaded::File(content) => learn(content, None, how, validation),
        Loaded::Known(content, default) => learn(content, default, how, validation),
    }
}

/// Rows in parts, coded by what is learned from the part to learn from.
fn learn(content: Content, default: Option<TestGroups>, how: &Learning, validation: f64) -> Result<Dataset> {
    let given = how.test.as_deref().map(|path| given(path, &how.format)).transpose()?;
    let options = how.split(default.filter(|_| given.is_none()), validation);
    let parts = split(content, given, &options)?;
    Ok(assemble(parts, &how.codings())?)
}

/// The rows of a file that is the test part.
fn given(path: &Path, format: &Format) -> Result<Rows> {
    let name = path.to_string_lossy();
    match Loaded::of(&name, format, &[], None)? {
        Loaded::File(Content::Rows(rows)) => Ok(rows),
        Loaded::File(Content::Parts { test, .. }) => Ok(test),
        Loaded::Set(_) | Loaded::Known(..) => bail!("--test is a file, {name} is a known data set"),
    }
}

impl Loaded {
    /// Reads a known data set or a file of any form; `groups` are columns of a table that are no values, `expected` is
    /// what a model takes.
    pub fn of(name: &str, format: &Format, groups: &[String], expected: Option<Expected>) -> Result<Self> {
        let Ok(known) = Known::from_str(name, false) else {
            return Ok(Self::File(file(Path::new(name), format, groups, expected)?));
        };
        format.no_table(name)?;
        ensure!(format.labels.is_none(), "--labels is for rows in FILE.npy; {name} has its own classes");
        if known == Known::Digits {
            no_windows(known, format)?;
            return Ok(Self::Set(digits(SPLIT_SEED)?));
        }
        let folder = fetch::root(format.dir.as_deref())?.join(known.name());
        ensure!(
            known.is_here(folder.parent().unwrap_or(&folder)),
            "data set {name} is not in {}; get it by `bitfab data get {name}`",
            folder.display()
        );
        let files: Result<Vec<Vec<u8>>> = known.pins().iter().map(|pin| files::read(&folder.join(pin.file))).collect();
        read_known(known, &files?, format)
            .with_context(|| format!("in {}; get it again by `bitfab data get {name}`", folder.display()))
    }

    /// The rows of one part, cut as `bitfab train` cuts them; where no part is named the test part of what has parts, and
    /// all rows of a file that has none.
    ///
    /// # Errors
    /// Where a split is asked for that the rows do not allow, or that no part is asked of.
    pub fn part(self, part: Option<Part>, splitting: &Splitting, validation: f64) -> Result<Rows> {
        let parts = match self {
            Self::Set(data) => {
                ensure!(!splitting.is_asked(), "{} has its own test part: leave out --split", data.name);
                ensure!(part != Some(Part::Validation), "{} has no validation part of its own", data.name);
                parts_of(&data)?
            }
            Self::File(Content::Rows(rows)) if part.is_none() => {
                ensure!(!splitting.is_asked(), "all rows are used; --split and --test-share are for --part test");
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
            Part::All => bail!("the parts are rows of their own: name one of test, train, validation"),
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
    let rows = |split: &bitfab::data::Split| -> Result<Rows> {
        let mut rows = Rows::new(&data.name, data.shape, Values::Bytes(split.inputs.clone()))?;
        let of_rows = split.labels.iter().map(|&label| u32::from(label)).collect();
        rows.labels = Some(Labels { of_rows, names: data.interface.classes.clone(), ..Labels::default() });
        Ok(rows)
    };
    let (train, validation, test) = (rows(&data.train)?, rows(&data.validation)?, rows(&data.test)?);
    Ok(Parts { train, validation, test, how: String::new(), notes: Vec::new() })
}

/// Known data sets whose rows are no time series.
fn no_windows(known: Known, format: &Format) -> Result<()> {
    ensure!(format.windows(None)?.is_none(), "{} is no time series: leave out --window", known.name());
    Ok(())
}

fn read_known(known: Known, files: &[Vec<u8>], format: &Format) -> Result<Loaded> {
    let name = known.name();
    let windowed = |default| format.windows(Some(default))?.context("windows have a length");
    Ok(match (known, files) {
        (Known::Mnist | Known::FashionMnist, [train_images, train_labels, test_images, test_labels]) => {
            no_windows(known, format)?;
            Loaded::Set(from_idx(name, IdxFiles { train_images, train_labels, test_images, test_labels })?)
        }
        (Known::Hapt, [pickle]) => {
            let mut plain = Vec::new();
            let mut unpacked = flate2::read::GzDecoder::new(&pickle[..]).take(bitfab::data::MAX_BYTES);
            unpacked.read_to_end(&mut plain).context("the file is not gzipped")?;
            let rows = hapt_windows(&plain, &windowed((128, 64, "recording"))?)?;
            Loaded::Known(Content::Rows(rows), Some(("person", &HAPT_TEST)))
        }
        (Known::Watch, [array]) => {
            let rows = windows(watch(array)?, &windowed((100, 50, "recording"))?)?;
            Loaded::Known(Content::Rows(rows), Some(("person", &WATCH_TEST)))
        }
        (Known::JapaneseVowels, [train, test]) => {
            no_windows(known, format)?;
            Loaded::Known(series(name, train, test)?, None)
        }
        (_, [table]) => {
            no_windows(known, format)?;
            Loaded::Known(Content::Rows(read_table(name, table, &TableOptions::default())?), None)
        }
        _ => bail!("data set {name} is not made of {} files", files.len()),
    })
}

/// A file of the user, in windows where that is asked for.
fn file(path: &Path, format: &Format, groups: &[String], expected: Option<Expected>) -> Result<Content> {
    let name = path.to_string_lossy();
    let Some(form) = Form::of(&name) else {
        bail!("no data set '{name}': use {}, FILE.csv, .tsv, .txt, .dat, FILE.npy or FILE.npz", Known::names());
    };
    if form != Form::Table {
        format.no_table(&name)?;
    }
    let size = fs::metadata(path).with_context(|| format!("cannot read {name}"))?.len();
    check_size(&name, size)?;
    let mut content = read(&name, form, &files::read(path)?, &format.table(groups, expected))?;
    if let Some(labels) = &format.labels {
        ensure!(form == Form::Array, "--labels is for rows in FILE.npy; {name} has its own classes");
        let labels_name = labels.to_string_lossy();
        let labels = read_array(&labels_name, &files::read(labels)?)?.into_labels(&labels_name)?;
        content = match content {
            Content::Rows(rows) => Content::Rows(rows.with_labels(labels)?),
            parts => parts,
        };
    }
    let Some(options) = format.windows(None)? else { return Ok(content) };
    Ok(match content {
        Content::Rows(rows) => Content::Rows(windows(rows, &options)?),
        Content::Parts { train, validation, test } => Content::Parts {
            train: windows(train, &options)?,
            validation: validation.map(|rows| windows(rows, &options)).transpose()?,
            test: windows(test, &options)?,
        },
    })
}
