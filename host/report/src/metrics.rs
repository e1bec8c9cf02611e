//! What a confusion matrix says in a few numbers, and whether they say anything.

use serde::Serialize;

use crate::Confusion;
use crate::number::percent;

/// One class among the others.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassMetrics {
    /// Its name.
    pub class: String,
    /// Rows of this class.
    pub rows: u32,
    /// Rows that were taken for this class.
    pub found: u32,
    /// Share of the rows taken for it that are of it; `None` where none was.
    pub precision: Option<f64>,
    /// Share of its rows that were taken for it; `None` where it has none.
    pub recall: Option<f64>,
    /// Harmonic mean of both, `2 right / (rows + found)`; `None` where it neither occurs nor is found.
    pub f1: Option<f64>,
}

/// A class and its share of the rows, from 0 to 1.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassShare {
    /// Its name.
    pub class: String,
    /// Its share.
    pub share: f64,
}

/// The quality of predictions; shares are from 0 to 1.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Metrics {
    /// Right predictions.
    pub correct: u32,
    /// All predictions.
    pub total: u32,
    /// Share of right predictions, 0 where there are none.
    pub accuracy: f64,
    /// Standard error of the accuracy, `sqrt(a (1 - a) / total)`.
    pub standard_error: f64,
    /// Mean recall of the classes that occur, 0 where none does.
    pub balanced_accuracy: f64,
    /// The class with the most rows, the first of equals: what one answer for all would get right; `None` without rows.
    pub commonest: Option<ClassShare>,
    /// One entry a class, in order.
    pub classes: Vec<ClassMetrics>,
}

fn share(part: u32, whole: u32) -> Option<f64> {
    (whole > 0).then(|| f64::from(part) / f64::from(whole))
}

impl Confusion {
    /// How often something was taken for `found`.
    ///
    /// # Panics
    /// If the class is out of range.
    pub fn column_total(&self, found: usize) -> u32 {
        (0..self.size()).map(|truth| self.count(truth, found)).sum()
    }

    fn class_metrics(&self, at: usize) -> ClassMetrics {
        let (right, rows, found) = (self.count(at, at), self.row_total(at), self.column_total(at));
        ClassMetrics {
            class: self.classes[at].clone(),
            rows,
            found,
            precision: share(right, found),
            recall: share(right, rows),
            f1: (rows > 0 || found > 0).then(|| 2.0 * f64::from(right) / (f64::from(rows) + f64::from(found))),
        }
    }

    /// Precision, recall and F1 of every class, and what they come to.
    pub fn metrics(&self) -> Metrics {
        let classes: Vec<ClassMetrics> = (0..self.size()).map(|at| self.class_metrics(at)).collect();
        let recalls: Vec<f64> = classes.iter().filter_map(|class| class.recall).collect();
        let total = self.total();
        // The last of equals wins, so the classes are gone through from behind.
        let commonest = classes.iter().rev().max_by_key(|class| class.rows);
        let commonest =
            commonest.and_then(|one| Some(ClassShare { class: one.class.clone(), share: share(one.rows, total)? }));
        let accuracy = self.accuracy();
        Metrics {
            correct: self.correct(),
            total,
            accuracy,
            standard_error: (accuracy * (1.0 - accuracy) / f64::from(total.max(1))).sqrt(),
            balanced_accuracy: recalls.iter().sum::<f64>() / recalls.len().max(1) as f64,
            commonest,
            classes,
        }
    }
}

impl Metrics {
    /// What a reader of the accuracy must know: that one answer for all rows would do as well, or that the rows cannot
    /// tell; `None` where the predictions are better than that by more than one standard error.
    pub fn warning(&self) -> Option<String> {
        let ClassShare { class, share } = self.commonest.as_ref()?;
        if *share >= 1.0 {
            return Some(format!("all rows are of class {class}; they say nothing about telling classes apart"));
        }
        let (accuracy, error) = (self.accuracy, self.standard_error);
        if accuracy - error > *share {
            return None;
        }
        let how = if accuracy > *share { "hardly worse" } else { "no worse" };
        Some(format!(
            "always answering {class} would be {how}: {} of these rows are of that class, {} are right \
             (standard error {})",
            percent(*share),
            percent(accuracy),
            percent(error)
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `rows[truth][found]` pairs.
    fn matrix(rows: &[&[u32]]) -> Confusion {
        let pairs = rows.iter().enumerate().flat_map(|(truth, row)| {
            let of = move |(found, &count): (usize, &u32)| std::iter::repeat_n((truth, found), count as usize);
            row.iter().enumerate().flat_map(of)
        });
        Confusion::of(rows.len(), pairs)
    }

    #[test]
    fn every_number_is_its_definition() {
        let metrics = matrix(&[&[50, 10, 0, 0], &[5, 30, 5, 0], &[0, 0, 0, 0], &[0, 0, 0, 0]]).metrics();
        assert_eq!((metrics.correct, metrics.total, metrics.accuracy), (80, 100, 0.8));
        assert_eq!(metrics.standard_error, 0.04);
        assert_eq!(metrics.balanced_accuracy, (50.0 / 60.0 + 30.0 / 40.0) / 2.0);
        assert_eq!(metrics.commonest, Some(ClassShare { class: "0".into(), share: 0.6 }));
        let numbers = |at: usize| {
            let class = &metrics.classes[at];
            (class.rows, class.found, class.precision, class.recall, class.f1)
        };
        assert_eq!(numbers(0), (60, 55, Some(50.0 / 55.0), Some(50.0 / 60.0), Some(100.0 / 115.0)));
        assert_eq!(numbers(1), (40, 40, Some(0.75), Some(0.75), Some(0.75)));
        assert_eq!(numbers(2), (0, 5, Some(0.0), None, Some(0.0)));
        assert_eq!(numbers(3), (0, 0, None, None, None));
    }

    #[test]
    fn one_class_for_all_is_named_where_it_would_do() {
        let warning = |rows: &[&[u32]]| matrix(rows).metrics().warning();
        assert_eq!(warning(&[&[50, 10], &[5, 35]]), None);
        let text = warning(&[&[70, 0], &[30, 0]]).unwrap();
        assert!(text.contains("always answering 0 would be no worse") && text.contains("70.00 %"), "{text}");
        // 72 against 70 of 100: the standard error is 4.5 points.
        let text = warning(&[&[68, 2], &[26, 4]]).unwrap();
        assert!(text.contains("hardly worse") && text.contains("4.49 %"), "{text}");
        // 7,200 against 7,000 of 10,000: it is 0.45 points.
        assert_eq!(warning(&[&[6800, 200], &[2600, 400]]), None);
        let text = warning(&[&[0, 3], &[0, 97]]).unwrap_or_default();
        assert!(text.contains("always answering 1"), "{text}");
        assert!(warning(&[&[9, 1], &[0, 0]]).unwrap().contains("all rows are of class 0"));
        assert_eq!(warning(&[&[0, 0], &[0, 0]]), None);
    }
}
