//! The programs of `bitfab new` on their chips.

use bitfab_format::Model;
use bitfab_sim::Engine;
use bitfab_sim::programs::{EmulatedChip, Program};

use crate::{agrees, expected, inputs, layer, slices, words};

fn check(chip: EmulatedChip) {
    let mut program = Program(chip);
    agrees(&mut program);
    let words = words();
    let model = Model::from_words(&words).unwrap();
    let inputs = inputs(&model, 4);
    let inputs = slices(&inputs);
    let expected = expected(&inputs);
    let elf = program.elf(&model, &inputs, &expected).unwrap();
    // Another row in flash: the program stops at it.
    let said = program.said(&with_other_bytes(&elf, inputs[2]), 4).unwrap();
    let runs = program.runs(&model, &expected, &said).unwrap();
    assert_eq!((runs.len(), layer(&inputs, &runs)), (3, Some(0)), "{said}");
    assert!(layer(&inputs, &runs[..2]).is_none(), "{said}");
    // Another model there.
    let weights: Vec<u8> = words[words.len() - 16..].iter().flat_map(|word| word.to_le_bytes()).collect();
    let said = program.said(&with_other_bytes(&elf, &weights), 4).unwrap();
    let error = program.runs(&model, &expected, &said).unwrap_err().to_string();
    assert!(error.contains("not what its program tells"), "{error}");
    assert_eq!(program.run(&model, &[], &mut |_| {}).unwrap(), []);
}

/// The program with every bit of these bytes turned.
fn with_other_bytes(elf: &[u8], bytes: &[u8]) -> Vec<u8> {
    let at = elf.windows(bytes.len()).position(|window| window == bytes).expect("the program holds them");
    let mut elf = elf.to_vec();
    elf[at..at + bytes.len()].iter_mut().for_each(|byte| *byte ^= 0xff);
    elf
}

#[test]
fn the_program_of_an_stm32f405_agrees_in_every_layer_and_shows_a_wrong_row() {
    check(EmulatedChip::Stm32f405);
}

#[test]
fn the_program_of_a_pico_agrees_in_every_layer_and_shows_a_wrong_row() {
    check(EmulatedChip::Pico);
}
