//! Every fast kernel computes what the reference computes, word for word.

use bitfab_format::arbitrary::{Random, draft, value};
use bitfab_format::{Layer, Model, Op, Tensor};
use bitfab_kernels::{Views, reference, run, values};
use proptest::prelude::*;

/// One tensor in the three forms that kernels and reference want.
struct Data {
    values: Vec<i32>,
    bytes: Vec<u8>,
    words: Vec<u32>,
}

impl Data {
    fn random(tensor: &Tensor, random: &mut Random) -> Self {
        let values: Vec<i32> = (0..tensor.shape.volume()).map(|_| value(tensor.kind, random)).collect();
        let bytes = if tensor.kind.is_bytes() { values.iter().map(|&value| value as u8).collect() } else { vec![] };
        let mut words = vec![0; tensor.region.words as usize];
        if tensor.kind.is_packed() {
            values::pack(tensor, &values, &mut words);
        }
        Self { values, bytes, words }
    }
}

/// Runs the last layer of a random model both ways and compares every word, those of pad bits included.
fn check(op: Op, seed: u64) {
    let random = &mut Random::new(seed);
    let words = draft(op, random).emit();
    let model = Model::new(bytemuck::cast_slice(&words)).expect("a valid draft");
    let layer = model.layers().last().expect("a layer");
    let input = Data::random(&layer.input, random);
    let residual = layer.residual.map(|from| Data::random(&from.tensor, random));
    let (residual_values, residual_words) =
        residual.as_ref().map_or((&[][..], &[][..]), |data| (&data.values, &data.words));
    let mut expected = vec![0; layer.output.shape.volume() as usize];
    reference::run(&layer, &input.values, residual_values, &mut expected);
    let mut expected_words = vec![0; layer.output.region.words as usize];
    values::pack(&layer.output, &expected, &mut expected_words);

    // Rubbish in output and scratch: every word must be written, none may be read.
    let mut output: Vec<u32> = expected_words.iter().map(|_| random.word()).collect();
    let mut scratch: Vec<u32> = (0..layer.scratch.words).map(|_| random.word()).collect();
    let views = Views {
        bytes: &input.bytes,
        input: &input.words,
        residual: residual_words,
        output: &mut output,
        scratch: &mut scratch,
    };
    run(&layer, views);
    if output != expected_words {
        report(&layer, seed, &output, &expected);
    }
}

fn report(layer: &Layer<'_>, seed: u64, output: &[u32], expected: &[i32]) -> ! {
    let mut found = vec![0; expected.len()];
    values::unpack(&layer.output, &[], output, &mut found);
    let at = found.iter().zip(expected).position(|(a, b)| a != b);
    let values = at.map(|at| (found[at], expected[at]));
    panic!("seed {seed}: value {at:?} of {layer:?}: found and expected {values:?} (none: a pad bit is not 0)");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn encodings_equal_the_reference(seed: u64) {
        check(Op::Encode, seed);
    }

    #[test]
    fn dense_layers_equal_the_reference(seed: u64) {
        check(Op::Dense, seed);
    }

    #[test]
    fn max_pools_equal_the_reference(seed: u64) {
        check(Op::MaxPool, seed);
    }

    #[test]
    fn sum_pools_equal_the_reference(seed: u64) {
        check(Op::SumPool, seed);
    }

    #[test]
    fn short_slices_never_panic(seed: u64, op in 0usize..5, keep in 0usize..8) {
        let op = [Op::Encode, Op::Dense, Op::Conv2d, Op::MaxPool, Op::SumPool][op];
        let random = &mut Random::new(seed);
        let words = draft(op, random).emit();
        let model = Model::new(bytemuck::cast_slice(&words)).expect("a valid draft");
        let layer = model.layers().last().expect("a layer");
        let input = Data::random(&layer.input, random);
        let mut part = |words: u32| vec![0; words as usize * (random.word() % 8).min(keep as u32) as usize / 8];
        let (mut output, mut scratch) = (part(layer.output.region.words), part(layer.scratch.words));
        let short = part(layer.input.region.words);
        let bytes = &input.bytes[..input.bytes.len() * keep / 8];
        run(&layer, Views { bytes, input: &short, residual: &[], output: &mut output, scratch: &mut scratch });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1600, ..ProptestConfig::default() })]

    #[test]
    fn convolutions_equal_the_reference(seed: u64) {
        check(Op::Conv2d, seed);
    }
}
