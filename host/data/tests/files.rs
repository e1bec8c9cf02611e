//! Data files that are damaged or hostile give errors, whole ones give their rows.

use bitfab_data::{from_csv, from_npz};
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

fn whole() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("x_train", npy("|u1", "3, 2, 2", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])),
        ("y_train", npy("<i8", "3,", &[0u64, 2, 1].map(u64::to_le_bytes).concat())),
        ("x_test", npy("|u1", "1, 2, 2", &[13, 14, 15, 16])),
        ("y_test", npy("|u1", "1,", &[2])),
    ]
}

#[test]
fn a_whole_npz_gives_its_rows() {
    let data = from_npz("t", &npz(&whole())).unwrap();
    assert_eq!((data.shape, data.classes), (Shape::new(2, 2, 1), 3));
    assert_eq!(data.train.labels, [0, 2, 1]);
    assert_eq!(data.train.inputs, (1..=12).collect::<Vec<u8>>());
    assert_eq!(data.test.inputs, [13, 14, 15, 16]);
}

#[test]
fn each_wrong_array_is_named() {
    let message = |at: usize, file: Vec<u8>| {
        let mut entries = whole();
        entries[at].1 = file;
        from_npz("t.npz", &npz(&entries)).unwrap_err().to_string()
    };
    for (at, file, part) in [
        (0, npy("<f4", "3, 1", &[0; 12]), "x_train: item type"),
        (0, npy("<u2", "3, 1", &[0; 6]), "x_train: items are not u8"),
        (0, npy("|u1", "3, 2", &[0; 5]), "x_train"),
        (0, npy("|u1", "3", &[0; 3]), "x_train"),
        (1, npy("<i8", "3,", &[255; 24]), "y_train: value -1"),
        (1, npy("|u1", "2,", &[0, 1]), "y_train: 2 labels for 3 rows"),
        (2, npy("|u1", "1, 4", &[0; 4]), "x_test rows"),
        (3, npy("|u1", "1,", &[9]), "test classes"),
        (0, npy("|u1", "4294967295, 4294967295, 4294967295", &[]), "x_train: sizes"),
        (0, b"\x93NUMPY\x02\x00\xff\xff\xff\xff".to_vec(), "x_train: ends within its head"),
    ] {
        let text = message(at, file);
        assert!(text.contains("t.npz") && text.contains(part), "{text}");
    }
    let text = from_npz("t", &npz(&whole()[..3])).unwrap_err().to_string();
    assert!(text.contains("y_test"), "{text}");
    assert!(from_npz("t", b"hello").unwrap_err().to_string().contains("not a .npz archive"));
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
        let mut entries = whole();
        entries[0].1 = file;
        prop_assert!(from_npz("t", &npz(&entries)).is_err());
    }

    #[test]
    fn tables_of_any_text_never_panic(text in "([-0-9a-c.,\\n\"@]{0,200})") {
        from_csv("t", text.as_bytes()).ok();
    }
}
