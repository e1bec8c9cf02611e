//! What a model file must not contain: every check of `Model::new`, and that no bytes make it panic.

use bitfab_format::arbitrary::{Plan, Random, build, draft as arbitrary_draft};
use bitfab_format::{
    Draft, DraftLayer, DraftTensor, DraftTransform, DraftWeights, Kind, Model, Op, PadValue, Place, Reason, Shape,
    VERSION, WeightKind, Window, align, digest,
};
use proptest::prelude::*;

/// 40 bytes -> 33 signs (dense), 33 signs -> 3 scores (dense): patch and tap packing with pad bits.
fn draft() -> Draft {
    let dense = |input, from: Shape, to, start, row_words: usize, kind, transform| DraftLayer {
        name: "dense".into(),
        op: Op::Dense,
        input,
        residual: None,
        window: Window::whole(from),
        pad_value: PadValue::Zero,
        groups: 1,
        output: DraftTensor { shape: Shape::vector(to), kind, start },
        scratch: 0,
        weights: DraftWeights {
            kind: WeightKind::Binary,
            words: vec![0; to as usize * row_words],
            ..Default::default()
        },
        transform,
    };
    let signs = DraftTransform::Thresholds { values: vec![0; 33], directions: vec![0; 2] };
    let mut first = dense(0, Shape::vector(40), 33, 0, 2, Kind::Sign, signs);
    first.scratch = 5;
    let second = dense(1, Shape::vector(33), 3, 2, 2, Kind::I32, DraftTransform::Raw);
    let input = DraftTensor { shape: Shape::vector(40), kind: Kind::U8, start: 0 };
    Draft { input, arena_words: 21, scale: None, interface: Default::default(), layers: vec![first, second] }
}

/// A valid model of any operation.
fn any_draft(seed: u64) -> Draft {
    let mut random = Random::new(seed);
    let op = random.pick(&[Op::Encode, Op::Dense, Op::Conv2d, Op::MaxPool, Op::SumPool]);
    arbitrary_draft(op, &mut random)
}

/// The refusal after `edit`, as layer and reason.
fn refusal(edit: impl FnOnce(&mut Draft)) -> (Place, Reason) {
    let mut draft = draft();
    edit(&mut draft);
    let error = Model::from_words(&draft.emit()).expect_err("must be refused");
    (error.place, error.reason)
}

/// The refusal after an edit of the words, with the checksum repaired.
fn refusal_of_words(edit: impl FnOnce(&mut [u32])) -> (Place, u32, Reason) {
    let mut words = draft().emit();
    edit(&mut words);
    words[3] = digest(&words[4..]);
    let error = Model::from_words(&words).expect_err("must be refused");
    (error.place, error.at, error.reason)
}

#[test]
fn the_untouched_model_is_accepted() {
    let words = draft().emit();
    let model = Model::from_words(&words).expect("valid");
    assert_eq!(model.arena_words(), 21);
    assert_eq!(model.input_bytes(), 40);
    assert_eq!(model.layers().count(), 2);
    assert_eq!(model.layer(1).expect("second").row_words(), 2);
    assert!(model.layer(2).is_none());
}

#[test]
fn headers_that_lie_are_refused() {
    assert_eq!(refusal_of_words(|w| w[0] = 0), (Place::Header, 0, Reason::NotAModel));
    assert_eq!(refusal_of_words(|w| w[1] = 1), (Place::Header, 4, Reason::Version));
    assert_eq!(refusal_of_words(|w| w[2] += 4), (Place::Header, 8, Reason::Truncated));
    assert_eq!(refusal_of_words(|w| w[2] -= 4), (Place::Header, 12, Reason::Checksum));
    assert_eq!(refusal_of_words(|w| w[4] = 0), (Place::Header, 16, Reason::LayerCount));
    assert_eq!(refusal_of_words(|w| w[4] = 256), (Place::Header, 16, Reason::LayerCount));
    assert_eq!(refusal_of_words(|w| w[4] = 200), (Place::Header, 16, Reason::Truncated));
    assert_eq!(refusal_of_words(|w| w[5] += 1), (Place::Header, 20, Reason::Arena));
    assert_eq!(refusal_of_words(|w| w[6] = 0), (Place::Header, 24, Reason::Shape));
    assert_eq!(refusal_of_words(|w| w[7] = u32::MAX), (Place::Header, 24, Reason::Shape));
    assert_eq!(refusal_of_words(|w| w[8] = 3), (Place::Header, 32, Reason::UnknownCode));
    assert_eq!(refusal_of_words(|w| w[10] = 64), (Place::Header, 36, Reason::Reserved));
    assert_eq!(refusal_of_words(|w| w[15] = 1), (Place::Header, 60, Reason::Reserved));
}

#[test]
fn damage_is_found_by_the_checksum() {
    let words = draft().emit();
    for at in 4..words.len() {
        let mut words = words.clone();
        words[at] ^= 1 << (at % 32);
        let error = Model::from_words(&words).expect_err("must be refused");
        assert_eq!((error.at, error.reason), (12, Reason::Checksum), "word {at}");
    }
}

#[test]
fn layers_that_lie_are_refused() {
    let (first, second) = (Place::Layer(0), Place::Layer(1));
    let odd_kernel = |d: &mut Draft| d.layers[0].window.kernel = [2, 1];
    assert_eq!(refusal(odd_kernel), (first, Reason::Window));
    assert_eq!(refusal(|d| d.layers[0].input = 1), (first, Reason::TensorIndex));
    assert_eq!(refusal(|d| d.layers[0].residual = Some((0, 0))), (first, Reason::TensorIndex));
    assert_eq!(refusal(|d| d.layers[1].residual = Some((1, 16))), (second, Reason::TensorIndex));
    assert_eq!(refusal(|d| d.layers[0].groups = 2), (first, Reason::Groups));
    assert_eq!(refusal(|d| d.layers[0].groups = 0), (first, Reason::Groups));
    assert_eq!(refusal(|d| d.layers[0].pad_value = PadValue::PlusOne), (first, Reason::Kind));
    assert_eq!(refusal(|d| d.layers[0].op = Op::MaxPool), (first, Reason::Kind));
    assert_eq!(refusal(|d| d.layers[1].output.kind = Kind::Sign), (second, Reason::Kind));
    assert_eq!(refusal(|d| d.layers[1].weights.kind = WeightKind::None), (second, Reason::UnknownCode));
    assert_eq!(refusal(|d| d.layers[0].output.shape.height = 2), (first, Reason::OutputShape));
    assert_eq!(refusal(|d| d.layers[0].output.shape.channels = u32::MAX), (first, Reason::Shape));
    assert_eq!(refusal(|d| d.layers[0].name = "x".repeat(65)), (first, Reason::Name));
}

/// 3 x 3 values of `kind`, convolved with a border of `pad_value`; values that are not bytes come from a layer of 1 x 1.
fn bordered(kind: Kind, pad_value: PadValue) -> Draft {
    let border = Plan::same(3, pad_value, 5, Kind::I32);
    let plans = [Plan::same(1, PadValue::Zero, 5, kind), border];
    let (plans, input) = if kind.is_bytes() { (&plans[1..], kind) } else { (&plans[..], Kind::U8) };
    build(Shape::new(3, 3, 2), input, plans, &mut Random::new(1))
}

#[test]
fn borders_hold_a_level_that_their_input_has() {
    let reason =
        |kind, level| Model::from_words(&bordered(kind, PadValue::Level(level)).emit()).err().map(|e| e.reason);
    let levels = Kind::Unsigned { bits: 2 };
    for (kind, good, bad) in
        [(levels, [1, 3], [0, -1, 4]), (Kind::U8, [1, 255], [0, -1, 256]), (Kind::I8, [-128, 127], [0, -129, 128])]
    {
        assert_eq!(good.map(|level| reason(kind, level)), [None; 2], "{kind:?}");
        assert_eq!(bad.map(|level| reason(kind, level)), [Some(Reason::Kind); 3], "{kind:?}");
    }
    assert_eq!(reason(Kind::Sign, 1), Some(Reason::Kind));
    let mut pool = bordered(levels, PadValue::Zero);
    pool.layers[1].pad_value = PadValue::Level(1);
    pool.layers[1].op = Op::MaxPool;
    assert_eq!(Model::from_words(&pool.emit()).err().map(|error| error.reason), Some(Reason::Kind));
    assert_eq!(refusal(|d| d.layers[0].pad_value = PadValue::Level(1)), (Place::Layer(0), Reason::Kind));
}

#[test]
fn the_word_of_the_level_is_zero_where_there_is_none() {
    let edited = |pad_value, edit: &dyn Fn(&mut [u32])| {
        let mut words = bordered(Kind::I8, pad_value).emit();
        edit(&mut words);
        words[3] = digest(&words[4..]);
        Model::from_words(&words).map(|model| model.layer(0).map(|layer| layer.pad_value)).map_err(|e| (e.at, e.reason))
    };
    let level = |word: u32| move |words: &mut [u32]| words[16 + 12] = word << 16;
    assert_eq!(edited(PadValue::Zero, &level(1)), Err((4 * 28, Reason::Reserved)));
    assert_eq!(edited(PadValue::Level(-3), &|words| words[16 + 1] |= 1 << 28), Err((4 * 17, Reason::Reserved)));
    assert_eq!(edited(PadValue::Level(-3), &level(-4i32 as u32)), Ok(Some(PadValue::Level(-4))));
    assert_eq!(edited(PadValue::Level(-3), &level(0)), Err((4 * 16, Reason::Kind)));
    assert_eq!(edited(PadValue::Level(-3), &|words| words[16] += 1 << 12), Err((4 * 16, Reason::UnknownCode)));
}

#[test]
fn sections_that_lie_are_refused() {
    let first = Place::Layer(0);
    let weights = |d: &mut Draft, words| d.layers[0].weights.words = words;
    assert_eq!(refusal(|d| weights(d, vec![0; 65])), (first, Reason::Section));
    let mut pad_bit = vec![0; 66];
    pad_bit[65] = 1 << 8;
    assert_eq!(refusal(|d| weights(d, pad_bit)), (first, Reason::PadBits));
    let thresholds = |values, directions| DraftTransform::Thresholds { values, directions };
    let set = |d: &mut Draft, transform| d.layers[0].transform = transform;
    assert_eq!(refusal(|d| set(d, thresholds(vec![0; 32], vec![0; 2]))), (first, Reason::Section));
    assert_eq!(refusal(|d| set(d, thresholds(vec![0; 33], vec![0, 2]))), (first, Reason::PadBits));
    let levels = |d: &mut Draft, values: [i32; 3]| {
        d.layers[0].output.kind = Kind::Unsigned { bits: 2 };
        d.layers[0].transform = thresholds(values.repeat(33), vec![0; 2]);
    };
    assert_eq!(refusal(|d| levels(d, [1, 3, 2])), (first, Reason::ThresholdOrder));
    assert_eq!(refusal_of_words(|w| w[16 + 7] = u32::MAX), (first, 4 * 23, Reason::Section));
    assert_eq!(refusal_of_words(|w| w[16 + 8] += 1), (first, 4 * 24, Reason::Section));
    assert_eq!(refusal_of_words(|w| w[16 + 9] |= 127 << 25), (first, 4 * 25, Reason::Name));
    assert_eq!(refusal_of_words(|w| w[16 + 12] = 1), (first, 4 * 16, Reason::Coder), "a ratio of binary weights");
}

#[test]
fn what_does_not_fit_its_field_is_not_cut_off() {
    let first = Place::Layer(0);
    assert_eq!(refusal(|d| d.layers[0].window.stride = [257, 1]), (first, Reason::Window));
    assert_eq!(refusal(|d| d.layers[0].window.padding = [0, 256, 0, 0]), (first, Reason::Window));
    assert_eq!(refusal(|d| d.layers[0].groups = 65_537), (first, Reason::Groups));
    assert_eq!(refusal(|d| d.layers[0].input = 256), (first, Reason::TensorIndex));
    assert_eq!(refusal(|d| d.layers[1].residual = Some((257, 0))), (Place::Layer(1), Reason::TensorIndex));
    assert_eq!(refusal(|d| d.layers[0].name = "x".repeat(128)), (first, Reason::Name));
    assert_eq!(refusal(|d| d.layers[0].weights.bits = 16), (first, Reason::Coder));
    assert_eq!(refusal(|d| d.layers[0].weights.ratio = 1 << 16), (first, Reason::Coder));
}

#[test]
fn regions_that_overlap_are_refused() {
    let (first, second) = (Place::Layer(0), Place::Layer(1));
    assert_eq!(refusal(|d| d.layers[0].scratch = 1), (first, Reason::Overlap));
    assert_eq!(refusal(|d| d.layers[1].output.start = 1), (second, Reason::Overlap));
    assert_eq!(refusal(|d| d.layers[0].scratch = u32::MAX), (first, Reason::Arena));
    assert_eq!(refusal(|d| d.layers[1].scratch = 9), (second, Reason::Reserved));
    assert_eq!(refusal(|d| d.layers[1].output.start = 1 << 28), (second, Reason::Arena));
}

#[test]
fn a_partition_may_be_longer_than_its_model() {
    let words = draft().emit();
    let with_rest = |rest: &[u32]| [&words, rest].concat();
    let partition = with_rest(&[u32::MAX; 9]);
    let model = Model::at_start(bytemuck::cast_slice(&partition)).unwrap();
    assert_eq!(model.words(), words);
    let reason = |words: &[u32]| Model::at_start(bytemuck::cast_slice(words)).unwrap_err().reason;
    assert_eq!(reason(&words[..words.len() - 1]), Reason::Truncated);
    assert_eq!(reason(&[u32::MAX; 64]), Reason::NotAModel);
    assert_eq!(reason(&[]), Reason::Truncated);
}

#[test]
fn unaligned_and_short_slices_are_refused() {
    let words = draft().emit();
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let mut shifted = vec![0; words.len() + 1];
    let shifted: &mut [u8] = bytemuck::cast_slice_mut(&mut shifted);
    shifted[1..=bytes.len()].copy_from_slice(&bytes);
    let error = Model::new(&shifted[1..=bytes.len()]).expect_err("must be refused");
    assert_eq!(error.reason, Reason::Misaligned);
    for length in 0..bytes.len() {
        let words = align(&bytes[..length]);
        let slice = &bytemuck::cast_slice::<u32, u8>(&words)[..length];
        let error = Model::new(slice).expect_err("must be refused");
        assert_eq!(error.reason, Reason::Truncated, "{length} bytes");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(mut words in prop::collection::vec(any::<u32>(), 0..200)) {
        for (index, word) in [u32::from_le_bytes(*b"bfab"), VERSION.into(), words.len() as u32 * 4].into_iter().enumerate() {
            if let Some(slot) = words.get_mut(index) { *slot = word; }
        }
        if words.len() > 4 {
            words[3] = digest(&words[4..]);
            words[4] = 1 + words[4] % 3;
            words[3] = digest(&words[4..]);
        }
        let _ = Model::from_words(&words).map(|model| model.layers().count());
    }

    #[test]
    fn edited_models_are_refused_or_whole(seed: u64, edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u32>()), 1..4)) {
        let mut words = any_draft(seed).emit();
        for (at, value) in edits {
            let at = 4 + at.index(words.len() - 4);
            // Small and single-bit changes reach deeper than noise.
            words[at] = match value % 4 { 0 => words[at].wrapping_add(1), 1 => words[at].wrapping_sub(1), 2 => words[at] ^ 1 << (value >> 27), _ => value };
        }
        words[3] = digest(&words[4..]);
        if let Ok(model) = Model::from_words(&words) {
            prop_assert_eq!(model.layers().count(), model.layer_count());
            // What is accepted is fully described by its draft, whatever lay between the sections.
            let again = Draft::from(&model).emit();
            prop_assert_eq!(Draft::from(&Model::from_words(&again).expect("written by us")), Draft::from(&model));
        }
    }

    #[test]
    fn what_is_written_is_read_back(seed: u64) {
        let draft = any_draft(seed);
        let words = draft.emit();
        let model = Model::from_words(&words).expect("valid");
        prop_assert_eq!(&Draft::from(&model), &draft);
        prop_assert_eq!(Draft::from(&model).emit(), words);
    }
}
