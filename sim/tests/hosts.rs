//! Hosts that stall, die, send frames of wrong length and reset: what comes out is what whole frames give, and nothing else.

use std::sync::Arc;

use bitfab_format::arbitrary::{Plan, Random, build, chain, draft};
use bitfab_format::{Draft, Kind, Model, Op, Shape, WeightKind};
use bitfab_hdl::{
    CycleMachine, Interface, Options, Ports, Program, SequencedEngine, Sources, Stimulus, Style, Weights, Written,
    cycles,
};
use bitfab_sim::SimError;
use bitfab_sim::replay::{Replay, Simulator};
use bitfab_sim::rtl::{Circuit, Epoch, Stalls, disturb};

/// The cycle model and the circuit side by side.
struct Both {
    machine: CycleMachine,
    engine: SequencedEngine,
}

impl Circuit for Both {
    fn cycle(&mut self, stimulus: Stimulus) -> Result<(Ports, Option<Written>), SimError> {
        let shown = self.machine.cycle(stimulus)?;
        assert_eq!(self.engine.offer(stimulus).unwrap(), shown.0);
        assert_eq!(self.engine.tick().unwrap().map(|written| written.word), shown.1.map(|written| written.word));
        assert!(!stimulus.reset || self.engine.is_at_start(), "a register keeps its value over a reset");
        Ok(shown)
    }
}

/// Small models: every operation over bytes, and chains of layers.
fn model(seed: u64) -> (Draft, Options) {
    let mut random = Random::new(seed);
    let ops = [Op::Encode, Op::Dense, Op::Conv2d, Op::MaxPool, Op::SumPool];
    let lanes = random.pick(&[1, 4, 8, 32]);
    let options = Options { lanes, pipe: random.pick(&[0, 1, 2, 3]), ..Options::default() };
    loop {
        let draft = match seed % 7 {
            5 => chain(3, &mut random),
            6 => {
                let (values, outputs) = (random.between(1, 40) as u32, random.between(1, 6) as u32);
                let plan = Plan::dense(outputs, Kind::I32).with_weights(WeightKind::SmartDeal);
                build(Shape::vector(values), Kind::U8, &[plan], &mut random)
            }
            at => draft(ops[at as usize], &mut random),
        };
        let weights = if seed % 7 == 6 { Weights::Rebuilt } else { Weights::Contents };
        let options = options.with_weights(weights);
        let words = draft.emit();
        let model = Model::from_words(&words).unwrap();
        if cycles(&model, &options).unwrap().latency < 2_500 {
            return (draft, options);
        }
    }
}

/// What came out is what was to come, the last results included; how many frames were whole and how many not.
fn check(model: &Model<'_>, epochs: &[Epoch], what: &str) -> [usize; 3] {
    for (at, epoch) in epochs.iter().enumerate() {
        let expected = epoch.expected(model).unwrap();
        let is_last = at + 1 == epochs.len();
        assert!(expected.starts_with(&epoch.result), "{what}, between resets {at} and {}", at + 1);
        assert!(!is_last || expected.len() == epoch.result.len(), "{what}");
    }
    let frames = epochs.iter().map(|epoch| epoch.frames.len()).sum();
    [frames, epochs.iter().map(|epoch| epoch.dropped).sum(), epochs.len() - 1]
}

#[test]
fn nothing_but_whole_frames_has_a_result() {
    let mut seen = [0; 3];
    for seed in 0..60 {
        let (draft, options) = model(seed);
        let words = draft.emit();
        let model = Model::from_words(&words).unwrap();
        let program = Arc::new(Program::new(&model, &options).unwrap());
        let mut both = Both { machine: CycleMachine::new(Arc::clone(&program)), engine: SequencedEngine::of(&program) };
        let epochs = disturb(&mut both, &program, seed, 6_000).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        let found = check(&model, &epochs, &format!("seed {seed}"));
        (0..3).for_each(|at| seen[at] += found[at]);
    }
    assert!(seen.iter().all(|count| *count > 150), "{seen:?} whole and dropped frames, and resets");
}

#[test]
fn the_verilog_does_the_same_in_every_simulator() {
    let mut seen = 0;
    for seed in 0..12 {
        let (draft, options) = model(seed);
        let words = draft.emit();
        let model = Model::from_words(&words).unwrap();
        let interface = Interface::ALL[seed as usize / 2 % 2];
        let style = Style { interface, ..Style::default() };
        let sources = bitfab_hdl::sources(&model, &options, &style).unwrap();
        let simulator = [Simulator::Icarus, Simulator::Icarus2005][seed as usize % 2];
        let simulator = if seed == 5 { Simulator::Verilator } else { simulator };
        let replay = Replay { simulator, options, stalls: Stalls { seed, input: 0, output: 0 } };
        let difference = replay.disturbed(&model, &sources, 3_000).unwrap();
        assert_eq!(difference, None, "seed {seed}, {interface}: {difference:?}");
        // Each register alone is looked at in the simulation; here the text is asked whether it heeds its reset at all.
        let text = sources.text.replace("if (reset) ", "if (1'b0) ");
        let forgetful = Sources { text, ..sources.clone() };
        assert_ne!(forgetful, sources);
        if simulator != Simulator::Verilator {
            seen += usize::from(replay.disturbed(&model, &forgetful, 3_000).unwrap().is_some());
        }
    }
    assert_eq!(seen, 11, "circuits without a reset that were seen");
}
