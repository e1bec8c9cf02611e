//! Progress on standard error; nothing is drawn where that is no terminal.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bitfab::Progress;
use indicatif::{ProgressBar, ProgressStyle};

/// Draws what the library tells of its work, one piece at a time.
pub fn follow() -> impl Fn(Progress<'_>) + Sync {
    let drawn: Mutex<Option<ProgressBar>> = Mutex::new(None);
    move |progress| {
        let mut drawn = drawn.lock().unwrap_or_else(PoisonError::into_inner);
        match progress {
            Progress::Busy { what } => *drawn = Some(spinner(what)),
            Progress::Rows { through, done: 0, of } => *drawn = Some(rows(through, of)),
            Progress::Rows { done, .. } => drawn.iter().for_each(|bar| bar.set_position(done as u64)),
            _ => drawn.take().iter().for_each(ProgressBar::finish_and_clear),
        }
    }
}

/// A bar that counts rows through one engine.
fn rows(engine: &str, rows: usize) -> ProgressBar {
    let bar = ProgressBar::new(rows as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:32} {pos:>6}/{len} rows through {msg}  {eta} left") {
        bar.set_style(style);
    }
    bar.set_message(engine.to_owned());
    bar
}

/// A sign of life for work without a known length.
fn spinner(what: &str) -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    bar.set_message(what.to_owned());
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}
