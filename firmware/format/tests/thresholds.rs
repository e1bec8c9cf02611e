//! Thresholds and scales in every form: what is written is read, by a second decoder too, in the fewest words; and
//! what lies is refused.

mod common;

use std::collections::BTreeSet;

use bitfab_format::arbitrary::{Random, draft};
use bitfab_format::{
    Draft, DraftTransform, DraftWeights, Kind, Model, Op, Reason, Rescale, Shape, Transform, WeightKind,
    choose_thresholds, digest,
};
use proptest::prelude::*;

/// The word of the record that states the form.
const FORM: usize = 16 + 9;

/// 300 bytes to three values of `kind`.
fn of(kind: Kind, transform: DraftTransform) -> Draft {
    let mut draft = common::frame();
    let layer = &mut draft.layers[0];
    layer.weights = DraftWeights { kind: WeightKind::Binary, words: vec![0; 30], ..Default::default() };
    (layer.output.kind, layer.transform) = (kind, transform);
    let words = if kind == Kind::I32 { 3 } else { kind.planes() };
    layer.scratch = words;
    draft.arena_words = words + 80;
    draft
}

/// A layer of three channels with these thresholds.
fn with(bits: u8, values: &[i32], directions: u32) -> Draft {
    let kind = if bits == 0 { Kind::Sign } else { Kind::Unsigned { bits } };
    of(kind, DraftTransform::Thresholds { values: values.into(), directions: vec![directions] })
}

/// The fields of a form: bits of base, step and rest, the point, and whether there are directions.
type Fields = [i64; 5];

fn fields(word: u32) -> Fields {
    let point = (word >> 18 & 63) as i64;
    let low = |at: u32| i64::from(word >> at & 63);
    [low(0), low(6), low(12), if point > 31 { point - 64 } else { point }, i64::from(word >> 24 & 1)]
}

fn word_of([base, step, rest, point, directions]: Fields) -> u32 {
    (base | step << 6 | rest << 12 | (point & 63) << 18 | directions << 24) as u32
}

/// Number `index` of `width` bits by the letter of SPEC.md 7.1, bit by bit.
fn number(words: &[u32], width: i64, index: usize, is_signed: bool) -> i64 {
    let bit = |at: usize| i64::from(words[at / 32] >> (at % 32) & 1);
    let width = width as usize;
    let sum: i64 = (0..width).map(|i| bit(index * width + i) << i).sum();
    if is_signed && width > 0 && bit(index * width + width - 1) == 1 { sum - (1 << width) } else { sum }
}

/// Form, thresholds and directions of the only layer of a file of three channels, by a decoder of its own.
fn decoded(words: &[u32], per_channel: usize) -> (Fields, Vec<i64>, u32) {
    let form = fields(words[FORM]);
    let [base, step, rest, point, has_directions] = form;
    let mut at = (words[16 + 7] + words[16 + 8]) as usize;
    let mut part = |width: i64, count: usize| {
        let length = (width as usize * count).div_ceil(32);
        at += length;
        words[at - length..at].to_vec()
    };
    let (bases, steps, rests) = (part(base, 3), part(step, 3), part(rest, 3 * per_channel));
    let directions = if has_directions == 1 { part(32, 1)[0] } else { 0 };
    let value = |at: usize| {
        let (channel, index) = (at / per_channel, (at % per_channel) as i64);
        let line = number(&bases, base, channel, true) + index * number(&steps, step, channel, false);
        let scale = |line: i64| if point < 0 { line << -point } else { line.div_euclid(1 << point) };
        scale(line) + number(&rests, rest, at, true)
    };
    (form, (0..3 * per_channel).map(value).collect(), directions)
}

/// Checks that the thresholds come back by both decoders; returns the form.
fn round_trip(bits: u8, values: &[i32], directions: u32) -> Fields {
    let draft = with(bits, values, directions);
    let words = draft.emit();
    let model = Model::from_words(&words).unwrap_or_else(|error| panic!("{error}: {values:?}"));
    assert_eq!(Draft::from(&model), draft);
    let (form, found, down) = decoded(&words, values.len() / 3);
    assert_eq!(found, values.iter().map(|&value| i64::from(value)).collect::<Vec<_>>());
    assert_eq!(down, directions);
    form
}

#[test]
fn the_writer_finds_the_smallest_form() {
    let (least, most) = (i32::MIN, i32::MAX);
    assert_eq!(round_trip(0, &[0, 0, 0], 0), [0; 5], "no words at all");
    assert_eq!(round_trip(0, &[0, -1, 0], 5), [1, 0, 0, 0, 1]);
    assert_eq!(round_trip(0, &[3, -4, 0], 0), [3, 0, 0, 0, 0]);
    assert_eq!(round_trip(0, &[48, -64, 16], 0), [3, 0, 0, -4, 0], "multiples of 16");
    assert_eq!(round_trip(0, &[least, most, 0], 7), [32, 0, 0, 0, 1]);
    assert_eq!(round_trip(2, &[-5, 0, 5, 0, 0, 0, 1, 8, 15], 0), [4, 3, 0, 0, 0], "steps of 5, 0 and 7");
    // 5 i / 2 + 1, rounded down.
    assert_eq!(round_trip(2, &[1, 3, 6, 0, 0, 0, 0, 0, 0], 0), [3, 3, 0, 1, 0], "a step of a half");
    let far: Vec<i32> = (0..3).flat_map(|c| (0..15).map(move |i| 1000 * c + 100 * i + i * i % 3)).collect();
    let [_, step, rest, ..] = round_trip(4, &far, 2);
    assert!(step > 0 && (1..=3).contains(&rest), "lines with rests, {step} and {rest} bits");
    assert_eq!(round_trip(2, &[least, 0, most, least, 7, most, least, most, most], 0)[2], 32, "whole words");
}

#[test]
fn lines_with_a_fraction_need_two_numbers_a_channel() {
    for seed in 0..200 {
        let random = &mut Random::new(seed);
        let mut values = Vec::new();
        for _ in 0..3 {
            let (base, step) = (random.between(-4000, 4000), random.between(0, 700));
            values.extend((0..15).map(|i| (base + i * step) >> 4));
        }
        let [_, _, rest, point, _] = round_trip(4, &values, 0);
        assert!(rest == 0 && point <= 4, "seed {seed}: rests of {rest} bits, point at {point}");
    }
}

proptest! {
    #[test]
    fn any_thresholds_come_back(
        bits in 0u8..=4, seed: u64, spread in 0u32..33, directions in 0u32..8
    ) {
        let random = &mut Random::new(seed);
        let per_channel = if bits == 0 { 1 } else { (1 << bits) - 1 };
        let mut values: Vec<i32> = (0..3 * per_channel).map(|_| (random.word() as i64 >> spread) as i32).collect();
        values.chunks_mut(per_channel).for_each(|channel| channel.sort_unstable());
        round_trip(bits, &values, directions);
    }

    #[test]
    fn chosen_thresholds_lie_in_their_ranges_and_take_no_more_words(
        bits in 0u8..=4, seed: u64, spread in 4u32..28, slack in 0u32..12
    ) {
        let random = &mut Random::new(seed);
        let per_channel = if bits == 0 { 1 } else { (1 << bits) - 1 };
        let mut least: Vec<i32> = (0..3 * per_channel).map(|_| (i64::from(random.word() as i32) >> spread) as i32).collect();
        least.chunks_mut(per_channel).for_each(|channel| channel.sort_unstable());
        let mut ranges: Vec<[i32; 2]> =
            least.iter().map(|&low| [low, low.saturating_add(random.between(0, 1 << slack))]).collect();
        for channel in ranges.chunks_mut(per_channel) {
            for at in 1..channel.len() {
                channel[at][1] = channel[at][1].max(channel[at - 1][1]);
            }
        }
        let chosen = choose_thresholds(&ranges, per_channel as u32);
        prop_assert!(chosen.iter().zip(&ranges).all(|(value, [low, high])| low <= value && value <= high));
        prop_assert!(chosen.chunks(per_channel).all(<[i32]>::is_sorted));
        let length = |values: &[i32]| with(bits, values, 0).emit().len();
        prop_assert!(length(&chosen) <= length(&least), "{chosen:?} {least:?}");
    }

    #[test]
    fn any_form_and_section_is_refused_or_ascends(bits in 0u8..=4, form: u32, section in prop::collection::vec(any::<u32>(), 20)) {
        let per_channel = if bits == 0 { 1 } else { (1 << bits) - 1 };
        let mut words = with(bits, &vec![0; 3 * per_channel], 0).emit();
        // The name goes, so that the section is the end of the file.
        words.truncate((words[16 + 7] + words[16 + 8]) as usize);
        words.extend(section.iter().map(|word| word & section[0]));
        words[FORM] = form & 0x1ff_ffff;
        words[2] = words.len() as u32 * 4;
        words[3] = digest(&words[4..]);
        if let Ok(model) = Model::from_words(&words) {
            let Some(Transform::Thresholds(thresholds)) = model.layer(0).map(|layer| layer.transform) else { panic!() };
            let (_, values, _) = decoded(&words, per_channel);
            for (at, value) in values.iter().enumerate() {
                let found = thresholds.value((at / per_channel) as u32, (at % per_channel) as u32);
                prop_assert_eq!(i64::from(found), *value);
            }
            prop_assert!(values.chunks(per_channel).all(<[i64]>::is_sorted));
        }
    }
}

/// The refusal of two-bit levels with another form and section.
fn refusal(form: Fields, section: &[u32]) -> Option<(u32, Reason)> {
    let mut words = with(2, &[0; 9], 0).emit();
    words.truncate((words[16 + 7] + words[16 + 8]) as usize);
    words.extend(section);
    words[FORM] = word_of(form);
    words[2] = words.len() as u32 * 4;
    words[3] = digest(&words[4..]);
    Model::from_words(&words).err().map(|error| (error.at, error.reason))
}

#[test]
fn forms_that_lie_are_refused() {
    let at = |reason| Some((4 * FORM as u32, reason));
    assert_eq!(refusal([0; 5], &[]), None, "all thresholds are zero");
    for form in [[33, 0, 0, 0, 0], [0, 32, 0, 0, 0], [0, 0, 33, 0, 0], [0, 0, 0, -32, 0], [63, 63, 63, 0, 0]] {
        assert_eq!(refusal(form, &[0; 20]), at(Reason::ThresholdForm), "{form:?}");
    }
    assert_eq!(refusal([32, 31, 32, 31, 1], &[0; 16]), None);
    // One threshold a channel is a base alone, as many bits as fit a word.
    let sign = |fields: Fields, words: usize| {
        let mut model = with(0, &[0; 3], 0).emit();
        model.truncate((model[16 + 7] + model[16 + 8]) as usize);
        model.extend(vec![0; words]);
        model[FORM] = word_of(fields);
        model[2] = model.len() as u32 * 4;
        model[3] = digest(&model[4..]);
        Model::from_words(&model).err().map(|error| error.reason)
    };
    assert_eq!([sign([20, 0, 0, -12, 0], 2), sign([0, 0, 0, -31, 0], 0)], [None; 2]);
    for form in [[20, 0, 0, -13, 0], [20, 0, 0, 1, 0], [20, 1, 0, 0, 0], [20, 0, 1, 0, 0], [32, 0, 0, -1, 0]] {
        assert_eq!(sign(form, 9), Some(Reason::ThresholdForm), "{form:?}");
    }
    assert_eq!(refusal([32, 31, 32, 31, 1], &[0; 15]), Some((4 * (16 + 7), Reason::Section)), "one word too few");
    let mut scores = of(Kind::I32, DraftTransform::Raw).emit();
    scores[FORM] |= 1;
    scores[3] = digest(&scores[4..]);
    let error = Model::from_words(&scores).expect_err("accumulators have no thresholds");
    assert_eq!((error.at, error.reason), (4 * FORM as u32, Reason::ThresholdForm));
}

#[test]
fn thresholds_that_lie_are_refused() {
    let at = |reason| Some((4 * FORM as u32, reason));
    // Three rests of two bits a channel.
    assert_eq!(refusal([0, 0, 2, 0, 0], &[0b00_00_00_01_00_00_01_00_11]), None);
    assert_eq!(refusal([0, 0, 2, 0, 0], &[0b01_00]), at(Reason::ThresholdOrder), "0, 1, 0");
    assert_eq!(refusal([0, 0, 2, 0, 0], &[1 << 18]), at(Reason::PadBits));
    assert_eq!(refusal([2, 0, 0, 0, 0], &[1 << 6]), at(Reason::PadBits), "behind the bases");
    assert_eq!(refusal([0, 2, 0, 0, 0], &[1 << 6]), at(Reason::PadBits), "behind the steps");
    assert_eq!(refusal([0, 0, 0, 0, 1], &[1 << 3]), at(Reason::PadBits), "behind the directions");
    assert_eq!(refusal([0, 0, 0, 0, 1], &[7]), None);
    // A line that leaves 32 bits, though a shift would bring it back.
    let far = [i32::MAX as u32 - 2, 0, 0];
    assert_eq!(refusal([32, 1, 0, 0, 0], &[&far[..], &[1]].concat()), None, "2^31 - 1 is the third");
    assert_eq!(refusal([32, 2, 0, 3, 0], &[&far[..], &[2]].concat()), at(Reason::ThresholdRange));
    assert_eq!(refusal([32, 31, 0, 0, 0], &[0, 0, 0, i32::MAX as u32, 0, 0]), at(Reason::ThresholdRange));
    // Multiples, and lines and rests together.
    assert_eq!(refusal([32, 0, 0, -1, 0], &[1 << 29, 0, 0]), None);
    assert_eq!(refusal([32, 0, 0, -1, 0], &[1 << 30, 0, 0]), at(Reason::ThresholdRange));
    let mut high = vec![i32::MAX as u32, 0, 0];
    high.extend([0; 9]);
    assert_eq!(refusal([32, 0, 32, 0, 0], &high), None);
    high[3] = 1;
    assert_eq!(refusal([32, 0, 32, 0, 0], &high), at(Reason::ThresholdRange));
    high[3] = u32::MAX;
    assert_eq!(refusal([32, 0, 32, 0, 0], &high), None, "one less than the line");
}

#[test]
fn scales_take_the_bits_of_the_widest() {
    let scale = |multiplier, offset, shift| Rescale { multiplier, offset, shift };
    let stored = |scales: [Rescale; 3]| {
        let draft = of(Kind::Unsigned { bits: 8 }, DraftTransform::Requant { scales: scales.into() });
        let words = draft.emit();
        let model = Model::from_words(&words).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(Draft::from(&model), draft);
        let [base, step, rest, ..] = fields(words[FORM]);
        [base, step, rest, i64::from(words[FORM] >> 18 & 63)]
    };
    assert_eq!(stored([scale(1, 0, 1); 3]), [2, 0, 0, 1]);
    assert_eq!(stored([scale(-4, 7, 5), scale(3, -9, 6), scale(0, 0, 8)]), [3, 5, 2, 5]);
    let ends = [scale(i32::MIN, -(1 << 61), 47), scale(i32::MAX, 1 << 61, 31), scale(0, 0, 40)];
    assert_eq!(stored(ends), [32, 63, 5, 31]);
    let form = |fields: Fields| {
        let mut words =
            of(Kind::Unsigned { bits: 8 }, DraftTransform::Requant { scales: vec![scale(0, 0, 1); 3] }).emit();
        words.truncate((words[16 + 7] + words[16 + 8]) as usize);
        words.extend([0; 30]);
        words[FORM] = word_of(fields);
        words[2] = words.len() as u32 * 4;
        words[3] = digest(&words[4..]);
        Model::from_words(&words).err().map(|error| error.reason)
    };
    assert_eq!(form([32, 63, 5, 47, 0]), None);
    for bad in [[33, 0, 0, 1, 0], [0, 0, 6, 1, 0], [0, 0, 0, 48, 0], [0, 0, 0, 1, 1]] {
        assert_eq!(form(bad), Some(Reason::ThresholdForm), "{bad:?}");
    }
}

#[test]
fn drafts_reach_every_form() {
    let mut seen = BTreeSet::new();
    for seed in 0..1500 {
        let words = draft(if seed % 3 == 0 { Op::SumPool } else { Op::Dense }, &mut Random::new(seed)).emit();
        let model = Model::from_words(&words).expect("valid");
        for layer in model.layers() {
            let Transform::Thresholds(thresholds) = layer.transform else { continue };
            let form = thresholds.form();
            let levels = if thresholds.per_channel() == 1 { "one" } else { "several" };
            seen.insert(format!("{levels}, directions {}", form.has_directions));
            let is = |width: u8| if width == 0 { "none" } else { "some" };
            seen.insert(format!("{levels}, base {}, step {}, rest {}", is(form.base), is(form.step), is(form.rest)));
            seen.insert(format!("{levels}, point {}", form.point.signum()));
            if form.base == 32 || form.rest == 32 {
                seen.insert(format!("{levels}, words"));
            }
        }
    }
    for case in [
        "one, base none, step none, rest none",
        "one, base some, step none, rest none",
        "one, directions false",
        "one, directions true",
        "one, point -1",
        "one, words",
        "several, base some, step some, rest none",
        "several, base some, step some, rest some",
        "several, base none, step none, rest some",
        "several, directions false",
        "several, directions true",
        "several, point 1",
        "several, words",
    ] {
        assert!(seen.contains(case), "{case} is missing from {seen:#?}");
    }
}

#[test]
fn a_block_may_store_thresholds_in_another_form() {
    let levels = |values: Vec<i32>, directions| {
        let mut draft = with(2, &values, directions);
        draft.layers[0].weights =
            DraftWeights { kind: WeightKind::Planes, bits: 1, words: vec![0; 30], ..Default::default() };
        draft
    };
    let base = levels(vec![1, 2, 3, 4, 5, 6, 7, 8, 9], 0);
    for (values, directions) in [(vec![0; 9], 0), (vec![-9000, 3, 70_000, 0, 1, 9, 0, 0, 0], 5)] {
        let mut more = levels(values.clone(), directions);
        (more.layers[0].weights.bits, more.layers[0].weights.words) = (2, vec![0; 60]);
        let words = [base.emit(), more.extension(1)].concat();
        let model = Model::from_words(&words).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(Draft::from(&model).layers[0].transform, more.layers[0].transform);
        assert_eq!(Draft::from(&model.with_planes(1)).layers[0].transform, base.layers[0].transform);
        assert_eq!(Shape::vector(3), model.output().shape);
    }
}
