//! The driver against both other sides, through wires on which everything goes wrong.

mod absent;
mod campaign;
mod chip;
mod document;
mod over_uart;
mod pair;
mod properties;
mod refusals;
mod served;
mod sound;
mod twins;
mod wires;

use bitfab_link::{Link, Patience};
use bitfab_runtime::{Machine, ModelFile, run};

/// 37 bytes in, 11 scores out, two layers.
const MODEL: ModelFile = bitfab_runtime::model!("../../../../tests/vectors/scores_1_moved.bfab");
const ARENA: usize = MODEL.arena_words();
const INPUT: usize = MODEL.input_bytes();
const WORDS: usize = 11;
const LAYERS: usize = 2;

/// The bytes that an inference must give.
fn software(input: &[u8]) -> Vec<u8> {
    let output = run(&MODEL.model().unwrap(), input, &mut [0; ARENA], &mut ()).unwrap().words().to_vec();
    output.into_iter().flat_map(u32::to_le_bytes).collect()
}

type Software = Machine<'static, ARENA>;

fn machine() -> Software {
    Machine::new(MODEL.model().unwrap()).unwrap()
}

/// Long enough for any inference and answer here.
const PATIENT: Patience = Patience { polls: 300, pause_us: 1 };

/// A link that is sent as often as wires like these need.
fn link<W>(wire: W, tries: u8) -> Link<W> {
    let mut link = Link::new(wire);
    link.session.tries = tries;
    link
}
