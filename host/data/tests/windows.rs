//! Windows over time series against a slow reference.

use bitfab_data::*;
use bitfab_graph::Shape;
use proptest::prelude::*;

/// Rows of two channels (the row's number and its negative), with classes and two columns to keep within.
fn series(classes: &[u32], people: &[u32], recordings: &[u32]) -> Rows {
    let values = (0..classes.len()).flat_map(|row| [row as f32, -(row as f32)]).collect();
    let mut rows = Rows::new("t", Shape::flat(2), Values::Reals(values)).unwrap();
    let text = |all: &[u32]| all.iter().map(|number| format!("n{number}")).collect::<Vec<_>>();
    rows.labels = Some(Labels::named("class", &text(classes)));
    rows.groups = vec![Groups::new("person", &text(people)), Groups::new("recording", &text(recordings))];
    rows.names = vec!["up".into(), "down".into()];
    rows
}

fn options(length: u32, step: u32, by: &[&str], mixed: Mixed) -> WindowOptions {
    WindowOptions { length, step, by: by.iter().map(|by| (*by).into()).collect(), mixed }
}

proptest! {
    #[test]
    fn windows_are_those_of_the_reference(
        rows in proptest::collection::vec((0u32..2, 0u32..3, 0u32..2), 1..60),
        stretch in 1usize..5,
        length in 1usize..9,
        step in 1usize..9,
        columns in 0usize..3,
        majority: bool,
    ) {
        let rows: Vec<_> = rows.iter().flat_map(|row| std::iter::repeat_n(*row, stretch)).collect();
        let part = |of: fn(&(u32, u32, u32)) -> u32| rows.iter().map(of).collect::<Vec<_>>();
        let all = series(&part(|row| row.0), &part(|row| row.1), &part(|row| row.2));
        let mixed = if majority { Mixed::Majority } else { Mixed::Drop };
        let options = options(length as u32, step as u32, &["person", "recording"][..columns], mixed);
        let found = windows(all.clone(), &options);

        // A window starts a whole number of steps behind the row at which its run begins.
        let group = |row: usize| (u32::from(columns > 0) * rows[row].1, u32::from(columns > 1) * rows[row].2);
        let begin = |row: usize| (0..=row).rev().take_while(|&at| group(at) == group(row)).last().unwrap();
        let mut expected = Vec::new();
        for start in 0..rows.len().saturating_sub(length - 1) {
            let ones = (start..start + length).filter(|&row| rows[row].0 == 1).count();
            let is_whole = begin(start + length - 1) == begin(start) && (start - begin(start)) % step == 0;
            if is_whole && (majority || ones == 0 || ones == length) {
                expected.push((start, u32::from(ones * 2 > length)));
            }
        }
        let Ok(found) = found else {
            prop_assert!(expected.is_empty());
            return Ok(());
        };
        prop_assert_eq!(found.shape, Shape::new(length as u32, 1, 2));
        prop_assert_eq!(found.len(), expected.len());
        let labels = found.labels.as_ref().unwrap();
        for (at, &(start, class)) in expected.iter().enumerate() {
            let values = |at: usize| found.values.real(at);
            let first = at * length * 2;
            let window: Vec<f32> = (first..first + length * 2).map(values).collect();
            let wanted: Vec<f32> = (start..start + length).flat_map(|row| [row as f32, -(row as f32)]).collect();
            prop_assert_eq!(window, wanted);
            prop_assert_eq!(&labels.names[labels.of_rows[at] as usize], &format!("n{class}"));
            let person = &found.groups[0];
            prop_assert_eq!(&person.names[person.of_rows[at] as usize], &format!("n{}", rows[start].1));
        }
        prop_assert_eq!(found.overlap, step < length);
    }
}

#[test]
fn what_is_left_out_is_said() {
    let all = series(&[0, 0, 0, 1, 1, 1, 1], &[0; 7], &[0; 7]);
    let cut = windows(all, &options(2, 2, &["person"], Mixed::Drop)).unwrap();
    assert_eq!(cut.len(), 2);
    assert_eq!(
        cut.notes,
        [
            "2 windows of 2 rows every 2 from 1 runs; left out: 1 of mixed classes, 0 with gaps, 1 rows at the ends of runs"
        ]
    );
}

#[test]
fn a_gap_drops_its_windows_and_joins_nothing() {
    let mut all = series(&[0; 8], &[0; 8], &[0; 8]);
    let Values::Reals(values) = &mut all.values else { panic!("no reals") };
    values[7] = f32::NAN;
    let message = windows(all.clone(), &options(2, 2, &[], Mixed::Drop)).unwrap_err().to_string();
    assert!(message.contains("row 3, column 'down': no number"), "{message}");
    all.missing = Missing::Drop;
    let cut = windows(all.clone(), &options(2, 2, &[], Mixed::Drop)).unwrap();
    assert_eq!((cut.len(), cut.notes[0].contains("1 with gaps")), (3, true));
    all.missing = Missing::Mean;
    assert_eq!(windows(all, &options(2, 2, &[], Mixed::Drop)).unwrap().len(), 4);
}

#[test]
fn windows_that_cannot_be_are_refused() {
    let all = series(&[0; 8], &[0; 8], &[0; 8]);
    let refused = |rows: &Rows, options: &WindowOptions| windows(rows.clone(), options).unwrap_err().to_string();
    assert!(refused(&all, &options(9, 1, &[], Mixed::Drop)).contains("no window of 9 rows is left"));
    assert!(refused(&all, &options(0, 1, &[], Mixed::Drop)).contains("at least 1"));
    assert!(refused(&all, &options(1, 0, &[], Mixed::Drop)).contains("at least 1"));
    assert!(refused(&all, &options(u32::MAX, u32::MAX, &[], Mixed::Drop)).contains("no window"));
    assert!(refused(&all, &options(2, 1, &["day"], Mixed::Drop)).contains("no column 'day'"));
    let cut = windows(all, &options(2, 1, &[], Mixed::Drop)).unwrap();
    assert!(refused(&cut, &options(2, 1, &[], Mixed::Drop)).contains("windows already"));
}

#[test]
fn windows_that_overlap_are_split_with_a_warning() {
    let classes: Vec<u32> = (0..400).map(|row| row / 200).collect();
    let people: Vec<u32> = (0..400).map(|row| row / 50).collect();
    let cut = windows(series(&classes, &people, &people), &options(4, 2, &["person"], Mixed::Drop)).unwrap();
    let warns = |by: Option<&str>| {
        let options = SplitOptions { by: by.map(str::to_owned), ..SplitOptions::default() };
        let parts = split(Content::Rows(cut.clone()), None, &options).unwrap();
        parts.notes.iter().any(|note| note.contains("neighbouring windows overlap"))
    };
    assert!(warns(None) && !warns(Some("person")));
}
