//! What a model says of its input and classes: written, read back, and refused where it does not fit.

mod common;

use bitfab_format::{
    Coding, Count, Draft, DraftInterface, DraftWeights, Limits, Model, Place, Reason, WeightKind, align, digest,
};

const CODING: Coding = Coding { fraction: 8, zero: -77, multiplier: 12345, shift: 20, base: 3, count: None };

/// 300 bytes to 3 scores.
fn draft(interface: DraftInterface) -> Draft {
    let mut draft = Draft { interface, ..common::frame() };
    let layer = &mut draft.layers[0];
    layer.weights = DraftWeights { kind: WeightKind::Binary, words: vec![0; 30], ..Default::default() };
    draft
}

fn full() -> DraftInterface {
    let names = |prefix: &str, count: usize| (0..count).map(|index| format!("{prefix} {index}")).collect();
    let coding = |index: usize| Coding {
        zero: index as i32 - 150,
        count: Some(Count { mantissa: index as u32 + 1, shift: 7 }),
        ..CODING
    };
    DraftInterface {
        codings: (0..300).map(coding).collect(),
        limits: Some(Limits { low: 0, high: 200 }),
        names: names("mean of axis", 300),
        units: vec!["m/s²".into()],
        classes: names("class", 3),
        learned_rows: 1000,
        fingerprints: vec![1, 5, 9, u32::MAX],
    }
}

fn refusal(edit: impl FnOnce(&mut DraftInterface)) -> Option<Reason> {
    let mut interface = full();
    edit(&mut interface);
    Model::from_words(&draft(interface).emit()).err().map(|error| {
        assert_eq!(error.place, Place::Header);
        assert!((52..=56).contains(&error.at), "{error}");
        error.reason
    })
}

/// The refusal after an edit of the section's words, with the checksum repaired.
fn refusal_of_words(edit: impl FnOnce(&mut [u32])) -> Option<Reason> {
    let mut words = draft(full()).emit();
    let (start, length) = (words[13] as usize, words[14] as usize);
    edit(&mut words[start..start + length]);
    words[3] = digest(&words[4..]);
    Model::from_words(&words).err().map(|error| error.reason)
}

#[test]
fn everything_is_read_back() {
    let words = draft(full()).emit();
    let model = Model::from_words(&words).unwrap();
    let interface = model.interface();
    assert_eq!(Draft::from(&model).interface, full());
    assert_eq!(interface.coding(299), Some(full().codings[299]));
    assert_eq!((interface.name(7), interface.unit(123)), ("mean of axis 7", "m/s²"));
    assert_eq!((interface.class(2), interface.class(3)), (Some("class 2"), None));
    assert_eq!((interface.learned_rows(), interface.fingerprints()), (1000, &[1, 5, 9, u32::MAX][..]));
    assert_eq!(Draft::from(&model).emit(), words);
}

#[test]
fn a_model_that_says_nothing_has_no_section() {
    let words = draft(DraftInterface::default()).emit();
    assert_eq!(words[13..15], [0, 0]);
    let model = Model::from_words(&words).unwrap();
    let interface = model.interface();
    assert!(interface.is_empty());
    assert_eq!((interface.coding(0), interface.name(0), interface.unit(0), interface.class(0)), (None, "", "", None));
}

#[test]
fn one_coder_serves_all_values() {
    let one =
        DraftInterface { codings: vec![CODING], limits: Some(Limits { low: 0, high: 255 }), ..Default::default() };
    let words = draft(one).emit();
    let interface = Model::from_words(&words).unwrap().interface();
    assert_eq!([interface.coding(0), interface.coding(299)], [Some(CODING); 2]);
}

#[test]
fn counts_that_do_not_fit_the_tensors_are_refused() {
    assert_eq!(refusal(|_| ()), None);
    assert_eq!(refusal(|i| i.codings.truncate(2)), Some(Reason::Interface));
    assert_eq!(refusal(|i| i.names.truncate(299)), Some(Reason::Interface));
    assert_eq!(refusal(|i| i.units = vec!["g".into(); 2]), Some(Reason::Interface));
    assert_eq!(refusal(|i| i.classes.truncate(2)), Some(Reason::Interface));
    assert_eq!(refusal(|i| i.learned_rows = 3), Some(Reason::Interface));
    assert_eq!(refusal(|i| i.fingerprints = vec![1, 1]), Some(Reason::Interface));
    assert_eq!(refusal(|i| i.fingerprints = vec![2, 1]), Some(Reason::Interface));
}

#[test]
fn coders_that_lie_are_refused() {
    let with = |edit: &dyn Fn(&mut Coding)| refusal(|i| edit(&mut i.codings[299]));
    let count = |mantissa, shift| Some(Count { mantissa, shift });
    assert_eq!(with(&|coding| coding.multiplier = 1 << 30), Some(Reason::Coding));
    assert_eq!(with(&|coding| coding.shift = 48), Some(Reason::Coding));
    assert_eq!(with(&|coding| coding.fraction = 65), Some(Reason::Coding));
    assert_eq!(with(&|coding| coding.fraction = i8::MIN), Some(Reason::Coding));
    assert_eq!(with(&|coding| coding.base = 201), Some(Reason::Coding));
    assert_eq!(with(&|coding| coding.base = -1), Some(Reason::Coding));
    assert_eq!(with(&|coding| coding.count = count(0, 0)), Some(Reason::Coding));
    assert_eq!(with(&|coding| coding.count = count(1 << 31, 0)), Some(Reason::Coding));
    assert_eq!(with(&|coding| coding.count = count(1, 48)), Some(Reason::Coding));
    assert_eq!(refusal(|i| i.limits = Some(Limits { low: 3, high: 2 })), Some(Reason::Coding));
    assert_eq!(refusal(|i| i.limits = Some(Limits { low: -1, high: 200 })), Some(Reason::Coding));
    assert_eq!(refusal(|i| i.limits = Some(Limits { low: 0, high: 256 })), Some(Reason::Coding));
}

#[test]
fn sections_that_lie_are_refused() {
    assert_eq!(refusal_of_words(|w| w[0] |= 1 << 17), Some(Reason::Interface));
    assert_eq!(refusal_of_words(|w| w[4] += 4), Some(Reason::Section));
    assert_eq!(refusal_of_words(|w| w[4] = u32::MAX), Some(Reason::Section));
    assert_eq!(refusal_of_words(|w| w[4] -= 1), Some(Reason::Name));
    assert_eq!(refusal_of_words(|w| w[w.len() - 2] = 0), Some(Reason::Name));
    assert_eq!(refusal_of_words(|w| w[w.len() - 2] = 0xff), Some(Reason::Name));
    let mut words = draft(full()).emit();
    words[14] += 1;
    words[3] = digest(&words[4..]);
    assert!(Model::from_words(&words).is_err());
    (words[13], words[14]) = (u32::MAX, 8);
    words[3] = digest(&words[4..]);
    assert_eq!(Model::from_words(&words).unwrap_err().reason, Reason::Section);
}

#[test]
fn no_damage_makes_the_section_panic() {
    let words = draft(full()).emit();
    let (start, length) = (words[13] as usize, words[14] as usize);
    for at in 0..length {
        for bit in [0, 7, 15, 16, 31] {
            let mut words = words.clone();
            words[start + at] ^= 1 << bit;
            words[3] = digest(&words[4..]);
            if let Ok(model) = Model::from_words(&words) {
                assert_eq!(align(bytemuck::cast_slice(&Draft::from(&model).emit())), words);
            }
        }
    }
}
