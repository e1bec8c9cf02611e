//! What is shown of a run while it learns.

use std::io::IsTerminal;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bitfab::train::{EpochReport, Progress, Watch};
use indicatif::{ProgressBar, ProgressStyle};

/// Time between checkpoints within an epoch.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(30);

/// A progress bar with loss, accuracy and time left; plain lines where the output is not a terminal.
pub struct Bar {
    bar: ProgressBar,
    batches: u64,
    stop: Option<Arc<AtomicBool>>,
    since_checkpoint: Instant,
    validation: Option<f64>,
}

impl Bar {
    /// A bar for a run of which `done` epochs of `batches` batches are behind it; `stop` ends the run, and so does
    /// the time for a checkpoint (only if there is a `stop`; call the trainer again to go on).
    pub fn new(batches: u32, done: u32, stop: Option<Arc<AtomicBool>>) -> Self {
        let bar = ProgressBar::new(0);
        let style = ProgressStyle::with_template("{bar:32} {percent:>3} %  {msg}  {eta} left");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        bar.set_position(u64::from(done) * u64::from(batches));
        bar.reset_eta();
        Self { bar, batches: u64::from(batches), stop, since_checkpoint: Instant::now(), validation: None }
    }

    /// A checkpoint was written just now.
    pub fn restart_clock(&mut self) {
        self.since_checkpoint = Instant::now();
    }

    /// Takes the bar off the screen.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Watch for Bar {
    fn batch(&mut self, progress: &Progress) -> ControlFlow<()> {
        let validation = self.validation.map_or(String::new(), |a| format!(", validation {:.2} %", 100.0 * a));
        self.bar.set_length(u64::from(progress.epochs) * self.batches);
        self.bar.set_position(u64::from(progress.epoch - 1) * self.batches + u64::from(progress.batch));
        self.bar.set_message(format!(
            "epoch {}/{}: loss {:.4}, train {:.2} %{validation}",
            progress.epoch,
            progress.epochs,
            progress.loss,
            100.0 * progress.accuracy
        ));
        match &self.stop {
            Some(stop) if stop.load(Ordering::SeqCst) => ControlFlow::Break(()),
            Some(_) if self.since_checkpoint.elapsed() > CHECKPOINT_EVERY => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    }

    fn epoch(&mut self, report: &EpochReport) {
        self.validation = report.validation_accuracy;
        if !std::io::stderr().is_terminal() {
            note!("{}", line(report));
        }
    }
}

/// One epoch in a line: what was seen while learning, and the validation part where there is one.
fn line(report: &EpochReport) -> String {
    let validation = report
        .validation_accuracy
        .zip(report.validation_loss)
        .map_or(String::new(), |(accuracy, loss)| format!("; validation: loss {loss:.4}, {:.2} %", 100.0 * accuracy));
    format!(
        "epoch {}/{}: loss {:.4}, train {:.2} %{validation}",
        report.epoch,
        report.epochs,
        report.train_loss,
        100.0 * report.train_accuracy
    )
}
