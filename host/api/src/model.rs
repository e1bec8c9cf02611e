//! Model files in memory, and the classes that they give.

use std::cmp::Ordering;

use bitfab_compile::{CompileOptions, Rounded};
use bitfab_data::{Dataset, Takes, suits};
use bitfab_format::{Kind, Layer, Model, WeightKind, align};
use bitfab_graph::Graph;
use bitfab_report::Confusion;
use bitfab_sim::software::{Runtime, output_values};
use bitfab_sim::{Engine, Run};

use crate::parallel::Parallel;
use crate::progress::Told;
use crate::{Context, Result, Watch};

/// A model file in memory that has been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelFile {
    words: Vec<u32>,
    /// The most planes that are used.
    planes: u32,
}

impl ModelFile {
    /// Checks the bytes of a file, at any address.
    ///
    /// # Errors
    /// [`Error::Model`](crate::Error::Model) says where the bytes are no model, or that more follows it.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let words = align(bytes);
        // The aligned copy is at least as long as the file; its true length decides whether it was cut.
        let aligned: &[u8] = bytemuck::cast_slice(&words);
        Model::new(aligned.get(..bytes.len()).unwrap_or(aligned))?;
        Ok(Self { words, planes: 8 })
    }

    /// Checks the words of a file.
    ///
    /// # Errors
    /// As [`from_bytes`](Self::from_bytes).
    pub fn from_words(words: Vec<u32>) -> Result<Self> {
        Model::from_words(&words)?;
        Ok(Self { words, planes: 8 })
    }

    /// The words of the whole file, every precision included.
    pub fn words(&self) -> &[u32] {
        &self.words
    }

    /// The bytes of the whole file.
    pub fn to_bytes(&self) -> Vec<u8> {
        bitfab_compile::bytes(&self.words)
    }

    /// Whether some layer has planes, of which fewer may be used.
    pub fn has_planes(&self) -> bool {
        self.model().is_ok_and(|model| model.layers().any(|layer| layer.weights.kind() == WeightKind::Planes))
    }

    /// The same file, of whose planes at most so many are used.
    pub fn with_planes(self, planes: u32) -> Self {
        Self { planes, ..self }
    }

    /// The model, at the precision that was chosen.
    ///
    /// # Errors
    /// None, for a file that was checked.
    pub fn model(&self) -> Result<Model<'_>> {
        Ok(Model::from_words(&self.words)?.with_planes(self.planes))
    }
}

/// Compiles a network to a model file; what had to be rounded is told beside it, and mostly nothing is.
///
/// # Errors
/// [`Error::Compile`](crate::Error::Compile) names the node that is wrong.
pub fn compile(graph: &Graph, options: &CompileOptions) -> Result<(ModelFile, Vec<Rounded>)> {
    let compiled = bitfab_compile::compile_with(graph, options)?;
    Ok((ModelFile::from_words(compiled.words)?, compiled.rounded))
}

/// The integers of a run's output.
fn values(last: &Layer<'_>, run: &Run) -> Result<Vec<i32>> {
    let (found, wanted) = (run.output.len(), last.output.region.words as usize);
    ensure!(
        found == wanted,
        Rows,
        "a run has {found} words of output, the model gives {wanted}: it is another model's"
    );
    Ok(output_values(last, &run.output))
}

/// The index of the greatest value, the first of equals; 0 of none.
pub(crate) fn arg_max<T>(values: &[T], compare: impl Fn(&T, &T) -> Ordering) -> usize {
    // The last of equals is taken: seen from the end, that is the first.
    (0..values.len()).rev().max_by(|&a, &b| compare(&values[a], &values[b])).unwrap_or(0)
}

/// The class of each run: the largest score or level, the first of equals.
///
/// # Errors
/// [`Error::Classes`](crate::Error::Classes) of a model that ends in signs or in one score,
/// [`Error::Rows`](crate::Error::Rows) of runs of another model.
pub fn classes(model: &Model<'_>, runs: &[Run]) -> Result<Vec<usize>> {
    let Some(last) = model.layers().last().filter(|last| last.output.kind != Kind::Sign) else {
        bail!(Classes, "the model ends in signs and so has no scores; end it in a layer without a sign");
    };
    ensure!(
        last.output.shape.volume() != 1,
        Classes,
        "the model has one score, which is a number and no class; `bitfab run` without --arg-max gives it"
    );
    runs.iter().map(|run| Ok(arg_max(&values(&last, run)?, Ord::cmp))).collect()
}

/// The integers of each run and their axes: rows x scores for a vector, rows x height x width x channels otherwise.
///
/// # Errors
/// [`Error::Classes`](crate::Error::Classes) of a model without layers, [`Error::Rows`](crate::Error::Rows) of runs of
/// another model.
pub fn scores(model: &Model<'_>, runs: &[Run]) -> Result<(Vec<u64>, Vec<i32>)> {
    let Some(last) = model.layers().last() else { bail!(Classes, "the model has no layers") };
    let shape = last.output.shape;
    let sizes = [shape.height, shape.width, shape.channels].map(u64::from);
    let rows = runs.len() as u64;
    let shape = if sizes[..2] == [1, 1] { vec![rows, sizes[2]] } else { [&[rows], &sizes[..]].concat() };
    let values: Vec<Vec<i32>> = runs.iter().map(|run| values(&last, run)).collect::<Result<_>>()?;
    Ok((shape, values.concat()))
}

/// The rows of a data set's test part as a model takes them, at most `limit`.
///
/// # Errors
/// [`Error::Rows`](crate::Error::Rows) where the rows have other sizes, or the model takes signed bytes.
pub fn test_rows<'d>(model: &Model<'_>, data: &'d Dataset, limit: Option<usize>) -> Result<Vec<&'d [u8]>> {
    let Takes { shape: wanted, kind, .. } = Takes::of_model(model);
    ensure!(
        suits(data.shape, wanted),
        Rows,
        "data set {} has rows of {}, the model takes {wanted}; choose the data it was made for",
        data.name,
        data.shape
    );
    ensure!(
        kind == Kind::U8,
        Rows,
        "the model takes signed bytes, data sets hold unsigned ones; name rows of int8 in a FILE.npy, or import the model \
         with --input, which says what an unsigned byte stands for"
    );
    Ok(data.test.inputs.chunks_exact(model.input_bytes()).take(limit.unwrap_or(usize::MAX)).collect())
}

/// The runtime's answers on a data set's test part.
///
/// # Errors
/// As [`test_rows`] and [`classes`].
pub fn judge_test(model: &Model<'_>, data: &Dataset, watch: Watch<'_>) -> Result<Confusion> {
    let rows = test_rows(model, data, None)?;
    let told = Told::rows(watch, "test", rows.len());
    let mut engine = Parallel::new(Box::new(|| Box::new(Runtime)));
    let runs = engine.run(model, &rows, &mut |done| told.set(done)).context("the runtime stopped")?;
    confusion_of_test(model, data, &runs)
}

/// True and predicted classes of runs on a data set's test part.
///
/// # Errors
/// As [`classes`].
pub fn confusion_of_test(model: &Model<'_>, data: &Dataset, runs: &[Run]) -> Result<Confusion> {
    let truths = data.test.labels.iter().map(|&label| usize::from(label));
    let pairs = truths.zip(classes(model, runs)?);
    Ok(Confusion::of(data.classes as usize, pairs).named(&data.interface.classes))
}
