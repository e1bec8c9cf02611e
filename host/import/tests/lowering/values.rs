//! Rows of real values: codings stand for the arithmetic and the quantiser with which a source begins.

use bitfab_compile::{CompileOptions, Worth, compile_with};
use bitfab_format::Model;
use bitfab_import::{Array, Attribute, Entry, ImportOptions, Prepared, Source, Start, Stated, execute};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::common::{run, said};
use crate::small::{Constant, Line, ints, model};

/// What a random source does before its first product.
#[derive(Clone, Copy, PartialEq)]
enum Front {
    /// `(x - mean) / sd`, `x * gain + offset`, or the norm of a batch.
    Standard,
    Gain,
    Norm,
    Nothing,
}

/// Constants of such a source, one a channel where there are several.
struct Drawn {
    mean: Vec<f64>,
    sd: Vec<f64>,
    gamma: Vec<f64>,
    beta: Vec<f64>,
    variance: Vec<f64>,
    gain: Vec<f64>,
    weights: Vec<f64>,
    bits: f64,
    step: f64,
    zero: f64,
    is_signed: bool,
}

impl Drawn {
    fn new(rng: &mut StdRng, front: Front, channels: usize) -> Self {
        // Values may lie far from zero beside what they spread; scores of values as they are have no unit for any size.
        let is_plain = front == Front::Nothing;
        let scale = 10f64.powi(if is_plain { rng.random_range(-4..5) } else { rng.random_range(-6..10) });
        let far = 10f64.powi(if is_plain { 0 } else { rng.random_range(0..5) });
        let mut each =
            |low: f64, high: f64| -> Vec<f64> { (0..channels).map(|_| rng.random_range(low..high)).collect() };
        let (mean, sd, gamma, beta) = (each(-3.0 * far, 3.0 * far), each(0.1, 2.0), each(0.5, 2.0), each(-0.5, 0.5));
        // Trained constants are numbers of 32 bits.
        let [mean, sd]: [Vec<f64>; 2] =
            [mean, sd].map(|list| list.into_iter().map(|value| f64::from((value * scale) as f32)).collect());
        let bits = f64::from(rng.random_range(3..9));
        let is_signed = rng.random_bool(0.5);
        Self {
            variance: sd.iter().map(|sd| sd * sd).collect(),
            gain: sd.iter().map(|sd| 1.0 / sd).collect(),
            weights: (0..3 * channels).map(|_| f64::from(rng.random_range(-4..5))).collect(),
            step: rng.random_range(2.0..6.0) / bits.exp2(),
            zero: f64::from(rng.random_range(0..3)) * if is_signed { -1.0 } else { 1.0 },
            mean,
            sd,
            gamma,
            beta,
            bits,
            is_signed,
        }
    }
}

/// A source of images of some channels that begins with `front` and, unless it is left out, a quantiser.
fn source(rng: &mut StdRng, front: Front, is_quantised: bool) -> Source {
    let (channels, size) = (rng.random_range(1..5usize), rng.random_range(1..4usize));
    let drawn = Drawn::new(rng, front, channels);
    let (image, one, filters) = ([1, channels, 1, 1], [channels], [3, channels, 1, 1]);
    let constants: [Constant<'_>; 12] = [
        ("mean", &image, &drawn.mean),
        ("sd", &image, &drawn.sd),
        ("gain", &image, &drawn.gain),
        ("offset", &image, &drawn.beta),
        ("gamma", &one, &drawn.gamma),
        ("beta", &one, &drawn.beta),
        ("m", &one, &drawn.mean),
        ("v", &one, &drawn.variance),
        ("w", &filters, &drawn.weights),
        ("s", &[], &[drawn.step]),
        ("z", &[], &[drawn.zero]),
        ("b", &[], &[drawn.bits]),
    ];
    let mut lines: Vec<Line<'_>> = match front {
        Front::Standard => vec![("Sub", &["x", "mean"], "a", &[]), ("Div", &["a", "sd"], "c", &[])],
        Front::Gain => vec![("Mul", &["gain", "x"], "a", &[]), ("Add", &["a", "offset"], "c", &[])],
        Front::Norm => vec![("BatchNormalization", &["x", "gamma", "beta", "m", "v"], "c", &[])],
        Front::Nothing => vec![("Identity", &["x"], "c", &[])],
    };
    let signed = ("signed", Attribute::Int(drawn.is_signed.into()));
    let floor = [signed.clone(), ("rounding_mode", Attribute::Text("FLOOR".into()))];
    let round = [signed, ("narrow", Attribute::Int(1))];
    let kind = [("zero_point_type", Attribute::Text(if drawn.is_signed { "int8" } else { "uint8" }.into()))];
    match rng.random_range(0..3) {
        _ if !is_quantised => lines.push(("Identity", &["c"], "e", &[])),
        0 => lines.push(("Quant", &["c", "s", "z", "b"], "e", &floor)),
        1 => lines.push(("Quant", &["c", "s", "z", "b"], "e", &round)),
        _ => {
            lines.push(("QuantizeLinear", &["c", "s", "z"], "d", &kind));
            lines.push(("DequantizeLinear", &["d", "s", "z"], "e", &[]));
        }
    }
    let window = [("kernel_shape", ints(&[1, 1]))];
    lines.push(("Conv", &["e", "w"], "y", &window));
    model(&[1, channels, size, size + 1], &constants, &lines)
}

/// A random row that lies mostly within what the quantiser holds.
fn row(rng: &mut StdRng, source: &Source) -> Vec<f32> {
    let count: usize = source.inputs[0].dims.iter().flatten().product();
    let (mean, sd) = (&source.constants["mean"].values, &source.constants["sd"].values);
    let one = |at: usize| {
        let channel = at % mean.len();
        (mean[channel] + sd[channel] * rng.random_range(-4.0..4.0)) as f32
    };
    (0..count).map(one).collect()
}

/// A tensor of the source for a row of height x width x channels, all of it in floats.
fn own(source: &Source, row: &[f32], name: &str) -> Array {
    let dims: Vec<usize> = source.inputs[0].dims.iter().flatten().copied().collect();
    let (channels, pixels) = (dims[1], dims[2] * dims[3]);
    let values = (0..row.len()).map(|at| f64::from(row[at % pixels * channels + at / pixels])).collect();
    let tensors = execute::run(source, &[("x".into(), Array::new(dims, values))].into()).expect("it runs");
    tensors[name].clone()
}

/// Whether an element lies so near to a tie of two bytes that a neighbour needs no word: in the order of the row.
fn ties(source: &Source, row: &[f32]) -> Vec<bool> {
    let reals = own(source, row, "c").values;
    let (step, zero) = (source.constants["s"].values[0], source.constants["z"].values[0]);
    let is_floor = source.nodes.iter().any(|node| node.text("rounding_mode") == Some("FLOOR"));
    let (pixels, channels) = (row.len() / source.constants["mean"].values.len(), source.constants["mean"].values.len());
    let tie = |at: usize| {
        let place = reals[at % channels * pixels + at / channels] / step + zero + if is_floor { 0.0 } else { 0.5 };
        (place - place.round()).abs() < 1.1e-3
    };
    (0..row.len()).map(tie).collect()
}

/// Bytes of a row by the model's codings; scores of it in the order of the source's result.
fn coded(model: &Model<'_>, row: &[f32]) -> (Vec<u8>, Vec<f64>) {
    let mut bytes = vec![0; row.len()];
    model.code_real(row, &mut bytes).expect("numbers");
    let worth = Worth::of(model).expect("the file says it");
    let (_, scores) = run(model, &bytes).pop().expect("layers");
    let pixels = scores.len() / 3;
    let score = |at: usize| f64::from(scores[at % pixels * 3 + at / pixels]) * worth.unit + worth.constant;
    (bytes, (0..scores.len()).map(score).collect())
}

/// What was seen of codings.
#[derive(Debug, Default)]
struct Seen {
    bytes: usize,
    neighbours: u64,
    /// Rows that were compared from end to end.
    rows: usize,
    refused: usize,
}

impl Seen {
    /// Random rows through a random source that begins with a quantiser.
    fn source(&mut self, seed: u64) {
        let mut rng = StdRng::seed_from_u64(seed);
        let front = [Front::Standard, Front::Gain, Front::Norm][seed as usize % 3];
        let source = source(&mut rng, front, true);
        let prepared =
            Prepared::new(source.clone(), &ImportOptions::default()).unwrap_or_else(|e| panic!("{seed}: {e}"));
        let imported = prepared.clone().lower().unwrap_or_else(|e| panic!("{seed}: {e}"));
        if imported.notes.iter().any(|note| note.contains("too fine beside values")) {
            self.refused += 1;
            return;
        }
        let note = imported.notes.iter().find(|note| note.starts_with("rows are real values"));
        let note = note.unwrap_or_else(|| panic!("{seed}: {:?}", imported.notes));
        let compiled = compile_with(&imported.graph, &CompileOptions::default()).expect("it compiles");
        assert!(crate::compare(&imported, &compiled, seed) > 0);
        let model = Model::from_words(&compiled.words).expect("a model");
        let worth = said(&model, &compiled.rounded).output.expect("the file says it");
        let is_signed = imported.input.range.0 < 0;
        assert_eq!(imported.graph.interface.codings.len(), source.constants["mean"].values.len(), "one a channel");
        for _ in 0..5 {
            let row = row(&mut rng, &source);
            let integers = prepared.integers(&row).expect("it runs").expect("a front");
            let (bytes, scores) = coded(&model, &row);
            let plain = |&byte: &u8| if is_signed { i64::from(byte as i8) } else { i64::from(byte) };
            let off: Vec<u64> = bytes.iter().zip(&integers).map(|(byte, &own)| plain(byte).abs_diff(own)).collect();
            assert!(off.iter().all(|&off| off <= 1), "{seed}: {bytes:?} {integers:?} {row:?}");
            self.bytes += off.len();
            self.neighbours += off.iter().sum::<u64>();
            let is_meant = |(&off, tie): (&u64, bool)| off == 0 || tie || note.contains("may be neighbours");
            assert!(off.iter().zip(ties(&source, &row)).all(is_meant), "{seed}: {off:?}, {note}");
            if !off.contains(&1) {
                self.rows += 1;
                end_to_end(&source, &row, &scores, worth);
            }
        }
    }
}

/// The source from end to end, which shares no line with codings.
fn end_to_end(source: &Source, row: &[f32], scores: &[f64], worth: Stated) {
    for (score, own) in scores.iter().zip(&own(source, row, "y").values) {
        let slack = (f64::from(worth.error) + 0.02) * worth.unit + 1e-9 * own.abs();
        assert!((score - own).abs() <= slack, "{score} {own} {row:?}");
    }
}

#[test]
fn codings_give_the_bytes_of_the_files_own_quantiser() {
    let mut seen = Seen::default();
    (0..900).for_each(|seed| seen.source(seed));
    println!("{seen:?}");
    assert!(seen.refused < 30 && seen.bytes > 60_000 && seen.rows > 4_000, "{seen:?}");
    assert!(seen.neighbours * 200 < seen.bytes as u64, "{seen:?}");
}

#[test]
fn bytes_behind_a_linear_quantiser_are_its_integers() {
    // One minus x falls, so that no coding stands for it and bytes enter behind it.
    let constants = [("one", &[][..], &[1.0][..]), ("s", &[], &[0.25]), ("z", &[], &[7.0]), ("w", &[1, 1], &[2.0])];
    let kind = [("zero_point_type", Attribute::Text("uint8".into()))];
    let lines: [Line<'_>; 4] = [
        ("Sub", &["one", "x"], "a", &[]),
        ("QuantizeLinear", &["a", "s", "z"], "b", &kind),
        ("DequantizeLinear", &["b", "s", "z"], "c", &[]),
        ("MatMul", &["c", "w"], "y", &[]),
    ];
    let source = model(&[1, 1], &constants, &lines);
    let imported = Prepared::new(source, &ImportOptions::default()).and_then(Prepared::lower).expect("it lowers");
    assert!(imported.notes.iter().any(|note| note.contains("compute Sub0") && note.contains("no rising line")));
    let compiled = compile_with(&imported.graph, &CompileOptions::default()).expect("it compiles");
    let model = Model::from_words(&compiled.words).expect("a model");
    let worth = Worth::of(&model).expect("the file says it");
    for byte in [0, 7, 8, 200] {
        let scores = run(&model, &[byte]).pop().expect("layers").1;
        let score = f64::from(scores[0]) * worth.unit + worth.constant;
        assert_eq!(score, (f64::from(byte) - 7.0) * 0.25 * 2.0, "{byte}");
    }
    let source = self::model(&[1, 1], &constants, &lines);
    let refused = Prepared::new(source, &ImportOptions { input: Some(Entry::Values) }).expect_err("no coding");
    assert!(refused.to_string().contains("no rising line"), "{refused}");
}

#[test]
fn rows_keep_their_order_or_stay_with_the_caller() {
    let front = |perm: &[i64], dims: &[usize]| {
        let constants = [
            ("two", &[][..], &[2.0][..]),
            ("s", &[], &[0.25]),
            ("z", &[], &[0.0]),
            ("b", &[], &[8.0]),
            ("w", &[1, 2, 1, 1], &[1.0, 2.0]),
        ];
        let (perm, one) = ([("perm", ints(perm))], [("kernel_shape", ints(&[1, 1]))]);
        let lines: [Line<'_>; 4] = [
            ("Mul", &["x", "two"], "a", &[]),
            ("Transpose", &["a"], "t", &perm),
            ("Quant", &["t", "s", "z", "b"], "q", &[]),
            ("Conv", &["q", "w"], "y", &one),
        ];
        Prepared::new(model(dims, &constants, &lines), &ImportOptions::default())
            .and_then(Prepared::lower)
            .expect("it lowers")
    };
    // Rows have the channels last, as the file's input has.
    let kept = front(&[0, 3, 1, 2], &[1, 3, 4, 2]);
    assert_eq!(kept.graph.interface.codings.len(), 1, "{:?}", kept.notes);
    let turned = front(&[0, 1, 3, 2], &[1, 2, 3, 4]);
    assert!(turned.graph.interface.codings.is_empty());
    assert!(turned.notes.iter().any(|note| note.contains("another order")), "{:?}", turned.notes);
}

#[test]
fn a_range_that_is_measured_becomes_codings() {
    for seed in 0..100 {
        let mut rng = StdRng::seed_from_u64(1_000 + seed);
        let front = [Front::Standard, Front::Gain, Front::Norm, Front::Nothing][seed as usize % 4];
        let source = source(&mut rng, front, false);
        let mut start = Start::new(source.clone(), Some(Entry::Values)).expect("it is read");
        let shape = start.wants().expect("sizes").expect("a range");
        let rows: Vec<Vec<f32>> = (0..20).map(|_| row(&mut rng, &source)).collect();
        assert_eq!(rows[0].len() as u64, shape.elements());
        let unseen = start.clone().prepare().expect_err("nothing was measured");
        assert!(unseen.to_string().contains("name rows of real values by --data"), "{unseen}");
        rows.iter().for_each(|row| start.see(row).expect("it runs"));
        let prepared = start.prepare().expect("it is prepared");
        let imported = prepared.clone().lower().expect("it lowers");
        let compiled = compile_with(&imported.graph, &CompileOptions::default()).expect("it compiles");
        let model = Model::from_words(&compiled.words).expect("a model");
        let step = imported.input.multiplier;
        let most: f64 = source.constants["w"]
            .values
            .chunks_exact(shape.channels as usize)
            .fold(0.0, |most, row| most.max(row.iter().map(|weight| weight.abs()).sum()));
        for row in &rows {
            // Half a step of each value, and a quarter far from zero, is all that the bytes take away.
            let (_, scores) = coded(&model, row);
            for (score, own) in scores.iter().zip(&own(&source, row, "y").values) {
                assert!((score - own).abs() <= (0.75 + 1e-3) * step * most, "{seed}: {score} {own} {step}");
            }
            let tensors = prepared.run_values(row).expect("it runs").expect("a front");
            assert_eq!(tensors["y"], own(&source, row, "y"), "without the quantiser");
        }
        let is_even = front == Front::Nothing || shape.channels == 1;
        assert_eq!(imported.graph.interface.codings.len() == 1, is_even, "{seed}");
    }
}
