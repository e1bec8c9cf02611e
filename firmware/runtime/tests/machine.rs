//! The walk over the layers: whose memory is used, what is refused, and that a pair of backends is really compared.

use core::convert::Infallible;

use bitfab_format::arbitrary::{Random, chain};
use bitfab_format::{Draft, DraftTransform, Kind, Model, Op, OutputScale, WeightKind, digest};
use bitfab_runtime::{
    Backend, Digests, Layer, Machine, Mismatch, Observer, PairError, Paired, RunError, Software, Views, run,
};
use proptest::prelude::*;

/// A model that ends in scores, and an input for it.
fn model(seed: u64) -> (Vec<u32>, Vec<u8>) {
    let mut random = Random::new(seed);
    loop {
        let draft = chain(3, &mut random);
        if draft.layers.last().is_some_and(|layer| layer.output.kind == Kind::I32) {
            let bytes = draft.input.shape.volume();
            return (draft.emit(), (0..bytes).map(|_| random.word() as u8).collect());
        }
    }
}

/// Computes as software does, then flips one bit of one layer.
struct Faulty {
    layer: u16,
    bit: u32,
}

impl Backend for Faulty {
    type Error = Infallible;

    fn run(&mut self, layer: &Layer<'_>, views: Views<'_>) -> Result<(), Infallible> {
        let Views { bytes, input, residual, output, scratch } = views;
        Software.run(layer, Views { bytes, input, residual, output: &mut *output, scratch })?;
        if layer.index == self.layer {
            output[0] ^= 1 << self.bit;
        }
        Ok(())
    }
}

#[test]
fn slices_of_the_wrong_size_are_refused_with_the_need() {
    let (words, input) = model(1);
    let model = Model::from_words(&words).unwrap();
    let need = model.arena_words();
    let mut arena = vec![0; need];
    let short = run(&model, &input, &mut arena[..need - 1], &mut Software, &mut ());
    assert_eq!(short.unwrap_err(), RunError::ArenaTooSmall { need });
    let short = run(&model, &input[1..], &mut arena, &mut Software, &mut ());
    assert_eq!(short.unwrap_err(), RunError::InputLength { need: input.len() });
    assert!(run(&model, &input, &mut arena, &mut Software, &mut ()).is_ok());
    assert_eq!(Machine::<1>::new(model).unwrap_err(), RunError::ArenaTooSmall { need });
}

#[test]
fn a_pair_finds_a_flipped_bit_and_names_its_layer() {
    for seed in 0..20 {
        let (words, input) = model(seed);
        let model = Model::from_words(&words).unwrap();
        let mut arena = vec![0; model.arena_words()];
        let mut shadow = vec![0; model.layers().map(|layer| layer.output.region.words).max().unwrap() as usize];
        for layer in 0..model.layer_count() as u16 {
            let mut pair = Paired::new(Software, Faulty { layer, bit: 0 }, &mut shadow);
            let error = run(&model, &input, &mut arena, &mut pair, &mut ()).unwrap_err();
            let RunError::Backend(PairError::Mismatch(Mismatch { layer: found, word: 0, first, second })) = error
            else {
                panic!("{error:?}");
            };
            assert_eq!((found, first ^ second), (layer, 1));
        }
        let mut pair = Paired::new(Software, Software, &mut shadow);
        assert!(run(&model, &input, &mut arena, &mut pair, &mut ()).is_ok());
        let need = 1;
        let mut pair = Paired::new(Software, Software, &mut []);
        let error = run(&model, &input, &mut arena, &mut pair, &mut ()).unwrap_err();
        assert!(matches!(error, RunError::Backend(PairError::ShadowTooSmall { need: n }) if n >= need));
    }
}

/// Collects the digest of every layer on the host side.
#[derive(Default)]
struct Seen(Vec<u32>);

impl Observer for Seen {
    fn after(&mut self, layer: &Layer<'_>, output: &[u32]) {
        assert_eq!(output.len(), layer.output.region.words as usize);
        self.0.push(digest(output));
    }
}

#[test]
fn digests_are_those_of_the_outputs() {
    let (words, input) = model(3);
    let model = Model::from_words(&words).unwrap();
    let mut machine = Machine::<65536>::new(model).unwrap();
    let (mut seen, mut digests, mut one) = (Seen::default(), Digests::<64>::new(), Digests::<1>::new());
    machine.run_with(&input, &mut Software, &mut seen).unwrap();
    machine.run_with(&input, &mut Software, &mut digests).unwrap();
    machine.run_with(&input, &mut Software, &mut one).unwrap();
    assert_eq!(digests.as_slice(), seen.0);
    assert_eq!((one.as_slice(), one.missed()), (&seen.0[..1], seen.0.len() - 1));
    digests.clear();
    assert!(digests.as_slice().is_empty());
}

/// The only score of a model with one dense layer of `n` bytes and all weights +1: the sum of the bytes.
fn sum_model(scale: Option<OutputScale>) -> Vec<u32> {
    let mut random = Random::new(9);
    loop {
        let mut draft = chain(1, &mut random);
        let layer = &draft.layers[0];
        let is_raw = matches!(layer.transform, DraftTransform::Raw);
        let is_sum = draft.layers.len() == 1 && layer.op == Op::Dense && is_raw;
        if is_sum && draft.input.kind == Kind::U8 {
            draft.scale = scale;
            return draft.emit();
        }
    }
}

#[test]
fn scores_become_fixed_point_where_a_scale_survives() {
    let constants = [0, 1, -1, 7 << 32, i64::MAX, i64::MIN];
    let scales = [(3, 2), (1, 0), (u32::MAX, 0), (5, 33), (1, 63)];
    for ((mantissa, shift), constant) in
        scales.into_iter().flat_map(|scale| constants.map(|constant| (scale, constant)))
    {
        let words = sum_model(Some(OutputScale { mantissa, shift, constant }));
        let model = Model::from_words(&words).unwrap();
        let input = vec![255; model.input_bytes()];
        let mut arena = vec![0; model.arena_words()];
        let output = run(&model, &input, &mut arena, &mut Software, &mut ()).unwrap();
        for (index, score) in output.scores().enumerate() {
            let exact = ((i128::from(score) * i128::from(mantissa)) << 32) >> shift;
            let limited = |value: i128| value.clamp(i128::from(i64::MIN), i128::from(i64::MAX));
            let expected = limited(limited(exact) + i128::from(constant));
            assert_eq!(i128::from(output.real_score(index).unwrap().to_bits()), expected, "{mantissa} / 2^{shift}");
        }
        assert_eq!(output.real_score(output.scores().len()), None);
    }
    let words = sum_model(None);
    let model = Model::from_words(&words).unwrap();
    let mut arena = vec![0; model.arena_words()];
    let output = run(&model, &vec![0; model.input_bytes()], &mut arena, &mut Software, &mut ()).unwrap();
    assert_eq!(output.real_score(0), None);
    assert_eq!(output.arg_max(), 0, "of equal scores the lowest index wins");
}

#[test]
fn levels_and_signs_have_values_and_worth_as_scores_have() {
    let (mut random, mut seen) = (Random::new(11), [0; 3]);
    for _ in 0..200 {
        let mut draft = chain(2, &mut random);
        draft.scale = Some(OutputScale { mantissa: 3, shift: 2, constant: -(5 << 32) });
        let words = draft.emit();
        let model = Model::from_words(&words).unwrap();
        let (input, mut arena) = (vec![77; model.input_bytes()], vec![0; model.arena_words()]);
        let output = run(&model, &input, &mut arena, &mut Software, &mut ()).unwrap();
        let count = model.output().shape.volume() as usize;
        let mut expected = vec![0; count];
        bitfab_kernels::values::unpack(&model.output(), &[], output.words(), &mut expected);
        let found: Vec<i32> = (0..count).map_while(|index| output.value(index)).collect();
        assert_eq!(found, expected, "{:?}", model.output());
        assert_eq!((output.value(count), output.real_score(count)), (None, None));
        for (index, value) in expected.iter().enumerate() {
            let worth = (i64::from(*value) * 3 << 30) - (5 << 32);
            assert_eq!(output.real_score(index).unwrap().to_bits(), worth);
        }
        seen[match model.output().kind {
            Kind::Sign => 0,
            Kind::I32 => 1,
            _ => 2,
        }] += 1;
    }
    assert!(seen.iter().all(|&count| count > 5), "{seen:?}");
}

/// Software that was built for binary weights alone.
struct BinaryOnly;

impl Backend for BinaryOnly {
    type Error = Infallible;

    fn supports(&self, layer: &Layer<'_>) -> bool {
        matches!(layer.weights.kind(), WeightKind::None | WeightKind::Binary)
    }

    fn run(&mut self, layer: &Layer<'_>, views: Views<'_>) -> Result<(), Infallible> {
        assert!(self.supports(layer), "a layer that the backend does not support was handed to it");
        Software.run(layer, views)
    }
}

#[test]
fn a_model_with_weights_that_the_backend_lacks_is_refused_by_name_of_its_layer() {
    let (mut refused, mut run_through) = (0, 0);
    for seed in 0..200 {
        let (words, input) = model(seed);
        let model = Model::from_words(&words).unwrap();
        let mut arena = vec![0; model.arena_words()];
        let lacking = model.layers().find(|layer| !BinaryOnly.supports(layer)).map(|layer| layer.index);
        let result = run(&model, &input, &mut arena, &mut BinaryOnly, &mut ()).map(|_| ());
        match lacking {
            Some(layer) => assert_eq!(result, Err(RunError::Unsupported { layer })),
            None => assert_eq!(result, Ok(())),
        }
        if lacking.is_some() { refused += 1 } else { run_through += 1 }
    }
    assert!(refused > 50 && run_through > 5, "{refused} refused, {run_through} run");
}

proptest! {
    #[test]
    fn what_was_in_the_arena_does_not_matter(seed: u64, rubbish: u32) {
        let (words, input) = model(seed);
        let model = Model::from_words(&words).unwrap();
        let mut results = [0, rubbish].map(|fill| {
            let mut arena = vec![fill; model.arena_words()];
            run(&model, &input, &mut arena, &mut Software, &mut ()).unwrap().words().to_vec()
        });
        let last = results[1].clone();
        prop_assert_eq!(&results[0], &last);
        results[0].clear();
    }

    #[test]
    fn accepted_edits_still_run(seed: u64, at: prop::sample::Index, value: u32) {
        let (words, input) = model(seed);
        let mut draft = Draft::from(&Model::from_words(&words).unwrap());
        let layer = at.index(draft.layers.len());
        // Many weights are valid as they are; all that are accepted must run.
        let weights = &mut draft.layers[layer].weights.words;
        let word = at.index(weights.len().max(1));
        if let Some(word) = weights.get_mut(word) { *word ^= value; }
        let words = draft.emit();
        if let Ok(model) = Model::from_words(&words) {
            let mut arena = vec![0; model.arena_words()];
            prop_assert!(run(&model, &input, &mut arena, &mut Software, &mut ()).is_ok());
        }
    }
}
