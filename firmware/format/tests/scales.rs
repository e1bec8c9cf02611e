//! Scales of outputs that lie: requantisations, and scores that would leave 32 bits.

mod common;

use bitfab_format::{Draft, DraftTransform, DraftWeights, Kind, Model, Reason, Rescale, WeightKind, digest};

/// Largest accumulator of [`binary`].
const HIGH: i64 = 300 * 255;

/// 300 bytes to 3 scores, binary weights.
fn binary() -> Draft {
    let mut draft = common::frame();
    draft.layers[0].weights = DraftWeights { kind: WeightKind::Binary, words: vec![0; 30], ..Default::default() };
    draft
}

/// Where and why the model with this transform is refused.
fn refusal(draft: &Draft, transform: DraftTransform) -> Option<(u32, Reason)> {
    let mut draft = draft.clone();
    draft.layers[0].transform = transform;
    Model::from_words(&draft.emit()).err().map(|error| (error.at, error.reason))
}

/// Of a fault in the contents of the section.
const fn lie(reason: Reason) -> Option<(u32, Reason)> {
    Some((4 * (16 + 9), reason))
}

/// Of a section of the wrong length.
const LENGTH: Option<(u32, Reason)> = Some((4 * (16 + 7), Reason::Section));

const PLAIN: Rescale = Rescale { multiplier: 1, offset: 0, shift: 0 };

fn affine(scales: Vec<Rescale>) -> Option<(u32, Reason)> {
    refusal(&binary(), DraftTransform::Affine { scales })
}

/// The refusal where the last channel alone is as stated.
fn last(multiplier: i32, offset: i64, shift: u32) -> Option<(u32, Reason)> {
    affine(vec![PLAIN, PLAIN, Rescale { multiplier, offset, shift }])
}

#[test]
fn requantisations_that_lie_are_refused() {
    let mut draft = binary();
    draft.layers[0].output.kind = Kind::Unsigned { bits: 8 };
    (draft.layers[0].scratch, draft.arena_words) = (8, 88);
    let with = |transform| refusal(&draft, transform).map(|(_, reason)| reason);
    let requant = |shift, offset, channels| DraftTransform::Requant {
        scales: vec![Rescale { multiplier: i32::MIN, offset, shift }; channels],
    };
    assert_eq!(with(requant(47, -(1 << 61), 3)), None);
    assert_eq!(with(requant(0, 0, 3)), Some(Reason::Requant));
    assert_eq!(with(requant(48, 0, 3)), Some(Reason::ThresholdForm));
    assert_eq!(with(requant(1, (1 << 61) + 1, 3)), Some(Reason::Requant));
    assert_eq!(with(requant(1, i64::MIN, 3)), Some(Reason::ThresholdForm), "64 bits");
    assert_eq!(with(requant(1, 0, 2)), Some(Reason::Section));
    let apart = |shift| {
        let one = |shift| Rescale { multiplier: 1, offset: 0, shift };
        with(DraftTransform::Requant { scales: vec![one(4), one(shift), one(9)] })
    };
    assert_eq!(apart(20), None);
    assert_eq!(apart(21), Some(Reason::Requant), "shifts more than 16 apart");
    let thresholds = DraftTransform::Thresholds { values: vec![0; 3 * 255], directions: vec![0] };
    assert_eq!(with(thresholds), Some(Reason::Kind), "255 thresholds a channel");
    assert_eq!(with(DraftTransform::Raw), Some(Reason::Kind));
}

#[test]
fn a_score_must_fit_at_both_ends_of_the_bound() {
    assert_eq!(last(1, 0, 0), None);
    // The largest and least offsets with which both ends are scores, without a shift and with one.
    let (most, least) = (i64::from(i32::MAX) - 1 - HIGH, i64::from(i32::MIN) + 1 + HIGH);
    for multiplier in [1, -1] {
        assert_eq!(last(multiplier, most, 0), None);
        assert_eq!(last(multiplier, most + 1, 0), lie(Reason::Score));
        assert_eq!(last(multiplier, least, 0), None);
        assert_eq!(last(multiplier, least - 1, 0), lie(Reason::Score));
    }
    // floor((HIGH + B + 2) / 4) is at most 2^31 - 2.
    let most = 4 * (i64::from(i32::MAX) - 1) + 3 - 2 - HIGH;
    assert_eq!(last(1, most, 2), None);
    assert_eq!(last(1, most + 1, 2), lie(Reason::Score));
    assert_eq!(last(i32::MIN, 0, 16), lie(Reason::Score), "a product of more than 32 bits");
    assert_eq!(last(i32::MIN, 0, 0), lie(Reason::Score));
    assert_eq!(last(i32::MAX, 1 << 61, 0), lie(Reason::Score));
}

#[test]
fn shifts_and_offsets_of_scores_have_limits() {
    let all = |shift, offset| affine(vec![Rescale { multiplier: i32::MIN, offset, shift }; 3]);
    assert_eq!(all(47, -(1 << 61)), None);
    assert_eq!(all(48, 0), lie(Reason::ThresholdForm));
    assert_eq!(all(u32::MAX, 0), lie(Reason::ThresholdForm));
    assert_eq!(last(1, 0, u32::MAX), lie(Reason::ThresholdForm));
    assert_eq!(last(1, 0, 32), lie(Reason::ThresholdForm));
    assert_eq!(all(47, (1 << 61) + 1), lie(Reason::Requant));
    assert_eq!(all(47, i64::MIN), lie(Reason::ThresholdForm));
    assert_eq!(last(1, 0, 16), None);
    assert_eq!(last(1, 0, 17), lie(Reason::Requant), "shifts more than 16 apart");
}

#[test]
fn scores_have_a_scale_a_channel_and_are_of_32_bits() {
    assert_eq!(affine(vec![PLAIN; 2]), LENGTH);
    assert_eq!(affine(vec![PLAIN; 4]), LENGTH);
    let mut packed = binary();
    for kind in [Kind::Unsigned { bits: 8 }, Kind::Sign] {
        packed.layers[0].output.kind = kind;
        let scales = vec![Rescale { shift: 1, ..PLAIN }; 3];
        let found = refusal(&packed, DraftTransform::Affine { scales });
        assert_eq!(found.map(|(_, reason)| reason), Some(Reason::Kind));
    }
    let mut outside = binary().emit();
    outside[16] = outside[16] & !0xf00 | 5 << 8;
    // Three multipliers of 32 bits are more than what is left of the file.
    outside[16 + 9] |= 32;
    outside[3] = digest(&outside[4..]);
    let error = Model::from_words(&outside).expect_err("a section that ends outside the file");
    assert_eq!(Some((error.at, error.reason)), LENGTH);
}
