//! The differential check: every engine against the reference, tensor by tensor, word by word.

use bitfab_format::{Layer, Model};
use serde::Serialize;

use crate::engine::{Engine, Evidence, Rows, Run};
use crate::error::SimError;
use crate::software::output_values;

/// Where an engine first differs from the reference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mismatch {
    /// Which of the inputs.
    pub image: usize,
    /// The layer, from 0; `None` where the bytes differ that the row was coded to.
    pub layer: Option<usize>,
    /// Its name; `input` for those bytes.
    pub name: String,
    /// Row, column and channel; `None` where the engine shows digests only, or pad bits differ.
    pub position: Option<[usize; 3]>,
    /// The reference's value there, or its digest.
    pub expected: i64,
    /// The engine's.
    pub found: i64,
}

impl std::fmt::Display for Mismatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.layer {
            Some(layer) => write!(f, "image {}, layer {layer} `{}`", self.image, self.name)?,
            None => write!(f, "image {}, the bytes of its row", self.image)?,
        }
        match self.position {
            Some([row, column, channel]) => write!(
                f,
                ", row {row}, column {column}, channel {channel}: expected {}, found {}",
                self.expected, self.found
            ),
            None => write!(f, ": expected digest {:08x}, found {:08x}", self.expected, self.found),
        }
    }
}

/// What one engine did.
#[derive(Clone, Debug, Serialize)]
pub struct Verdict {
    /// The engine.
    pub engine: String,
    /// How many inputs it ran.
    pub images: usize,
    /// How many of them agree with the reference in every layer.
    pub agreeing: usize,
    /// Tensors that were compared.
    pub tensors: usize,
    /// The first difference.
    pub first: Option<Mismatch>,
    /// Clock cycles of the first input, from its first byte in to its last byte out: later ones wait for those before.
    pub cycles: Option<u64>,
    /// Mean instructions of an inference.
    pub instructions: Option<f64>,
}

impl Verdict {
    /// Whether every image agrees.
    pub fn agrees(&self) -> bool {
        self.first.is_none() && self.agreeing == self.images
    }
}

/// Runs `engine` on the first rows and compares every tensor with `expected`, the reference's runs; of rows that are
/// not bytes what they were coded to as well.
///
/// # Errors
/// [`SimError`] where the engine cannot run.
pub fn verify<'a>(
    model: &Model<'_>,
    rows: impl Into<Rows<'a>>,
    expected: &[Run],
    engine: &mut dyn Engine,
    done: &mut dyn FnMut(usize),
) -> Result<Verdict, SimError> {
    let rows = rows.into();
    let runs = engine.run_rows(model, rows, done)?;
    let mut verdict = Verdict {
        engine: engine.name(),
        images: rows.len(),
        agreeing: 0,
        tensors: runs.len() * model.layer_count(),
        first: None,
        cycles: runs.first().and_then(|run| run.cycles),
        instructions: mean(&runs, |run| run.instructions),
    };
    for (image, (run, expected)) in runs.iter().zip(expected).enumerate() {
        match compare(model, image, expected, run) {
            None => verdict.agreeing += 1,
            Some(mismatch) => {
                verdict.first.get_or_insert(mismatch);
            }
        }
    }
    Ok(verdict)
}

fn mean(runs: &[Run], count: impl Fn(&Run) -> Option<u64>) -> Option<f64> {
    let counts: Option<Vec<u64>> = runs.iter().map(count).collect();
    let counts = counts.filter(|counts| !counts.is_empty())?;
    Some(counts.iter().sum::<u64>() as f64 / counts.len() as f64)
}

/// The first difference of two runs.
pub fn compare(model: &Model<'_>, image: usize, expected: &Run, found: &Run) -> Option<Mismatch> {
    if let (Some(expected), Some(found)) = (expected.coded, found.coded)
        && expected != found
    {
        let (expected, found) = (i64::from(expected.digest), i64::from(found.digest));
        return Some(Mismatch { image, layer: None, name: "input".into(), position: None, expected, found });
    }
    let layers: Vec<Layer<'_>> = model.layers().collect();
    if let (Evidence::Tensors(expected), Evidence::Tensors(found)) = (&expected.evidence, &found.evidence) {
        for (index, layer) in layers.iter().enumerate() {
            let (expected, found) = (expected.get(index).map_or(&[][..], Vec::as_slice), found.get(index));
            let found = found.map_or(&[][..], Vec::as_slice);
            if expected != found {
                return Some(locate(image, index, layer, expected, found));
            }
        }
    }
    let (expected_digests, found_digests) = (expected.evidence.digests(), found.evidence.digests());
    for (index, layer) in layers.iter().enumerate() {
        let digest = |digests: &[u32]| digests.get(index).map_or(-1, |&digest| i64::from(digest));
        let (expected, found) = (digest(&expected_digests), digest(&found_digests));
        if expected != found {
            return Some(Mismatch {
                image,
                layer: Some(index),
                name: layer.name.into(),
                position: None,
                expected,
                found,
            });
        }
    }
    let last = layers.last().filter(|_| expected.output != found.output)?;
    Some(locate(image, layers.len() - 1, last, &expected.output, &found.output))
}

/// The first value that differs.
fn locate(image: usize, index: usize, layer: &Layer<'_>, expected: &[u32], found: &[u32]) -> Mismatch {
    let name = layer.name.to_owned();
    let whole = layer.output.region.words as usize;
    if expected.len() == whole && found.len() == whole {
        let (expected, found) = (output_values(layer, expected), output_values(layer, found));
        if let Some(at) = (0..expected.len()).find(|&at| expected[at] != found[at]) {
            let (channels, width) = (layer.output.shape.channels as usize, layer.output.shape.width as usize);
            let position = [at / channels / width, at / channels % width, at % channels];
            let (expected, found) = (i64::from(expected[at]), i64::from(found[at]));
            return Mismatch { image, layer: Some(index), name, position: Some(position), expected, found };
        }
    }
    let digest = |words: &[u32]| i64::from(bitfab_format::digest(words));
    Mismatch { image, layer: Some(index), name, position: None, expected: digest(expected), found: digest(found) }
}
