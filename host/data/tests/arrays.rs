//! NumPy files that are damaged or hostile give errors, whole ones give their rows.

use bitfab_data::*;
use bitfab_format::{Coding, Kind, Limits};
use bitfab_graph::Shape;
use proptest::prelude::*;
use std::io::{Cursor, Write};
use zip::write::SimpleFileOptions;

/// A `.npy` file of version 1.
fn npy(descr: &str, sizes: &str, body: &[u8]) -> Vec<u8> {
    let mut head = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({sizes}), }}");
    while !(head.len() + 11).is_multiple_of(64) {
        head.push(' ');
    }
    head.push('\n');
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((head.len() as u16).to_le_bytes());
    file.extend(head.bytes());
    file.extend(body);
    file
}

fn npz(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        archive.start_file(format!("{name}.npy"), SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// Text as NumPy's `<U4` has it.
fn texts(all: &[&str]) -> Vec<u8> {
    let four = |text: &&str| {
        let mut chars: Vec<u32> = text.chars().map(u32::from).collect();
        chars.resize(4, 0);
        chars
    };
    let body: Vec<u8> = all.iter().flat_map(four).flat_map(u32::to_le_bytes).collect();
    npy("<U4", &format!("{},", all.len()), &body)
}

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn whole() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("x_train", npy("|u1", "3, 2, 2", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])),
        ("y_train", npy("<i8", "3,", &[0u64, 2, 1].map(u64::to_le_bytes).concat())),
        ("x_test", npy("|u1", "1, 2, 2", &[13, 14, 15, 16])),
        ("y_test", npy("|u1", "1,", &[2])),
    ]
}

/// `whole` with one array replaced.
fn with(key: &'static str, file: Vec<u8>) -> Vec<(&'static str, Vec<u8>)> {
    let mut entries = whole();
    entries.retain(|(name, _)| *name != key);
    entries.push((key, file));
    entries
}

#[test]
fn a_whole_npz_gives_its_rows() {
    let data = from_npz("t", &npz(&whole())).unwrap();
    assert_eq!((data.shape, data.classes), (Shape::new(2, 2, 1), 3));
    assert_eq!(data.train.labels, [0, 2, 1]);
    assert_eq!(data.train.inputs, (1..=12).collect::<Vec<u8>>());
    assert_eq!(data.test.inputs, [13, 14, 15, 16]);
    assert!(data.interface.is_empty() && data.validation.is_empty());
}

#[test]
fn an_npz_of_reals_gets_codings_of_its_training_part() {
    let values: Vec<f32> = (0..12).map(|value| value as f32 / 4.0).collect();
    let mut entries = with("x_train", npy("<f4", "3, 4", &floats(&values)));
    entries.retain(|(name, _)| *name != "x_test");
    entries.push(("x_test", npy("<f8", "1, 4", &[9.0f64, 1.0, 1.5, -9.0].map(f64::to_le_bytes).concat())));
    entries.push(("names", texts(&["ax", "ay", "az", "\u{b0}C"])));
    entries.push(("units", texts(&["g"])));
    entries.push(("classes", texts(&["sit", "walk", "run"])));
    let data = from_npz("t", &npz(&entries)).unwrap();
    assert_eq!(data.train.inputs, [0, 0, 0, 0, 128, 128, 128, 128, 255, 255, 255, 255]);
    assert_eq!(data.test.inputs, [255, 96, 128, 0]);
    assert_eq!(data.notes, ["2 values of the test part lie outside the learned ranges"]);
    let interface = data.interface;
    assert_eq!((interface.codings.len(), interface.names[3].as_str()), (4, "\u{b0}C"));
    assert_eq!((interface.units.join(" "), interface.classes.join(" ")), ("g".into(), "sit walk run".into()));
}

#[test]
fn a_validation_part_and_named_labels_are_read() {
    let mut entries = with("y_train", texts(&["b", "c", "a"]));
    entries.retain(|(name, _)| *name != "y_test");
    entries.push(("y_test", texts(&["c"])));
    entries.push(("x_validation", npy("|u1", "1, 2, 2", &[7; 4])));
    entries.push(("y_validation", texts(&["b"])));
    let data = from_npz("t", &npz(&entries)).unwrap();
    assert_eq!(data.interface.classes, ["a", "b", "c"]);
    assert_eq!(
        (&data.train.labels[..], &data.validation.labels[..], &data.test.labels[..]),
        (&[1u8, 2, 0][..], &[1][..], &[2][..])
    );
    entries.push(("classes", texts(&["c", "b", "a"])));
    assert_eq!(from_npz("t", &npz(&entries)).unwrap().train.labels, [1, 0, 2]);
}

#[test]
fn an_npz_without_parts_is_rows_to_split() {
    let values: Vec<u8> = (0..100).collect();
    let labels: Vec<u8> = (0..50).map(|row| row % 2).collect();
    let entries = vec![("x", npy("|u1", "50, 2", &values)), ("y", npy("|u1", "50,", &labels))];
    let data = from_npz("t", &npz(&entries)).unwrap();
    assert_eq!(data.train.len() + data.test.len(), 50);
    let Content::Rows(rows) = read_npz("t", &npz(&entries[..1]), None).unwrap() else { panic!("parts") };
    assert_eq!((rows.labels, rows.shape), (None, Shape::flat(2)));
}

#[test]
fn each_wrong_array_is_named() {
    for (key, file, part) in [
        ("x_train", npy("<c8", "3, 1", &[0; 24]), "array x_train: the array has the type"),
        ("x_train", npy("<f4", "3, 1", &[0; 12]), "x_train rows are 1x1x1, x_test rows 2x2x1"),
        ("x_train", npy("|u1", "3, 2", &[0; 5]), "array x_train: the head promises"),
        ("x_train", npy("|u1", "3,", &[0; 3]), "array x_train: 1 axes"),
        ("x_train", texts(&["a", "b", "c"]), "array x_train: 1 axes"),
        ("y_train", npy("<i8", "3,", &[255; 24]), "array y_train: class of row 0 is -1"),
        ("y_train", npy("<f4", "3,", &[0; 12]), "array y_train: classes are whole numbers or text"),
        ("y_train", npy("|u1", "2,", &[0, 1]), "array y_train: 2 labels for 3 rows"),
        ("x_test", npy("|u1", "1, 4", &[0; 4]), "x_test rows"),
        ("y_test", npy("|u1", "1,", &[9]), "class 9, known are 0 to 2"),
        ("x_train", npy("|u1", "4294967295, 4294967295, 4294967295", &[]), "array x_train: the head promises"),
        ("x_train", b"\x93NUMPY\x02\x00\xff\xff\xff".to_vec(), "array x_train: shorter than the head"),
        ("x_train", b"\x93NUMPY\x02\x00\xff\xff\xff\xff".to_vec(), "array x_train: ends within its head"),
        ("classes", texts(&["a", "b"]), "class 2, array classes has 2 names"),
        ("classes", npy("|u1", "1,", &[9]), "array classes: needs text"),
        ("names", texts(&["a", "b", "c"]), "3 names and 0 units for 1 channels and 4 values"),
        ("weights", npy("|u1", "1,", &[9]), "weights.npy is none of the arrays that are known"),
    ] {
        let text = from_npz("t.npz", &npz(&with(key, file))).unwrap_err().to_string();
        assert!(text.contains("t.npz") && text.contains(part), "{text}");
    }
    let text = from_npz("t", &npz(&whole()[..3])).unwrap_err().to_string();
    assert!(text.contains("y_test"), "{text}");
    assert!(from_npz("t", b"hello").unwrap_err().to_string().contains("not a .npz archive"));
}

#[test]
fn every_type_of_numbers_is_read() {
    let reals = |file: &[u8]| {
        let rows = read_array("t", file).unwrap().into_rows("t").unwrap();
        (0..rows.values.len()).map(|at| rows.values.real(at)).collect::<Vec<f32>>()
    };
    assert_eq!(reals(&npy("|i1", "1, 2", &[255, 127])), [-1.0, 127.0]);
    assert_eq!(reals(&npy("|b1", "1, 2", &[0, 1])), [0.0, 1.0]);
    assert_eq!(reals(&npy("<i2", "1, 2", &[255, 255, 0, 128])), [-1.0, -32768.0]);
    assert_eq!(reals(&npy(">i2", "1, 2", &[255, 255, 128, 0])), [-1.0, -32768.0]);
    assert_eq!(reals(&npy("<u4", "1, 1", &[0, 0, 0, 128])), [2147483648.0]);
    assert_eq!(reals(&npy("<f2", "1, 1", &[0, 0x3c])), [1.0]);
    assert_eq!(reals(&npy("<f8", "1, 1", &0.1f64.to_le_bytes())), [0.1]);
    assert_eq!(reals(&npy("<i8", "1, 1", &16777217i64.to_le_bytes())), [16777216.0]);
    let refused = |file: &[u8]| read_array("t", file).unwrap_err().to_string();
    assert!(refused(&npy("<u8", "1, 1", &[255; 8])).contains("does not fit 64 bits"));
    let head = npy("|u1", "1, 2", &[0, 0]);
    let columns = String::from_utf8_lossy(&head[10..]).replace("False", "True ");
    assert!(refused(&[&head[..10], columns.as_bytes()].concat()).contains("ascontiguousarray"));
    assert!(refused(b"PK\x03\x04").contains("numpy.save"));
}

#[test]
fn every_truncation_is_an_error() {
    for whole in [npy("<f4", "2, 2", &[0; 16]), texts(&["ab", "c"])] {
        for end in 0..whole.len() {
            assert!(read_array("t", &whole[..end]).is_err(), "{end} bytes");
        }
        read_array("t", &whole).unwrap();
    }
}

proptest! {
    #[test]
    fn damaged_archives_never_panic(at in 0usize..2000, value: u8, end in 0usize..2000) {
        let mut bytes = npz(&whole());
        let length = bytes.len();
        bytes[at % length] = value;
        from_npz("t", &bytes).ok();
        bytes.truncate(end % length);
        prop_assert!(from_npz("t", &bytes).is_err());
    }

    #[test]
    fn arrays_with_any_head_never_panic(head in proptest::collection::vec(any::<u8>(), 0..80)) {
        let mut file = b"\x93NUMPY\x01\x00".to_vec();
        file.extend(head);
        prop_assert!(from_npz("t", &npz(&with("x_train", file))).is_err());
    }

    #[test]
    fn arrays_with_any_description_never_panic(
        descr in "[<>|=][a-zA-Z?][0-9]{0,20}",
        sizes in "[0-9]{1,20}, ?[0-9]{0,3}",
        body in proptest::collection::vec(any::<u8>(), 0..64),
    ) {
        if let Ok(array) = read_array("t", &npy(&descr, &sizes, &body)) {
            array.clone().into_labels("t").ok();
            array.into_rows("t").and_then(Rows::settled).ok();
        }
    }
}

/// What a model of these rows takes, with a coding or none.
fn takes(shape: Shape, kind: Kind, is_coded: bool) -> Takes {
    let coding = Coding { fraction: 0, zero: 0, multiplier: 1, shift: 0, base: 0, count: None };
    Takes {
        shape,
        kind,
        codings: if is_coded { vec![coding] } else { Vec::new() },
        limits: Limits::of(kind),
        names: Vec::new(),
        classes: 2,
        class_names: Vec::new(),
        fingerprints: Vec::new(),
        learned_rows: 0,
    }
}

fn for_model(file: &[u8], takes: &Takes, reading: Reading) -> Result<Fitted, String> {
    let options = TableOptions { expected: Some(takes.expected()), ..TableOptions::default() };
    let content = read("x.npy", Form::Array, file, &options);
    let rows = content.map(|content| if let Content::Rows(rows) = content { rows } else { panic!("parts") });
    rows.and_then(|rows| fit(rows, takes, reading)).map_err(|error| error.to_string())
}

#[test]
fn rows_of_every_axes_of_a_model_are_read() {
    let grey = takes(Shape::new(2, 3, 1), Kind::U8, false);
    let values: Vec<u8> = (0..12).collect();
    for sizes in ["2, 6", "2, 2, 3", "2, 2, 3, 1", "2, 6, 1", "2, 1, 2, 3"] {
        let rows = for_model(&npy("|u1", sizes, &values), &grey, Reading::Values).unwrap();
        assert_eq!(rows.rows(), [&values[..6], &values[6..]], "{sizes}");
    }
    for sizes in ["6,", "2, 3", "2, 3, 1"] {
        assert_eq!(for_model(&npy("|u1", sizes, &values[..6]), &grey, Reading::Values).unwrap().rows().len(), 1);
    }
    let signed = takes(Shape::new(2, 3, 1), Kind::I8, false);
    let bytes = [255, 2, 3, 4, 5, 128];
    assert_eq!(for_model(&npy("|i1", "1, 6", &bytes), &signed, Reading::Values).unwrap().bytes, bytes);
    for sizes in ["2, 5", "0, 6", "2, 3, 2"] {
        let count = if sizes == "2, 5" {
            10
        } else if sizes == "0, 6" {
            0
        } else {
            12
        };
        let message = for_model(&npy("|u1", sizes, &values[..count]), &grey, Reading::Values).unwrap_err();
        assert!(message.contains("x.npy") && message.contains("N x 2 x 3 x 1"), "{message}");
    }
}

#[test]
fn arrays_of_another_type_are_refused_with_a_remedy_that_is_right() {
    let shape = Shape::flat(6);
    let refuse = |file: &[u8], kind, reading| for_model(file, &takes(shape, kind, false), reading).unwrap_err();
    for reading in [Reading::Values, Reading::Bytes] {
        let text = refuse(&npy("|u1", "1, 6", &[9; 6]), Kind::I8, reading);
        assert!(text.contains("- 128).astype(numpy.int8)"), "{text}");
        let text = refuse(&npy("|i1", "1, 6", &[9; 6]), Kind::U8, reading);
        assert!(text.contains("+ 128).astype(numpy.uint8)"), "{text}");
    }
    for kind in [Kind::U8, Kind::I8] {
        let text = refuse(&npy("<f4", "1, 6", &floats(&[0.5; 6])), kind, Reading::Values);
        assert!(text.contains("f4") && text.contains("round(x / STEP) + ZERO") && !text.contains("astype"), "{text}");
    }
    let whole = |value: i32| npy("<i4", "1, 6", &[value; 6].map(i32::to_le_bytes).concat());
    let text = refuse(&whole(255), Kind::U8, Reading::Values);
    assert!(text.contains("i4") && text.contains("x.astype(numpy.uint8) keeps them"), "{text}");
    let text = refuse(&whole(256), Kind::U8, Reading::Values);
    assert!(text.contains("from 256 to 256") && !text.contains("astype"), "{text}");
    // Whole numbers that are said to be bytes are.
    let plain = takes(shape, Kind::U8, false);
    assert_eq!(for_model(&whole(255), &plain, Reading::Bytes).unwrap().bytes, [255; 6]);
    assert!(for_model(&whole(256), &plain, Reading::Bytes).unwrap_err().contains("256 is no byte from 0 to 255"));
    assert!(for_model(&whole(1), &plain, Reading::Counts).unwrap_err().contains("knows no counts"));
}

#[test]
fn a_model_with_codings_takes_real_values_bytes_or_counts_as_is_said() {
    let coded = takes(Shape::flat(2), Kind::U8, true);
    let reals = npy("<f4", "1, 2", &floats(&[3.4, 300.0]));
    let found = for_model(&reals, &coded, Reading::Values).unwrap();
    assert_eq!((found.bytes, found.clamped), (vec![3, 255], vec![1]));
    let counts = npy("<i2", "1, 2", &[3i16, -1].map(i16::to_le_bytes).concat());
    assert_eq!(for_model(&counts, &coded, Reading::Counts).unwrap().bytes, [3, 0]);
    let bytes = npy("|u1", "1, 2", &[3, 4]);
    assert!(for_model(&bytes, &coded, Reading::Values).unwrap_err().contains("astype(numpy.float32)"));
    assert_eq!(for_model(&bytes, &coded, Reading::Bytes).unwrap().bytes, [3, 4]);
    // Signed bytes are no bytes of this model, so they can be nothing but values.
    assert_eq!(for_model(&npy("|i1", "1, 2", &[3, 255]), &coded, Reading::Values).unwrap().bytes, [3, 0]);
}

/// So that rows of the same file fit the model that learned from it.
#[test]
fn arrays_of_reals_are_coded_whatever_their_values() {
    let mut entries = with("x_train", npy("<f4", "3, 4", &floats(&[0.0, 255.0, 1.0, 2.0].repeat(3))));
    entries.retain(|(name, _)| *name != "x_test");
    entries.push(("x_test", npy("<f4", "1, 4", &floats(&[0.0; 4]))));
    assert_eq!(from_npz("t", &npz(&entries)).unwrap().interface.codings.len(), 4);
}

#[test]
fn written_integers_are_read_back() {
    let file = write_array(&[2, 2], &[1, -2, i32::MIN, i32::MAX]).unwrap();
    let array = read_array("t", &file).unwrap();
    assert_eq!((array.sizes, array.kind.as_str()), (vec![2, 2], "<i4"));
    assert_eq!(array.items, Items::Whole(vec![1, -2, i64::from(i32::MIN), i64::from(i32::MAX)]));
    assert!(write_array(&[3], &[1]).is_err());
}

#[test]
fn a_head_that_nests_is_refused_at_once() {
    let head = |text: &str| {
        let length = (text.len() as u16).to_le_bytes();
        [&b"\x93NUMPY\x01\x00"[..], &length, text.as_bytes(), &[0; 8]].concat()
    };
    let plain = "'descr': '|u1', 'fortran_order': False, 'shape': (2, 4), }";
    assert!(read_array("t", &head(&format!("{{{plain}"))).is_ok());
    // Each level doubles the time of a reader that goes back: 200 of them would take for ever.
    for bracket in ["{", "(", "["] {
        for head in [head(&format!("{}{{{plain}", bracket.repeat(200))), head(&bracket.repeat(60_000))] {
            read_array("t", &head).unwrap_err();
        }
    }
    // A length that reads as a bracket is none: 0x5b is `[`.
    let text = format!("{{{plain}");
    let padded = format!("{text}{}", " ".repeat(0x5b - text.len()));
    assert!(read_array("t", &head(&padded)).is_ok());
    let fields = head("{'descr': [('a', '<i4')], 'fortran_order': False, 'shape': (2,), }");
    assert!(read_array("t", &fields).unwrap_err().to_string().contains("several fields"));
}
