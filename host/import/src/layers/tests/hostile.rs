//! Descriptions and archives that are wrong, damaged or hostile.

use super::*;

/// A dense layer, but for its quantiser and what follows.
const DENSE: &str = "kind = \"dense\"\norder = \"io\"\nweights = \"w\"\n";

/// The layer `a` must be refused with words about it.
fn refused(layer: &str, parts: &[&str]) {
    let w = ("w", floats(&[4, 2], &some(8, 1)));
    let arrays = [w, ("b", floats(&[3], &[0.0; 3])), ("nan", floats(&[4, 2], &[f32::NAN; 8]))];
    let found = problem(one(layer, &arrays));
    for part in parts {
        assert!(found.contains(part), "{found:?} lacks {part:?}");
    }
}

#[test]
fn messages_name_the_layer_and_the_key_of_a_quantiser() {
    let dense = DENSE;
    refused("", &["`a`", "no kind", "dense, conv"]);
    refused("kind = \"dnse\"", &["`a`", "`dnse`", "dense, conv"]);
    refused("kind = 3", &["`a`", "kind"]);
    refused("kind = \"dense\"", &["`a`", "weights", "missing"]);
    refused(&format!("{dense}wieghts = 1"), &["`a`", "wieghts", "`bias-quantizer`", "batch-norm"]);
    refused(&format!("{dense}quantizer = {{ kind = \"int\" }}"), &["`a`", "`int`", "`integer`", "`power-of-two`"]);
    refused(&format!("{dense}quantizer = {{ kind = \"binary\", bits = 3 }}"), &["`a`", "quantizer", "bits", "scale"]);
    refused(&format!("{dense}quantizer = {{ kind = \"integer\", bits = 3 }}"), &["`a`", "scale"]);
    refused(&format!("{dense}quantizer = {{ kind = \"integer\", bits = 9, scale = 1 }}"), &["`a`", "bits", "2 to 8"]);
    refused(&format!("{dense}quantizer = {{ kind = \"binary\", scale = -1 }}"), &["`a`", "scale", "not positive"]);
    refused(&format!("{dense}quantizer = {{ kind = \"binary\", scale = [1] }}"), &["`a`", "a scale is a number"]);
    refused(&format!("{dense}quantizer = {{ kind = \"binary\", scale = \"b\" }}"), &["`a`", "scale", "3 values for 2"]);
    refused(&format!("{dense}quantizer = {{ kind = \"ternary\", threshold = nan }}"), &["`a`", "threshold"]);
    refused(&format!("{dense}quantizer = {{ kind = \"power-of-two\" }}"), &["`a`", "quantizer", "bits or min"]);
    refused(&format!("{dense}quantizer = {{ kind = \"power-of-two\", bits = 9 }}"), &["`a`", "bits", "2 to 6"]);
    refused(&format!("{dense}quantizer = {{ kind = \"power-of-two\", bits = 4, max = 3 }}"), &["`a`", "max"]);
}

#[test]
fn messages_name_what_is_wrong_behind_the_weights() {
    let dense = DENSE;
    refused(&format!("{dense}bias = \"b\""), &["`a`", "bias", "3 values for 2"]);
    refused(&format!("{dense}bias-quantizer = {{ kind = \"binary\" }}"), &["`a`", "bias-quantizer"]);
    refused(&format!("{dense}activation = {{ kind = \"sgn\" }}"), &["`a`", "activation", "`sgn`", "`sign`"]);
    refused(&format!("{dense}activation = \"sign\""), &["`a`", "activation"]);
    refused(
        &format!("{dense}activation = {{ kind = \"relu\", bits = 4, scale = 0 }}"),
        &["`a`", "activation", "scale"],
    );
    refused(&format!("{dense}activation = {{ kind = \"thresholds\", array = \"b2\" }}"), &["`a`", "array", "`b2`"]);
    refused(&format!("{dense}batch-norm = {{ mean = \"b\" }}"), &["`a`", "batch-norm", "variance"]);
    refused(&format!("{dense}batch-norm = {{ mean = \"b\", variance = \"b\" }}"), &["`a`", "epsilon", "1e-3"]);
    refused(
        &format!("{dense}batch-norm = {{ mean = \"b\", variance = \"b\", epsilon = 0 }}"),
        &["`a`", "batch-norm", "mean", "3 values for 2"],
    );
}

#[test]
fn messages_name_arrays_sizes_and_neighbours() {
    let dense = DENSE;
    refused(&dense.replace("\"w\"", "\"gone\""), &["`a`", "weights", "`gone`", "b, nan, w"]);
    refused(&dense.replace("\"w\"", "\"b\""), &["`a`", "weights", "[3]", "[4, outputs]"]);
    refused(&dense.replace("\"w\"", "\"nan\""), &["`a`", "weights", "`nan`", "finite"]);
    refused(&dense.replace("\"io\"", "\"oi\""), &["`a`", "weights", "[outputs, 4]"]);
    refused(&dense.replace("\"io\"", "\"hwio\""), &["`a`", "`hwio`", "`io`"]);
    refused("kind = \"conv\"\nweights = \"w\"", &["`a`", "[4]", "[height, width, channels]"]);
    refused("kind = \"max-pool\"\nsize = 2", &["`a`", "[4]"]);
    refused("kind = \"max-pool\"\nsize = 0", &["`a`", "size", "1 to 65535"]);
    refused("kind = \"max-pool\"\nsize = 2\npadding = \"full\"", &["`a`", "padding", "\"same\""]);
    refused("kind = \"add\"\nwith = \"b\"", &["`a`", "with", "`b`"]);
    refused("kind = \"flatten\"\ninput = \"b\"", &["`a`", "input", "`b`"]);
    refused("kind = \"activation\"", &["`a`", "no activation"]);
    refused(&format!("{dense}[[layer]]\nname = \"a\"\nkind = \"flatten\""), &["`a`", "two layers"]);
    refused(&format!("{dense}[[layer]]\ninput = \"input\"\nkind = \"flatten\""), &["`a`", "nothing reads"]);
    for name in ["", "input", "x:y"] {
        let text = format!("[input]\nshape = [4]\n[[layer]]\nkind = \"flatten\"\nname = \"{name}\"");
        assert!(problem(read(&text, &npz(&[]))).contains("name"), "{name}");
    }
}

#[test]
fn descriptions_that_are_none_say_where() {
    let flatten = "[[layer]]\nkind = \"flatten\"";
    let read = |text: &str| problem(read(text, &npz(&[])));
    assert!(read("[input\n").contains("line 1"));
    assert!(read("").contains("input"));
    assert!(read("[input]\nshape = [4]").contains("layer"));
    assert!(read("layer = []\n[input]\nshape = [4]").contains("0 [[layer]]"));
    assert!(read(&format!("frame = 1\n[input]\nshape = [4]\n{flatten}")).contains("`framework`"));
    assert!(read(&format!("framework = \"jax\"\n[input]\nshape = [4]\n{flatten}")).contains("`pytorch`"));
    assert!(read(&format!("[input]\nshape = [4]\nbyte = 1\n{flatten}")).contains("`bytes`"));
    assert!(read(&format!("[input]\nshape = [4]\nbytes = \"u9\"\n{flatten}")).contains("u8/255"));
    for shape in ["[]", "[0]", "[1, 1, 1, 1]", "[4294967296, 4294967296]", "[-1]", "4"] {
        assert!(read(&format!("[input]\nshape = {shape}\n{flatten}")).contains("`input`: "), "{shape}");
    }
}

#[test]
fn archives_that_lie_are_refused() {
    let dense = "kind = \"dense\"\norder = \"io\"\nweights = \"w\"\n";
    let refused = |bytes: Vec<u8>, part: &str| {
        let found = problem(one(dense, &[("w", bytes)]));
        assert!(found.starts_with("`a`: weights: array `w`: ") && found.contains(part), "{found:?} lacks {part:?}");
    };
    refused(Vec::new(), "head");
    refused(b"\x93NUMPY\x01\x00\xff\xff{".to_vec(), "head");
    refused(b"\x93NUMPY\x02\x00\xff\xff\xff\xff{".to_vec(), "4294967295");
    refused(b"PK\x03\x04123456789".to_vec(), "no .npy");
    refused(npy("<f4", false, &[4, 2], &[0; 31]), "there are 31");
    refused(npy("<f4", false, &[4, 2], &[0; 33]), "there are more");
    refused(npy("<f4", false, &[4, usize::MAX], &[0; 32]), "too many");
    refused(npy("<f4", false, &[1 << 32, 1 << 32], &[0; 32]), "too many");
    refused(npy("<f4", false, &[0, 1 << 40], &[]), "too many");
    refused(npy("<f4", false, &[4, 1 << 24], &[0; 32]), "too many");
    refused(npy("<f4", false, &[1; 9], &[0; 4]), "axes");
    refused(npy("<c8", false, &[4, 2], &[0; 64]), "<c8");
    refused(npy("|O", false, &[4, 2], &[0; 64]), "|O");
    refused(npy("<f4', 'x': '", false, &[4, 2], &[0; 16]), "there are 16");
    refused(npy("<f8", false, &[1, 2], &[f64::NAN.to_le_bytes(), [0; 8]].concat()), "NaN");
    refused(npy("<f8", false, &[1, 2], &[f64::INFINITY.to_le_bytes(), [0; 8]].concat()), "inf");
    let nested = [b"\x93NUMPY\x01\x00\xff\xff".to_vec(), vec![b'('; 0xffff]].concat();
    refused(nested, "descr");
    assert!(problem(one(dense, &[])).contains("none"));
    let empty = problem(read("[input]\nshape = [4]\n[[layer]]\nkind = \"flatten\"", b""));
    assert!(empty.contains("numpy.savez"), "{empty}");
}

#[test]
fn a_bomb_is_read_no_further_than_its_promise() {
    // 256 megabytes of zeros in a small file.
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("w.npy", options).expect("a name");
    zip.write_all(&npy("<f4", false, &[4, 2], &[])).expect("memory");
    let zeros = vec![0; 1 << 20];
    for _ in 0..256 {
        zip.write_all(&zeros).expect("memory");
    }
    let bytes = zip.finish().expect("memory").into_inner();
    let text = "[input]\nshape = [4]\n[[layer]]\nname = \"a\"\nkind = \"dense\"\norder = \"io\"\nweights = \"w\"";
    assert!(problem(read(text, &bytes)).contains("promise 32 bytes of values, there are more"));
}

#[test]
fn many_layers_cannot_name_one_large_array() {
    let arrays = npz(&[("w", npy("|u1", false, &[1 << 12, 1 << 12], &vec![1; 1 << 24]))]);
    let layer = "[[layer]]\nkind = \"dense\"\nweights = \"w\"\norder = \"io\"\n";
    let text = format!("[input]\nshape = [4096]\n{}", layer.repeat(2));
    let found = problem(read(&text, &arrays));
    assert!(found.contains("`dense2`") && found.contains("too many values"), "{found}");
}

#[test]
fn every_cut_of_an_archive_is_refused() {
    let bytes = npz(&image_arrays());
    for length in 0..bytes.len() {
        read(IMAGE, &bytes[..length]).expect_err("a cut archive");
    }
}

proptest! {
    #[test]
    fn flipped_bytes_never_panic(flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let (mut bytes, mut text) = (npz(&image_arrays()), IMAGE.as_bytes().to_vec());
        for (at, value) in flips {
            let place = at.index(bytes.len());
            bytes[place] = value;
            let place = at.index(text.len());
            text[place] = value % 128;
        }
        let _ = read(IMAGE, &bytes);
        let text = String::from_utf8(text).expect("ASCII");
        if let Ok(source) = read(&text, &npz(&image_arrays())) {
            let _ = lower(source, &ImportOptions::default());
        }
    }

    #[test]
    fn damaged_heads_never_panic(head in "\\{'descr': '[<>|=]?[a-z][0-9]?', 'fortran_order': (True|False), 'shape': \\([0-9, ()]{0,24}\\), \\}") {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((head.len() as u16).to_le_bytes());
        bytes.extend(head.as_bytes());
        bytes.extend([0; 64]);
        let _ = one("kind = \"dense\"\nweights = \"w\"\norder = \"io\"", &[("w", bytes)]);
    }
}
