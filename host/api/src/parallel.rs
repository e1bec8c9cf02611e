//! One engine on every core.

use std::ops::Range;
use std::sync::mpsc;

use bitfab_format::Model;
use bitfab_sim::engine::check_rows;
use bitfab_sim::{Engine, Rows, Run, SimError};
use rayon::prelude::*;

/// Makes engines that all do the same.
pub type Make = Box<dyn Fn() -> Box<dyn Engine> + Sync + Send>;

/// The most rows that one engine takes at a time: few enough to keep every core busy to the end.
const CHUNK: usize = 32;

/// Runs rows in chunks, each on an engine of its own; results stay in order.
pub struct Parallel {
    name: String,
    make: Make,
}

impl Parallel {
    /// Engines from `make`.
    pub fn new(make: Make) -> Self {
        Self { name: make().name(), make }
    }
}

impl Engine for Parallel {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn run(&mut self, model: &Model<'_>, inputs: &[&[u8]], done: &mut dyn FnMut(usize)) -> Result<Vec<Run>, SimError> {
        self.run_rows(model, Rows::Bytes(inputs), done)
    }

    /// Engines that code rows themselves do so here, too.
    fn run_rows(
        &mut self,
        model: &Model<'_>,
        rows: Rows<'_>,
        done: &mut dyn FnMut(usize),
    ) -> Result<Vec<Run>, SimError> {
        check_rows(model, rows)?;
        let (finished, results) = mpsc::channel();
        let (make, count) = (&self.make, rows.len());
        let size = count.div_ceil(rayon::current_num_threads()).clamp(1, CHUNK);
        rayon::in_place_scope(|scope| {
            scope.spawn(move |_| {
                (0..count.div_ceil(size)).into_par_iter().for_each_with(finished, |finished, index| {
                    let some = part(rows, index * size..count.min((index + 1) * size));
                    // The receiver hangs up after the first error; what comes later does not matter.
                    finished.send((index, make().run_rows(model, some, &mut |_| ()))).ok();
                });
            });
            collect(results, count.div_ceil(size), done)
        })
    }
}

/// Some of the rows.
pub fn part(rows: Rows<'_>, some: Range<usize>) -> Rows<'_> {
    match rows {
        Rows::Bytes(rows) => Rows::Bytes(&rows[some]),
        Rows::Real(rows) => Rows::Real(&rows[some]),
        Rows::Counts(rows) => Rows::Counts(&rows[some]),
    }
}

type Chunk = (usize, Result<Vec<Run>, SimError>);

/// Puts the chunks in order; the first error ends the wait.
fn collect(results: mpsc::Receiver<Chunk>, chunks: usize, done: &mut dyn FnMut(usize)) -> Result<Vec<Run>, SimError> {
    let mut parts: Vec<Vec<Run>> = vec![Vec::new(); chunks];
    let mut rows = 0;
    for (index, runs) in results {
        let runs = runs?;
        rows += runs.len();
        done(rows);
        parts[index] = runs;
    }
    Ok(parts.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use bitfab_sim::software::Reference;

    #[test]
    fn many_engines_give_the_results_of_one_in_order() {
        let file = crate::samples::small_model();
        let model = file.model().unwrap();
        let rows: Vec<Vec<u8>> = (0..150u8).map(|row| vec![row, row.wrapping_mul(7), 3, 255 - row]).collect();
        let rows: Vec<&[u8]> = rows.iter().map(Vec::as_slice).collect();
        let mut last = 0;
        let many = Parallel::new(Box::new(|| Box::new(Reference))).run(&model, &rows, &mut |n| last = n).unwrap();
        assert_eq!(last, rows.len());
        assert_eq!(many, Reference.run(&model, &rows, &mut |_| ()).unwrap());
        let short: &[u8] = &[1, 2];
        let error = Parallel::new(Box::new(|| Box::new(Reference))).run(&model, &[rows[0], short], &mut |_| ());
        assert!(matches!(error, Err(SimError::Input { index: 1, found: 2, need: 4 })));
    }
}
