//! Weights that are loaded: the right image is taken once, every wrong one is refused, and no frame passes before.

use std::sync::Arc;

use bitfab_format::arbitrary::{self, Plan, Random};
use bitfab_format::{Draft, Kind, Model, Op, Shape, WeightKind, digest};
use bitfab_hdl::{
    CycleMachine, HdlError, Interface, LoadPorts, Options, Ports, Program, SequencedEngine, Sources, Stimulus, Style,
    Weights, Written,
};
use bitfab_sim::engine::Engine as _;
use bitfab_sim::replay::{Replay, Simulator};
use bitfab_sim::rtl::{Circuit, Stalls, drive, load};
use bitfab_sim::software::Reference;
use bitfab_sim::{SimError, verify};

/// What the load port shows once the image has come.
const LOADED: LoadPorts = LoadPorts { ready: false, loaded: true, error: false };
/// What it shows after a wrong load.
const REFUSED: LoadPorts = LoadPorts { ready: true, loaded: false, error: true };

/// The cycle model and the circuit side by side.
struct Both {
    machine: CycleMachine,
    engine: SequencedEngine,
}

impl Both {
    fn new(program: &Arc<Program>) -> Self {
        Self { machine: CycleMachine::new(Arc::clone(program)), engine: SequencedEngine::of(program) }
    }
}

impl Circuit for Both {
    fn cycle(&mut self, stimulus: Stimulus) -> Result<(Ports, Option<Written>), SimError> {
        let shown = self.machine.cycle(stimulus)?;
        assert_eq!(self.engine.offer(stimulus).unwrap(), shown.0);
        assert_eq!(self.engine.tick().unwrap().map(|written| written.word), shown.1.map(|written| written.word));
        Ok(shown)
    }
}

/// A network with weights of two kinds, so that there are weights and signs.
fn network(kind: WeightKind) -> Draft {
    let plans = [Plan::dense(12, Kind::Sign).with_weights(kind), Plan::dense(10, Kind::I32)];
    arbitrary::build(Shape::vector(20), Kind::U8, &plans, &mut Random::new(4))
}

fn program(draft: &Draft, options: Options) -> Arc<Program> {
    Arc::new(Program::new(&Model::from_words(&draft.emit()).unwrap(), &options).unwrap())
}

/// Images that are wrong, and how.
fn wrong(image: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let flipped = |at: usize| {
        let mut image = image.to_vec();
        image[at] ^= 0x10;
        image
    };
    let long = |more: usize| [image, &vec![0; more]].concat();
    let mut others: Vec<u32> =
        image[..image.len() - 4].chunks(4).map(|word| u32::from_le_bytes(word.try_into().unwrap())).collect();
    others[1] ^= 4;
    let others: Vec<u32> = others.iter().copied().chain([digest(&others)]).collect();
    vec![
        ("other weights, whose CRC is right", others.into_iter().flat_map(u32::to_le_bytes).collect()),
        ("a bit of the first word", flipped(0)),
        ("a bit of the last word", flipped(image.len() - 5)),
        ("a bit of the CRC", flipped(image.len() - 1)),
        ("a byte too few", image[..image.len() - 1].to_vec()),
        ("no CRC", image[..image.len() - 4].to_vec()),
        ("a word too few", image[4..].to_vec()),
        ("one byte", image[..1].to_vec()),
        ("a byte too many", long(1)),
        ("an image too many", [image, image].concat()),
    ]
}

#[test]
fn wrong_loads_are_refused_and_the_right_one_is_taken_after_each() {
    for (kind, seed) in [(WeightKind::Ternary, 1), (WeightKind::Binary, 2), (WeightKind::Integer, 3)] {
        let draft = network(kind);
        let options = Options::default().with_lanes(4).with_weights(Weights::Loaded);
        let program = program(&draft, options);
        assert_eq!(program.signs.is_empty(), kind != WeightKind::Ternary, "{kind:?}");
        let (image, stalls) = (program.image(), Stalls { seed, input: 80, output: 0 });
        let mut both = Both::new(&program);
        for (what, bytes) in wrong(&image) {
            assert_eq!(load(&mut both, &bytes, stalls).unwrap(), REFUSED, "{what}, {kind:?}");
        }
        assert_eq!(load(&mut both, &image, stalls).unwrap(), LOADED, "{kind:?}");
        // A reset forgets that the weights have come.
        let (ports, _) = both.cycle(Stimulus::RESET).unwrap();
        assert_eq!(ports.load, Some(LOADED));
        let words = draft.emit();
        let model = Model::from_words(&words).unwrap();
        let input: Vec<u8> = (0..20).map(|at| at * 11).collect();
        let frames = drive(&mut both, &model, &program, &[&input], stalls, &mut |_| {}).unwrap();
        let expected = Reference.run(&model, &[&input], &mut |_| {}).unwrap();
        assert_eq!(frames[0].output, expected[0].output, "{kind:?}");
    }
}

#[test]
fn an_error_is_shown_from_the_byte_that_is_too_many() {
    let program = program(&network(WeightKind::Binary), Options::default().with_weights(Weights::Loaded));
    let (mut both, image) = (Both::new(&program), program.image());
    let byte = |value: u8| Stimulus::new(None, false).with_load(Some(bitfab_hdl::StreamByte { value, last: false }));
    for value in image.iter().copied().chain([0]) {
        assert_eq!(both.cycle(byte(value)).unwrap().0.load, Some(LoadPorts { ready: true, ..LoadPorts::default() }));
    }
    assert_eq!(both.cycle(byte(0)).unwrap().0.load, Some(REFUSED));
}

#[test]
fn the_verilog_agrees_on_loaded_weights_of_every_kind() {
    for (seed, kind) in WeightKind::WEIGHTED.into_iter().enumerate() {
        let draft = network(kind);
        let simulators = [Simulator::Icarus, Simulator::Icarus2005, Simulator::Verilator];
        let used = if seed == 0 { &simulators[..] } else { &simulators[..2] };
        for &simulator in used {
            let options = Options::default().with_lanes([2, 8, 32][seed % 3]).with_weights(Weights::Loaded);
            let stalls = Stalls { seed: seed as u64, input: 64, output: 64 };
            agrees(&draft, Replay { simulator, options, stalls }, &format!("{kind:?}, {simulator:?}"));
        }
    }
}

/// The Verilog has the tensors of the reference, and the ports of the cycle model in each cycle.
fn agrees(draft: &Draft, mut replay: Replay, what: &str) {
    let words = draft.emit();
    let model = Model::from_words(&words).unwrap();
    let rows: [Vec<u8>; 2] = [7, 13].map(|step| (0..20).map(|at: u8| at.wrapping_mul(step)).collect());
    let inputs = [rows[0].as_slice(), &rows[1]];
    let found = replay.run(&model, &inputs, &mut |_| {}).unwrap_or_else(|error| panic!("{what}: {error}"));
    let expected = Reference.run(&model, &inputs, &mut |_| {}).unwrap();
    for (row, (expected, found)) in expected.iter().zip(&found).enumerate() {
        assert_eq!(verify::compare(&model, row, expected, found), None, "{what}");
    }
}

#[test]
fn the_verilog_refuses_wrong_loads() {
    let draft = network(WeightKind::Ternary);
    let words = draft.emit();
    let model = Model::from_words(&words).unwrap();
    let options = Options::default().with_lanes(2).with_weights(Weights::Loaded);
    let image = program(&draft, options).image();
    let images: Vec<Vec<u8>> = wrong(&image).into_iter().map(|(_, bytes)| bytes).chain([image]).collect();
    let simulators = [Simulator::Icarus, Simulator::Icarus2005, Simulator::Verilator];
    for (simulator, interface) in
        simulators.into_iter().zip([Interface::Plain, Interface::AxiStream, Interface::AxiStream])
    {
        let style = Style { interface, ..Style::default() };
        let sources = bitfab_hdl::sources(&model, &options, &style).unwrap();
        let replay = Replay { simulator, options, stalls: Stalls { seed: 5, input: 64, output: 0 } };
        assert_eq!(replay.loaded(&model, &sources, &images).unwrap(), None, "{simulator:?}");
        // Another CRC would refuse the right image.
        let text = sources.text.replace(&format!("32'd{}", 0x2144_df1c_u32), "32'd1");
        let broken = Sources { text, ..sources.clone() };
        assert_ne!(broken, sources);
        assert!(replay.loaded(&model, &broken, &images).unwrap().is_some(), "{simulator:?}");
    }
}

/// An accelerator whose load port always shows the same.
struct Dead(LoadPorts);

impl Circuit for Dead {
    fn cycle(&mut self, _: Stimulus) -> Result<(Ports, Option<Written>), SimError> {
        Ok((Ports { load: Some(self.0), ..Ports::default() }, None))
    }
}

#[test]
fn a_load_that_never_ends_or_is_refused_ends_in_words() {
    let draft = network(WeightKind::Binary);
    let words = draft.emit();
    let model = Model::from_words(&words).unwrap();
    let program = program(&draft, Options::default().with_weights(Weights::Loaded));
    let row = vec![0; model.input_bytes()];
    for (shown, said) in [(LoadPorts::default(), "no progress"), (REFUSED, "refuses the image")] {
        let error = drive(&mut Dead(shown), &model, &program, &[&row], Stalls::default(), &mut |_| {}).unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
    }
}

#[test]
fn a_model_without_weights_has_nothing_to_load() {
    let words = arbitrary::draft(Op::Encode, &mut Random::new(1)).emit();
    let model = Model::from_words(&words).unwrap();
    let refused = Program::new(&model, &Options::default().with_weights(Weights::Loaded)).unwrap_err();
    assert_eq!(refused, HdlError::NothingToLoad);
}
