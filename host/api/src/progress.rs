//! What a caller is told while something takes long.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Where a piece of work is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// Work of unknown length begins.
    Busy {
        /// What is done.
        what: &'a str,
    },
    /// So many rows have gone through an engine, or through the file that a model was imported from; 0 at the begin.
    Rows {
        /// The engine, or `source`.
        through: &'a str,
        /// Rows that are done.
        done: usize,
        /// All rows.
        of: usize,
    },
    /// The piece of work is over, well or not.
    Over,
}

/// Who is told; several threads may tell at a time.
pub type Watch<'a> = &'a (dyn Fn(Progress<'_>) + Sync);

/// Tells nobody.
pub fn quiet(_: Progress<'_>) {}

/// Work that is told of; over when it is dropped.
pub(crate) struct Told<'w> {
    watch: Watch<'w>,
    through: String,
    of: usize,
    done: AtomicUsize,
}

impl<'w> Told<'w> {
    /// Rows through something.
    pub fn rows(watch: Watch<'w>, through: impl Into<String>, of: usize) -> Self {
        let told = Self { watch, through: through.into(), of, done: AtomicUsize::new(0) };
        told.set(0);
        told
    }

    /// Work of unknown length.
    pub fn busy(watch: Watch<'w>, what: &str) -> Self {
        watch(Progress::Busy { what });
        Self { watch, through: String::new(), of: 0, done: AtomicUsize::new(0) }
    }

    /// So many rows are done.
    pub fn set(&self, done: usize) {
        (self.watch)(Progress::Rows { through: &self.through, done, of: self.of });
    }

    /// One more row is done.
    pub fn one(&self) {
        self.set(self.done.fetch_add(1, Ordering::Relaxed) + 1);
    }
}

impl Drop for Told<'_> {
    fn drop(&mut self) {
        (self.watch)(Progress::Over);
    }
}
