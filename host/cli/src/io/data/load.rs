//! From a name or a file to rows, and from rows to a data set.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use bitfab::data::{Content, Dataset, Expected, Form, Rows, check_size, read, read_array, windows};
use bitfab::{Known, Learning, Loaded};

use super::fetch;
use super::reading::{Format, LearningArguments};
use crate::io::files;

/// A data set by name or file, read and split as is the default.
pub fn load(name: &str, dir: Option<&Path>) -> Result<Dataset> {
    let mut format = Format::default();
    format.dir = dir.map(Path::to_owned);
    Ok(loaded(name, &format, &[], None)?.dataset(Learning::default())?)
}

/// A data set to learn from; where its rows are split here, a share of the training part is cut off to choose by, and
/// one of so many folds is the test part where that is asked for.
pub fn dataset(name: &str, how: &LearningArguments, fold: Option<(u32, u32)>, validation: f64) -> Result<Dataset> {
    let splitting = how.splitting.value();
    let loaded = loaded(name, &how.format, splitting.split.as_slice(), None)?;
    let test = how.test.as_deref().map(|path| given(path, &how.format)).transpose()?;
    Ok(loaded.dataset(Learning { splitting, fold, codings: how.codings(), test, validation })?)
}

/// The rows of a file that is the test part.
fn given(path: &Path, format: &Format) -> Result<Rows> {
    let name = path.to_string_lossy();
    match loaded(&name, format, &[], None)? {
        Loaded::File(Content::Rows(rows)) => Ok(rows),
        Loaded::File(Content::Parts { test, .. }) => Ok(test),
        Loaded::Set(_) | Loaded::Known(..) => bail!("--test is a file, {name} is a known data set"),
    }
}

/// Reads a known data set or a file of any form; `groups` are columns of a table that are no values, `expected` is what
/// a model takes.
pub fn loaded(name: &str, format: &Format, groups: &[String], expected: Option<Expected>) -> Result<Loaded> {
    let Some(known) = Known::named(name) else {
        return Ok(Loaded::File(file(Path::new(name), format, groups, expected)?));
    };
    format.no_table(name)?;
    ensure!(format.labels.is_none(), "--labels is for rows in FILE.npy; {name} has its own classes");
    if known == Known::Digits {
        return Ok(known.read(&[], &format.windowing())?);
    }
    let root = fetch::root(format.dir.as_deref())?;
    let folder = root.join(known.name());
    ensure!(
        fetch::is_here(known, &root),
        "data set {name} is not in {}; get it by `bitfab data get {name}`",
        folder.display()
    );
    let files: Result<Vec<Vec<u8>>> = known.pins().iter().map(|pin| files::read(&folder.join(pin.file))).collect();
    known
        .read(&files?, &format.windowing())
        .with_context(|| format!("in {}; get it again by `bitfab data get {name}`", folder.display()))
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
    let Some(options) = format.windowing().options(None)? else { return Ok(content) };
    Ok(match content {
        Content::Rows(rows) => Content::Rows(windows(rows, &options)?),
        Content::Parts { train, validation, test } => Content::Parts {
            train: windows(train, &options)?,
            validation: validation.map(|rows| windows(rows, &options)).transpose()?,
            test: windows(test, &options)?,
        },
    })
}
