//! Scores that are scaled class by class: what they are worth is what the graph says, as near as is stated.

use bitfab_compile::{CompileError, CompileOptions, Compiled, Rounded, compile_with};
use bitfab_format::{Model, Rescale, Transform};
use bitfab_graph::{ByteKind, Graph, Node, Op, Precision, Shape, WeightQuantizer, Weights};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::Signed;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::oracle::{self, Values};
use crate::{random, run};

/// `mantissa / 2^shift`.
fn dyadic(mantissa: i64, shift: u32) -> BigRational {
    BigRational::new(mantissa.into(), BigInt::from(1) << shift as usize)
}

/// Panics unless every score of `graph` on two random inputs is within the units that are stated.
fn check(graph: &Graph, model: &Model<'_>, units: u32, what: &str) {
    let tensors = graph.check().expect("valid");
    let scale = model.output_scale().unwrap_or_else(|| panic!("{what}: no unit"));
    let unit = dyadic(scale.mantissa.into(), scale.shift);
    let mut rng = StdRng::seed_from_u64(7);
    for _ in 0..2 {
        let bytes: Vec<u8> = (0..model.input_bytes()).map(|_| rng.random()).collect();
        let is_signed = graph.input_kind == ByteKind::I8;
        let input: Vec<i64> = bytes.iter().map(|&b| if is_signed { i64::from(b as i8) } else { b.into() }).collect();
        let all = oracle::evaluate(graph, &tensors, &input);
        let Some(Values::Reals(expected)) = all.last() else { panic!("{what}: not real") };
        let tensors = run(model, &bytes);
        let found = tensors.last().expect("a layer");
        assert_eq!(found.len(), expected.len(), "{what}");
        for (class, (real, &score)) in expected.iter().zip(found).enumerate() {
            let product = &unit * dyadic(score.into(), 0);
            let value = &product + dyadic(scale.constant, 32);
            // The header's unit is rounded to 32 bits, its constant to 2^-32 and offsets to 64 bits.
            let off = &unit * dyadic(units.into(), 0) + product.abs() * dyadic(1, 31);
            let off = off + dyadic(1, 33) + value.abs() * dyadic(1, 50);
            let fits = real.reaches(&(&value - &off)) && real.scale(&dyadic(-1, 0)).reaches(&-(&value + &off));
            assert!(fits, "{what}, class {class}: {score} is not {real:?}");
        }
    }
}

/// The units by which scores are off; `None` if something else is rounded.
fn units(compiled: &Compiled) -> Option<u32> {
    match compiled.rounded.as_slice() {
        [] => Some(0),
        [Rounded::Scores { units, .. }] => Some(*units),
        _ => None,
    }
}

#[test]
fn random_scores_are_worth_what_the_graph_says() {
    let (mut raw, mut exact, mut rounded, mut refused, mut constants) = (0, 0, 0, 0, 0);
    for seed in 0..400 {
        let (graph, ending) = random::scored(seed);
        let compiled =
            compile_with(&graph, &CompileOptions::default()).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        let Some(units) = units(&compiled) else { continue };
        assert!(units <= 2, "seed {seed}: {units}");
        match bitfab_compile::compile(&graph) {
            Ok(_) => assert_eq!(units, 0),
            Err(CompileError::Rounded(Rounded::Scores { .. })) if units != 0 => refused += 1,
            Err(error) => panic!("seed {seed}: {error}"),
        }
        let model = Model::from_words(&compiled.words).expect("compile checked it");
        let is_raw = matches!(model.layers().last().expect("a layer").transform, Transform::Raw);
        match (is_raw, units) {
            (true, _) => raw += 1,
            (false, 0) => exact += 1,
            (false, _) => rounded += 1,
        }
        if model.output_scale().is_some() {
            constants += usize::from(model.output_scale().is_some_and(|scale| scale.constant != 0));
            check(&graph, &model, units, &format!("seed {seed}, {ending}"));
        }
    }
    assert!(constants > 10, "{constants} constants are stated");
    assert!(raw > 5 && exact > 60 && rounded > 60 && refused >= rounded, "{raw} raw, {exact} exact, {rounded} rounded");
}

/// A dense layer of five classes over twelve bytes, then `ends`.
fn classes(quantizer: WeightQuantizer, ends: Vec<Op>) -> Graph {
    let mut rng = StdRng::seed_from_u64(3);
    let values = (0..60).map(|_| rng.random_range(-1.0..1.0)).collect();
    let weights = Weights::new(values, [5, 1, 1, 12], quantizer);
    let dense = Node::new("dense", 0, Op::Dense { weights });
    let ends = ends.into_iter().enumerate().map(|(at, op)| Node::new(format!("end{at}"), at + 1, op));
    let nodes = std::iter::once(dense).chain(ends).collect();
    Graph {
        input: Shape::flat(12),
        input_kind: ByteKind::U8,
        nodes,
        precisions: Vec::new(),
        interface: Default::default(),
    }
}

#[test]
fn rounding_is_refused_by_name_and_says_what_it_costs() {
    let offset = vec![0.1, 0.2, 0.3, 0.4, 0.5];
    let graph = classes(WeightQuantizer::Sign, vec![Op::Affine { multiplier: vec![0.7; 5], offset }]);
    let error = bitfab_compile::compile(&graph).expect_err("cannot be exact").to_string();
    assert!(error.contains("`dense`") && error.contains("at most 1 units of 2^-18"), "{error}");
    assert!(error.contains("2 units or less apart may change their order"), "{error}");
    let biased = Op::Affine { multiplier: vec![0.7; 5], offset: vec![0.7, -1.4, 0.0, 0.7 * 9.0, 0.7 * 1e6] };
    let words = bitfab_compile::compile(&classes(WeightQuantizer::Sign, vec![biased])).expect("whole steps are exact");
    let layer = Model::from_words(&words).expect("valid").layers().last().expect("a layer");
    let Transform::Affine { scales } = layer.transform else { panic!("{:?}", layer.transform) };
    let Rescale { multiplier, offset, shift } = scales.get(1);
    assert_eq!((multiplier, offset, shift), (1, -2, 0));
}

#[test]
fn an_affine_must_be_the_last_and_the_only_one() {
    let affine = Op::Affine { multiplier: vec![2.0], offset: vec![1.0] };
    for ends in [vec![affine.clone(), Op::Scale { factors: vec![2.0] }], vec![affine.clone(), Op::Sign]] {
        let error = bitfab_compile::compile(&classes(WeightQuantizer::Sign, ends)).expect_err("refused").to_string();
        assert!(error.contains("must be the last node"), "{error}");
    }
}

#[test]
fn all_precisions_of_a_file_scale_their_scores_if_one_does() {
    let norm = |beta: Vec<f32>| Op::BatchNorm {
        gamma: vec![2.0; 5],
        beta,
        mean: vec![0.0; 5],
        variance: vec![4.0; 5],
        epsilon: 0.0,
    };
    let mut graph = classes(WeightQuantizer::Planes { bits: 1 }, vec![norm(vec![0.0; 5])]);
    let scaled = |planes: u32, words: &[u32]| {
        let model = Model::from_words(words).expect("valid");
        let layer = model.with_planes(planes).layers().last().expect("a layer");
        matches!(layer.transform, Transform::Affine { .. })
    };
    let alone = compile_with(&graph, &CompileOptions::default()).expect("compiles");
    assert!(!scaled(1, &alone.words), "one slope and no offset");
    let higher = |planes, beta| Precision { planes, ops: vec![(1, norm(beta))] };
    graph.precisions = vec![higher(2, vec![1.0, 2.0, 3.0, -4.0, 5.0]), higher(4, vec![0.3, 0.1, 0.2, 0.7, 0.9])];
    let whole = compile_with(&graph, &CompileOptions::default()).expect("compiles");
    let model = Model::from_words(&whole.words).expect("valid");
    for (planes, units) in [(1, 0), (2, 0), (4, units(&whole).expect("scores alone"))] {
        assert!(scaled(planes, &whole.words));
        check(&graph.at(planes).expect("there"), &model.with_planes(planes), units, &format!("{planes} planes"));
    }
    let base = compile_with(&graph, &CompileOptions { planes: 1, ..CompileOptions::default() }).expect("compiles");
    assert!(scaled(1, &base.words), "an update must not change how scores are made");
    let update = bitfab_compile::update(&base.words, &graph, &CompileOptions::default()).expect("a suffix");
    assert_eq!([base.words, update].concat(), whole.words);
}
