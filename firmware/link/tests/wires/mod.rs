//! A driver, and a wire on which everything goes wrong; who is at its other end is for others to say.

pub mod asking;
pub mod line;
pub mod serial;

use bitfab_link::{Link, Patience};
use bitfab_runtime::{Digests, Model, run};

/// The bytes that an inference must give, and those of the digest of every layer.
pub fn answer(model: &Model<'_>, input: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (mut arena, mut digests) = (vec![0; model.arena_words()], Digests::<8>::new());
    let output = run(model, input, &mut arena, &mut digests).unwrap().words().to_vec();
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
