//! The compiled integers give the bits of the graph evaluated without rounding, ties included.

mod oracle;
mod random;
mod scores;

use bitfab_compile::{CompileError, CompileOptions, Prefer};
use bitfab_format::{Draft, Model, WeightKind};
use bitfab_graph::{ByteKind, Graph, Node, Op, Precision, Shape, WeightQuantizer, Weights};
use bitfab_kernels::{reference, values};
use oracle::Values;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// The model of a random graph; `None` where values of many levels can only be rounded, which must be said.
fn compiled(seed: u64) -> Option<Vec<u32>> {
    match bitfab_compile::compile(&random::graph(seed)) {
        Ok(words) => Some(words),
        Err(CompileError::Rounded(_)) => None,
        Err(error) => panic!("seed {seed}: {error}"),
    }
}

/// Plain values of every tensor of `model` by the reference kernels.
fn run(model: &Model<'_>, bytes: &[u8]) -> Vec<Vec<i32>> {
    let mut input = vec![0; bytes.len()];
    values::unpack(&model.input(), bytes, &[], &mut input);
    let mut tensors = vec![input];
    for layer in model.layers() {
        let mut output = vec![0; layer.output.shape.volume() as usize];
        let residual = layer.residual.map_or(&[][..], |from| &tensors[usize::from(from.index)]);
        reference::run(&layer, &tensors[usize::from(layer.input_index)], residual, &mut output);
        tensors.push(output);
    }
    tensors
}

/// The exact values that the model's layers must have: those of signs, levels and the final scores.
fn expected(graph: &Graph, input: &[i64]) -> Vec<Vec<i64>> {
    let tensors = graph.check().expect("a valid graph");
    let all = oracle::evaluate(graph, &tensors, input);
    let is_layer = |index: usize| {
        use bitfab_graph::Kind;
        matches!(tensors[index].kind, Kind::Sign | Kind::Unsigned { .. })
    };
    let mut layers: Vec<Vec<i64>> = Vec::new();
    for (index, values) in all.iter().enumerate().skip(1).filter(|(index, _)| is_layer(*index)) {
        let Values::Integers(values) = values else { panic!("tensor {index} is real") };
        layers.push(values.clone());
    }
    if !is_layer(all.len() - 1) {
        let scores = all.iter().rev().find_map(|values| match values {
            Values::Integers(values) => Some(values.clone()),
            Values::Reals(_) => None,
        });
        layers.push(scores.expect("integers somewhere"));
    }
    layers
}

#[test]
fn random_graphs_compile_to_exactly_their_bits() {
    let mut ones = 0u64;
    let (mut all, mut graphs) = (0u64, 0);
    for seed in 0..150 {
        let graph = random::graph(seed);
        let Some(words) = compiled(seed) else { continue };
        graphs += 1;
        let model = Model::from_words(&words).expect("compile checked it");
        let mut rng = StdRng::seed_from_u64(seed);
        for _ in 0..2 {
            let bytes: Vec<u8> = (0..model.input_bytes()).map(|_| rng.random()).collect();
            let signed = graph.input_kind == ByteKind::I8;
            let input: Vec<i64> =
                bytes.iter().map(|&b| if signed { i64::from(b as i8) } else { i64::from(b) }).collect();
            let expected = expected(&graph, &input);
            let found = run(&model, &bytes);
            assert_eq!(found.len(), expected.len() + 1, "seed {seed}: layers");
            for (layer, (expected, found)) in model.layers().zip(expected.iter().zip(&found[1..])) {
                let found: Vec<i64> = found.iter().map(|&x| i64::from(x)).collect();
                assert_eq!(&found, expected, "seed {seed}, layer {} `{}`", layer.index, layer.name);
                ones += found.iter().filter(|&&x| x > 0).count() as u64;
                all += found.len() as u64;
            }
        }
    }
    assert!(graphs > 100, "only {graphs} graphs compile");
    assert!(ones * 5 > all && ones * 5 < all * 4, "outputs are neither all on nor all off: {ones} of {all}");
}

#[test]
fn the_arena_of_a_chain_is_its_most_demanding_layer() {
    let mut chains = 0;
    for seed in 0..400 {
        let Some(words) = compiled(seed) else { continue };
        let model = Model::from_words(&words).expect("valid");
        let least = model.layers().map(|layer| {
            let residual = layer.residual.filter(|from| from.index != layer.input_index);
            let residual = residual.map_or(0, |from| from.tensor.region.words);
            layer.input.region.words + layer.output.region.words + layer.scratch.words + residual
        });
        let least = least.max().expect("layers") as usize;
        assert!(model.arena_words() >= least);
        if model.layers().all(|layer| layer.residual.is_none() && layer.input_index == layer.index) {
            assert_eq!(model.arena_words(), least, "seed {seed}");
            chains += 1;
        }
    }
    assert!(chains > 100, "only {chains} chains");
}

#[test]
fn files_survive_parsing_and_writing() {
    for seed in 0..400 {
        let Some(words) = compiled(seed) else { continue };
        let model = Model::from_words(&words).expect("valid");
        assert_eq!(Draft::from(&model).emit(), words, "seed {seed}");
    }
}

#[test]
fn falling_channels_become_negated_weights() {
    for seed in 0..400 {
        let Some(words) = compiled(seed) else { continue };
        for layer in Model::from_words(&words).expect("valid").layers() {
            let bitfab_format::Transform::Thresholds(thresholds) = layer.transform else { continue };
            let may_stay =
                matches!(layer.weights.kind(), WeightKind::SparseBinary | WeightKind::Integer | WeightKind::SmartDeal);
            if layer.op.is_weighted() && layer.residual.is_none() && !may_stay {
                assert!(!thresholds.form().has_directions, "seed {seed}");
            }
        }
    }
}

/// A graph of two dense layers of planes at three precisions.
fn precise() -> Graph {
    let mut rng = StdRng::seed_from_u64(5);
    let mut real = |count: u32| -> Vec<f32> { (0..count).map(|_| rng.random_range(-1.0..1.0)).collect() };
    let planes = |values, shape| Weights::new(values, shape, WeightQuantizer::Planes { bits: 1 });
    let norm = |scale: f32, real: &mut dyn FnMut(u32) -> Vec<f32>| Op::BatchNorm {
        gamma: real(20),
        beta: real(20),
        mean: real(20).iter().map(|mean| mean * scale).collect(),
        variance: vec![scale; 20],
        epsilon: 0.0,
    };
    let first = planes(real(20 * 30), [20, 1, 1, 30]);
    let second = planes(real(5 * 20), [5, 1, 1, 20]);
    let norms = [norm(100.0, &mut real), norm(400.0, &mut real), norm(9000.0, &mut real)];
    let [low, middle, high] = norms;
    let nodes = vec![
        Node::new("first", 0, Op::Dense { weights: first }),
        Node::new("norm", 1, low),
        Node::new("levels", 2, Op::Quantize { bits: 3, step: 0.25 }),
        Node::new("scores", 3, Op::Dense { weights: second }),
    ];
    let precisions =
        vec![Precision { planes: 3, ops: vec![(1, middle)] }, Precision { planes: 8, ops: vec![(1, high)] }];
    Graph { input: Shape::flat(30), input_kind: ByteKind::U8, nodes, precisions, interface: Default::default() }
}

#[test]
fn one_file_holds_every_precision_and_an_update_is_a_suffix() {
    let graph = precise();
    let options = |planes| CompileOptions { planes, ..CompileOptions::default() };
    let compile = |planes| bitfab_compile::compile_with(&graph, &options(planes)).expect("compiles").words;
    let (base, middle, whole) = (compile(1), compile(3), compile(8));
    assert_eq!(middle[..base.len()], base);
    assert_eq!(whole[..middle.len()], middle);
    assert_eq!(bitfab_compile::update(&base, &graph, &options(8)).expect("fits"), whole[base.len()..]);
    assert!(bitfab_compile::update(&whole, &graph, &options(8)).is_err(), "nothing to add");
    let mut other = base.clone();
    other[9] ^= 1;
    assert!(bitfab_compile::update(&other, &graph, &options(8)).is_err(), "another file");

    let model = Model::from_words(&whole).expect("valid");
    assert_eq!(model.precisions().collect::<Vec<_>>(), [3, 8]);
    let bytes: Vec<u8> = (0..30).map(|i| (i * 37 % 256) as u8).collect();
    let input: Vec<i64> = bytes.iter().map(|&b| i64::from(b)).collect();
    let mut outputs = Vec::new();
    for planes in [1, 3, 8] {
        let found = run(&model.with_planes(planes), &bytes);
        let expected = expected(&graph.at(planes).expect("there"), &input);
        for (found, expected) in found[1..].iter().zip(&expected) {
            assert_eq!(&found.iter().map(|&x| i64::from(x)).collect::<Vec<_>>(), expected, "{planes} planes");
        }
        outputs.push(found);
    }
    assert!(outputs[0] != outputs[1] && outputs[1] != outputs[2]);
    assert_eq!(run(&model.with_planes(7), &bytes), outputs[1], "the highest precision up to seven planes");
}

#[test]
fn speed_and_size_choose_other_codes_and_the_same_bits() {
    let mut differing = 0;
    for seed in 0..100 {
        let graph = random::graph(seed);
        let Some(small) = compiled(seed) else { continue };
        let fast = CompileOptions { prefer: Prefer::Speed, ..CompileOptions::default() };
        let fast = bitfab_compile::compile_with(&graph, &fast).expect("compiles").words;
        let models = [&small, &fast].map(|words| Model::from_words(words).expect("valid"));
        differing += usize::from(small != fast);
        let bytes: Vec<u8> = (0..models[0].input_bytes()).map(|i| (i * 91 + 13) as u8).collect();
        assert_eq!(run(&models[0], &bytes), run(&models[1], &bytes), "seed {seed}");
    }
    assert!(differing > 10, "only {differing} graphs have codes to choose");
}
