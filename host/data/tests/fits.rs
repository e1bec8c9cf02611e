//! From rows to a data set, and rows for a model that is there.

use bitfab_data::*;
use bitfab_format::{Kind, Limits};
use bitfab_graph::Shape;
use proptest::prelude::*;

/// A table of 40 windows of a sensor: real columns, two classes, four people.
fn table() -> String {
    let row = |row: usize| {
        let (person, class) = (row % 4, if row.is_multiple_of(3) { "sit" } else { "walk" });
        format!("{}.25,{},p{person},{class}\n", row as i64 - 20, row * 37 % 101)
    };
    std::iter::once("ax,ay,person,activity\n".to_owned()).chain((0..40).map(row)).collect()
}

fn people() -> TableOptions {
    TableOptions { groups: vec!["person".parse().unwrap()], ..TableOptions::default() }
}

fn rows(text: &str, options: &TableOptions) -> Rows {
    read_table("t.csv", text.as_bytes(), options).unwrap()
}

fn dataset(text: &str) -> Dataset {
    let by = SplitOptions { by: Some("person".into()), ..SplitOptions::default() };
    let parts = split(Content::Rows(rows(text, &people())), None, &by).unwrap();
    assemble(parts, &CodingOptions::default()).unwrap()
}

/// What a model that learned from `data` takes.
fn takes(data: &Dataset) -> Takes {
    use bitfab_graph::{ByteKind, Graph, Node, Op, WeightQuantizer, Weights};
    let inputs = data.shape.channels;
    let weights =
        Weights::new(vec![1.0; (data.classes * inputs) as usize], [data.classes, 1, 1, inputs], WeightQuantizer::Sign);
    let mut interface = data.interface.clone();
    interface.learned = data.learned();
    let graph = Graph {
        input: data.shape,
        input_kind: ByteKind::U8,
        nodes: vec![Node::new("scores", 0, Op::Dense { weights })],
        precisions: Vec::new(),
        interface,
    };
    graph.check().unwrap();
    Takes::of_graph(&graph, data.classes)
}

fn refused(text: &str, takes: &Takes, options: TableOptions) -> String {
    let options = TableOptions { expected: Some(takes.expected()), ..options };
    let rows = read_table("new.csv", text.as_bytes(), &options);
    rows.and_then(|rows| fit(rows, takes, Reading::Values)).unwrap_err().to_string()
}

fn fitted(text: &str, takes: &Takes, options: TableOptions) -> Fitted {
    let options = TableOptions { expected: Some(takes.expected()), ..options };
    fit(rows(text, &options), takes, Reading::Values).unwrap()
}

#[test]
fn a_data_set_carries_what_the_model_will_say() {
    let data = dataset(&table());
    assert_eq!((data.shape, data.classes, data.train.len(), data.test.len()), (Shape::flat(2), 2, 30, 10));
    assert_eq!((data.interface.names.join(" "), data.interface.classes.join(" ")), ("ax ay".into(), "sit walk".into()));
    assert_eq!(data.interface.codings.len(), 2);
    assert_eq!((data.train.inputs.iter().min(), data.train.inputs.iter().max()), (Some(&0), Some(&255)));
    assert!(data.how.contains("1 of 4 of column 'person'"), "{}", data.how);
}

/// The fault that this crate was made for: a file of its own was coded by its own ranges and numbered by its own classes.
#[test]
fn rows_of_another_file_have_the_bytes_and_classes_of_the_model() {
    let data = dataset(&table());
    let takes = takes(&data);
    let whole = fitted(&table(), &takes, people());
    let labels = whole.labels.clone().unwrap();
    // Rows of one class, in another order, columns exchanged.
    let lines: Vec<&str> = table().leak().lines().skip(1).collect();
    let chosen: Vec<usize> = (0..40).rev().filter(|row| row % 3 != 0 && *row > 25).collect();
    let mut text = "activity,ay,person,ax\n".to_owned();
    for &row in &chosen {
        let fields: Vec<&str> = lines[row].split(',').collect();
        text += &format!("{},{},{},{}\n", fields[3], fields[1], fields[2], fields[0]);
    }
    let other = fitted(&text, &takes, people());
    let expected: Vec<&[u8]> = chosen.iter().map(|&row| whole.rows()[row]).collect();
    assert_eq!(other.rows(), expected);
    assert_eq!(other.labels.unwrap(), chosen.iter().map(|&row| labels[row]).collect::<Vec<_>>());
    assert!(other.notes.iter().any(|note| note.contains("another order")), "{:?}", other.notes);
    assert!(labels.contains(&0) && labels.contains(&1));
}

#[test]
fn rows_that_were_learned_from_are_counted() {
    let data = dataset(&table());
    let mut takes = takes(&data);
    let whole = fitted(&table(), &takes, people());
    assert_eq!(whole.learned, Some(Learned { matching: 30, known: 30, learned_rows: 30, rows: 30 }));
    assert_eq!(whole.learned_text().unwrap(), "30 of these 40 rows were learned from (by their bytes)");
    // A sample of the smallest, as a model file has it.
    takes.fingerprints.truncate(10);
    let sampled = fitted(&table(), &takes, people());
    assert_eq!(sampled.learned, Some(Learned { matching: 10, known: 10, learned_rows: 30, rows: 30 }));
    assert!(sampled.learned_text().unwrap().starts_with("about 30 of these 40 rows"));
    let new = fitted("ax,ay,activity\n-0.5,3,sit\n", &takes, TableOptions::default());
    assert!(new.learned_text().unwrap().starts_with("none of these 1 rows is among 10"), "{:?}", new.learned_text());
    takes.fingerprints.clear();
    assert_eq!(fitted(&table(), &takes, people()).learned, None);
}

#[test]
fn what_does_not_fit_the_model_is_refused() {
    let takes = takes(&dataset(&table()));
    let plain = TableOptions::default;
    for (text, part) in [
        ("ax,ay,activity\n1,2,run\n", "class 'run' is none of those that are known: sit, walk"),
        ("ax,az,activity\n1,2,sit\n", "the model takes columns 'ay', which the table does not have"),
        ("ax,ay,activity\n1,?,sit\n", "line 2, column 'ay': no number"),
        ("1,2,5,6\n", "4 columns of values, the model takes 2"),
        ("ax,ay,activity\n", "0 rows"),
        ("ax,ay,activity\n1,2,\n", "line 2: no class"),
    ] {
        let message = refused(text, &takes, plain());
        assert!(message.contains("new.csv") && message.contains(part), "{message}");
    }
    let shape = Rows::new("x", Shape::new(2, 2, 1), Values::Reals(vec![0.0; 4])).unwrap();
    assert!(
        fit(shape, &takes, Reading::Values).unwrap_err().to_string().contains("rows are 2x2x1, the model takes 1x1x2")
    );
    let bytes = Rows::new("x", Shape::flat(2), Values::Bytes(vec![3, 4])).unwrap();
    let message = fit(bytes.clone(), &takes, Reading::Values).unwrap_err().to_string();
    assert!(message.contains("astype(numpy.float32)"), "{message}");
    assert_eq!(fit(bytes, &takes, Reading::Bytes).unwrap().bytes, [3, 4]);
    let labels = Labels { of_rows: vec![0, 1], ..Labels::default() };
    let one = Rows::new("x", Shape::flat(2), Values::Reals(vec![0.0; 2])).unwrap();
    assert!(one.with_labels(labels).unwrap_err().to_string().contains("2 classes for 1 rows"));
}

#[test]
fn values_outside_the_learned_range_are_counted_by_column() {
    let takes = takes(&dataset(&table()));
    let found = fitted("ax,ay\n1e9,3\n-1e9,-5\ninf,100\n", &takes, TableOptions::default());
    assert_eq!((found.clamped, found.labels), (vec![3, 1], None));
}

#[test]
fn a_missing_value_takes_the_mean_of_what_was_learned_on_every_command() {
    let text = table().replace("\n5.25,16,", "\n?,16,");
    let drop = dataset(&text.replace("\n?,16,p1,walk", ""));
    let mean = TableOptions { missing: Missing::Mean, ..people() };
    let by = SplitOptions { by: Some("person".into()), ..SplitOptions::default() };
    let data =
        assemble(split(Content::Rows(rows(&text, &mean)), None, &by).unwrap(), &CodingOptions::default()).unwrap();
    assert_eq!(data.interface.codings[0], drop.interface.codings[0]);
    let found = fitted(
        "ax,ay,activity\n?,16,walk\n",
        &takes(&data),
        TableOptions { missing: Missing::Mean, ..TableOptions::default() },
    );
    let base = data.interface.codings[0].base as u8;
    assert_eq!(found.bytes[0], base);
    assert!((100..156).contains(&base) && found.notes[0].contains("1 missing values"), "{base} {:?}", found.notes);
    let trained = [&data.train, &data.test].into_iter().any(|part| part.inputs.chunks(2).any(|row| row == found.bytes));
    assert!(trained);
}

#[test]
fn classes_of_arrays_are_numbers_or_names() {
    let data = dataset(&table());
    let takes = takes(&data);
    let with = |labels: Labels| {
        let rows = Rows::new("x", Shape::flat(2), Values::Reals(vec![1.0; 2])).unwrap();
        fit(rows.with_labels(labels).unwrap(), &takes, Reading::Values).map(|found| found.labels.unwrap()[0])
    };
    assert_eq!(with(Labels { of_rows: vec![1], ..Labels::default() }), Ok(1));
    assert_eq!(with(Labels::named("", &["walk"])), Ok(1));
    assert!(
        with(Labels { of_rows: vec![2], ..Labels::default() })
            .unwrap_err()
            .to_string()
            .contains("class 2, known are 0 to 1")
    );
}

/// A table with classes 1 and 2, and an array of the same: class 1 is not the second one.
#[test]
fn numbers_are_classes_of_that_name() {
    let text: String = (0..40).map(|row| format!("{row}.5,{}\n", 1 + row % 2)).collect();
    let takes = takes(&from_csv("t", text.as_bytes()).unwrap());
    let with = |class: u32| {
        let rows = Rows::new("x", Shape::flat(1), Values::Reals(vec![1.0])).unwrap();
        let labels = Labels { of_rows: vec![class], ..Labels::default() };
        fit(rows.with_labels(labels).unwrap(), &takes, Reading::Values).map(|found| found.labels.unwrap()[0])
    };
    assert_eq!((with(1), with(2)), (Ok(0), Ok(1)));
    assert!(with(0).unwrap_err().to_string().contains("class '0' is none of those that are known: 1, 2"));
}

#[test]
fn columns_that_never_change_and_rows_in_two_parts_are_said() {
    let rows_of = |text: &str| rows(text, &TableOptions::default());
    let train: String = (0..30).map(|row| format!("{row}.5,3,{}\n", row % 2)).collect();
    let parts =
        split(Content::Rows(rows_of(&train)), Some(rows_of("1.5,3,1\n2.25,3,0\n")), &SplitOptions::default()).unwrap();
    let data = assemble(parts, &CodingOptions::default()).unwrap();
    assert_eq!(
        data.notes,
        [
            "1 of 2 test rows are also rows to learn from, byte for byte",
            "1 columns never change in the part to learn from: 2"
        ]
    );
}

#[test]
fn a_quantity_is_no_class() {
    let message = |class: fn(usize) -> String, count: usize| {
        let text: String = (0..count).map(|row| format!("{row}.5,{}\n", class(row))).collect();
        from_csv("t", text.as_bytes()).unwrap_err().to_string()
    };
    assert!(message(|row| format!("{}", row as f32 * 0.37), 50).contains("(regression)"));
    assert!(message(|row| row.to_string(), 600).contains("(regression)"));
    assert!(message(|row| format!("n{row}"), 600).contains("different texts in"));
    assert!(message(|row| format!("n{row}"), 50).contains("different texts in"));
    assert!(message(|_| "a".into(), 50).contains("1 classes"));
    let halves: String = (0..60).map(|row| format!("{row}.5,{}\n", (row % 3) as f32 / 2.0)).collect();
    assert_eq!(from_csv("t", halves.as_bytes()).unwrap().interface.classes, ["0", "0.5", "1"]);
}

#[test]
fn a_class_that_only_the_test_part_has_is_refused() {
    let rows_of = |text: &str| rows(text, &TableOptions::default());
    let train: String = (0..30).map(|row| format!("{row}.5,c{}\n", row % 2)).collect();
    let with = |test: &str| {
        let parts = split(Content::Rows(rows_of(&train)), Some(rows_of(test)), &SplitOptions::default()).unwrap();
        assemble(parts, &CodingOptions::default())
    };
    assert!(with("1.5,c2\n2.5,c0\n").unwrap_err().to_string().contains("class 'c2' is none of those"));
    // The test file has its classes in its own order, and one of them alone.
    assert_eq!(with("1.5,c1\n2.5,c1\n").unwrap().test.labels, [1, 1]);
    let unlabelled = rows("1.5\n2.5\n", &TableOptions { label: Label::Absent, ..TableOptions::default() });
    let parts = split(Content::Rows(rows_of(&train)), Some(unlabelled), &SplitOptions::default()).unwrap();
    assert!(assemble(parts, &CodingOptions::default()).unwrap_err().to_string().contains("the rows have no classes"));
}

#[test]
fn a_series_has_steps_and_channels() {
    let shape = Shape::new(3, 1, 2);
    let mut takes = takes(&dataset(&table()));
    (takes.shape, takes.limits) = (shape, Limits::of(Kind::U8));
    let values = || Values::Reals(vec![0.0; 6]);
    for sizes in [shape, Shape::flat(6), Shape::new(3, 2, 1)] {
        fit(Rows::new("x", sizes, values()).unwrap(), &takes, Reading::Values).unwrap();
    }
    for sizes in [Shape::new(2, 3, 1), Shape::new(2, 1, 3), Shape::new(1, 2, 3)] {
        fit(Rows::new("x", sizes, values()).unwrap(), &takes, Reading::Values).unwrap_err();
    }
    let rows = Rows::new("x", Shape::new(3, 2, 1), values()).unwrap();
    assert_eq!(rows.series().unwrap().shape, shape);
}

proptest! {
    /// Rows that were learned from have, read for the model, the bytes that were learned.
    #[test]
    fn what_was_learned_is_read_the_same(values in proptest::collection::vec(-1e4f32..1e4, 60)) {
        let text: String = values.chunks(2).enumerate().map(|(row, v)| format!("{},{},{}\n", v[0], v[1], row % 2)).collect();
        let data = from_csv("t", text.as_bytes());
        // Some draws leave a part or a class without rows.
        prop_assume!(data.is_ok());
        let data = data.unwrap();
        let found = fitted(&text, &takes(&data), TableOptions::default());
        // More if rows of other parts have the same bytes.
        prop_assert!(found.learned.unwrap().rows >= data.train.len() as u64);
        let all: std::collections::HashSet<&[u8]> = found.rows().into_iter().collect();
        prop_assert!([&data.train, &data.test].iter().all(|part| part.inputs.chunks(2).all(|row| all.contains(row))));
    }
}
