//! The driver against both other sides, through wires on which everything goes wrong.

mod absent;
mod campaign;
mod chip;
mod document;
mod over_spi;
mod over_uart;
mod pair;
mod properties;
mod refusals;
mod served;
mod sound;
mod twins;
#[path = "../wires/mod.rs"]
mod wires;

use bitfab_runtime::Machine;
use bitfab_runtime::ModelFile;
use wires::{PATIENT, link};

/// 37 bytes in, 11 scores out, two layers.
const MODEL: ModelFile = bitfab_runtime::model!("../../../../tests/vectors/scores_1_moved.bfab");
const INPUT: usize = MODEL.input_bytes();
const WORDS: usize = 11;
const LAYERS: usize = 2;

/// The bytes that an inference must give.
fn software(input: &[u8]) -> Vec<u8> {
    wires::answer(&MODEL.model().unwrap(), input).0
}

type Software = Machine<'static, { MODEL.arena_words() }>;

fn machine() -> Software {
    Machine::new(MODEL.model().unwrap()).unwrap()
}
