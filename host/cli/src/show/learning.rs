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
    has_lines: bool,
    has_begun: bool,
    stop: Option<Arc<AtomicBool>>,
    since_checkpoint: Instant,
    validation: Option<f64>,
}

impl Bar {
    /// A bar for a run that `stop` ends; the time for a checkpoint breaks it off too, and it goes on.
    pub fn stopped_by(stop: Arc<AtomicBool>) -> Self {
        let mut bar = Self::plain(true);
        bar.stop = Some(stop);
        bar
    }

    /// A bar for a run that nothing stops, with lines for machines or without.
    pub fn plain(has_lines: bool) -> Self {
        let bar = ProgressBar::new(0);
        let style = ProgressStyle::with_template("{bar:32} {percent:>3} %  {msg}  {eta} left");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        Self { bar, has_lines, has_begun: false, stop: None, since_checkpoint: Instant::now(), validation: None }
    }

    /// A checkpoint was written just now.
    pub fn restart_clock(&mut self) {
        self.since_checkpoint = Instant::now();
    }
}

impl Drop for Bar {
    /// Takes the bar off the screen.
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl Watch for Bar {
    fn batch(&mut self, progress: &Progress) -> ControlFlow<()> {
        let validation = self.validation.map_or(String::new(), |a| format!(", validation {:.2} %", 100.0 * a));
        let batches = u64::from(progress.batches);
        let done = u64::from(progress.epoch - 1) * batches + u64::from(progress.batch);
        self.bar.set_length(u64::from(progress.epochs) * batches);
        if !self.has_begun {
            // What an earlier run did says nothing of the time that is left.
            self.bar.set_position(done - 1);
            self.bar.reset_eta();
            self.has_begun = true;
        }
        self.bar.set_position(done);
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
        if self.has_lines && !std::io::stderr().is_terminal() {
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
