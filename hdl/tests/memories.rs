//! What the engine says about its memories is what its Verilog declares, and what an inference reads is what it computes.

use std::collections::BTreeSet;

use bitfab_format::arbitrary::{self, Plan, Random};
use bitfab_format::{Kind, Model, Op, PadValue, Shape, WeightKind};
use bitfab_hdl::{Options, Program, Purpose, cycles, verilog};

/// Names, words and widths of the memories that a Verilog text declares.
fn declared(text: &str) -> BTreeSet<(String, u64, u32)> {
    let number = |text: &str| text.trim().parse::<u64>().unwrap();
    let memory = |line: &str| {
        let (head, depth) = line.trim().strip_suffix("];")?.rsplit_once(" [0:")?;
        let (kind, name) = head.rsplit_once(' ')?;
        let kind = kind.rsplit_once("*) ").map_or(kind, |(_, kind)| kind);
        let width = kind.strip_prefix("reg")?.trim().strip_prefix('[').and_then(|range| range.split(':').next());
        Some((name.to_owned(), number(depth) + 1, width.map_or(1, |high| number(high) as u32 + 1)))
    };
    text.lines().filter_map(memory).collect()
}

#[test]
fn memories_are_those_of_the_verilog() {
    for (kind, seed) in WeightKind::WEIGHTED.into_iter().flat_map(|kind| (0..6).map(move |seed| (kind, seed))) {
        let words = arbitrary::draft_of(Op::Conv2d, Some(kind), &mut Random::new(seed)).emit();
        let model = Model::new(bytemuck::cast_slice(&words)).unwrap();
        let options = Options::default().with_lanes(4);
        let memories = Program::new(&model, &options).unwrap().memories();
        let told = memories.iter().map(|memory| (memory.name.clone(), memory.depth, memory.width)).collect();
        assert_eq!(declared(&verilog(&model, &options).unwrap()), told, "{kind:?} of seed {seed}");
        let has_weights = memories.iter().any(|memory| memory.purpose == Purpose::Weights && memory.is_constant);
        assert!(has_weights && !memories.iter().any(|memory| memory.bits() == 0), "{kind:?} of seed {seed}");
    }
}

#[test]
fn a_dense_network_reads_a_word_of_weights_in_every_useful_cycle() {
    let plans = [Plan::dense(40, Kind::Sign), Plan::dense(10, Kind::I32)];
    let words = arbitrary::build(Shape::vector(64), Kind::U8, &plans, &mut Random::new(1)).emit();
    let model = Model::new(bytemuck::cast_slice(&words)).unwrap();
    let cycles = cycles(&model, &Options::default()).unwrap();
    let useful: u64 = cycles.rows.iter().map(|row| row[0]).sum();
    assert_eq!((cycles.reads.weights, cycles.reads.activations), (useful, useful));
    // One bias a group: five groups of eight channels, then two.
    assert_eq!((cycles.reads.biases, cycles.reads.buffer, cycles.reads.bytes), (7, 10, 0));
}

#[test]
fn depthwise_layers_read_a_word_of_their_weights_a_tap_and_plane_and_requantised_groups_a_factor_a_lane() {
    let depthwise = Plan {
        op: Op::Conv2d,
        groups: 32,
        weights: WeightKind::Integer,
        ..Plan::same(3, PadValue::Zero, 32, Kind::Unsigned { bits: 4 })
    };
    let first = Plan::same(1, PadValue::Zero, 32, Kind::Unsigned { bits: 4 });
    let plans = [first, depthwise, Plan::dense(10, Kind::I32)];
    let words = arbitrary::build(Shape::new(5, 5, 3), Kind::U8, &plans, &mut Random::new(1)).emit();
    let model = Model::new(bytemuck::cast_slice(&words)).unwrap();
    let options = Options::default();
    let program = Program::new(&model, &options).unwrap();
    let reads = cycles(&model, &options).unwrap().reads;
    assert!(program.memories().iter().all(|memory| reads.of(&memory.name).is_some()));
    assert_eq!(reads.of("rom"), None);
    // 25 pixels, 9 taps, 4 planes, one word of 32 channels.
    assert_eq!(reads.channel_weights, 25 * 9 * 4);
    let requantised = program.rows.iter().filter(|row| row.scaling.requant).count() as u64;
    // Each of them makes 32 channels of 25 pixels.
    assert_eq!(reads.scales, requantised * 25 * 32);
}
