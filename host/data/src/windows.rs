//! Windows over time series.

use crate::error::{DataError, form_error, option_error};
use crate::limits::MAX_BYTES;
use crate::missing::Missing;
use crate::rows::{Groups, Rows};
use bitfab_graph::Shape;

/// What becomes of a window whose rows are of different classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Mixed {
    /// It is left out, and counted.
    #[default]
    Drop,
    /// It is of the class of most of its rows, the first class of equals.
    Majority,
}

/// How windows are cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowOptions {
    /// Rows of a window, at least 1.
    pub length: u32,
    /// Rows from the start of one window to the next, at least 1.
    pub step: u32,
    /// Columns of [`Rows::groups`] within whose runs of equal text windows stay.
    pub by: Vec<String>,
    /// What becomes of a window whose rows are of different classes.
    pub mixed: Mixed,
}

/// Cuts rows of `channels` values, in the order of time, into windows of `length x 1 x channels`.
///
/// The first window of each run begins with its first row; rows behind the last whole window of a run are not used.
/// No window crosses a change in the columns that it goes by.
/// A window with a missing value or class is left out if rows with such are to be dropped ([`Missing::Drop`]).
/// What was left out stands in the notes.
///
/// # Errors
/// [`DataError`] if sizes are 0, a column is unknown, rows are no flat rows, windows need too much memory or none is left.
pub fn windows(rows: Rows, options: &WindowOptions) -> Result<Rows, DataError> {
    let channels = rows.shape.channels;
    if options.length == 0 || options.step == 0 {
        return Err(option_error("windows", "length and step are at least 1"));
    }
    if rows.shape != Shape::flat(channels) {
        return Err(form_error(&rows.name, format!("rows of {} are windows already", rows.shape)));
    }
    // A gap inside a series is no reason to join what stands beside it: only whole windows are dropped.
    let rows = if rows.missing == Missing::Drop { rows } else { rows.settled()? };
    let by = options.by.iter().map(|by| column(&rows, by)).collect::<Result<Vec<_>, _>>()?;
    let cut = Cut::of(&rows, &by, options);
    let shape = Shape::new(options.length, 1, channels);
    let bytes = 4 * shape.elements().saturating_mul(cut.starts.len() as u64);
    if bytes > MAX_BYTES {
        return Err(DataError::TooLarge { name: rows.name.clone(), bytes, limit: MAX_BYTES });
    }
    if cut.starts.is_empty() {
        let problem = format!("no window of {} rows is left: {}", options.length, cut.said());
        return Err(form_error(&rows.name, problem));
    }
    let mut result = rows.pick(&cut.starts);
    result.values = rows.values.windows(&cut.starts, options.length as usize * rows.width(), rows.width());
    if let Some(labels) = &mut result.labels {
        labels.of_rows = cut.classes.clone();
    }
    result.shape = shape;
    result.overlap = options.step < options.length;
    result.notes = rows.notes.clone();
    result.notes.push(cut.said());
    Ok(result)
}

fn column<'r>(rows: &'r Rows, by: &str) -> Result<&'r Groups, DataError> {
    let found = rows.groups.iter().find(|groups| groups.column == by);
    found.ok_or_else(|| form_error(&rows.name, format!("there is no column '{by}' to keep windows within")))
}

/// Where windows start, and what was left out.
#[derive(Debug, Default)]
struct Cut {
    starts: Vec<u32>,
    /// Class of each window, where rows have classes.
    classes: Vec<u32>,
    mixed: usize,
    gaps: usize,
    unused: usize,
    runs: usize,
    options: (u32, u32),
}

impl Cut {
    fn of(rows: &Rows, by: &[&Groups], options: &WindowOptions) -> Self {
        let mut cut = Self { options: (options.length, options.step), ..Self::default() };
        let (length, step) = (options.length as usize, options.step as usize);
        let is_change = |row: usize| by.iter().any(|groups| groups.of_rows[row] != groups.of_rows[row - 1]);
        let mut run = 0;
        for end in 1..=rows.len() {
            if end < rows.len() && !is_change(end) {
                continue;
            }
            cut.runs += 1;
            let mut used = run;
            for start in (run..end).step_by(step).take_while(|start| start + length <= end) {
                cut.add(rows, start..start + length, options.mixed);
                used = start + length;
            }
            cut.unused += end - used;
            run = end;
        }
        cut
    }

    fn add(&mut self, rows: &Rows, window: std::ops::Range<usize>, mixed: Mixed) {
        if rows.missing == Missing::Drop && window.clone().any(|row| rows.has_gap(row)) {
            self.gaps += 1;
            return;
        }
        let start = window.start as u32;
        if let Some(labels) = &rows.labels {
            let classes = &labels.of_rows[window];
            let is_pure = classes.iter().all(|class| *class == classes[0]);
            if !is_pure && mixed == Mixed::Drop {
                self.mixed += 1;
                return;
            }
            self.classes.push(most(classes));
        }
        self.starts.push(start);
    }

    fn said(&self) -> String {
        let (length, step) = self.options;
        format!(
            "{} windows of {length} rows every {step} from {} runs; left out: {} of mixed classes, {} with gaps, \
             {} rows at the ends of runs",
            self.starts.len(),
            self.runs,
            self.mixed,
            self.gaps,
            self.unused
        )
    }
}

/// The commonest class, the first of equals.
fn most(classes: &[u32]) -> u32 {
    let mut counts = std::collections::BTreeMap::new();
    classes.iter().for_each(|class| *counts.entry(*class).or_insert(0usize) += 1);
    let best = counts.into_iter().max_by_key(|&(class, count)| (count, std::cmp::Reverse(class)));
    best.map_or(0, |(class, _)| class)
}
