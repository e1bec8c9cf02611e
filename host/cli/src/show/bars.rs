//! Progress on standard error.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar that counts rows through one engine; nothing is drawn where standard error is not a terminal.
pub fn rows(engine: &str, rows: usize) -> ProgressBar {
    let bar = ProgressBar::new(rows as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:32} {pos:>6}/{len} rows through {msg}  {eta} left") {
        bar.set_style(style);
    }
    bar.set_message(engine.to_owned());
    bar
}

/// A sign of life for work without a known length.
pub fn spinner(what: &str) -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    bar.set_message(what.to_owned());
    bar.enable_steady_tick(std::time::Duration::from_millis(120));
    bar
}
