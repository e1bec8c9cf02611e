//! A driver, and a wire on which everything goes wrong; who is at its other end is for others to say.

mod asking;
mod line;
mod serial;

pub use asking::{Asker, HASTY_ASKER, HASTY_POLLS, Outcome, PATIENT_ASKER, over_spi, over_uart};
pub use line::{Rates, Shared, Spi, SpiClock};
pub use serial::{Serial, Uart};

use bitfab_link::{Link, Patience};
use bitfab_runtime::{Digests, ModelFile, run};

/// 37 bytes in, 11 scores out, two layers.
pub const MODEL: ModelFile = bitfab_runtime::model!("../../../../tests/vectors/scores_1_moved.bfab");
pub const INPUT: usize = MODEL.input_bytes();
pub const WORDS: usize = 11;
pub const LAYERS: usize = 2;
const ARENA: usize = MODEL.arena_words();

/// The bytes that an inference must give.
pub fn software(input: &[u8]) -> Vec<u8> {
    answer(input).0
}

/// Those, and the bytes of the digest of every layer.
pub fn answer(input: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (mut arena, mut digests) = ([0; ARENA], Digests::<LAYERS>::new());
    let output = run(&MODEL.model().unwrap(), input, &mut arena, &mut digests).unwrap().words().to_vec();
    let bytes = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect();
    (bytes(&output), bytes(digests.as_slice()))
}

/// Long enough for any inference and answer here.
pub const PATIENT: Patience = Patience { polls: 300, pause_us: 1 };

/// A link that is sent as often as wires like these need.
pub fn link<W>(wire: W, tries: u8) -> Link<W> {
    let mut link = Link::new(wire);
    link.session.tries = tries;
    link
}
