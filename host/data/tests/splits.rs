//! The part of a row depends on the row alone, that of a group on the names of groups.

use bitfab_data::*;
use bitfab_graph::Shape;
use proptest::prelude::*;
use std::collections::HashSet;

/// Rows of two values, a class, and a person each.
fn rows(values: &[[f32; 2]], people: &[&str]) -> Rows {
    let count = values.len();
    let mut rows = Rows::new("t", Shape::flat(2), Values::Reals(values.concat())).unwrap();
    let classes: Vec<String> = (0..count).map(|row| format!("c{}", row % 2)).collect();
    rows.labels = Some(Labels::named("class", &classes));
    let people: Vec<&str> = (0..count).map(|row| people[row % people.len()]).collect();
    rows.groups = vec![Groups::new("person", &people)];
    rows
}

fn grid(count: usize) -> Vec<[f32; 2]> {
    (0..count).map(|row| [row as f32 / 8.0, (row * row % 101) as f32]).collect()
}

fn parts(rows: &Rows, options: &SplitOptions) -> Parts {
    split(Content::Rows(rows.clone()), None, options).unwrap()
}

fn refused(rows: &Rows, options: &SplitOptions) -> String {
    split(Content::Rows(rows.clone()), None, options).unwrap_err().to_string()
}

fn set(rows: &Rows) -> HashSet<Vec<u32>> {
    let row = |row: usize| (0..rows.width()).map(|at| rows.values.real(row * rows.width() + at).to_bits()).collect();
    (0..rows.len()).map(row).collect()
}

fn people(rows: &Rows) -> HashSet<&str> {
    rows.groups[0].of_rows.iter().map(|&group| rows.groups[0].names[group as usize].as_str()).collect()
}

const FIFTH: SplitOptions = SplitOptions { by: None, test: TestPart::Share(0.2), validation: 0.25 };

fn by_person(test: TestPart) -> SplitOptions {
    SplitOptions { by: Some("person".into()), test, validation: 0.0 }
}

#[test]
fn shares_are_about_what_was_asked() {
    let parts = parts(&rows(&grid(5000), &["p"]), &FIFTH);
    let counts = [&parts.train, &parts.validation, &parts.test].map(Rows::len);
    assert_eq!(counts.iter().sum::<usize>(), 5000);
    assert!(counts[2].abs_diff(1000) < 100 && counts[1].abs_diff(1000) < 100, "{counts:?}");
    assert!(parts.how.contains("SHA-256"), "{}", parts.how);
}

/// Anyone can repeat it: `int.from_bytes(hashlib.sha256(numpy.array(row, '<f4').tobytes()).digest()[:4]) / 2 ** 32`.
#[test]
fn the_hash_is_the_one_that_is_stated() {
    let is_test = |values: [f32; 2], share: f64| {
        let rows = rows(&[values, LOW, HIGH], &["p"]);
        let test = parts(&rows, &SplitOptions { test: TestPart::Share(share), validation: 0.0, ..FIFTH }).test;
        assert!(test.len() <= 2 && set(&test).contains(LOW.map(f32::to_bits).as_slice()));
        test.len() == 2
    };
    for (values, hash) in [([0.5, 2.0], 0.2410670651588589), ([-0.0, 1.5], 0.11198997846804559)] {
        assert!(is_test(values, hash + 1e-9) && !is_test(values, hash - 1e-9), "{values:?}");
    }
    // The next four bytes decide about the validation part.
    let is_validation = |share: f64| {
        let rows = rows(&[[0.0, 1.5], LOW, HIGH], &["p"]);
        let options = SplitOptions { by: None, test: TestPart::Share(0.11), validation: share };
        parts(&rows, &options).validation.values == Values::Reals(vec![0.0, 1.5])
    };
    assert!(is_validation(0.34211826836690307 + 1e-9) && !is_validation(0.34211826836690307 - 1e-9));
}

/// Rows whose hashes are small and large.
const LOW: [f32; 2] = [14.0, 1.0];
const HIGH: [f32; 2] = [2.0, 1.0];

proptest! {
    /// Rows that are appended, removed or moved change the part of no other row.
    #[test]
    fn a_row_stays_in_its_part(order in Just((0..200usize).collect::<Vec<_>>()).prop_shuffle(), count in 60usize..200) {
        let all = grid(200);
        let some: Vec<[f32; 2]> = order[..count].iter().map(|&row| all[row]).collect();
        let (whole, part) = (parts(&rows(&all, &["p"]), &FIFTH), parts(&rows(&some, &["p"]), &FIFTH));
        for (of_part, of_whole) in
            [(&part.train, &whole.train), (&part.validation, &whole.validation), (&part.test, &whole.test)]
        {
            prop_assert!(set(of_part).is_subset(&set(of_whole)));
        }
    }

    /// Parts hold every row once, and no row is in two of them, doubles included.
    #[test]
    fn parts_share_no_row(doubles in proptest::collection::vec(0usize..60, 60..200), folds in 2u32..6, fold in 0u32..6) {
        let values: Vec<[f32; 2]> = doubles.iter().map(|&row| grid(60)[row]).collect();
        let test = TestPart::Fold { index: fold % folds, count: folds };
        let parts = parts(&rows(&values, &["p"]), &SplitOptions { test, ..FIFTH });
        let sets = [&parts.train, &parts.validation, &parts.test].map(set);
        prop_assert!(sets[0].is_disjoint(&sets[2]) && sets[1].is_disjoint(&sets[2]) && sets[0].is_disjoint(&sets[1]));
        prop_assert_eq!(parts.train.len() + parts.validation.len() + parts.test.len(), values.len());
    }
}

#[test]
fn every_row_is_in_one_fold() {
    let all = rows(&grid(300), &["p"]);
    let tests: Vec<Rows> = (0..5)
        .map(|index| parts(&all, &SplitOptions { test: TestPart::Fold { index, count: 5 }, ..FIFTH }).test)
        .collect();
    assert_eq!(tests.iter().map(Rows::len).sum::<usize>(), 300);
    assert_eq!(tests.iter().flat_map(set).collect::<HashSet<_>>(), set(&all));
    assert!(tests.iter().all(|test| (40..80).contains(&test.len())));
}

#[test]
fn groups_stay_together() {
    let names = ["ann", "bob", "cid", "dan", "eve", "fay", "gus", "hal", "ina", "joe"];
    let all = rows(&grid(200), &names);
    let options = SplitOptions { validation: 0.2, ..by_person(TestPart::Share(0.2)) };
    let parts = parts(&all, &options);
    let sets = [&parts.train, &parts.validation, &parts.test].map(people);
    assert_eq!(sets.clone().map(|set| set.len()), [6, 2, 2]);
    assert_eq!(sets.iter().flatten().collect::<HashSet<_>>().len(), 10);
    assert!(parts.how.contains("test part: 2 of 10 of column 'person'"), "{}", parts.how);
    // More rows of the same people change nothing.
    let more = split(Content::Rows(rows(&grid(230), &names)), None, &options).unwrap();
    assert_eq!(people(&more.test), sets[2]);
}

#[test]
fn groups_may_be_named() {
    let all = rows(&grid(40), &["p1", "p2", "p3", "p4"]);
    let parts = parts(&all, &by_person(TestPart::Groups(vec!["p3".into(), "p1".into()])));
    assert_eq!((people(&parts.test).len(), people(&parts.train)), (2, HashSet::from(["p2", "p4"])));
    let message = refused(&all, &by_person(TestPart::Groups(vec!["p9".into()])));
    assert!(message.contains("no 'p9'; it has 4 of 4 of column 'person': p1, p2, p3, p4"), "{message}");
    let message = refused(&all, &by_person(TestPart::Groups(["p1", "p2", "p3", "p4"].map(Into::into).to_vec())));
    assert!(message.contains("the part to learn from has none"), "{message}");
    assert!(refused(&all, &by_person(TestPart::Groups(Vec::new()))).contains("the test part has none"));
}

#[test]
fn groups_make_folds() {
    let all = rows(&grid(70), &["p1", "p2", "p3", "p4", "p5", "p6", "p7"]);
    let folds: Vec<Parts> = (0..3).map(|index| parts(&all, &by_person(TestPart::Fold { index, count: 3 }))).collect();
    assert_eq!(folds.iter().map(|fold| people(&fold.test).len()).collect::<Vec<_>>(), [3, 2, 2]);
    assert_eq!(folds.iter().flat_map(|fold| people(&fold.test)).collect::<HashSet<_>>().len(), 7);
    let message = refused(&all, &by_person(TestPart::Fold { index: 0, count: 8 }));
    assert!(message.contains("7 different texts, needs at least 8"), "{message}");
    let alone = rows(&grid(70), &["p1"]);
    assert!(refused(&alone, &by_person(TestPart::Share(0.2))).contains("1 different texts, needs at least 2"));
}

#[test]
fn one_group_left_gives_its_rows_to_both() {
    let all = rows(&grid(100), &["p1", "p2"]);
    let parts = parts(&all, &SplitOptions { validation: 0.3, ..by_person(TestPart::Share(0.5)) });
    assert!(!parts.validation.is_empty() && people(&parts.train) == people(&parts.validation));
    assert!(parts.notes[0].contains("cut by rows"), "{:?}", parts.notes);
}

#[test]
fn a_given_test_part_is_kept_whole() {
    let (all, given) = (rows(&grid(50), &["p"]), rows(&grid(7), &["q"]));
    let with = |given: Rows| split(Content::Rows(all.clone()), Some(given), &FIFTH);
    let parts = with(given.clone()).unwrap();
    assert_eq!((&parts.test, parts.train.len() + parts.validation.len()), (&given, 50));
    assert!(parts.how.contains("test part as given") && !parts.validation.is_empty());
    let mut other = given.clone();
    other.names = vec!["b".into(), "a".into()];
    with(other).unwrap();
    let wide = Rows::new("w", Shape::flat(3), Values::Reals(vec![0.0; 3])).unwrap();
    let message = with(wide).unwrap_err().to_string();
    assert!(message.contains("rows are 1x1x3, those to learn from (t) are 1x1x2"), "{message}");
    let parts = Content::Parts { train: all.clone(), validation: None, test: given.clone() };
    assert!(split(parts, Some(given), &FIFTH).unwrap_err().to_string().contains("a test part of its own"));
}

#[test]
fn options_out_of_range_are_refused() {
    let all = rows(&grid(50), &["p"]);
    for (options, part) in [
        (SplitOptions { test: TestPart::Share(0.0), ..FIFTH }, "above 0 and below 1"),
        (SplitOptions { test: TestPart::Share(f64::NAN), ..FIFTH }, "above 0 and below 1"),
        (SplitOptions { validation: 1.0, ..FIFTH }, "0 to below 1"),
        (SplitOptions { test: TestPart::Fold { index: 2, count: 2 }, ..FIFTH }, "fold 2 of 2"),
        (SplitOptions { test: TestPart::Groups(vec!["p".into()]), ..FIFTH }, "need a column to split by"),
        (SplitOptions { by: Some("day".into()), ..FIFTH }, "no column 'day' to split by"),
    ] {
        let message = refused(&all, &options);
        assert!(message.contains(part), "{message}");
    }
    assert!(refused(&rows(&grid(1), &["p"]), &FIFTH).contains("too few"));
}

#[test]
fn a_validation_part_can_be_cut_from_known_sets() {
    let mut data = digits(0).unwrap();
    let whole = data.clone();
    data.cut_validation(0.1);
    assert_eq!(data.train.len() + data.validation.len(), 1437);
    assert!((100..190).contains(&data.validation.len()), "{}", data.validation.len());
    assert_eq!(data.test, whole.test);
    let again = data.clone();
    data.cut_validation(0.1);
    assert_eq!(data, again);
    let mut none = whole.clone();
    none.cut_validation(0.0);
    assert_eq!(none, whole);
    assert_ne!(again.fingerprint(), whole.fingerprint());
}

#[test]
fn a_class_keeps_rows_to_learn_from() {
    let mut all = rows(&grid(100), &["p"]);
    let near = parts(&all, &SplitOptions { test: TestPart::Share(0.01), validation: 0.5, ..FIFTH });
    // The first row of the validation part becomes the only one of its class.
    let Values::Reals(values) = &near.validation.values else { panic!("no reals") };
    let lone = (0..100).find(|row| grid(100)[*row] == [values[0], values[1]]).unwrap();
    let classes: Vec<&str> = (0..100).map(|row| if row == lone { "lone" } else { "other" }).collect();
    all.labels = Some(Labels::named("class", &classes));
    let after = parts(&all, &SplitOptions { test: TestPart::Share(0.01), validation: 0.5, ..FIFTH });
    assert_eq!((after.validation.len() + 1, after.test.len()), (near.validation.len(), near.test.len()));
}
