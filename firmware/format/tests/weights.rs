//! Weights of every kind: what is encoded is decoded, and what lies is refused.

mod common;

use bitfab_format::arbitrary::{Random, draft_of};
use bitfab_format::{BitReader, Coder, DraftWeights, Layer, Model, Op, Reason, WeightKind, digest};
use common::frame;
use proptest::prelude::*;

/// The layer of [`frame`] as a view, from a binary model.
fn with_layer<T>(encode: impl FnOnce(&Layer<'_>) -> T) -> T {
    let mut draft = frame();
    draft.layers[0].weights = DraftWeights { kind: WeightKind::Binary, words: vec![0; 30], ..Default::default() };
    let words = draft.emit();
    encode(&Model::from_words(&words).expect("a binary model").layer(0).expect("a layer"))
}

/// The model with these weights.
fn model(weights: DraftWeights) -> Vec<u32> {
    let mut draft = frame();
    draft.layers[0].weights = weights;
    draft.emit()
}

fn refusal(weights: DraftWeights) -> Reason {
    Model::from_words(&model(weights)).expect_err("must be refused").reason
}

/// About one in `n` values is not zero.
fn matrix(n: u32, value: impl Fn(&mut Random) -> i32) -> Vec<i32> {
    let random = &mut Random::new(u64::from(n));
    (0..900).map(|_| if random.once_in(n) { value(random) } else { 0 }).collect()
}

fn sign(random: &mut Random) -> i32 {
    random.pick(&[-1, 1])
}

#[test]
fn what_is_encoded_is_decoded() {
    let decoded = |weights: DraftWeights| {
        let words = model(weights);
        let model = Model::from_words(&words).unwrap_or_else(|error| panic!("{error}"));
        model.layer(0).expect("a layer").integer_weights()
    };
    for n in [1, 2, 20, 400] {
        let trits = matrix(n, sign);
        for coder in [Coder::Bitmap, Coder::Rice, Coder::List, Coder::Trits] {
            let draft = with_layer(|layer| DraftWeights::ternary(layer, &trits, coder));
            assert_eq!(decoded(draft), trits, "{coder:?} of one in {n}");
        }
        let ones: Vec<i32> = matrix(n, |_| 64).iter().map(|one| one - 40).collect();
        for coder in [Coder::Bitmap, Coder::Rice, Coder::List] {
            if coder != Coder::List || n > 1 {
                let draft = with_layer(|layer| DraftWeights::sparse_binary(layer, &ones, -40, 6, coder));
                assert_eq!(decoded(draft), ones, "{coder:?} of one in {n}");
            }
        }
        let powers = matrix(n, |random| sign(random) << random.between(0, 6));
        assert_eq!(decoded(with_layer(|layer| DraftWeights::power_of_two(layer, &powers))), powers);
    }
    for bits in 2..=8 {
        let limit = 1 << (bits - 1);
        let random = &mut Random::new(u64::from(bits));
        let integers: Vec<i32> = (0..900).map(|_| random.between(-limit, limit - 1)).collect();
        assert_eq!(decoded(with_layer(|layer| DraftWeights::integer(layer, &integers, bits))), integers);
        let odd: Vec<i32> = integers.iter().map(|q| 2 * q + 1).collect();
        assert_eq!(decoded(with_layer(|layer| DraftWeights::planes(layer, &odd, bits))), odd);
    }
}

#[test]
fn smart_deal_filters_are_coefficients_times_basis() {
    let mut coefficients = vec![0; 900];
    (coefficients[0], coefficients[2], coefficients[899]) = (4, -64, 1);
    let mut basis = vec![0i8; 2 * 3 * 9];
    (basis[0], basis[8], basis[5 * 9 + 7]) = (-3, 5, 127);
    let words = model(with_layer(|layer| DraftWeights::smart_deal(layer, &coefficients, &basis, 64)));
    let model = Model::from_words(&words).unwrap_or_else(|error| panic!("{error}"));
    let mut expected = vec![0; 900];
    (expected[0], expected[2], expected[898]) = (-12, -320, 127);
    assert_eq!(model.layer(0).expect("a layer").integer_weights(), expected);
}

#[test]
fn kind_coder_and_parameters_must_fit() {
    let with = |edit: fn(&mut DraftWeights)| {
        let mut weights = with_layer(|layer| DraftWeights::sparse_binary(layer, &vec![-1; 900], -1, 3, Coder::Bitmap));
        edit(&mut weights);
        refusal(weights)
    };
    assert_eq!(with(|w| w.coder = Coder::Plain), Reason::Coder);
    assert_eq!(with(|w| w.coder = Coder::Trits), Reason::Coder);
    assert_eq!(with(|w| w.bits = 16), Reason::Coder);
    assert_eq!(with(|w| w.ratio = 8), Reason::Coder, "alpha and beta of 2^3 reach from -8 to 7");
    assert_eq!(with(|w| w.ratio = -9), Reason::Coder);
    assert_eq!(with(|w| w.parameter = 1), Reason::Coder);
    assert_eq!(with(|w| (w.coder, w.parameter) = (Coder::Rice, 32)), Reason::Coder);
    assert_eq!(with(|w| w.kind = WeightKind::Ternary), Reason::Coder, "a ratio and bits without a use");
    assert_eq!(with(|w| w.kind = WeightKind::None), Reason::UnknownCode);
    let of = |kind, bits, parameter| DraftWeights { kind, bits, parameter, words: vec![0; 30], ..Default::default() };
    for (kind, bits) in
        [(WeightKind::Planes, 0), (WeightKind::Planes, 9), (WeightKind::Integer, 1), (WeightKind::Integer, 9)]
    {
        assert_eq!(refusal(of(kind, bits, 0)), Reason::Coder, "{kind:?} of {bits}");
    }
    assert_eq!(refusal(of(WeightKind::SmartDeal, 0, 0)), Reason::Coder, "chunks of no rows");
    assert_eq!(refusal(of(WeightKind::Planes, 2, 0)), Reason::Section, "words for one plane");
    assert_eq!(refusal(of(WeightKind::PowerOfTwo, 0, 0)), Reason::Section);
}

#[test]
fn rice_streams_that_lie_are_refused() {
    let rice = |words: Vec<u32>| {
        refusal(DraftWeights {
            kind: WeightKind::Ternary,
            coder: Coder::Rice,
            parameter: 2,
            words,
            ..Default::default()
        })
    };
    assert_eq!(rice(vec![]), Reason::Section, "not even a count");
    assert_eq!(rice(vec![1]), Reason::WeightCode, "ends before the first one");
    assert_eq!(rice(vec![1, 0]), Reason::WeightCode, "zeros without an end");
    assert_eq!(rice(vec![901, 0]), Reason::WeightCode, "more ones than weights");
    assert_eq!(rice(vec![u32::MAX, u32::MAX]), Reason::WeightCode);
    assert_eq!(rice(vec![0, 0]), Reason::Section, "a word too many");
    assert_eq!(rice(vec![1, 1 << 31, 0]), Reason::Section, "a word too many");
    assert_eq!(rice(vec![1, 1 << 31 | 1]), Reason::Section, "bits behind the last one");
    // 900 / 4 = 225 zeros, a one: index 900, just past the end.
    let mut past = vec![1];
    past.extend([0; 7]);
    past.push(1 << (31 - 225 % 32));
    assert_eq!(rice(past), Reason::WeightCode, "an index past the matrix");
}

#[test]
fn lists_that_lie_are_refused() {
    let list = |bytes: &[u8]| {
        let words = bitfab_format::align(bytes);
        refusal(DraftWeights { kind: WeightKind::Ternary, coder: Coder::List, words, ..Default::default() })
    };
    // Six segments (256 and 44 of three rows), two counts each.
    let mut empty = [0u8; 12];
    assert_eq!(list(&empty[..8]), Reason::WeightCode, "ends early");
    assert_eq!(list(&[0; 16]), Reason::Section, "too long");
    empty[0] = 1;
    assert_eq!(list(&empty), Reason::WeightCode, "a position takes the place of a count");
    let with = |head: &[u8]| {
        let mut bytes = head.to_vec();
        bytes.resize(head.len() + 10, 0);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        list(&bytes)
    };
    assert_eq!(with(&[2, 0, 7, 7]), Reason::WeightCode, "the same position twice");
    assert_eq!(with(&[2, 0, 7, 6]), Reason::WeightCode, "falling positions");
    assert_eq!(with(&[1, 1, 7, 7]), Reason::WeightCode, "plus and minus");
    assert_eq!(with(&[0, 0, 1, 0, 44]), Reason::WeightCode, "past the end of the row");
}

#[test]
fn rows_that_lie_are_refused() {
    let of = |kind, coder, bits, words| refusal(DraftWeights { kind, coder, bits, words, ..Default::default() });
    let mut signs = vec![0; 60];
    signs[10] = 1;
    assert_eq!(of(WeightKind::Ternary, Coder::Bitmap, 0, signs), Reason::WeightCode, "a sign without a weight");
    let mut pad = vec![0; 60];
    pad[9] = 1 << 12;
    assert_eq!(of(WeightKind::Ternary, Coder::Bitmap, 0, pad), Reason::PadBits);
    let mut trits = vec![0x7979_7979; 45];
    trits[44] = 0xf379_7979;
    assert_eq!(of(WeightKind::Ternary, Coder::Trits, 0, trits.clone()), Reason::WeightCode, "243 is no byte of trits");
    let mut nibbles = vec![0; 3 * 38];
    nibbles[0] = 8;
    assert_eq!(of(WeightKind::PowerOfTwo, Coder::Plain, 0, nibbles.clone()), Reason::WeightCode, "minus zero");
    (nibbles[0], nibbles[37]) = (0, 1 << 16);
    assert_eq!(of(WeightKind::PowerOfTwo, Coder::Plain, 0, nibbles), Reason::PadBits);
    let mut integers = vec![0; 3 * 29];
    integers[28] = 1 << 4;
    assert_eq!(of(WeightKind::Integer, Coder::Plain, 3, integers), Reason::PadBits);
    let mut planes = vec![0; 60];
    planes[59] = 1 << 12;
    assert_eq!(of(WeightKind::Planes, Coder::Plain, 2, planes), Reason::PadBits);
}

#[test]
fn smart_deal_streams_that_lie_are_refused() {
    let draft = |largest_row: u32, stream: Vec<u32>| {
        let words = [vec![largest_row], stream].concat();
        DraftWeights { kind: WeightKind::SmartDeal, parameter: 100, words, ..Default::default() }
    };
    let deal = |stream| refusal(draft(0, stream));
    let kind = WeightKind::SmartDeal;
    assert_eq!(refusal(DraftWeights { kind, parameter: 100, ..Default::default() }), Reason::Coder, "no largest row");
    assert_eq!(deal(vec![]), Reason::WeightCode);
    assert_eq!(deal(vec![0; 3]), Reason::WeightCode, "ends early");
    // A filter without coefficients is 72 + 100 bits, three of them 516: 16 words and 4 bits.
    assert_eq!(deal(vec![0; 18]), Reason::Section, "a word too many");
    let with = |at: usize, bits: u32| {
        let mut words = vec![0; 17];
        words[at / 32] |= bits << (28 - at % 32);
        words
    };
    assert!(Model::from_words(&model(draft(0, vec![0; 17]))).is_ok());
    assert_eq!(refusal(draft(1, vec![0; 17])), Reason::Bound, "a largest row that is not there");
    assert_eq!(deal(with(72, 0b1000)), Reason::WeightCode, "a live row without coefficients");
    assert_eq!(deal(with(516, 0b0001)), Reason::Section, "bits behind the last filter");
    let exponent = |exponent: u32| {
        let mut words = with(72, 0b1100);
        words[0] |= 1 << 31; // a basis that may be used
        words[2] |= exponent << (28 - 12);
        // The first coefficient of row 0 is 2^exponent, its basis -128 in the first place alone.
        model(draft(128 << exponent, words))
    };
    let refused = |words: Vec<u32>| Model::from_words(&words).err().map(|error| error.reason);
    assert_eq!(refused(exponent(6)), None);
    assert_eq!(refused(exponent(7)), Some(Reason::WeightCode), "an exponent of 7");
    let mut unused = with(72, 0b1100);
    unused.truncate(17);
    assert_eq!(deal(unused), Reason::WeightCode, "an all-zero basis is used");
}

/// A model of one layer of two planes, and the block that adds three more.
fn precise() -> (Vec<u32>, Vec<u32>) {
    let random = &mut Random::new(3);
    let five: Vec<i32> = (0..900).map(|_| 2 * random.between(-16, 15) + 1).collect();
    let two: Vec<i32> = five.iter().map(|w| 2 * (((w - 1) / 2) >> 3) + 1).collect();
    let draft = |matrix: &[i32], bits: u32| {
        let mut draft = frame();
        (draft.layers[0].scratch, draft.arena_words) = (3, 83);
        draft.layers[0].weights = with_layer(|layer| DraftWeights::planes(layer, matrix, bits));
        draft
    };
    (draft(&two, 2).emit(), draft(&five, 5).extension(2))
}

#[test]
fn a_block_adds_planes_and_changes_nothing_before_it() {
    let (base, block) = precise();
    let whole = [&base[..], &block].concat();
    let model = Model::from_words(&whole).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(model.precisions().collect::<Vec<_>>(), [5]);
    assert_eq!(model.with_planes(2).words(), base);
    assert_eq!(model.words(), whole);
    let weights = |planes| model.with_planes(planes).layer(0).expect("a layer").integer_weights();
    let base_model = Model::from_words(&base).expect("valid");
    assert_eq!(weights(2), base_model.layer(0).expect("a layer").integer_weights());
    assert_eq!(weights(4), weights(2), "four planes are not in the file");
    assert!(weights(5).iter().zip(weights(2)).all(|(five, two)| 2 * (((five - 1) / 2) >> 3) + 1 == two));
    let partition = [&whole[..], &[u32::MAX; 5]].concat();
    let bytes = bytemuck::cast_slice(&partition);
    assert_eq!(Model::at_start(bytes).expect("valid").words(), whole);
}

#[test]
fn blocks_that_lie_are_refused() {
    let refusal = |edit: &dyn Fn(&mut Vec<u32>)| {
        let (base, mut block) = precise();
        edit(&mut block);
        if block.len() > 3 {
            block[2] = digest(&block[3..]);
        }
        Model::from_words(&[base, block].concat()).expect_err("must be refused").reason
    };
    assert_eq!(refusal(&|b| b[0] = 0), Reason::TrailingBytes);
    assert_eq!(refusal(&|b| b[1] += 4), Reason::TrailingBytes);
    assert_eq!(refusal(&|b| b[1] = 0), Reason::TrailingBytes);
    assert_eq!(refusal(&|b| b.truncate(4)), Reason::TrailingBytes);
    for planes in [0, 2, 9, u32::MAX] {
        assert_eq!(refusal(&|b| b[3] = planes), Reason::Extension, "{planes} planes");
    }
    assert_eq!(refusal(&|b| b[5] = 1), Reason::Extension, "a scale without a mantissa");
    assert_eq!(refusal(&|b| b[7] = 1), Reason::Extension, "a constant without a scale");
    assert_eq!(refusal(&|b| b[8] = 0), Reason::Extension, "no planes for a layer of planes");
    assert_eq!(refusal(&|b| b[8] = u32::MAX), Reason::Extension);
    assert_eq!(refusal(&|b| b[8] += 1), Reason::Extension, "planes past the end of the block");
    let damaged = |at: usize| {
        let (base, mut block) = precise();
        block[at] ^= 4;
        Model::from_words(&[base, block].concat()).expect_err("must be refused").reason
    };
    assert_eq!(damaged(12), Reason::Checksum);
}

#[test]
fn an_error_names_the_block_that_is_wrong() {
    let error = |edit: &dyn Fn(&mut Vec<u32>)| {
        let (base, mut block) = precise();
        let start = 4 * base.len();
        edit(&mut block);
        block[2] = digest(&block[3..block[1] as usize / 4]);
        let error = Model::from_words(&[base, block].concat()).expect_err("must be refused");
        error.to_string().replace(&format!("byte {start}"), "its start")
    };
    let misfit = "the block of further planes does not fit the model";
    assert_eq!(error(&|b| b[5] = 1), format!("block up to 5 planes, its start: {misfit}"));
    assert_eq!(error(&|b| b[8] = 0), format!("block up to 5 planes, layer 0, its start: {misfit}"));
    assert!(error(&|b| b.push(0)).starts_with("block up to 5 planes, byte "), "what follows a block");
}

proptest! {
    #[test]
    fn any_edit_of_weights_is_refused_or_bounded(
        seed: u64, kind in 0usize..7, edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u32>()), 1..4)
    ) {
        let draft = draft_of(Op::Dense, Some(WeightKind::WEIGHTED[kind]), &mut Random::new(seed));
        let mut draft = draft;
        for layer in &mut draft.layers {
            for (at, value) in &edits {
                if !layer.weights.words.is_empty() {
                    let at = at.index(layer.weights.words.len());
                    layer.weights.words[at] ^= value;
                }
            }
        }
        let words = draft.emit();
        if let Ok(model) = Model::from_words(&words) {
            for layer in model.layers() {
                let matrix = layer.integer_weights();
                let rows = matrix.chunks(layer.fan_in() as usize);
                let sums = rows.map(|row| row.iter().map(|w| u64::from(w.unsigned_abs())).sum::<u64>());
                prop_assert!(sums.max().unwrap_or(0) <= layer.largest_row());
            }
        }
    }

    #[test]
    fn any_stream_is_read_to_its_end(words in prop::collection::vec(any::<u32>(), 0..6)) {
        let (mut units, mut bits) = (BitReader::new(&words), BitReader::new(&words));
        let ones: u32 = words.iter().map(|word| word.count_ones()).sum();
        let mut found = 0;
        while let Some(zeros) = units.unary() {
            prop_assert_eq!(bits.take(zeros.min(32)), 0);
            (0..zeros.saturating_sub(32)).for_each(|_| { bits.take(1); });
            prop_assert_eq!(bits.take(1), 1);
            found += 1;
        }
        prop_assert_eq!(found, ones);
    }
}
