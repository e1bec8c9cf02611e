//! The file that a model was imported from, as an oracle beside the engines.

use std::collections::BTreeSet;
use std::time::Instant;

use bitfab_compile::{Rounded, Worth};
use bitfab_format::{Kind, Model};
use bitfab_graph::ByteKind;
use bitfab_import::{Agreement, Imported, Prepared, Said, Stated};
use bitfab_sim::software::output_values;
use bitfab_sim::verify::Verdict;
use bitfab_sim::{Evidence, Run};
use rayon::prelude::*;

use crate::imported::compile_imported;
use crate::inputs::Inputs;
use crate::judge::Timed;
use crate::nearest::check_lengths;
use crate::progress::Told;
use crate::{Context, Result, Watch};

/// A source and what it was lowered to.
#[derive(Clone, Debug)]
pub struct Origin {
    prepared: Prepared,
    imported: Imported,
    /// What its compilation rounds.
    rounded: Vec<Rounded>,
    is_measured: bool,
}

impl Origin {
    /// A source as it was prepared, and lowered exactly or to the nearest model; `is_measured` says that ranges were
    /// measured on the rows that will be judged, which need not be those of the import.
    ///
    /// # Errors
    /// [`Error::Compile`](crate::Error::Compile) where what was lowered does not compile.
    pub fn new(prepared: Prepared, imported: Imported, is_measured: bool) -> Result<Self> {
        let (_, rounded) = compile_imported(&imported)?;
        Ok(Self { prepared, imported, rounded, is_measured })
    }

    /// Compares the oracle with the reference's runs, as if it were an engine.
    ///
    /// Of real values, each byte is first compared with that of the file's own quantiser.
    pub(crate) fn judge(&self, model: &Model<'_>, inputs: &Inputs, runs: &[Run], watch: Watch<'_>) -> Result<Timed> {
        let hint = "ranges were measured on these rows: if the import measured others, name them by --ranges";
        let judged = self.judge_rows(model, inputs, runs, watch);
        if self.is_measured { judged.context(hint) } else { judged }
    }

    fn judge_rows(&self, model: &Model<'_>, inputs: &Inputs, runs: &[Run], watch: Watch<'_>) -> Result<Timed> {
        let rows = &inputs.rows()[..];
        check_lengths(rows, self.prepared.shape())?;
        let coded = self.judge_codings(inputs)?;
        let (start, told) = (Instant::now(), Told::rows(watch, "source", rows.len()));
        let said = self.said(model)?;
        let compared = rows.par_iter().zip(runs).enumerate().map(|(image, (row, run))| {
            let agreement = self.compare(model, image, row, run, &said);
            told.one();
            agreement
        });
        // The first image that differs is named, whichever was compared first.
        let agreements: Vec<Result<Agreement>> = compared.collect();
        let agreements: Vec<Agreement> = agreements.into_iter().collect::<Result<_>>()?;
        let verdict = Verdict {
            engine: "source".into(),
            images: rows.len(),
            agreeing: rows.len(),
            tensors: agreements.iter().map(|one| one.tensors).sum(),
            first: None,
            cycles: None,
            instructions: None,
        };
        let neighbours = Some(coded + agreements.iter().map(|one| one.neighbours).sum::<usize>());
        Ok(Timed { verdict, seconds: start.elapsed().as_secs_f64(), neighbours })
    }

    /// How many bytes of real values are neighbours of those that the file's own quantiser gives.
    fn judge_codings(&self, inputs: &Inputs) -> Result<usize> {
        let kind = self.imported.graph.input_kind;
        let (rows, mut neighbours) = (inputs.rows(), 0);
        for (image, (values, bytes)) in inputs.reals().into_iter().flatten().zip(rows).enumerate() {
            let Some(own) = self.prepared.integers(values)? else { break };
            for (at, (&byte, own)) in bytes.iter().zip(own).enumerate() {
                let byte = if kind == ByteKind::I8 { i64::from(byte as i8) } else { i64::from(byte) };
                let value = values[at];
                let off = byte.abs_diff(own);
                ensure!(
                    off <= 1,
                    Differs,
                    "image {image} differs from its source: value {at}, {value}, is the byte {byte}, the file has {own}"
                );
                neighbours += off as usize;
            }
        }
        Ok(neighbours)
    }

    /// What a user is told: what the output stands for by the file, and what was rounded by the import.
    fn said(&self, model: &Model<'_>) -> Result<Said> {
        let (mut error, mut neighbours) = (0, BTreeSet::new());
        for rounded in &self.rounded {
            match rounded {
                Rounded::Scores { units, .. } => error = *units,
                Rounded::Levels { node, .. } => drop(neighbours.insert(node.clone())),
                _ => {}
            }
        }
        let worth = Worth::of(model);
        let is_said = worth.is_some() || model.output().kind != Kind::I32;
        ensure!(is_said, Differs, "the model does not say what its scores are worth; import it again");
        let output = worth.map(|Worth { unit, constant }| Stated { unit, constant, error });
        Ok(Said { neighbours, output })
    }

    /// One row through the oracle.
    fn compare(&self, model: &Model<'_>, image: usize, row: &[u8], run: &Run, said: &Said) -> Result<Agreement> {
        let Evidence::Tensors(tensors) = &run.evidence else { bail!(Choice, "the reference shows no tensors") };
        let integers = |name: &str| {
            let layer = model.layers().find(|layer| layer.name == name)?;
            Some(output_values(&layer, &tensors[usize::from(layer.index)]))
        };
        match self.imported.compare(row, &integers, said)? {
            Ok(agreement) => Ok(agreement),
            Err(why) => bail!(Differs, "image {image} differs from its source: {why}"),
        }
    }
}
