//! The rows that a model is judged by: the test part of a data set, or the user's own arrays.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use bitfab_format::Model;
use bitfab_report::Confusion;
use bitfab_sim::Run;

use crate::models::Need;
use crate::{data, files, models, npy};

/// Where rows come from.
#[derive(Debug, clap::Args)]
pub struct From {
    /// digits, mnist, fashion-mnist, FILE.csv, FILE.npz (their test part is used), or rows for the model in FILE.npy,
    /// N x height x width x channels or flat in that order.
    #[arg(long, value_name = "DATA")]
    pub data: String,
    /// Folder of the data sets [default: $BITFAB_DATA or the user's cache folder].
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Classes of the rows of FILE.npy, integers from 0.
    #[arg(long, value_name = "FILE.npy")]
    pub labels: Option<PathBuf>,
}

/// Rows and, where they are known, their classes.
#[derive(Debug)]
pub struct Inputs {
    /// Name for people.
    pub name: String,
    bytes: Vec<u8>,
    width: usize,
    labels: Option<Vec<usize>>,
    class_names: Vec<String>,
}

impl From {
    /// Reads at most `limit` rows that fit `model`.
    pub fn load(&self, model: &Model<'_>, limit: Option<usize>) -> Result<Inputs> {
        if Path::new(&self.data).extension().is_some_and(|extension| extension == "npy") {
            return self.arrays(model, limit);
        }
        ensure!(self.labels.is_none(), "--labels is for rows in FILE.npy; {} has its own classes", self.data);
        let data = data::load(&self.data, self.dir.as_deref())?;
        let rows = models::rows(model, &data, limit)?;
        let labels = data.test.labels.iter().take(rows.len()).map(|&label| usize::from(label)).collect();
        let mut class_names = data.interface.classes.clone();
        class_names.truncate(data.classes as usize);
        Ok(Inputs {
            name: data.name.clone(),
            bytes: rows.concat(),
            width: model.input_bytes(),
            labels: Some(labels),
            class_names,
        })
    }

    /// Rows to measure ranges by: of the part to learn from where there are two, at most `limit`.
    pub fn calibration(&self, need: Need, limit: usize) -> Result<Vec<Vec<u8>>> {
        let path = Path::new(&self.data);
        if path.extension().is_some_and(|extension| extension == "npy") {
            let rows = npy::rows(&files::read(path)?, &need).with_context(|| path.display().to_string())?;
            return Ok(rows.slices().into_iter().take(limit).map(<[u8]>::to_vec).collect());
        }
        let data = data::load(&self.data, self.dir.as_deref())?;
        Ok(models::part(need, &data, &data.train, Some(limit))?.into_iter().map(<[u8]>::to_vec).collect())
    }

    fn arrays(&self, model: &Model<'_>, limit: Option<usize>) -> Result<Inputs> {
        let path = Path::new(&self.data);
        let rows = npy::rows(&files::read(path)?, &model.input().into()).with_context(|| path.display().to_string())?;
        let all = rows.slices();
        let count = limit.unwrap_or(usize::MAX).min(all.len());
        let labels = self.labels.as_deref().map(|path| -> Result<Vec<usize>> {
            let labels = npy::classes(&files::read(path)?).with_context(|| path.display().to_string())?;
            ensure!(labels.len() == all.len(), "{} classes for {} rows", labels.len(), all.len());
            Ok(labels[..count].to_vec())
        });
        let name = path.file_name().map_or(String::new(), |name| name.to_string_lossy().into_owned());
        let bytes = all[..count].concat();
        Ok(Inputs { name, bytes, width: model.input_bytes(), labels: labels.transpose()?, class_names: Vec::new() })
    }
}

impl Inputs {
    /// The rows.
    pub fn rows(&self) -> Vec<&[u8]> {
        self.bytes.chunks_exact(self.width).collect()
    }

    /// The classes, where they are known.
    pub fn labels(&self) -> Option<&[usize]> {
        self.labels.as_deref()
    }

    /// True and predicted classes of the model's runs.
    pub fn confusion(&self, model: &Model<'_>, runs: &[Run]) -> Result<Confusion> {
        let found = models::classes(model, runs)?;
        let labels = self.labels.as_ref().context("the rows have no classes; name their file by --labels FILE.npy")?;
        let classes = labels.iter().map(|&label| label + 1).max().unwrap_or(0).max(self.class_names.len());
        let classes = classes.max(model.output().shape.volume() as usize);
        Ok(Confusion::of(classes, labels.iter().copied().zip(found)).named(&self.class_names))
    }
}
