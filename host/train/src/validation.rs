//! The validation part: rows to choose by while learning, cut from those to learn from.

use bitfab_data::{Dataset, Split};
use std::borrow::Cow;

/// The data with a validation part: its own where it has one, else one that is cut from the training part.
///
/// A row is cut where a hash of its bytes falls into the share, so equal rows stay together and neither the number
/// nor the order of rows matters; a class of which nothing would be left to learn from is not cut.
/// A copy has no test part: whoever learns has no business with it.
pub(crate) fn prepare(data: &Dataset, share: f32) -> Cow<'_, Dataset> {
    if !data.validation.is_empty() || share <= 0.0 {
        return Cow::Borrowed(data);
    }
    let (train, validation) = cut(&data.train, data.shape.elements() as usize, share);
    if validation.is_empty() {
        return Cow::Borrowed(data);
    }
    Cow::Owned(Dataset {
        name: data.name.clone(),
        shape: data.shape,
        classes: data.classes,
        how: data.how.clone(),
        notes: data.notes.clone(),
        interface: data.interface.clone(),
        train,
        validation,
        test: Split::default(),
    })
}

/// Rows to keep and rows that are cut, in order.
fn cut(rows: &Split, width: usize, share: f32) -> (Split, Split) {
    let bytes = |row: usize| &rows.inputs[row * width..(row + 1) * width];
    let mut chosen: Vec<bool> = (0..rows.len()).map(|row| is_chosen(bytes(row), share)).collect();
    let mut is_left = [false; 256];
    for (&label, _) in rows.labels.iter().zip(&chosen).filter(|(_, is_chosen)| !**is_chosen) {
        is_left[usize::from(label)] = true;
    }
    for (&label, is_chosen) in rows.labels.iter().zip(&mut chosen) {
        *is_chosen &= is_left[usize::from(label)];
    }
    let pick = |wanted: bool| {
        let mut part = Split::default();
        for (row, _) in chosen.iter().enumerate().filter(|(_, is_chosen)| **is_chosen == wanted) {
            part.inputs.extend_from_slice(bytes(row));
            part.labels.push(rows.labels[row]);
        }
        part
    };
    (pick(false), pick(true))
}

/// Whether a row belongs to the validation part, by its bytes alone.
///
/// The checksum is mixed (SplitMix64), so that the choice has nothing to do with another split by the same checksum.
fn is_chosen(row: &[u8], share: f32) -> bool {
    let mut hash = (u64::from(crc32fast::hash(row)) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^= hash >> 31;
    ((hash >> 40) as f32) < share * (1 << 24) as f32
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
        let (train, validation) = cut(&data.train, 64, 0.1);
        assert_eq!(train.len() + validation.len(), data.train.len());
        assert!((100..190).contains(&validation.len()), "{} rows", validation.len());
        let mut turned = Split::default();
        for row in (0..data.train.len()).rev().step_by(2) {
            turned.inputs.extend_from_slice(&data.train.inputs[row * 64..(row + 1) * 64]);
            turned.labels.push(data.train.labels[row]);
        }
        let (_, half) = cut(&turned, 64, 0.1);
        assert!(half.len() > 40 && rows(&half, 64).is_subset(&rows(&validation, 64)));
        let twice = Split { inputs: data.train.inputs.repeat(2), labels: data.train.labels.repeat(2) };
        let (left, chosen) = cut(&twice, 64, 0.1);
        assert_eq!(chosen.len(), 2 * validation.len());
        assert!(rows(&left, 64).is_disjoint(&rows(&chosen, 64)));
        assert!(rows(&cut(&data.train, 64, 0.3).1, 64).is_superset(&rows(&validation, 64)));
    }

    #[test]
    fn shares_are_met_and_a_split_by_the_same_checksum_is_independent() {
        let many: Vec<[u8; 4]> = (0..40_000u32).map(u32::to_le_bytes).collect();
        let tenth = |rows: &[&[u8; 4]]| {
            let count = rows.iter().filter(|row| is_chosen(&row[..], 0.1)).count();
            count as f32 / rows.len() as f32
        };
        assert!((tenth(&many.iter().collect::<Vec<_>>()) - 0.1).abs() < 0.01);
        for part in 0..5 {
            let fifth = |row: &&[u8; 4]| crc32fast::hash(&row[..]) / (u32::MAX / 5 + 1) == part;
            assert!((tenth(&many.iter().filter(fifth).collect::<Vec<_>>()) - 0.1).abs() < 0.02, "fifth {part}");
        }
    }

    #[test]
    fn a_class_keeps_rows_to_learn_from() {
        let (chosen, other): (Vec<u8>, Vec<u8>) = (0..=255u8).partition(|&byte| is_chosen(&[byte], 0.2));
        let inputs = [chosen[0], chosen[1], other[0], chosen[2], other[1]];
        let train = Split { inputs: inputs.into(), labels: vec![0, 0, 1, 1, 1] };
        let data = Dataset::new("t", Shape::flat(1), train.clone(), train).unwrap();
        let found = prepare(&data, 0.2);
        assert_eq!((&found.train.labels[..], &found.validation.labels[..]), (&[0, 0, 1, 1][..], &[1][..]));
        assert_eq!(found.validation.inputs, [chosen[2]]);
        assert!(found.test.is_empty());
        assert_eq!(*prepare(&data, 0.0), data);
        let own = Dataset { validation: data.test.clone(), ..data };
        assert_eq!(*prepare(&own, 0.2), own);
    }
}
