//! Reading model files and the rows that go through them.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use bitfab::format::{Kind, Model, Shape, Tensor, WeightKind, align};
use bitfab::sim::Run;
use bitfab::sim::software::output_values;
use bitfab::train::{Dataset, Split};

use super::files;
use crate::axes;

/// Which model, and at which precision.
#[derive(Debug, clap::Args)]
pub struct Source {
    /// The model file.
    #[arg(value_name = "MODEL")]
    pub model: PathBuf,
    /// Use at most this many planes of a file of several precisions [default: all].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=8))]
    pub planes: Option<u32>,
}

impl Source {
    /// Reads and checks the file.
    pub fn open(&self) -> Result<ModelFile> {
        let mut file = ModelFile::read(&self.model)?;
        if let Some(planes) = self.planes {
            let has_planes = file.model()?.layers().any(|layer| layer.weights.kind() == WeightKind::Planes);
            ensure!(has_planes, "{} has no layers of planes; leave out --planes", self.model.display());
            file.planes = planes;
        }
        Ok(file)
    }
}

/// A model file in memory that has been checked.
#[derive(Debug)]
pub struct ModelFile {
    words: Vec<u32>,
    /// The most planes that are used.
    planes: u32,
}

impl ModelFile {
    /// Reads and checks a file.
    pub fn read(path: &Path) -> Result<Self> {
        ensure!(!path.is_dir(), "{} is a folder, not a model file", path.display());
        let bytes = files::read(path).context("no model file (`bitfab compile` makes one)")?;
        let words = align(&bytes);
        // The aligned copy is at least as long as the file; its true length decides whether it was cut.
        let aligned: &[u8] = bytemuck::cast_slice(&words);
        let refused =
            || format!("{} ({} bytes) is refused; make it again by `bitfab compile`", path.display(), bytes.len());
        let model = Model::new(aligned.get(..bytes.len()).unwrap_or(aligned)).with_context(refused)?;
        // Firmware reads a model from the start of a partition; a file holds nothing else.
        let length = size_of_val(model.words());
        ensure!(length == bytes.len(), "{}: the file is longer than the {length} bytes of its model", refused());
        Ok(Self { words, planes: 8 })
    }

    /// The words of the whole file, every precision included.
    pub fn words(&self) -> &[u32] {
        &self.words
    }

    /// The words of a model that was just compiled.
    pub const fn from_words(words: Vec<u32>) -> Self {
        Self { words, planes: 8 }
    }

    /// The model.
    pub fn model(&self) -> Result<Model<'_>> {
        Ok(Model::from_words(&self.words)?.with_planes(self.planes))
    }
}

/// What rows a model takes.
#[derive(Clone, Copy, Debug)]
pub struct Need {
    /// Sizes of a row.
    pub shape: Shape,
    /// Bytes with or without a sign.
    pub kind: Kind,
}

impl From<Tensor> for Need {
    fn from(tensor: Tensor) -> Self {
        Self { shape: tensor.shape, kind: tensor.kind }
    }
}

/// The rows of the test part that a model is judged by, at most `limit`.
pub fn rows<'d>(model: &Model<'_>, data: &'d Dataset, limit: Option<usize>) -> Result<Vec<&'d [u8]>> {
    part(model.input().into(), data, &data.test, limit)
}

/// The rows of a part of a data set, at most `limit`.
pub fn part<'d>(need: Need, data: &Dataset, split: &'d Split, limit: Option<usize>) -> Result<Vec<&'d [u8]>> {
    let shape = data.shape;
    let fits = axes::is_row(&[shape.height, shape.width, shape.channels].map(u64::from), need.shape);
    let wanted = format!("{}x{}x{}", need.shape.height, need.shape.width, need.shape.channels);
    ensure!(
        fits,
        "data set {} has rows of {shape}, the model takes {wanted}; choose the data it was made for",
        data.name
    );
    ensure!(
        need.kind == Kind::U8,
        "the model takes signed bytes, data sets hold unsigned ones; name rows of int8 in a FILE.npy, or import the model \
         with --input, which says what an unsigned byte stands for"
    );
    let width = need.shape.volume() as usize;
    Ok(split.inputs.chunks_exact(width).take(limit.unwrap_or(usize::MAX)).collect())
}

/// Pairs of true class and predicted class.
pub fn predictions(model: &Model<'_>, split: &Split, runs: &[Run]) -> Result<Vec<(usize, usize)>> {
    Ok(split.labels.iter().map(|&label| usize::from(label)).zip(classes(model, runs)?).collect())
}

/// The class of each run: the largest score or level, the first of equals.
pub fn classes(model: &Model<'_>, runs: &[Run]) -> Result<Vec<usize>> {
    let Some(last) = model.layers().last().filter(|last| last.output.kind != Kind::Sign) else {
        bail!("the model ends in signs and so has no scores; end it in a layer without a sign");
    };
    let is_one = last.output.shape.volume() == 1;
    ensure!(
        !is_one,
        "the model has one score, which is a number and no class; `bitfab run` without --arg-max gives it"
    );
    let class = |run: &Run| {
        let scores = output_values(&last, &run.output);
        // The last of equals is taken: seen from the end, that is the first.
        (0..scores.len()).rev().max_by_key(|&at| scores[at]).unwrap_or(0)
    };
    Ok(runs.iter().map(class).collect())
}
