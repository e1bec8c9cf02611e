//! The compiled integers give the bits of the graph evaluated without rounding, ties included.

mod oracle;
mod random;

use bitfab_format::{Draft, Model};
use bitfab_graph::{ByteKind, Graph};
use bitfab_kernels::{reference, values};
use oracle::Values;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

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
        matches!(tensors[index].kind, Kind::Signs | Kind::Levels { .. })
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
    let mut all = 0u64;
    for seed in 0..150 {
        let graph = random::graph(seed);
        let words = bitfab_compile::compile(&graph).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
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
    assert!(ones * 5 > all && ones * 5 < all * 4, "outputs are neither all on nor all off: {ones} of {all}");
}

#[test]
fn the_arena_of_a_chain_is_its_most_demanding_layer() {
    let mut chains = 0;
    for seed in 0..400 {
        let words = bitfab_compile::compile(&random::graph(seed)).expect("compiles");
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
        let words = bitfab_compile::compile(&random::graph(seed)).expect("compiles");
        let model = Model::from_words(&words).expect("valid");
        assert_eq!(Draft::from(&model).emit(), words, "seed {seed}");
    }
}

#[test]
fn falling_channels_become_negated_weights() {
    for seed in 0..400 {
        let words = bitfab_compile::compile(&random::graph(seed)).expect("compiles");
        for layer in Model::from_words(&words).expect("valid").layers() {
            let bitfab_format::Transform::Thresholds { directions, .. } = layer.transform else { continue };
            if layer.op.is_weighted() && layer.residual.is_none() {
                assert!(directions.iter().all(|&word| word == 0), "seed {seed}");
            }
        }
    }
}
