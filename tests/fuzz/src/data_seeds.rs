//! Writes starting corpora of small valid tables and arrays.

use std::io::{Cursor, Write};
use std::path::Path;

/// Tables, each after the byte that says how it is read.
const TABLES: [(u8, &str); 8] = [
    (0, "1,2,a\n3,4,b\n5,6,a\n7,8,b\n"),
    (1, "x,y,class\n1.5,-2e3,walk\n3,4,sit\n0,1,walk\n2,2,sit\n"),
    (2, "person,x,class\np1,1,a\np2,2,b\np3,3,a\np4,4,b\n"),
    (8, "x;y;class\r\n1,5;?;a\r\n2,5;3;b\r\n\r\n4;5;\"a\"\r\n"),
    (4, "x\ty\tz\n1\tNA\ta\n2\t3\tb\n"),
    (64, "y,class,x\n1,a,2\n3,b,4\n"),
    (130, "sep=;\np;1;a\np;2;a\nq;3;b\nq;4;b\n"),
    (0, "@relation r\n@data\n1,\"two\nlines\"\n2,b\n"),
];

/// A `.npy` file.
fn npy(descr: &str, sizes: &str, body: &[u8]) -> Vec<u8> {
    let mut head = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({sizes}), }}\n");
    while !(head.len() + 10).is_multiple_of(16) {
        head.insert(head.len() - 1, ' ');
    }
    [&b"\x93NUMPY\x01\x00"[..], &(head.len() as u16).to_le_bytes(), head.as_bytes(), body].concat()
}

/// An archive without compression, so that changed bytes reach the arrays.
fn npz(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        archive.start_file(format!("{name}.npy"), stored).expect("an entry");
        archive.write_all(bytes).expect("an entry");
    }
    archive.finish().expect("an archive").into_inner()
}

fn main() -> std::io::Result<()> {
    let tables = std::env::args().nth(1).expect("a folder");
    let arrays = std::env::args().nth(2).expect("a folder");
    for folder in [&tables, &arrays] {
        std::fs::create_dir_all(folder)?;
    }
    for (at, (said, text)) in TABLES.iter().enumerate() {
        let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        std::fs::write(Path::new(&tables).join(format!("table{at}")), [&[*said], text.as_bytes()].concat())?;
        std::fs::write(Path::new(&tables).join(format!("wide{at}")), [&[*said, 0xff, 0xfe], &wide[..]].concat())?;
    }
    let reals = npy("<f4", "4, 2", &[1.5f32, 2.0, -3.0, 4.0, 0.0, 1e9, 7.0, 8.0].map(f32::to_le_bytes).concat());
    let labels = npy("<i8", "4,", &[0i64, 1, 0, 1].map(i64::to_le_bytes).concat());
    let names = npy("<U1", "2,", &[97u32, 98].map(u32::to_le_bytes).concat());
    let bytes = npy("|u1", "2, 2, 1", &[1, 2, 3, 4]);
    let classes = npy("|u1", "2,", &[0, 1]);
    let whole = npz(&[("x", reals.clone()), ("y", labels.clone()), ("names", names.clone()), ("classes", names)]);
    let parts = npz(&[
        ("x_train", bytes.clone()),
        ("y_train", classes.clone()),
        ("x_test", bytes.clone()),
        ("y_test", classes),
    ]);
    for (name, file) in [("reals", reals), ("labels", labels), ("bytes", bytes), ("whole", whole), ("parts", parts)] {
        std::fs::write(Path::new(&arrays).join(name), file)?;
    }
    Ok(())
}
