//! Faulty wires at the pins of the generated Verilog: no inference may be wrong; and mistakes in it must be seen.
//!
//! `BITFAB_INFERENCES` asks for more of them, `BITFAB_EVERY_MISTAKE` for every mistake.

use std::collections::BTreeSet;

use bitfab_format::arbitrary::{self, Plan, Random};
use bitfab_format::{Kind, Model, Shape};
use bitfab_hdl::{Options, Wire, identity};
use bitfab_link::Identity;

use crate::case::{Case, DIVISOR};
use crate::conversations::wrong;
use crate::mutants::changed;
use crate::pins::text;
use crate::verilated::Verilated;
use crate::wires::answer;
use crate::wires::asking::{Asker, Outcome, over_spi, over_uart};
use crate::wires::line::Rates;

/// A model that computes longer than its frames take, so that requests come while it is at work.
fn slow() -> Vec<u32> {
    let plans = [Plan::dense(256, Kind::Sign), Plan::dense(512, Kind::Sign), Plan::dense(4, Kind::I32)];
    arbitrary::build(Shape::vector(3), Kind::U8, &plans, &mut Random::new(8)).emit()
}

/// How many results it has for 200 inputs.
fn outputs(words: &[u32]) -> usize {
    let (model, mut random) = (Model::from_words(words).unwrap(), Random::new(1));
    let mut input = || (0..model.input_bytes()).map(|_| random.word() as u8).collect::<Vec<u8>>();
    (0..200).map(|_| answer(&model, &input()).0).collect::<BTreeSet<_>>().len()
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Bus {
    Spi,
    Uart,
}

/// A chip with all mistakes, none of which it makes unless it is asked to.
struct Chip {
    bus: Bus,
    words: &'static [u32],
    verilated: Verilated,
    identity: Identity,
    mistakes: Vec<String>,
}

impl Chip {
    fn new(bus: Bus) -> Self {
        let words = slow();
        assert!(outputs(&words) > 150, "an old or a wrong result would look like a right one");
        let case = Case::new(words.clone(), Options::default().with_lanes(1));
        let wire = match bus {
            Bus::Spi => Wire::Spi,
            Bus::Uart => Wire::Uart { divisor: DIVISOR },
        };
        let (text, mistakes) = changed(&text(&case, wire));
        let identity = identity(&case.model(), &case.program.options, &case.link(wire)).unwrap();
        let verilated = Verilated::new(&text, bus == Bus::Uart);
        Self { bus, words: Box::leak(words.into()), verilated, identity, mistakes }
    }

    fn ask(&self, mutant: usize, rates: Rates, asker: Asker) -> Outcome {
        let pins = self.verilated.start(mutant);
        match self.bus {
            Bus::Spi => over_spi(pins, rates, asker),
            Bus::Uart => over_uart(pins, rates, asker),
        }
    }

    /// What shows that it makes a mistake.
    fn seen(&self, mutant: usize) -> Option<String> {
        let ask = |rates, asker| self.ask(mutant, rates, asker);
        let (patient, hasty) = (|count| Asker::patient(self.words, count), |count| Asker::hasty(self.words, count));
        let sound = ask(Rates::default(), patient(5));
        if (sound.equal, sound.counts.requests, sound.counts.silent) != (5, 11, 0) {
            return Some("over a sound wire".into());
        }
        let model = Model::from_words(self.words).unwrap();
        if let Some(what) = wrong(self.verilated.start(mutant), self.bus == Bus::Uart, model, &self.identity) {
            return Some(what.into());
        }
        [30, 300].into_iter().find_map(|inferences| {
            let faulty = ask(FAULTY, patient(inferences));
            if faulty.equal != inferences {
                return Some(format!("{inferences} inferences"));
            }
            let hasty = ask(VERY_FAULTY, hasty(inferences));
            ((hasty.wrong, hasty.stuck) != (0, 0)).then(|| format!("{inferences} in a hurry"))
        })
    }

    fn campaign(&self) {
        let asked = std::env::var("BITFAB_INFERENCES").ok();
        let inferences = asked.map_or(500, |number| number.parse().expect("BITFAB_INFERENCES is a number"));
        // A burst takes up to nine of requests as short as these.
        let asker = Asker { tries: 40, ..Asker::patient(self.words, inferences) };
        let patient = self.ask(0, FAULTY, asker);
        println!("{:?}: {patient:?}", self.bus);
        assert_eq!((patient.equal, patient.wrong), (inferences, 0), "{patient:?}");
        assert!(patient.faults > inferences / 5 && patient.resets > inferences / 100, "{patient:?}");
        let hasty = self.ask(0, VERY_FAULTY, Asker::hasty(self.words, inferences));
        println!("{:?} in a hurry: {hasty:?}", self.bus);
        assert_eq!((hasty.wrong, hasty.stuck), (0, 0), "{hasty:?}");
        assert!(hasty.given_up > inferences / 5, "{hasty:?}");
    }

    fn mistakes(&self) {
        assert_eq!(self.seen(0), None, "without a mistake");
        let every = std::env::var_os("BITFAB_EVERY_MISTAKE").is_some();
        let is_asked = |mistake: &str| every || SOME.iter().any(|part| mistake.contains(part));
        let numbered = (1..).zip(&self.mistakes).filter(|(_, mistake)| is_asked(mistake));
        let (mut seen, mut unseen) = (0, Vec::new());
        for (number, mistake) in numbered {
            match self.seen(number) {
                Some(what) => {
                    println!("{:?}: {mistake}: {what}", self.bus);
                    seen += 1;
                }
                None => unseen.push(mistake),
            }
        }
        println!("{:?}: {seen} mistakes seen, {} not", self.bus, unseen.len());
        let reasons = || NO_MISTAKES.iter().filter(|(buses, _)| buses.contains(&self.bus)).map(|(_, part)| *part);
        let stale: Vec<&str> = reasons().filter(|part| !unseen.iter().any(|mistake| mistake.contains(part))).collect();
        assert!(!every || stale.is_empty(), "seen, or not made: {stale:?}");
        unseen.retain(|mistake| !reasons().any(|part| mistake.contains(part)));
        assert!(unseen.is_empty(), "not seen: {unseen:#?}");
        assert!(seen >= SOME.len() - 1, "{seen}");
    }
}

/// The frames of the model here are short.
const FAULTY: Rates = Rates::all(400);
const VERY_FAULTY: Rates = Rates::all(150);

/// The mistakes of every run: a checksum, a length, a number that is not looked at, and results that are not counted.
const SOME: [&str; 11] = [
    "crc_right = 1,",
    "is_whole = 1,",
    "brings_sequence = 0,",
    "is_lost = 0,",
    "drops <= drops + ",
    "drops <= drops - ",
    "pending <= 1",
    "inferred <= 1",
    "spoils <= 1",
    "missing <= missing - ",
    "torn <= 1",
];

/// Changes that nobody can see at the pins.
const NO_MISTAKES: [(&[Bus], &str); 12] = [
    // A bit of a byte that was not read whole: no transaction takes it for anything.
    (&[Bus::Spi], "never else if (opens || gone) loaded <="),
    // Bytes on SPI, either way, are further apart than the nine clocks of a checksum.
    (&[Bus::Spi], "never if (crc_begins) crc_bits <="),
    // A wrong frame that brought nothing becomes one of a byte, which the accelerator drops for its length too.
    (&[Bus::Spi, Bus::Uart], "never if (brings_command) begun <="),
    // As many results are owed as there may be, wherever a byte is held up.
    (&[Bus::Spi, Bus::Uart], "wire is_held_up = 0,"),
    (&[Bus::Spi, Bus::Uart], "wire is_blocked = 0,"),
    (&[Bus::Spi, Bus::Uart], "never else if (is_blocked) ignored <="),
    // Where an answer ends, the host of SPI knows by itself.
    (&[Bus::Spi], "assign tx_last = "),
    // A UART's host cannot read an answer twice, nor tear it off, and its board has no other pin.
    (&[Bus::Uart], "wire is_torn_off = 0,"),
    (&[Bus::Uart], "torn <="),
    (&[Bus::Uart], "wire is_ready = "),
    (&[Bus::Uart], "assign ready = "),
    (&[Bus::Uart], "assign busy = "),
];

#[test]
fn over_spi_no_fault_makes_a_wrong_result_and_mistakes_are_seen() {
    let chip = Chip::new(Bus::Spi);
    chip.campaign();
    chip.mistakes();
}

#[test]
fn over_a_uart_no_fault_makes_a_wrong_result_and_mistakes_are_seen() {
    let chip = Chip::new(Bus::Uart);
    chip.campaign();
    chip.mistakes();
}
