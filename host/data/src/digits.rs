//! The 1797 handwritten 8x8 digits of UCI's optdigits (test half), values 0 to 16, embedded in the crate `smartcore`.

use crate::dataset::{Dataset, Split};
use crate::error::{DataError, form_error};
use crate::random::permutation;
use bitfab_graph::Shape;

/// Rows kept for the test part: a fifth.
const TEST_ROWS: usize = 360;

/// The embedded digits, shuffled by `seed`: 1437 rows to learn from and 360 to judge by.
///
/// # Errors
/// [`DataError::Form`] if the embedded table is not what this crate was written for.
pub fn digits(seed: u64) -> Result<Dataset, DataError> {
    let table = smartcore::dataset::digits::load_dataset();
    let bytes = |values: &[f32], top: f32| {
        let whole = |&v: &f32| v >= 0.0 && v <= top && v.fract() == 0.0;
        values.iter().all(whole).then(|| values.iter().map(|&v| v as u8).collect::<Vec<u8>>())
    };
    let (inputs, labels) = (bytes(&table.data, 16.0), bytes(&table.target, 9.0));
    let (Some(inputs), Some(labels)) = (inputs, labels) else {
        return Err(form_error("digits", "the embedded table holds values out of range"));
    };
    if labels.len() != 1797 || inputs.len() != 1797 * 64 {
        return Err(form_error("digits", "the embedded table is not 1797 x 64"));
    }
    let all = Split { inputs, labels };
    let order = permutation(seed, all.len());
    let (train, test) = order.split_at(all.len() - TEST_ROWS);
    let (train, test) = (all.pick(train, 64), all.pick(test, 64));
    Dataset::new("digits", Shape::new(8, 8, 1), train, test)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_have_the_known_class_counts_in_every_split() {
        for seed in [0, 7] {
            let data = digits(seed).unwrap();
            assert_eq!((data.train.len(), data.test.len(), data.classes), (1437, 360, 10));
            let mut counts = [0; 10];
            for &label in data.train.labels.iter().chain(&data.test.labels) {
                counts[usize::from(label)] += 1;
            }
            assert_eq!(counts, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
        }
        assert_ne!(digits(0).unwrap().test, digits(7).unwrap().test);
        assert_eq!(digits(3).unwrap(), digits(3).unwrap());
    }
}
