//! Right and wrong answers of a network on a part of the data.

use serde::Serialize;

/// Right and wrong answers on one part of a data set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evaluation {
    /// Right answers.
    pub correct: u32,
    /// All answers.
    pub total: u32,
    /// Sum of the losses in nats, as the run weighs them.
    pub loss: f64,
    /// Right answers and all of each class.
    pub classes: Vec<[u32; 2]>,
    /// Predicted class of each row.
    pub predictions: Vec<u8>,
}

impl Evaluation {
    /// Share of right answers.
    pub fn accuracy(&self) -> f64 {
        f64::from(self.correct) / f64::from(self.total.max(1))
    }

    /// Mean of the shares of right answers of all classes that occur.
    pub fn balanced_accuracy(&self) -> f64 {
        let occurring = self.classes.iter().filter(|[_, total]| *total > 0);
        let (sum, count) = occurring.fold((0.0, 0u32), |(sum, count), [correct, total]| {
            (sum + f64::from(*correct) / f64::from(*total), count + 1)
        });
        sum / f64::from(count.max(1))
    }

    /// Share of right answers, each counted by the factor of its class where there are factors.
    pub fn score(&self, factors: Option<&[f32]>) -> f64 {
        let Some(factors) = factors else { return self.accuracy() };
        let sum = |which: usize| -> f64 {
            self.classes.iter().zip(factors).map(|(counts, &factor)| f64::from(counts[which]) * f64::from(factor)).sum()
        };
        if self.total == 0 { 0.0 } else { sum(0) / sum(1) }
    }
}

/// What an epoch is judged by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Validated {
    pub(crate) loss: f64,
    pub(crate) accuracy: f64,
    pub(crate) balanced_accuracy: f64,
    /// The accuracy, each row counted by the weight of its class.
    pub(crate) score: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_counted_by_row_by_class_and_by_weight() {
        let classes = vec![[6, 8], [1, 2], [0, 0]];
        let one = Evaluation { correct: 7, total: 10, loss: 0.0, classes, predictions: Vec::new() };
        assert_eq!((one.accuracy(), one.balanced_accuracy(), one.score(None)), (0.7, 0.625, 0.7));
        assert_eq!(one.score(Some(&[1.0, 4.0, 9.0])), 10.0 / 16.0);
        let none = Evaluation { correct: 0, total: 0, loss: 0.0, classes: vec![[0, 0]], predictions: Vec::new() };
        assert_eq!((none.accuracy(), none.balanced_accuracy(), none.score(Some(&[1.0]))), (0.0, 0.0, 0.0));
    }
}
