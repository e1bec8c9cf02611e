//! Every operator, choice and condition of the accelerator's circuits matters: a mistake in one is seen.

use std::sync::Arc;

use bitfab_format::arbitrary::{self, Plan, Random};
use bitfab_format::{Draft, Kind, Model, Op, PadValue, Shape, WeightKind};
use bitfab_hdl::{Engine, Machine, Options, Ports, Program, Stimulus, Written};
use bitfab_sim::SimError;
use bitfab_sim::rtl::{Circuit, disturb};

/// A cycle: what goes in, and what the cycle model shows and finishes.
type Cycle = (Stimulus, (Ports, Option<Written>));

/// What the cycle model does with random bytes, frames of wrong length, pauses and resets.
fn recording(program: &Arc<Program>, cycles: u64) -> Vec<Cycle> {
    let mut recorder = Recorder { machine: Machine::new(Arc::clone(program)), cycles: Vec::new() };
    disturb(&mut recorder, program, 1, cycles).unwrap();
    recorder.cycles
}

struct Recorder {
    machine: Machine,
    cycles: Vec<Cycle>,
}

impl Circuit for Recorder {
    fn cycle(&mut self, stimulus: Stimulus) -> Result<(Ports, Option<Written>), SimError> {
        let done = self.machine.cycle(stimulus)?;
        self.cycles.push((stimulus, done));
        Ok(done)
    }
}

/// The first cycle in which an engine differs from the recording, or keeps anything over a reset.
fn difference(engine: &mut Engine, recording: &[Cycle], program: &Program) -> Option<usize> {
    // Words that are sent come in order and have no address.
    let sent = |mut written: Written| {
        if program.rows.get(written.row).is_none_or(|row| row.send) {
            written.address = 0;
        }
        written
    };
    recording.iter().position(|(stimulus, (ports, written))| {
        let Ok(shown) = engine.offer(*stimulus) else { return true };
        let Ok(found) = engine.tick() else { return true };
        let keeps = stimulus.reset && !engine.is_at_start();
        keeps || shown != *ports || found.map(sent) != written.map(sent)
    })
}

/// Small models that reach most of the circuits.
fn models() -> Vec<(&'static str, Draft)> {
    let sign = Kind::Sign;
    let two = Kind::Unsigned { bits: 2 };
    let head = Plan::dense(10, Kind::I32);
    let build = |shape: Shape, plans: &[Plan]| arbitrary::build(shape, Kind::U8, plans, &mut Random::new(9));
    let codes = Plan { op: Op::Encode, ..Plan::dense(40, sign) };
    let pixels = Shape::new(4, 4, 1);
    vec![
        ("signs", build(Shape::vector(40), &[Plan::dense(20, sign), head])),
        ("codes", build(Shape::vector(40), &[codes, head])),
        (
            "convolutions",
            build(
                pixels,
                &[
                    Plan::same(3, PadValue::Zero, 16, sign),
                    Plan::same(3, PadValue::PlusOne, 16, two),
                    Plan::pool(Op::MaxPool, 2, two),
                    head,
                ],
            ),
        ),
        ("levels", build(Shape::vector(40), &[Plan::dense(20, two), head])),
        // Scores show every sum.
        ("integers", build(Shape::vector(40), &[head.with_weights(WeightKind::Integer)])),
        ("sums of windows", build(Shape::vector(40), &[head.with_weights(WeightKind::AlphaBeta)])),
        ("values", build(Shape::vector(40), &[Plan::dense(32, Kind::Unsigned { bits: 5 }), head])),
        ("channels", build(pixels, &[Plan::same(1, PadValue::Zero, 32, two), channels(32), head])),
        ("lists", build(Shape::vector(300), &[head.with_weights(WeightKind::Ternary)])),
    ]
}

/// A depthwise layer of values that are requantised.
fn channels(channels: u32) -> Plan {
    let border = PadValue::Level(2);
    let plan = Plan::same(3, border, channels, Kind::Unsigned { bits: 5 }).with_weights(WeightKind::Integer);
    Plan { groups: channels, ..plan }
}

#[test]
fn a_mistake_in_any_operator_is_seen() {
    let (mut all, mut missed) = (0, Vec::new());
    for (name, draft) in models() {
        let words = draft.emit();
        let model = Model::new(bytemuck::cast_slice(&words)).unwrap();
        let program = Arc::new(Program::new(&model, &Options::default()).unwrap());
        let recording = recording(&program, 12_000);
        assert_eq!(difference(&mut Engine::of(&program), &recording, &program), None, "{name}");
        let before = (all, missed.len());
        for (what, mut engine) in Engine::mutants(&program) {
            all += 1;
            if difference(&mut engine, &recording, &program).is_none() {
                missed.push(format!("{name}: {what}"));
            }
        }
        println!("{name}: {} mutants, {} look like the original", all - before.0, missed.len() - before.1);
    }
    // What looks like the original mostly is: a constant that nobody reads in that model, an address that is set anyway.
    assert!(
        all > 5000 && missed.len() * 100 <= all * 13,
        "{} of {all} are missed:\n{}",
        missed.len(),
        missed.join("\n")
    );
}
