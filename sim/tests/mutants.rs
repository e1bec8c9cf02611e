//! Every operator, choice and condition of the accelerator's circuits matters: a mistake in one is seen.

use std::sync::Arc;

use bitfab_format::arbitrary::{self, Plan, Random};
use bitfab_format::{Draft, Kind, Model, Op, PadValue, Shape, WeightKind};
use bitfab_hdl::{CycleMachine, Options, Ports, Program, SequencedEngine, Stimulus, StreamByte, Weights, Written};
use bitfab_sim::SimError;
use bitfab_sim::rtl::{Circuit, Stalls, disturb, drive, load};

/// A cycle: what goes in, and what the cycle model shows and finishes.
type Cycle = (Stimulus, (Ports, Option<Written>));

/// What the cycle model does with random bytes, frames of wrong length, pauses and resets.
fn recording(program: &Arc<Program>, cycles: u64) -> Vec<Cycle> {
    let mut recorder = Recorder { machine: CycleMachine::new(Arc::clone(program)), cycles: Vec::new() };
    disturb(&mut recorder, program, 1, cycles).unwrap();
    recorder.cycles
}

struct Recorder {
    machine: CycleMachine,
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
fn difference(engine: &mut SequencedEngine, recording: &[Cycle], program: &Program) -> Option<usize> {
    // Words that are sent come in order and have no address.
    let sent = |mut written: Written| {
        if program.rows.get(written.row).is_none_or(|row| row.output.send) {
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

/// Small models that between them reach most of the circuits.
fn model(name: &str) -> Draft {
    let sign = Kind::Sign;
    let two = Kind::Unsigned { bits: 2 };
    let head = Plan::dense(10, Kind::I32);
    let build = |shape: Shape, plans: &[Plan]| arbitrary::build(shape, Kind::U8, plans, &mut Random::new(9));
    let (numbers, pixels) = (Shape::vector(40), Shape::new(4, 4, 1));
    match name {
        "signs" => build(numbers, &[Plan::dense(20, sign), head]),
        "codes" => build(numbers, &[Plan { op: Op::Encode, ..Plan::dense(40, sign) }, head]),
        "convolutions" => {
            let (first, second) = (Plan::same(3, PadValue::Zero, 16, sign), Plan::same(3, PadValue::PlusOne, 16, two));
            build(pixels, &[first, second, Plan::pool(Op::MaxPool, 2, two), head])
        }
        "levels" => build(numbers, &[Plan::dense(20, two), head]),
        // Scores show every sum.
        "integers" => build(numbers, &[head.with_weights(WeightKind::Integer)]),
        "sums of windows" => build(numbers, &[head.with_weights(WeightKind::SparseBinary)]),
        "values" => build(numbers, &[Plan::dense(32, Kind::Unsigned { bits: 5 }), head]),
        "channels" => build(pixels, &[Plan::same(1, PadValue::Zero, 32, two), channels(32), head]),
        "lists" => build(Shape::vector(300), &[head.with_weights(WeightKind::Ternary)]),
        other => panic!("no model has {other}"),
    }
}

/// A depthwise layer of values that are requantised.
fn channels(channels: u32) -> Plan {
    let border = PadValue::Level(2);
    let plan = Plan::same(3, border, channels, Kind::Unsigned { bits: 5 }).with_weights(WeightKind::Integer);
    Plan { groups: channels, ..plan }
}

/// At least `least` circuits with one mistake; of a hundred, `most` at most may look like the original.
fn seen(name: &str, least: usize, most: usize) {
    let words = model(name).emit();
    let model = Model::new(bytemuck::cast_slice(&words)).unwrap();
    let program = Arc::new(Program::new(&model, &Options::default()).unwrap());
    let recording = recording(&program, 12_000);
    assert_eq!(difference(&mut SequencedEngine::of(&program), &recording, &program), None, "{name}");
    let (mut all, mut missed) = (0, Vec::new());
    for (what, mut engine) in SequencedEngine::mutants(&program) {
        all += 1;
        if difference(&mut engine, &recording, &program).is_none() {
            missed.push(what);
        }
    }
    println!("{name}: {all} mutants, {} look like the original", missed.len());
    // What looks like the original mostly is: a constant that nobody reads in that model, an address that is set anyway.
    assert!(
        all >= least && missed.len() * 100 <= all * most,
        "{name}: {} of {all} are missed:\n{}",
        missed.len(),
        missed.join("\n")
    );
}

/// A model is a test of its own: they run side by side. Beside each, how many mistakes there are at least, and how many of a
/// hundred may look like the original.
macro_rules! a_mistake_in_any_operator_is_seen {
    ($($test:ident: $name:literal, $least:literal, $most:literal;)*) => {
        $(#[test]
        fn $test() {
            seen($name, $least, $most);
        })*
    };
}

a_mistake_in_any_operator_is_seen! {
    a_mistake_is_seen_with_signs: "signs", 1000, 9;
    a_mistake_is_seen_with_codes: "codes", 900, 9;
    a_mistake_is_seen_with_convolutions: "convolutions", 1400, 20;
    a_mistake_is_seen_with_levels: "levels", 1100, 9;
    a_mistake_is_seen_with_integers: "integers", 1000, 8;
    a_mistake_is_seen_with_sums_of_windows: "sums of windows", 1000, 9;
    a_mistake_is_seen_with_values: "values", 1200, 9;
    a_mistake_is_seen_with_channels: "channels", 1900, 14;
    a_mistake_is_seen_with_lists: "lists", 900, 23;
}

/// What the cycle model does with images that are too short, too long or damaged, the right one, and frames.
fn loads(program: &Arc<Program>, model: &Model<'_>) -> Vec<Cycle> {
    let mut recorder = Recorder { machine: CycleMachine::new(Arc::clone(program)), cycles: Vec::new() };
    let (right, image) = (program.image(), program.image());
    let damaged = |at: usize| image.iter().enumerate().map(|(i, byte)| byte ^ u8::from(i == at)).collect();
    let early = [image[4..].to_vec(), image[..13].to_vec(), image[..30].to_vec()];
    let wrong = early.into_iter().chain([damaged(9), [&image[..], &[0; 3]].concat(), damaged(image.len() - 1)]);
    for (seed, image) in wrong.enumerate() {
        let stalls = Stalls { seed: seed as u64 + 1, input: 60, output: 0 };
        assert!(load(&mut recorder, &image, stalls).unwrap().error);
        if seed % 2 == 0 {
            assert!(load(&mut recorder, &right, stalls).unwrap().loaded);
        }
        recorder.cycle(Stimulus::RESET).unwrap();
    }
    // Resets in the middle of a load.
    for (at, &value) in right[..right.len() - 2].iter().enumerate() {
        let load = Some(StreamByte { value, last: false });
        recorder.cycle(Stimulus { reset: at % 29 == 12, load, ..Stimulus::RESET }).unwrap();
    }
    recorder.cycle(Stimulus::RESET).unwrap();
    let row: Vec<u8> = (0..model.input_bytes()).map(|at| (at * 37) as u8).collect();
    drive(&mut recorder, model, program, &[&row, &row], Stalls::default(), &mut |_| {}).unwrap();
    recorder.cycle(Stimulus::RESET).unwrap();
    recorder.cycles
}

#[test]
fn a_mistake_in_loading_is_seen() {
    let head = Plan::dense(10, Kind::I32);
    let hidden = Plan::dense(12, Kind::Sign).with_weights(WeightKind::Integer);
    let plans = [hidden, head.with_weights(WeightKind::Ternary)];
    let words = arbitrary::build(Shape::vector(70), Kind::U8, &plans, &mut Random::new(9)).emit();
    let model = Model::from_words(&words).unwrap();
    let options = Options::default().with_lanes(2).with_weights(Weights::Loaded);
    let program = Arc::new(Program::new(&model, &options).unwrap());
    let recording = loads(&program, &model);
    assert_eq!(difference(&mut SequencedEngine::of(&program), &recording, &program), None);
    let (all, missed) = missed(&program, &recording, "load");
    assert!(all > 100 && missed.len() * 100 <= all * 5, "{} of {all} are missed:\n{}", missed.len(), missed.join("\n"));
}

/// How many mutants of what is called `part` there are, and those that look like the original.
fn missed(program: &Arc<Program>, recording: &[Cycle], part: &str) -> (usize, Vec<String>) {
    let (mut all, mut missed) = (0, Vec::new());
    for (what, mut engine) in SequencedEngine::mutants(program).filter(|(what, _)| what.contains(part)) {
        all += 1;
        if difference(&mut engine, recording, program).is_none() {
            missed.push(what);
        }
    }
    println!("{part}: {all} mutants, {} look like the original", missed.len());
    (all, missed)
}

#[test]
fn a_mistake_in_rebuilding_is_seen() {
    let (mut all, mut unseen) = (0, Vec::new());
    // Taps of a word and a part of another one, several chunks, two layers with other widths, and other weights beside them.
    let smart_deal = |plan: Plan| plan.with_weights(WeightKind::SmartDeal);
    let windows = [Plan::same(3, PadValue::Zero, 40, Kind::Sign), smart_deal(Plan::dense(5, Kind::I32))];
    let layers = [smart_deal(Plan::dense(9, Kind::Unsigned { bits: 2 })), smart_deal(Plan::dense(3, Kind::I32))];
    for (shape, plans, seed) in [(Shape::new(1, 2, 1), windows, 3), (Shape::vector(50), layers, 5)] {
        let words = arbitrary::build(shape, Kind::U8, &plans, &mut Random::new(seed)).emit();
        let model = Model::from_words(&words).unwrap();
        let options = Options::default().with_lanes(2).with_weights(Weights::Rebuilt);
        let program = Arc::new(Program::new(&model, &options).unwrap());
        let recording = recording(&program, 12_000);
        assert_eq!(difference(&mut SequencedEngine::of(&program), &recording, &program), None);
        let (count, missed) = missed(&program, &recording, "rebuil");
        all += count;
        unseen.extend(missed);
    }
    assert!(all > 200 && unseen.len() * 100 <= all * 5, "{} of {all} are missed:\n{}", unseen.len(), unseen.join("\n"));
}
