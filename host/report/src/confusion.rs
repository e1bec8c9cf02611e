//! Truth against prediction.

use serde::Serialize;

/// How often each class was taken for which.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Confusion {
    /// Names of the classes; their number is the size.
    pub classes: Vec<String>,
    /// Row by row: `counts[truth * classes + prediction]`.
    counts: Vec<u32>,
}

impl Confusion {
    /// No predictions yet; `classes` are names.
    pub fn new(classes: Vec<String>) -> Self {
        let counts = vec![0; classes.len() * classes.len()];
        Self { classes, counts }
    }

    /// The matrix of pairs of truth and prediction over `classes` numbered classes;
    /// more where a pair names a higher class, as a model may have more outputs than the data has classes.
    pub fn of(classes: usize, pairs: impl IntoIterator<Item = (usize, usize)>) -> Self {
        let pairs: Vec<(usize, usize)> = pairs.into_iter().collect();
        let size = pairs.iter().map(|&(truth, found)| truth.max(found) + 1).fold(classes, usize::max);
        let mut matrix = Self::new((0..size).map(|class| class.to_string()).collect());
        for (truth, found) in pairs {
            matrix.counts[truth * size + found] += 1;
        }
        matrix
    }

    /// The same counts under other names, for as many classes as there are names.
    #[must_use]
    pub fn named(mut self, names: &[String]) -> Self {
        for (class, name) in self.classes.iter_mut().zip(names) {
            class.clone_from(name);
        }
        self
    }

    /// Number of classes.
    pub fn size(&self) -> usize {
        self.classes.len()
    }

    /// How often `truth` was taken for `found`.
    ///
    /// # Panics
    /// If a class is out of range.
    pub fn count(&self, truth: usize, found: usize) -> u32 {
        assert!(truth < self.size() && found < self.size(), "class out of range");
        self.counts[truth * self.size() + found]
    }

    /// All predictions.
    pub fn total(&self) -> u32 {
        self.counts.iter().sum()
    }

    /// Right predictions.
    pub fn correct(&self) -> u32 {
        (0..self.size()).map(|class| self.count(class, class)).sum()
    }

    /// Share of right predictions, 0 where there are none.
    pub fn accuracy(&self) -> f64 {
        f64::from(self.correct()) / f64::from(self.total().max(1))
    }

    /// How often `truth` occurs.
    ///
    /// # Panics
    /// If the class is out of range.
    pub fn row_total(&self, truth: usize) -> u32 {
        (0..self.size()).map(|found| self.count(truth, found)).sum()
    }

    /// Share of `truth` that was recognised; `None` where it does not occur.
    ///
    /// # Panics
    /// If the class is out of range.
    pub fn recall(&self, truth: usize) -> Option<f64> {
        let total = self.row_total(truth);
        (total > 0).then(|| f64::from(self.count(truth, truth)) / f64::from(total))
    }

    /// The most frequent confusions: truth, prediction, count; the most frequent first.
    pub fn worst(&self, limit: usize) -> Vec<(usize, usize, u32)> {
        let size = self.size();
        let pairs = (0..size * size).map(|at| (at / size, at % size, self.counts[at]));
        let mut wrong: Vec<_> = pairs.filter(|&(truth, found, count)| truth != found && count > 0).collect();
        wrong.sort_by_key(|&(.., count)| std::cmp::Reverse(count));
        wrong.truncate(limit);
        wrong
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_lead_to_accuracy_and_recall() {
        let matrix = Confusion::of(3, [(0, 0), (0, 1), (1, 1), (1, 1), (0, 1)]);
        assert_eq!((matrix.total(), matrix.correct(), matrix.count(0, 1)), (5, 3, 2));
        assert_eq!(matrix.accuracy(), 0.6);
        assert_eq!((matrix.recall(0), matrix.recall(1), matrix.recall(2)), (Some(1.0 / 3.0), Some(1.0), None));
        assert_eq!(matrix.worst(5), [(0, 1, 2)]);
    }

    #[test]
    fn a_prediction_beyond_the_classes_enlarges_the_matrix() {
        let matrix = Confusion::of(2, [(1, 4)]).named(&["no".into(), "yes".into()]);
        assert_eq!(matrix.classes, ["no", "yes", "2", "3", "4"]);
        assert_eq!(matrix.count(1, 4), 1);
        assert_eq!(Confusion::of(2, []).accuracy(), 0.0);
    }
}
