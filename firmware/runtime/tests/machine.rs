//! The walk over the layers: whose memory is used, what is refused, and that a checking pair really compares.

use core::num::NonZeroU32;

use bitfab_format::arbitrary::{Random, chain};
use bitfab_format::{Draft, DraftTransform, Kind, Model, Op, OutputScale, digest};
use bitfab_runtime::{
    CheckError, Checked, Digests, Inference, Layer, Machine, Mismatch, Observer, Output, RunError, run,
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

type Software<'m> = Machine<'m, 8192>;

/// Software whose layer `layer` has another digest, or with `None` whose output has another word.
struct Faulty<'m> {
    software: Software<'m>,
    layer: Option<usize>,
    words: Vec<u32>,
}

impl<'m> Faulty<'m> {
    fn new(model: Model<'m>, layer: Option<usize>) -> Self {
        Self { software: Software::new(model).unwrap(), layer, words: Vec::new() }
    }
}

impl Inference for Faulty<'_> {
    type Error = RunError;

    fn model(&self) -> &Model<'_> {
        self.software.model()
    }

    fn infer(&mut self, input: &[u8], digests: &mut [u32]) -> Result<Output<'_>, RunError> {
        self.words = self.software.infer(input, digests)?.words().to_vec();
        match self.layer {
            Some(layer) => digests[layer] ^= 1,
            None => *self.words.last_mut().unwrap() ^= 1 << 31,
        }
        Ok(Output::new(self.software.model(), &self.words).unwrap())
    }
}

#[test]
fn slices_of_the_wrong_size_are_refused_with_the_need() {
    let (words, input) = model(1);
    let model = Model::from_words(&words).unwrap();
    let need = model.arena_words();
    let mut arena = vec![0; need];
    let short = run(&model, &input, &mut arena[..need - 1], &mut ());
    assert_eq!(short.unwrap_err(), RunError::ArenaTooSmall { need });
    let short = run(&model, &input[1..], &mut arena, &mut ());
    assert_eq!(short.unwrap_err(), RunError::InputLength { need: input.len() });
    assert!(run(&model, &input, &mut arena, &mut ()).is_ok());
    assert_eq!(Machine::<1>::new(model).unwrap_err(), RunError::ArenaTooSmall { need });
}

const ALWAYS: NonZeroU32 = NonZeroU32::MIN;

#[test]
fn a_checking_pair_names_the_layer_or_the_word_that_differs() {
    for seed in 0..20 {
        let (words, input) = model(seed);
        let model = Model::from_words(&words).unwrap();
        let mut digests = vec![0; model.layer_count()];
        for layer in 0..model.layer_count() {
            let faulty = Faulty::new(model, Some(layer));
            let mut pair = Checked::<_, _, 64>::new(Software::new(model).unwrap(), faulty, ALWAYS).unwrap();
            let error = pair.infer(&input, &mut []).unwrap_err();
            let CheckError::Mismatch(Mismatch::Layer { layer: found, first, second }) = error else {
                panic!("{error:?}");
            };
            assert_eq!((usize::from(found), first ^ second), (layer, 1));
        }
        // Without digests the output alone tells.
        let faulty = Faulty::new(model, None);
        let mut pair = Checked::<_, _, 0>::new(faulty, Software::new(model).unwrap(), ALWAYS).unwrap();
        let last = model.output().region.words as usize - 1;
        let error = pair.infer(&input, &mut digests).unwrap_err();
        assert!(matches!(error, CheckError::Mismatch(Mismatch::Word { word, .. }) if word == last), "{error}");
        let mut pair = Checked::<_, _, 64>::new(Software::new(model).unwrap(), Software::new(model).unwrap(), ALWAYS);
        let pair = pair.as_mut().unwrap();
        let (mut ours, mut seen) = (vec![0; model.layer_count()], Seen::default());
        let output = pair.infer(&input, &mut ours).unwrap().words().to_vec();
        let mut machine = Software::new(model).unwrap();
        assert_eq!(output, machine.run_with(&input, &mut seen).unwrap().words());
        assert_eq!(ours, seen.0, "digests are handed on");
    }
}

#[test]
fn a_checking_pair_computes_every_nth_inference_twice() {
    let (words, input) = model(2);
    let model = Model::from_words(&words).unwrap();
    let every = NonZeroU32::new(3).unwrap();
    let mut pair = Checked::<_, _, 64>::new(Software::new(model).unwrap(), Faulty::new(model, Some(0)), every).unwrap();
    let is_checked: Vec<bool> = (0..7).map(|_| pair.infer(&input, &mut []).is_err()).collect();
    assert_eq!(is_checked, [true, false, false, true, false, false, true]);
}

#[test]
fn pairs_that_cannot_be_compared_are_refused() {
    let ((words, input), (others, _)) = (model(2), model(5));
    let (model, other) = (Model::from_words(&words).unwrap(), Model::from_words(&others).unwrap());
    let need = model.layer_count();
    assert!(need > 1);
    let software = |model| Software::new(model).unwrap();
    let pair = Checked::<_, _, 64>::new(software(model), software(other), ALWAYS);
    assert_eq!(pair.unwrap_err(), CheckError::Models);
    let pair = Checked::<_, _, 1>::new(software(model), software(model), ALWAYS);
    assert_eq!(pair.unwrap_err(), CheckError::Digests { need });
    let mut pair = Checked::<_, _, 64>::new(software(model), software(model), ALWAYS).unwrap();
    assert_eq!(pair.infer(&input, &mut [0]).unwrap_err(), CheckError::Digests { need });
    let short = pair.infer(&input[1..], &mut []).unwrap_err();
    assert_eq!(short, CheckError::Second(RunError::InputLength { need: input.len() }));
    assert_eq!(software(model).infer(&input, &mut [0]).unwrap_err(), RunError::Digests { need });
    assert_eq!(Output::new(&model, &[]), None, "an output of another length");
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
    machine.run_with(&input, &mut seen).unwrap();
    machine.run_with(&input, &mut digests).unwrap();
    machine.run_with(&input, &mut one).unwrap();
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
        let output = run(&model, &input, &mut arena, &mut ()).unwrap();
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
    let output = run(&model, &vec![0; model.input_bytes()], &mut arena, &mut ()).unwrap();
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
        let output = run(&model, &input, &mut arena, &mut ()).unwrap();
        let count = model.output().shape.volume() as usize;
        let mut expected = vec![0; count];
        bitfab_kernels::values::unpack(&model.output(), &[], output.words(), &mut expected);
        let found: Vec<i32> = (0..count).map_while(|index| output.value(index)).collect();
        assert_eq!(found, expected, "{:?}", model.output());
        assert_eq!((output.value(count), output.real_score(count)), (None, None));
        for (index, value) in expected.iter().enumerate() {
            let worth = ((i64::from(*value) * 3) << 30) - (5 << 32);
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

proptest! {
    #[test]
    fn what_was_in_the_arena_does_not_matter(seed: u64, rubbish: u32) {
        let (words, input) = model(seed);
        let model = Model::from_words(&words).unwrap();
        let mut results = [0, rubbish].map(|fill| {
            let mut arena = vec![fill; model.arena_words()];
            run(&model, &input, &mut arena, &mut ()).unwrap().words().to_vec()
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
            prop_assert!(run(&model, &input, &mut arena, &mut ()).is_ok());
        }
    }
}
