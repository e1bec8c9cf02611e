//! An emulated board as one of the engines.

use std::time::Duration;

use bitfab_format::Model;

use super::{Inference, Qemu, QemuError, RunOptions, Scores};
use crate::SimError;
use crate::engine::{Engine, Evidence, Rows, Run, check_rows};

impl From<QemuError> for SimError {
    fn from(error: QemuError) -> Self {
        match error {
            QemuError::Missing { program, package } => Self::MissingTool { program, package },
            QemuError::TooLarge { board, .. } | QemuError::Refused { board, .. } => {
                Self::Unsupported { engine: board.name().into(), problem: error.to_string() }
            }
            QemuError::Io { path, source } => Self::Io { what: path.display().to_string(), source },
            _ => Self::Tool { program: "QEMU".into(), problem: error.to_string() },
        }
    }
}

impl From<Inference> for Run {
    fn from(inference: Inference) -> Self {
        let output = match inference.scores {
            Scores::Raw { scores, .. } => scores.iter().map(|&score| score as u32).collect(),
            Scores::Packed(words) => words,
        };
        let instructions = inference.counts.map(|counts| counts.total.instructions);
        let coded = inference.coded;
        Self { coded, evidence: Evidence::Digests(inference.digests), output, cycles: None, instructions }
    }
}

/// Every image is counted: its instructions are those of a run without digests.
impl Engine for Qemu {
    fn name(&self) -> String {
        self.board().name().into()
    }

    fn run(&mut self, model: &Model<'_>, inputs: &[&[u8]], done: &mut dyn FnMut(usize)) -> Result<Vec<Run>, SimError> {
        self.run_rows(model, Rows::Bytes(inputs), done)
    }

    /// Rows are coded by the firmware.
    fn run_rows(
        &mut self,
        model: &Model<'_>,
        rows: Rows<'_>,
        done: &mut dyn FnMut(usize),
    ) -> Result<Vec<Run>, SimError> {
        check_rows(model, rows)?;
        let timeout = Duration::from_secs(120 + rows.len() as u64);
        let options = RunOptions { digests: true, counted: rows.len(), timeout };
        let file: Vec<u8> = model.words().iter().flat_map(|word| word.to_le_bytes()).collect();
        let runs: Vec<Run> = Qemu::run_file(self, &file, rows, &options)?.into_iter().map(Run::from).collect();
        done(runs.len());
        Ok(runs)
    }
}
