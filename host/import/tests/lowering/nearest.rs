//! Models of real numbers: what is changed so that they can be imported, and how near that is.

use bitfab_compile::{CompileOptions, Rounded, compile_with};
use bitfab_import::{Attribute, Cure, ImportError, ImportOptions, Prepared, Ranges, Source, lower};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::small::{Line, ints, model};

/// Two branches of convolutions of real numbers, their sum, a mean and scores.
fn network(seed: u64) -> Source {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut reals = |count: usize| -> Vec<f64> { (0..count).map(|_| rng.random_range(-1.0..1.0)).collect() };
    let [first, second, last, bias] = [reals(3 * 2 * 9), reals(3 * 3), reals(3 * 4), reals(4)];
    let constants = [
        ("first", &[3, 2, 3, 3][..], &first[..]),
        ("second", &[3, 3, 1, 1], &second),
        ("last", &[3, 4], &last),
        ("bias", &[4], &bias),
    ];
    let pads = [("pads", ints(&[1; 4]))];
    let pool = [("kernel_shape", ints(&[2, 2])), ("strides", ints(&[2, 2]))];
    let flat = [("axis", Attribute::Int(1))];
    let lines: [Line<'_>; 9] = [
        ("Conv", &["x", "first"], "a", &pads),
        ("Relu", &["a"], "b", &[]),
        ("MaxPool", &["b"], "c", &pool),
        ("Conv", &["c", "second"], "d", &[]),
        ("Add", &["c", "d"], "e", &[]),
        ("Tanh", &["e"], "f", &[]),
        ("GlobalAveragePool", &["f"], "g", &[]),
        ("Flatten", &["g"], "h", &flat),
        ("Gemm", &["h", "last", "bias"], "y", &[]),
    ];
    model(&[1, 2, 6, 6], &constants, &lines)
}

fn rows(count: usize) -> Vec<Vec<u8>> {
    let mut rng = StdRng::seed_from_u64(9);
    (0..count).map(|_| (0..72).map(|_| rng.random()).collect()).collect()
}

fn prepared(source: Source) -> Prepared {
    Prepared::new(source, &ImportOptions { input: Some("u8/255".parse().expect("a map")) }).expect("it is prepared")
}

#[test]
fn real_numbers_are_rounded_and_quantised_where_that_is_needed() {
    let mut agreeing = 0;
    for seed in 0..20 {
        let prepared = prepared(network(seed));
        let refused = prepared.clone().lower().expect_err("real weights");
        assert!(matches!(refused.cure(), Some(Cure::Weights { .. })), "{refused}");
        let mut ranges = Ranges::default();
        rows(40).iter().for_each(|row| ranges.see(&prepared.run(row).expect("it runs")));
        let (imported, changes) = prepared.clone().nearest(&ranges).expect("it has a nearest model");
        let said: Vec<String> = changes.iter().map(ToString::to_string).collect();
        assert_eq!(said.iter().filter(|what| what.contains("weights are rounded")).count(), 3, "{said:#?}");
        assert_eq!(said.iter().filter(|what| what.contains("quantised to ")).count(), said.len() - 3, "{said:#?}");
        let four = said.iter().find(|what| what.contains("to 4 bits")).expect("a hyperbolic tangent is no line");
        assert!(four.contains("`f`"), "{four}");
        let compiled = compile_with(&imported.graph, &CompileOptions::default()).expect("it compiles");
        if compiled.rounded.iter().all(|one| matches!(one, Rounded::Scores { .. })) {
            agreeing += crate::compare(&imported, &compiled, seed);
        }
        near(&prepared, &imported);
    }
    assert!(agreeing > 200, "{agreeing} tensors");
}

/// The changed model's scores are those of the file, but for a few steps of eight bits.
fn near(prepared: &Prepared, imported: &bitfab_import::Imported) {
    let (mut off, mut spread) = (0.0f64, 0.0f64);
    for row in rows(40) {
        let (old, new) = (prepared.run(&row).expect("it runs"), imported.oracle(&row).expect("it runs"));
        for (old, new) in old["y"].values.iter().zip(&new["y"].values) {
            off = off.max((old - new).abs());
            spread = spread.max(old.abs());
        }
    }
    assert!(off > 0.0 && off < 0.1 * spread, "{off} of {spread}");
}

#[test]
fn ranges_are_joined_and_needed() {
    let prepared = prepared(network(3));
    let (mut one, mut other, mut both) = (Ranges::default(), Ranges::default(), Ranges::default());
    for (at, row) in rows(6).iter().enumerate() {
        let tensors = prepared.run(row).expect("it runs");
        both.see(&tensors);
        if at < 3 { one.see(&tensors) } else { other.see(&tensors) }
    }
    one.merge(&other);
    assert_eq!(one, both);
    let refused = prepared.nearest(&Ranges::default()).expect_err("no ranges");
    assert!(matches!(refused.cure(), Some(Cure::Quantise { .. })), "{refused}");
}

#[test]
fn what_no_change_cures_is_refused_as_before() {
    let source = model(&[1, 2], &[], &[("Mul", &["x", "x"], "y", &[])]);
    let before =
        lower(source.clone(), &ImportOptions { input: Some("u8".parse().expect("a map")) }).expect_err("a product");
    let after = prepared(source).nearest(&Ranges::default()).expect_err("a product");
    assert!(matches!(after, ImportError::Node { .. }) && after == before, "{after}");
}
