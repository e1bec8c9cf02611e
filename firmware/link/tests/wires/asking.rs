//! Who asks for inferences over a faulty wire, and what becomes of them.

use bitfab_format::arbitrary::Random;
use bitfab_link::{Counts, Link, LinkError, Patience, SpiWire, UartWire, Wire};
use bitfab_runtime::{Model, digest};

use super::line::{Rates, Shared, Spi, SpiClock};
use super::serial::{Serial, Uart};
use super::{PATIENT, answer, link};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    pub equal: u32,
    pub wrong: u32,
    pub given_up: u32,
    /// Given up by a driver in a hurry that took its time for once.
    pub stuck: u32,
    pub counts: Counts,
    pub faults: u32,
    pub resets: u32,
}

/// Who asks how.
#[derive(Clone, Copy)]
pub struct Asker {
    /// A model.
    pub words: &'static [u32],
    pub tries: u8,
    pub is_hasty: bool,
    pub inferences: u32,
}

impl Asker {
    /// One that waits, and asks again.
    pub const fn patient(words: &'static [u32], inferences: u32) -> Self {
        Self { words, tries: 16, is_hasty: false, inferences }
    }

    /// One that mostly gives up.
    pub const fn hasty(words: &'static [u32], inferences: u32) -> Self {
        Self { words, tries: 1, is_hasty: true, inferences }
    }
}

/// More than any wire here needs.
const STUBBORN_TRIES: u8 = 120;
/// Polls of a driver in a hurry, at most: mostly too few for an inference, so that it asks for something else.
pub const HASTY_POLLS: u32 = 40;

/// Whether one inference is right, and its digests where the other side keeps some.
fn infer<W: Wire>(link: &mut Link<W>, model: &Model<'_>, input: &[u8]) -> Result<bool, LinkError<W::Error>> {
    let expected = answer(model, input);
    let (mut output, mut digests) = (vec![0; expected.0.len()], vec![0; expected.1.len()]);
    loop {
        link.infer(input, &mut output)?;
        if output != expected.0 || link.identity().is_none_or(|who| !who.has_digests()) {
            return Ok(output == expected.0);
        }
        match link.digests(&mut digests) {
            // A reset came between, so that there is no inference to have digests of.
            Err(LinkError::NoInference) if link.session.tries > 1 => link.session.tries -= 1,
            result => return result.map(|()| digests == expected.1),
        }
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
    let model = Model::from_words(asker.words).unwrap();
    if link.connect(digest(asker.words)).is_err() {
        return Outcome { given_up: asker.inferences, counts: link.session.counts, ..outcome };
    }
    begin();
    for at in 0..asker.inferences {
        let is_hasty = asker.is_hasty && at % 10 != 0;
        let hasty = 1 + random.word() % HASTY_POLLS;
        patience(&mut link.wire).polls = if is_hasty { hasty } else { PATIENT.polls };
        link.session.tries = if asker.is_hasty && !is_hasty { STUBBORN_TRIES } else { asker.tries };
        let input: Vec<u8> = (0..model.input_bytes()).map(|_| random.word() as u8).collect();
        match infer(&mut link, &model, &input) {
            Ok(true) => outcome.equal += 1,
            Ok(false) => outcome.wrong += 1,
            Err(_) => {
                outcome.given_up += 1;
                outcome.stuck += u32::from(asker.is_hasty && !is_hasty);
            }
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
