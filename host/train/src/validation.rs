//! The validation part: rows to choose by while learning, cut from those to learn from.

use crate::error::{TrainError, config_error};
use bitfab_data::{Dataset, Split};
use std::borrow::Cow;

/// The data with a validation part: its own where it has one, else one that is cut from the training part by
/// [`Dataset::cut_validation`].
///
/// A copy has no test part: whoever learns has no business with it.
///
/// # Errors
/// [`TrainError::Config`] if the data's own validation part does not fit its training part.
pub(crate) fn prepare(data: &Dataset, share: f32) -> Result<Cow<'_, Dataset>, TrainError> {
    let own = &data.validation;
    let fits = own.inputs.len() as u64 == data.shape.elements() * own.len() as u64;
    if !fits || own.labels.iter().any(|&label| u32::from(label) >= data.classes) {
        let problem = "the validation part has rows of another size or classes that the training part has not";
        return Err(config_error("validation", problem));
    }
    if !own.is_empty() || share <= 0.0 {
        return Ok(Cow::Borrowed(data));
    }
    let mut own = Dataset {
        name: data.name.clone(),
        shape: data.shape,
        classes: data.classes,
        how: data.how.clone(),
        notes: data.notes.clone(),
        interface: data.interface.clone(),
        train: data.train.clone(),
        validation: Split::default(),
        test: Split::default(),
    };
    own.cut_validation(f64::from(share));
    Ok(Cow::Owned(own))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bitfab_data::digits;
    use bitfab_graph::Shape;
    use std::collections::BTreeSet;

    fn rows(split: &Split, width: usize) -> BTreeSet<(&[u8], u8)> {
        split.inputs.chunks_exact(width).zip(split.labels.iter().copied()).collect()
    }

    #[test]
    fn the_cut_depends_on_the_rows_bytes_and_on_nothing_else() {
        let data = digits(0).unwrap();
        let found = prepare(&data, 0.1).unwrap();
        let (train, validation) = (&found.train, &found.validation);
        assert_eq!(train.len() + validation.len(), data.train.len());
        assert!((100..190).contains(&validation.len()), "{} rows", validation.len());
        assert!(found.test.is_empty());
        let every_second: Vec<u32> = (0..data.train.len() as u32).rev().step_by(2).collect();
        let half = Dataset { train: data.train.pick(&every_second, 64), ..data.clone() };
        let half = prepare(&half, 0.1).unwrap().validation.clone();
        assert!(half.len() > 40 && rows(&half, 64).is_subset(&rows(validation, 64)));
        let twice = Split { inputs: data.train.inputs.repeat(2), labels: data.train.labels.repeat(2) };
        let twice = Dataset { train: twice, ..data.clone() };
        let twice = prepare(&twice, 0.1).unwrap();
        assert_eq!(twice.validation.len(), 2 * validation.len());
        assert!(rows(&twice.train, 64).is_disjoint(&rows(&twice.validation, 64)));
        assert!(rows(&prepare(&data, 0.3).unwrap().validation, 64).is_superset(&rows(validation, 64)));
    }

    #[test]
    fn a_class_keeps_rows_to_learn_from_and_a_given_part_is_left_alone() {
        let split = |inputs: &[u8]| Split { inputs: inputs.into(), labels: vec![0; inputs.len()] };
        let all: Vec<u8> = (0..=255).collect();
        let probe = Dataset { train: split(&all), ..Dataset::new("t", Shape::flat(1), two(), two()).unwrap() };
        let chosen = prepare(&probe, 0.2).unwrap().validation.inputs.clone();
        let other: Vec<u8> = all.into_iter().filter(|byte| !chosen.contains(byte)).collect();
        let inputs = vec![chosen[0], chosen[1], other[0], chosen[2], other[1]];
        let data = Dataset { train: Split { inputs, labels: vec![0, 0, 1, 1, 1] }, ..probe };
        let found = prepare(&data, 0.2).unwrap();
        assert_eq!((&found.train.labels[..], &found.validation.labels[..]), (&[0, 0, 1, 1][..], &[1][..]));
        assert_eq!(found.validation.inputs, [chosen[2]]);
        assert_eq!(*prepare(&data, 0.0).unwrap(), data);
        let own = Dataset { validation: data.test.clone(), ..data };
        assert_eq!(*prepare(&own, 0.2).unwrap(), own);
        for (inputs, labels) in [(vec![1, 2, 3], vec![0, 1]), (vec![1], vec![2])] {
            let wrong = Dataset { validation: Split { inputs, labels }, ..own.clone() };
            assert!(prepare(&wrong, 0.2).unwrap_err().to_string().contains("validation"));
        }
    }

    fn two() -> Split {
        Split { inputs: vec![1, 2], labels: vec![0, 1] }
    }
}
