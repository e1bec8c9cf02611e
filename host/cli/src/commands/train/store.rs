//! Where a run leaves its traces: a checkpoint that nobody else uses, and a log.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use bitfab::train::{Dataset, EpochReport, Standing, TrainConfig, Trainer};

use crate::io::files;
use crate::io::lock::Held;
use crate::io::outputs::{self, LOG_CSV, Product};

/// What becomes of a checkpoint that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Earlier {
    /// An unfinished run must not be lost: it is an error.
    Keep,
    /// The run goes on from it.
    Resume,
    /// It is discarded.
    Discard,
}

/// The checkpoint and the log of one run; no other run uses this checkpoint meanwhile.
#[derive(Debug)]
pub struct Store {
    checkpoint: PathBuf,
    log: Option<PathBuf>,
    _held: Held,
}

impl Store {
    /// Takes the checkpoint's place, and fails before any work where something would be lost.
    pub fn open(checkpoint: PathBuf, log: Option<PathBuf>) -> Result<Self> {
        outputs::check(&checkpoint, Product::Checkpoint)?;
        if let Some(log) = &log {
            outputs::check(log, Product::Log)?;
        }
        Ok(Self { _held: Held::of(&checkpoint)?, checkpoint, log })
    }

    /// The place of the checkpoint.
    pub fn checkpoint(&self) -> &Path {
        &self.checkpoint
    }

    /// A fresh run, or the one in the checkpoint.
    pub fn start<'a>(&self, config: &TrainConfig, data: &'a Dataset, earlier: Earlier) -> Result<Trainer<'a>> {
        let path = self.checkpoint.display();
        match earlier {
            Earlier::Resume => {
                let bytes = files::read(&self.checkpoint).context("nothing to resume; start without --resume")?;
                Trainer::resume(config, data, &bytes).with_context(|| format!("in {path}"))
            }
            Earlier::Keep => {
                ensure!(
                    !self.checkpoint.exists(),
                    "{path} holds {}: go on from it by --resume, or discard it by --restart",
                    standing(&files::read(&self.checkpoint)?)
                );
                Ok(Trainer::new(config, data)?)
            }
            Earlier::Discard => {
                let trainer = Trainer::new(config, data)?;
                self.remove()?;
                Ok(trainer)
            }
        }
    }

    /// Writes the checkpoint.
    pub fn write(&self, trainer: &Trainer) -> Result<()> {
        outputs::write(&self.checkpoint, Product::Checkpoint, &trainer.checkpoint()?)
    }

    /// Removes the checkpoint of a run that is over.
    pub fn remove(&self) -> Result<()> {
        match fs::remove_file(&self.checkpoint) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                bail!("cannot remove {}: {error}", self.checkpoint.display())
            }
            _ => Ok(()),
        }
    }

    /// The whole log so far; rewritten at every epoch, so a resumed run leaves the same file.
    pub fn write_log(&self, reports: &[EpochReport]) -> Result<()> {
        let Some(path) = &self.log else {
            return Ok(());
        };
        let is_csv = path.extension().is_some_and(|extension| extension == "csv");
        let text = if is_csv { csv(reports) } else { json_lines(reports)? };
        outputs::write(path, Product::Log, text.as_bytes())
    }
}

fn json_lines(reports: &[EpochReport]) -> Result<String> {
    let lines: Result<Vec<String>> = reports.iter().map(|report| Ok(serde_json::to_string(report)? + "\n")).collect();
    Ok(lines?.concat())
}

fn csv(reports: &[EpochReport]) -> String {
    let cell = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
    let mut text = format!(
        "{LOG_CSV}train_accuracy,validation_loss,validation_accuracy,validation_balanced_accuracy,rate,saved_bytes\n"
    );
    for r in reports {
        let validation = [r.validation_loss, r.validation_accuracy, r.validation_balanced_accuracy].map(cell).join(",");
        let (loss, train) = (r.train_loss, r.train_accuracy);
        text += &format!("{},{loss},{train},{validation},{},{}\n", r.epoch, r.rate, r.saved_bytes);
    }
    text
}

/// What a checkpoint is of, for a message.
fn standing(bytes: &[u8]) -> String {
    match Standing::of(bytes) {
        Ok(Standing { config, epoch, .. }) if epoch >= config.epochs => {
            format!("a run whose {epoch} epochs are done but whose result was not written")
        }
        Ok(Standing { config, epoch, batch }) => {
            let within = if batch > 0 { format!(" and {batch} batches of the next one") } else { String::new() };
            format!("an unfinished run, {epoch} of {} epochs{within} done", config.epochs)
        }
        Err(error) => format!("what may be an unfinished run ({error})"),
    }
}
