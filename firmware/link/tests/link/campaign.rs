//! Thousands of inferences through faulty wires: none may be wrong, all must come back; and mistakes must be seen.

use bitfab_format::arbitrary::Random;
use bitfab_link::server::Slip;
use bitfab_link::{Counts, Patience, SpiWire, UartWire, Wire};
use bitfab_runtime::digest;

use crate::chip::{Chip, Planted};
use crate::over_spi::OverSpi;
use crate::over_uart::OverUart;
use crate::served::{Served, server};
use crate::wires::asking::{Asker, HASTY_POLLS, Outcome, over_spi, over_uart};
use crate::wires::line::{Rates, Shared, SpiClock};
use crate::wires::serial::Serial;
use crate::{INPUT, MODEL, PATIENT, WORDS, link, software};

/// Of one campaign; four of them are twenty thousand.
const INFERENCES: u32 = 5_000;

fn patient(inferences: u32) -> Asker {
    Asker::patient(MODEL.words(), inferences)
}

fn hasty(inferences: u32) -> Asker {
    Asker::hasty(MODEL.words(), inferences)
}

fn chip_over_spi(planted: Option<Planted>, rates: Rates, asker: Asker) -> Outcome {
    over_spi(OverSpi::new(Chip::new(planted)), rates, asker)
}

fn chip_over_uart(planted: Option<Planted>, rates: Rates, asker: Asker) -> Outcome {
    over_uart(OverUart::new(Chip::new(planted)), rates, asker)
}

/// Both sides over both wires.
fn everywhere(rates: Rates, asker: Asker) -> [(&'static str, Outcome); 4] {
    [
        ("chip over SPI", chip_over_spi(None, rates, asker)),
        ("chip over UART", chip_over_uart(None, rates, asker)),
        ("server over SPI", over_spi(OverSpi::new(Served::of(server(), 20)), rates, asker)),
        ("server over UART", over_uart(Slip::new(server()), rates, asker)),
    ]
}

/// Requests of so many inferences and a connection: a server gives digests too.
fn requests(name: &str, inferences: u32) -> u32 {
    1 + inferences * if name.starts_with("server") { 2 } else { 1 }
}

#[test]
fn a_sound_wire_needs_no_second_try() {
    for (name, outcome) in everywhere(Rates::default(), patient(500)) {
        assert_eq!((outcome.equal, outcome.wrong, outcome.given_up), (500, 0, 0), "{name}: {outcome:?}");
        assert_eq!(outcome.counts, Counts { requests: requests(name, 500), ..Counts::default() }, "{name}");
    }
}

#[test]
fn twenty_thousand_inferences_over_faulty_wires_are_all_equal() {
    let mut asked = 0;
    for (name, outcome) in everywhere(Rates::all(1_000), patient(INFERENCES)) {
        println!("{name}: {outcome:?}");
        assert_eq!((outcome.equal, outcome.wrong, outcome.given_up), (INFERENCES, 0, 0), "{name}: {outcome:?}");
        let Counts { requests, retries, refused, corrupt, silent, .. } = outcome.counts;
        assert!(outcome.faults > 1_000 && outcome.resets > 50, "{name}: {outcome:?}");
        assert!(retries > 500 && refused > 50 && corrupt > 50 && silent > 50, "{name}: {outcome:?}");
        // Digests that a reset has lost take another inference.
        assert!(requests - retries >= self::requests(name, INFERENCES), "{name}");
        asked += outcome.equal;
    }
    assert_eq!(asked, 20_000);
}

#[test]
fn every_single_kind_of_fault_is_survived() {
    let none = Rates::default();
    let kinds = [
        Rates { flip_to: 300, ..none },
        Rates { flip_from: 300, ..none },
        Rates { lose: 300, ..none },
        Rates { double: 300, ..none },
        Rates { burst: 600, ..none },
        Rates { reset: 600, ..none },
    ];
    for rates in kinds {
        for (name, outcome) in everywhere(rates, patient(1_000)) {
            assert_eq!((outcome.equal, outcome.wrong), (1_000, 0), "{name}, {rates:?}: {outcome:?}");
            assert!(outcome.faults > 50, "{name}, {rates:?}: {outcome:?}");
        }
    }
}

#[test]
fn a_driver_that_gives_up_early_never_gets_an_old_answer() {
    for (name, outcome) in everywhere(Rates::all(300), hasty(INFERENCES)) {
        println!("{name}: {outcome:?}");
        assert_eq!((outcome.wrong, outcome.stuck), (0, 0), "{name}: {outcome:?}");
        assert!(outcome.given_up > 500, "{name}: {outcome:?}");
    }
}

/// Drivers that begin anew over the same wire, each after one that left answers behind: how many answers are wrong.
fn restarts<W: Wire>(mut wire: W, patience: fn(&mut W) -> &mut Patience) -> [u32; 2] {
    let mut random = Random::new(9);
    let mut found = [0; 2];
    for round in 0..2_000 {
        // Numbers begin anew as well, so that the one before asked under the same.
        patience(&mut wire).polls = if round % 2 == 0 { 1 + random.word() % HASTY_POLLS } else { PATIENT.polls };
        let mut link = link(&mut wire, if round % 2 == 0 { 2 } else { 16 });
        if link.connect(digest(MODEL.words())).is_err() {
            continue;
        }
        let input: [u8; INPUT] = std::array::from_fn(|_| random.word() as u8);
        let mut output = [0; WORDS * 4];
        if link.infer(&input, &mut output).is_ok() {
            found[usize::from(output != *software(&input))] += 1;
        }
    }
    found
}

#[test]
fn a_driver_that_begins_anew_gets_no_answer_to_the_one_before() {
    let shared = Shared::new(OverSpi::new(Chip::new(None)), 1);
    shared.set(Rates::all(500));
    let wire = SpiWire::new(shared.clone(), SpiClock(shared), PATIENT);
    let spi = restarts(wire, |wire| &mut wire.patience);
    let shared = Shared::new(OverUart::new(Chip::new(None)), 1);
    shared.set(Rates::all(500));
    let serial = Serial::new(shared);
    let uart = restarts(UartWire::new(serial.clone(), serial, PATIENT), |wire| &mut wire.patience);
    for [equal, wrong] in [spi, uart] {
        println!("{equal} equal, {wrong} wrong");
        assert!(equal >= 1_000 && wrong == 0, "{equal} equal, {wrong} wrong");
    }
}

/// What the campaigns see of a chip with a mistake: how many answers are wrong, how many given up, with a patient
/// driver and with a hasty one.
fn seen(planted: Planted, campaign: fn(Option<Planted>, Rates, Asker) -> Outcome) -> [u32; 3] {
    let patient = campaign(Some(planted), Rates::all(1_000), patient(2_000));
    let hasty = campaign(Some(planted), Rates::all(300), hasty(20_000));
    println!("{planted:?}: patient {patient:?}\n    hasty {hasty:?}");
    [patient.wrong, patient.given_up, hasty.wrong]
}

#[test]
fn every_mistake_of_the_other_side_is_seen() {
    use Planted::*;
    let all = [Polynomial, RequestUnchecked, SequenceUnchecked, NotFilled, DamagedNotDropped, UnreadNotDropped];
    for planted in all {
        let found = seen(planted, chip_over_spi);
        println!("SPI: {found:?}");
        assert_ne!(found, [0; 3], "{planted:?} over SPI is not seen");
        let found = seen(planted, chip_over_uart);
        println!("UART: {found:?}");
        assert_ne!(found, [0; 3], "{planted:?} over UART is not seen");
    }
}
