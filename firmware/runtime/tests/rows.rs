//! Real values and raw counts: coded as the format says, refused where they have no byte, and what an output then tells.

use bitfab_format::arbitrary::{Random, chain, interface};
use bitfab_format::{CodingError, Draft, DraftInterface, Kind, Model, Op, OutputScale};
use bitfab_runtime::{Machine, RunError, run, run_counts, run_real};
use proptest::prelude::*;

/// A model with any interface.
fn any(seed: u64) -> Vec<u32> {
    let mut random = Random::new(seed);
    let mut draft = chain(2, &mut random);
    draft.interface = interface(&draft, &mut random);
    draft.emit()
}

/// A draft that `fits`.
fn find(fits: impl Fn(&Draft) -> bool) -> Draft {
    let mut random = Random::new(11);
    loop {
        let draft = chain(1, &mut random);
        if fits(&draft) {
            return draft;
        }
    }
}

/// One dense layer whose outputs are of `kind`.
fn dense(kind: Kind) -> Draft {
    find(|draft| draft.layers[0].op == Op::Dense && draft.layers.len() == 1 && draft.layers[0].output.kind == kind)
}

proptest! {
    #[test]
    fn rows_run_as_the_bytes_that_codings_give(seed: u64, bits: Vec<u32>) {
        let words = any(seed);
        let model = Model::from_words(&words).unwrap();
        let count = model.input_bytes();
        let at = |index: usize| bits.get(index % (bits.len() + 1)).copied().unwrap_or(0x3f80_0000);
        let values: Vec<f32> = (0..count).map(|index| f32::from_bits(at(index))).collect();
        let counts: Vec<i16> = (0..count).map(|index| at(index) as i16).collect();
        let interface = model.interface();
        let (mut coded, mut bytes, mut arena) = (vec![0; count], vec![0; count], vec![0; model.arena_words()]);
        // The simple way, value by value.
        let real = |index: usize| interface.coding(index)?.code_real(values[index], interface.limits());
        let expected: Option<Vec<_>> = (0..count).map(real).collect();
        let found = run_real(&model, &values, &mut coded, &mut arena, &mut ());
        if let Some(expected) = expected {
            let clamped = expected.iter().filter(|coded| coded.is_clamped).count();
            bytes.iter_mut().zip(&expected).for_each(|(byte, coded)| *byte = coded.byte);
            let output = found.unwrap();
            prop_assert_eq!(output.clamped(), clamped);
            let (words, mut other) = (output.words().to_vec(), vec![0; model.arena_words()]);
            prop_assert_eq!(&coded, &bytes);
            let plain = run(&model, &bytes, &mut other, &mut ()).unwrap();
            prop_assert_eq!((plain.words(), plain.clamped()), (&*words, 0));
        } else if interface.codings() != 0 {
            let index = values.iter().position(|value| value.is_nan()).unwrap();
            prop_assert_eq!(found.unwrap_err(), RunError::Coding(CodingError::NotANumber { index }));
        }
        if interface.codings() != 0 {
            let expected = (0..count).map(|index| interface.coding(index).unwrap().code_count(counts[index], interface.limits()));
            run_counts(&model, &counts, &mut coded, &mut arena, &mut ()).unwrap();
            prop_assert_eq!(coded, expected.map(|coded| coded.byte).collect::<Vec<_>>());
        }
    }
}

#[test]
fn a_model_without_coders_takes_whole_numbers_of_its_range() {
    for (kind, low, high) in [(Kind::U8, 0i16, 255i16), (Kind::I8, -128, 127)] {
        let mut draft = find(|draft| draft.input.kind == kind);
        draft.interface = DraftInterface::default();
        let words = draft.emit();
        let model = Model::from_words(&words).unwrap();
        let (need, mut bytes) = (model.input_bytes(), vec![0; model.input_bytes()]);
        for number in low..=high {
            assert_eq!(model.code_real(&vec![number.into(); need], &mut bytes), Ok(0));
            assert!(bytes.iter().all(|&byte| byte == number as u8));
            assert_eq!(model.code_counts(&vec![number; need], &mut bytes), Ok(0));
            assert!(bytes.iter().all(|&byte| byte == number as u8));
        }
        let wrong = Err(CodingError::NotAByte { index: need - 1, low, high });
        let beyond = [f32::from(low) - 1.0, f32::from(high) + 1.0, 0.5, f32::INFINITY, f32::MIN_POSITIVE];
        for value in beyond {
            let mut values = vec![1.0; need];
            values[need - 1] = value;
            assert_eq!(model.code_real(&values, &mut bytes), wrong, "{value}");
        }
        let mut counts = vec![1; need];
        counts[need - 1] = high + 1;
        assert_eq!(model.code_counts(&counts, &mut bytes), wrong);
        let mut values = vec![1.0; need];
        values[0] = f32::NAN;
        assert_eq!(model.code_real(&values, &mut bytes), Err(CodingError::NotANumber { index: 0 }));
    }
}

#[test]
fn rows_of_another_length_are_refused_with_the_need() {
    let words = any(4);
    let model = Model::from_words(&words).unwrap();
    let need = model.input_bytes();
    let error = CodingError::Length { need };
    let wrong = Err(error);
    assert_eq!(model.code_real(&vec![1.0; need + 1], &mut vec![0; need]), wrong);
    assert_eq!(model.code_real(&vec![1.0; need], &mut vec![0; need - 1]), wrong);
    assert_eq!(model.code_counts(&[], &mut []), wrong);
    assert!(error.to_string().contains(&format!("takes {need} values")));
    assert_eq!(Machine::<65536, 1>::new(model).unwrap_err(), RunError::InputLength { need });
}

#[test]
fn classes_have_names_and_levels_are_worth_what_the_file_says() {
    for kind in [Kind::I32, Kind::Unsigned { bits: 2 }, Kind::Unsigned { bits: 3 }, Kind::Sign] {
        let mut draft = dense(kind);
        let classes = draft.layers[0].output.shape.channels;
        draft.interface.classes = (0..classes).map(|class| format!("class {class}")).collect();
        draft.scale = Some(OutputScale { mantissa: 3, shift: 1, constant: -(1 << 31) });
        let words = draft.emit();
        let model = Model::from_words(&words).unwrap();
        let mut arena = vec![0; model.arena_words()];
        for fill in 0..40 {
            let input: Vec<u8> = (0..model.input_bytes()).map(|index| (index * 7 + fill * 31) as u8).collect();
            let output = run(&model, &input, &mut arena, &mut ()).unwrap();
            let mut plain = vec![0; classes as usize];
            bitfab_kernels::values::unpack(&model.output(), &[], output.words(), &mut plain);
            let found: Vec<i32> = (0..).map_while(|index| output.value(index)).collect();
            assert_eq!(found, plain, "{kind:?}");
            let best = (0..plain.len()).rev().max_by_key(|&index| plain[index]).unwrap();
            assert_eq!(output.class_name(), Some(&*format!("class {best}")));
            let worth = |value: i32| f64::from(value) * 1.5 - 0.5;
            assert!(
                (0..plain.len()).all(|index| output.real_score(index).unwrap().to_num::<f64>() == worth(plain[index]))
            );
            assert_eq!((output.value(plain.len()), output.real_score(plain.len())), (None, None));
        }
    }
}
