//! Hostile and broken pickles: each is refused in words, none runs, none panics.

use super::testing::Writer;
use super::{PickleError, Value, read};
use proptest::prelude::*;

fn refusal(bytes: &[u8]) -> String {
    read(bytes).unwrap_err().to_string()
}

#[test]
fn functions_that_are_not_data_are_refused_by_name() {
    for (module, name) in [
        ("os", "system"),
        ("posix", "system"),
        ("__builtin__", "eval"),
        ("builtins", "exec"),
        ("numpy.testing", "runstring"),
        ("numpy", "load"),
        ("pandas.core.frame", "DataFrame.eval"),
    ] {
        let mut writer = Writer::new();
        writer.name(module, name);
        writer.text("echo");
        writer.raw(b"\x85R");
        let message = refusal(&writer.finish());
        assert!(message.contains(&format!("{module}.{name}")), "{message}");
    }
}

#[test]
fn instructions_that_data_does_not_need_are_refused_with_their_place() {
    // Instances by other ways, extension registries, persistent names, newer protocols.
    for code in
        [b'i', b'o', 0x81, 0x82, 0x83, 0x84, b'P', b'Q', b'l', b'd', 0x8a, 0x8c, 0x93, 0x95, 0x96, b'S', b'V', 0]
    {
        let bytes = [0x80, 2, code, 1, 0, 0, 0, b'.'];
        assert_eq!(read(&bytes).unwrap_err(), PickleError::Instruction { code, at: 2 }, "{code:#x}");
    }
    assert!(refusal(&[0x80, 4, b'N', b'.']).contains("newer"));
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let cases: [(&[u8], &str); 20] = [
        (b"", "ends early at byte 0"),
        (b"N", "ends early"),
        (b".", "no value left"),
        (b"t.", "no mark"),
        (b"(.", "no value left"),
        (b"N(\x85.", "no value left"),
        (b"h\0.", "memo has nothing"),
        (b"q\0.", "no value left"),
        (b"Nr\xff\xff\xff\xff.", "memo is larger"),
        (b"I12x\n.", "not one of 64 bits"),
        (b"I99999999999999999999\n.", "not one of 64 bits"),
        (b"X\xff\xff\xff\xffab.", "ends early"),
        (b"X\x01\0\0\0\xff.", "not UTF-8"),
        (b"NNa.", "no list"),
        (b"}(Nu.", "no value"),
        (b"](NNu.", "no dictionary"),
        (b"N)R.", "not a function"),
        (b"cnumpy\ndtype\nNR.", "tuple is missing"),
        (b"cnumpy\ndtype\n)R.", "arguments"),
        (b"]Nb.", "has none"),
    ];
    for (bytes, reason) in cases {
        let message = refusal(bytes);
        assert!(message.contains(reason), "{bytes:?}: {message}");
    }
}

#[test]
fn deep_and_repeated_values_take_bounded_memory_and_no_stack() {
    let deep = [b"N".to_vec(), vec![0x85; 1 << 20], b".".to_vec()].concat();
    assert!(read(&deep).is_ok());
    let endless = [b"(".repeat((1 << 22) + 1), b".".to_vec()].concat();
    assert!(refusal(&endless).contains("marks"));
    let many = [b"]".repeat((1 << 22) + 1), b".".to_vec()].concat();
    assert!(refusal(&many).contains("more"));
    // One text of 4 KB turned into bytes again and again.
    let mut writer = Writer::new();
    writer.text(&"a".repeat(4096));
    writer.raw(b"q\0");
    for _ in 0..1000 {
        writer.name("_codecs", "encode");
        writer.raw(b"h\0");
        writer.text("latin1");
        writer.raw(b"\x86R");
    }
    assert!(refusal(&writer.finish()).contains("over and over"));
}

#[test]
fn a_list_may_hold_itself() {
    let pickle = read(b"]q\0h\0a.").unwrap();
    assert_eq!(pickle.items(pickle.root(), "").unwrap(), [pickle.root()]);
}

#[test]
fn sizes_of_arrays_must_be_those_of_their_values() {
    let array = |shape: &[usize], kind: &str, count: usize| {
        let mut writer = Writer::new();
        writer.array(shape, kind, &vec![1; count]);
        writer.finish()
    };
    for (shape, count) in [(&[2, 3][..], 6), (&[0, 4], 0), (&[], 1)] {
        let bytes = array(shape, "i8", count);
        let pickle = read(&bytes).unwrap();
        let (found, values) = pickle.numbers(pickle.root(), "x").unwrap();
        assert_eq!((found.as_slice(), values), (shape, vec![1.0; count]));
    }
    assert!(refusal(&array(&[2, 3], "i8", 5)).contains("sizes"));
    assert!(refusal(&array(&[1 << 31, 1 << 31, 1 << 31], "f8", 0)).contains("sizes"));
    assert!(refusal(&array(&[2], "f4", 2)).contains("64-bit"));
    assert!(refusal(&array(&[2], "O8", 2)).contains("not of its kind"));
    let big = array(&[1], "i8", 1).to_vec();
    assert!(read(&big).is_ok());
}

#[test]
fn arrays_stored_column_by_column_are_turned() {
    let mut writer = Writer::new();
    writer.array(&[2, 3], "i8", &[0, 3, 1, 4, 2, 5]);
    let mut bytes = writer.finish();
    let order = bytes.iter().rposition(|&byte| byte == 0x89).unwrap();
    bytes[order] = 0x88;
    let pickle = read(&bytes).unwrap();
    assert_eq!(pickle.numbers(pickle.root(), "x").unwrap(), (vec![2, 3], vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0]));
}

#[test]
fn plain_values_are_read() {
    let bytes = b"\x80\x02(K\x05M\x01\x02J\xff\xff\xff\xffI01\nI-7\nG\x3f\xf8\0\0\0\0\0\0\x88Nt.";
    let pickle = read(bytes).unwrap();
    let expected = [
        Value::Int(5),
        Value::Int(513),
        Value::Int(-1),
        Value::Bool(true),
        Value::Int(-7),
        Value::Real(1.5),
        Value::Bool(true),
        Value::None,
    ];
    assert_eq!(pickle.items(pickle.root(), "").unwrap(), expected);
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&bytes);
    }

    #[test]
    fn no_program_of_known_instructions_panics(
        program in proptest::collection::vec(proptest::sample::select(&PARTS[..]), 0..60)
    ) {
        let bytes: Vec<u8> = program.into_iter().flatten().copied().chain([b'.']).collect();
        if let Ok(pickle) = read(&bytes) {
            let _ = pickle.numbers(pickle.root(), "x");
            let _ = pickle.values(pickle.root(), "x");
            let _ = pickle.entries(pickle.root(), "x");
        }
    }
}

/// Instructions with their arguments.
const PARTS: [&[u8]; 34] = [
    b"(",
    b"t",
    b"N",
    b")",
    b"]",
    b"}",
    b"a",
    b"e",
    b"s",
    b"u",
    b"R",
    b"b",
    b"q\0",
    b"q\x01",
    b"h\0",
    b"h\x01",
    b"K\x02",
    b"\x85",
    b"\x86",
    b"\x87",
    b"\x88",
    b"\x89",
    b"X\x01\0\0\0<",
    b"X\x02\0\0\0f8",
    b"X\x02\0\0\0O8",
    b"X\x06\0\0\0latin1",
    b"cnumpy\ndtype\n",
    b"cnumpy\nndarray\n",
    b"cnumpy.core.multiarray\n_reconstruct\n",
    b"c_codecs\nencode\n",
    b"X\x08\0\0\0abcdefgh",
    b"c__builtin__\nslice\n",
    b"J\xff\xff\xff\xff",
    b"K\0",
];
