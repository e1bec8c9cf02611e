//! Codings against exact arithmetic, and what becomes of the values that have none.

use bitfab_data::*;
use bitfab_format::{Kind, Limits};
use bitfab_graph::{ByteKind, Coding, Graph, Interface, Node, Op, Shape, WeightQuantizer, Weights};
use proptest::prelude::*;

/// Rows of one column.
fn column(values: &[f32]) -> Rows {
    Rows::new("t", Shape::flat(1), Values::Reals(values.to_vec())).unwrap()
}

fn learned(values: &[f32]) -> Result<Coding, String> {
    learn(&column(values), &[], &CodingOptions::default()).map(|all| all[0]).map_err(|error| error.to_string())
}

/// A device's coding, by way of a graph whose interface is checked.
fn device(coding: Coding) -> bitfab_format::Coding {
    let weights = Weights::new(vec![1.0, -1.0], [2, 1, 1, 1], WeightQuantizer::Sign);
    let graph = Graph {
        input: Shape::flat(1),
        input_kind: ByteKind::U8,
        nodes: vec![Node::new("scores", 0, Op::Dense { weights })],
        precisions: Vec::new(),
        interface: Interface { codings: vec![coding], ..Interface::default() },
    };
    graph.check().unwrap();
    Takes::of_graph(&graph, 2).codings[0]
}

fn byte(coding: Coding, value: f32) -> u8 {
    device(coding).code_real(value, Limits::of(Kind::U8)).unwrap().byte
}

/// `value` is the first number times two to the power of the second.
fn exact(value: f32) -> (i128, i32) {
    let bits = value.to_bits();
    let (exponent, digits) = ((bits >> 23 & 0xff) as i32, i128::from(bits & 0x7f_ffff));
    let magnitude = if exponent == 0 { digits } else { digits | 1 << 23 };
    (if bits >> 31 != 0 { -magnitude } else { magnitude }, exponent.max(1) - 150)
}

/// Numerator and denominator of the byte `(value - low) * 255 / (high - low)` before it is rounded and limited.
fn ideal(value: f32, low: f32, high: f32) -> (i128, i128) {
    let all = [value, low, high].map(exact);
    let least = all.iter().map(|(_, power)| *power).min().unwrap();
    let [value, low, high] = all.map(|(number, power)| number << (power - least));
    ((value - low) * 255, high - low)
}

/// Numbers of about one size around another, as sensors give them.
fn readings() -> impl Strategy<Value = Vec<f32>> {
    let spread = (-20i32..20).prop_map(|power| 2f32.powi(power));
    (spread, -100f32..100.0).prop_flat_map(|(spread, middle)| {
        proptest::collection::vec((-1f32..1.0).prop_map(move |x| (x + middle) * spread), 2..30)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// A byte is the ideal one, rounded; at ties within the grid's own grain it may be the neighbour.
    #[test]
    fn bytes_are_those_of_exact_arithmetic(values in readings(), others in proptest::collection::vec(-3f32..3.0, 10)) {
        let (low, high) = values.iter().fold((f32::MAX, f32::MIN), |(low, high), &x| (low.min(x), high.max(x)));
        prop_assume!(low < high);
        let coding = learned(&values).unwrap();
        let steps = f64::from(high - low) * 2f64.powi(coding.fraction.into());
        // The value and the zero are each rounded to the grid; the multiplier has at least 24 bits.
        let grain = 255.0 / steps + 255.0 / 2f64.powi(23);
        let inner = others.iter().map(|&part| low + (high - low) * part);
        for value in values.iter().copied().chain(inner) {
            let (numerator, denominator) = ideal(value, low, high);
            let twice = numerator * 2 + denominator;
            let expected = twice.div_euclid(2 * denominator).clamp(0, 255);
            let found = i128::from(byte(coding, value));
            if found != expected {
                let beyond = twice.rem_euclid(2 * denominator) as f64 / (2 * denominator) as f64;
                let to_tie = beyond.min(1.0 - beyond);
                prop_assert!((found - expected).abs() == 1 && to_tie <= grain, "{value}: {found} {expected} {to_tie} {grain}");
            }
        }
        prop_assert_eq!((byte(coding, low), byte(coding, high)), (0, 255));
    }

    #[test]
    fn larger_values_have_no_smaller_bytes(values in readings(), others in proptest::collection::vec(any::<f32>(), 20)) {
        let Ok(coding) = learned(&values) else { return Ok(()) };
        let mut all: Vec<f32> = values.iter().chain(&others).copied().filter(|value| !value.is_nan()).collect();
        all.sort_unstable_by(f32::total_cmp);
        let bytes: Vec<u8> = all.iter().map(|&value| byte(coding, value)).collect();
        prop_assert!(bytes.is_sorted(), "{:?}", bytes);
    }

    /// Whatever the values are, a coding is one that a file may have, or there is an error.
    #[test]
    fn any_values_give_a_sound_coding_or_an_error(bits in proptest::collection::vec(any::<u32>(), 1..8), count in 1e-12f64..1e6) {
        let values: Vec<f32> = bits.into_iter().map(f32::from_bits).collect();
        let options = CodingOptions { count: Some(count), ..CodingOptions::default() };
        if let Ok(codings) = learn(&column(&values), &[], &options) {
            device(codings[0]);
        }
    }

    /// A count is coded as the real value that it is worth, but for the grain of the grid.
    #[test]
    fn counts_are_coded_as_their_values(worth in 1e-5f64..1e-1, counts in proptest::collection::vec(any::<i16>(), 2..20)) {
        let values: Vec<f32> = counts.iter().map(|&count| (f64::from(count) * worth) as f32).collect();
        prop_assume!(values.iter().any(|value| *value != values[0]));
        let options = CodingOptions { count: Some(worth), ..CodingOptions::default() };
        let coding = device(learn(&column(&values), &[], &options).unwrap()[0]);
        for (&count, &value) in counts.iter().zip(&values) {
            let limits = Limits::of(Kind::U8);
            let (raw, real) = (coding.code_count(count, limits).byte, coding.code_real(value, limits).unwrap().byte);
            prop_assert!(raw.abs_diff(real) <= 1, "{count}: {raw} {real}");
        }
    }
}

#[test]
fn whole_numbers_from_0_to_255_stay_bytes() {
    let none = |values: &[f32], others: &[&Rows]| {
        learn(&column(values), others, &CodingOptions::default()).unwrap().is_empty()
    };
    assert!(none(&[0.0, 255.0, 7.0], &[]));
    assert!(!none(&[0.0, 256.0], &[]));
    assert!(!none(&[0.5, 1.0], &[]));
    assert!(!none(&[-1.0, 1.0], &[]));
    // One value of another part decides that these are no bytes, but not the range.
    assert!(!none(&[0.0, 255.0], &[&column(&[0.5])]));
    let signed = Rows::new("t", Shape::flat(1), Values::Signed(vec![-1, 5])).unwrap();
    assert_eq!(learn(&signed, &[], &CodingOptions::default()).unwrap().len(), 1);
}

#[test]
fn the_base_is_the_byte_of_the_mean() {
    let coding = learned(&[0.0, 0.5, 0.5, 2.0]).unwrap();
    assert_eq!(coding.base, 96);
    let mut rows = column(&[f32::NAN, 2.0]);
    rows.missing = Missing::Mean;
    let coded = apply(&rows, &[device(coding)], Limits::of(Kind::U8), Reading::Values).unwrap();
    assert_eq!((coded.bytes, coded.filled, coded.clamped), (vec![96, 255], 1, vec![0]));
}

#[test]
fn a_constant_column_has_byte_0() {
    let coding = learned(&[7.5, 7.5]).unwrap();
    assert_eq!((coding.multiplier, coding.base), (0, 0));
    assert_eq!([f32::NEG_INFINITY, 7.5, 1e9].map(|value| byte(coding, value)), [0; 3]);
}

#[test]
fn a_range_or_tails_may_be_said() {
    let rows = column(&(0..=100).map(|value| value as f32 + 0.5).collect::<Vec<_>>());
    let with = |options: CodingOptions| learn(&rows, &[], &options).map(|all| all[0]).map_err(|e| e.to_string());
    let range = with(CodingOptions { range: Some((-128.0, 127.0)), ..Default::default() }).unwrap();
    assert_eq!([-128.0, -0.25, 3.0, 127.0, 500.0].map(|value| byte(range, value)), [0, 128, 131, 255, 255]);
    let tails = with(CodingOptions { tails: 0.1, ..Default::default() }).unwrap();
    assert_eq!([0.5, 10.5, 90.5, 100.5].map(|value| byte(tails, value)), [0, 0, 255, 255]);
    for (options, part) in [
        (CodingOptions { range: Some((1.0, 1.0)), ..Default::default() }, "range 1 to 1"),
        (CodingOptions { range: Some((0.0, f32::NAN)), ..Default::default() }, "range"),
        (CodingOptions { tails: 0.5, ..Default::default() }, "tails"),
        (CodingOptions { tails: 0.1, range: Some((0.0, 1.0)), ..Default::default() }, "tails"),
        (CodingOptions { count: Some(0.0), ..Default::default() }, "a count worth 0"),
        (CodingOptions { count: Some(1e300), ..Default::default() }, "too much"),
    ] {
        let message = with(options).unwrap_err();
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn values_without_a_coding_are_refused() {
    assert!(learned(&[0.5, f32::INFINITY]).unwrap_err().contains("infinite"));
    assert!(learned(&[f32::NAN]).unwrap_err().contains("no row to learn from has a value"));
    assert!(learned(&[1e-30, 2e-30]).unwrap_err().contains("multiply the column"));
    assert!(learned(&[-3e38, 3e38]).unwrap_err().contains("divide them"));
    assert_eq!(byte(learned(&[-1e28, 1e28]).unwrap(), 1e28), 255);
    assert_eq!(byte(learned(&[1e-12, 2e-12]).unwrap(), 2e-12), 255);
}

#[test]
fn a_coding_of_few_numbers_is_exact_at_them() {
    // A time stamp: neighbours of 32 bits lie 128 apart.
    let coding = learned(&[1_700_000_000.0, 1_700_000_128.0, 1_700_000_256.0]).unwrap();
    assert_eq!([1_700_000_000.0, 1_700_000_128.0, 1_700_000_256.0].map(|value| byte(coding, value)), [0, 128, 255]);
}

#[test]
fn infinities_are_moved_to_the_ends_and_counted() {
    let coding = device(learned(&[-1.0, 1.5]).unwrap());
    let limits = Limits::of(Kind::U8);
    let rows = column(&[f32::INFINITY, f32::NEG_INFINITY, 1.5, -1.0, 2.0]);
    let coded = apply(&rows, &[coding], limits, Reading::Values).unwrap();
    assert_eq!((coded.bytes, coded.clamped), (vec![255, 0, 255, 0, 255], vec![3]));
    let message = apply(&column(&[1.0, f32::NAN]), &[coding], limits, Reading::Values).unwrap_err().to_string();
    assert!(message.contains("row 1, column 1: no number"), "{message}");
    let message = apply(&column(&[1.5]), &[], limits, Reading::Values).unwrap_err().to_string();
    assert!(message.contains("row 0, column 1: 1.5 is no byte from 0 to 255"), "{message}");
    let message = apply(&column(&[40000.0]), &[coding], limits, Reading::Counts).unwrap_err().to_string();
    assert!(message.contains("40000 is no raw count"), "{message}");
}

#[test]
fn channels_of_windows_share_a_coding() {
    let values = Values::Reals(vec![0.0, 10.0, 0.5, 20.0, 1.0, 30.0, 0.0, 10.0]);
    let rows = Rows::new("t", Shape::new(2, 1, 2), values).unwrap();
    let codings = learn(&rows, &[], &CodingOptions::default()).unwrap();
    assert_eq!(codings.len(), 2);
    let device: Vec<_> = codings.into_iter().map(device).collect();
    let coded = apply(&rows, &device, Limits::of(Kind::U8), Reading::Values).unwrap();
    assert_eq!(coded.bytes, [0, 0, 128, 128, 255, 255, 0, 0]);
}
