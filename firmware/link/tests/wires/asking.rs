//! Who asks for inferences over a faulty wire, and what becomes of them.

use bitfab_format::arbitrary::Random;
use bitfab_link::{Counts, Link, LinkError, Patience, SpiWire, UartWire, Wire};
use bitfab_runtime::digest;

use super::line::{Rates, Shared, Spi, SpiClock};
use super::serial::{Serial, Uart};
use super::{INPUT, LAYERS, MODEL, PATIENT, WORDS, answer, link};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    pub equal: u32,
    pub wrong: u32,
    pub given_up: u32,
    pub counts: Counts,
    pub faults: u32,
    pub resets: u32,
}

/// Who asks how.
#[derive(Clone, Copy)]
pub struct Asker {
    pub tries: u8,
    pub is_hasty: bool,
    pub inferences: u32,
}

pub const PATIENT_ASKER: Asker = Asker { tries: 16, is_hasty: false, inferences: 5_000 };
pub const HASTY_ASKER: Asker = Asker { tries: 1, is_hasty: true, ..PATIENT_ASKER };
/// Polls of a driver in a hurry, at most: mostly too few for an inference, so that it asks for something else.
pub const HASTY_POLLS: u32 = 40;

/// One inference, and its digests where the other side keeps some.
fn infer<W: Wire>(link: &mut Link<W>, input: &[u8]) -> Result<bool, LinkError<W::Error>> {
    let (mut output, mut digests) = ([0; WORDS * 4], [0; LAYERS * 4]);
    let (expected, expected_digests) = answer(input);
    link.infer(input, &mut output)?;
    if output != *expected || link.identity().is_none_or(|who| !who.has_digests()) {
        return Ok(output == *expected);
    }
    match link.digests(&mut digests) {
        // A reset came between.
        Err(LinkError::NoInference) => Ok(true),
        result => result.map(|()| digests == *expected_digests),
    }
}

/// Asks for inferences of new inputs, connected before anything goes wrong, which `begin` lets happen.
fn ask<W: Wire>(
    mut link: Link<W>,
    asker: Asker,
    begin: impl FnOnce(),
    patience: fn(&mut W) -> &mut Patience,
) -> Outcome {
    let mut random = Random::new(7);
    let mut outcome = Outcome::default();
    if link.connect(digest(MODEL.words())).is_err() {
        return Outcome { given_up: asker.inferences, counts: link.session.counts, ..outcome };
    }
    link.session.tries = asker.tries;
    begin();
    for _ in 0..asker.inferences {
        if asker.is_hasty {
            patience(&mut link.wire).polls = 1 + random.word() % HASTY_POLLS;
        }
        let input: [u8; INPUT] = std::array::from_fn(|_| random.word() as u8);
        match infer(&mut link, &input) {
            Ok(true) => outcome.equal += 1,
            Ok(false) => outcome.wrong += 1,
            Err(_) => outcome.given_up += 1,
        }
    }
    Outcome { counts: link.session.counts, ..outcome }
}

pub fn over_spi<S: Spi>(far: S, rates: Rates, asker: Asker) -> Outcome {
    let shared = Shared::new(far, 1);
    let wire = SpiWire::new(shared.clone(), SpiClock(shared.clone()), PATIENT);
    let outcome = ask(link(wire, 4), asker, || shared.set(rates), |wire| &mut wire.patience);
    let line = &shared.0.borrow().line;
    Outcome { faults: line.faults, resets: line.resets, ..outcome }
}

pub fn over_uart<U: Uart>(far: U, rates: Rates, asker: Asker) -> Outcome {
    let shared = Shared::new(far, 1);
    let serial = Serial::new(shared.clone());
    let wire = UartWire::new(serial.clone(), serial, PATIENT);
    let outcome = ask(link(wire, 4), asker, || shared.set(rates), |wire| &mut wire.patience);
    let line = &shared.0.borrow().line;
    Outcome { faults: line.faults, resets: line.resets, ..outcome }
}
