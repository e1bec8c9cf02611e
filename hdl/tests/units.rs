//! Units that a model does not use leave no trace in its Verilog.

use bitfab_format::arbitrary::{self, Random};
use bitfab_format::{Model, Op, WeightKind};
use bitfab_hdl::{Options, Program, verilog};

/// What a unit declares, and whether a program uses it.
type Unit = (&'static str, fn(&Program) -> bool);

const UNITS: [Unit; 11] = [
    ("signs_read", |program| !program.signs.is_empty()),
    ("s_now", |program| program.counts_signs),
    ("wire pass_last = ", |program| program.rows.iter().any(|row| row.passes != 0)),
    ("kept", shares),
    ("lists_read", |program| program.rows.iter().any(|row| row.weights.listed)),
    ("scales_read", |program| program.rows.iter().any(|row| row.scaling.requant || row.scaling.affine)),
    ("$signed(count", |program| program.factor_bits() != 0),
    ("collected_0", |program| program.rows.iter().any(|row| row.scaling.requant)),
    ("group_collecting", |program| program.rows.iter().any(|row| row.scaling.requant)),
    ("wire [31:0] score = ", |program| program.rows.iter().any(|row| row.scaling.affine)),
    ("wire emit = ", |program| program.rows.iter().any(|row| row.output.raw && !row.scaling.affine)),
];

fn shares(program: &Program) -> bool {
    program.rows.iter().any(|row| row.sum.shared)
}

#[test]
fn units_are_written_where_they_are_used_and_nowhere_else() {
    let (mut with, mut without) = ([0; UNITS.len()], [0; UNITS.len()]);
    for (kind, seed) in WeightKind::WEIGHTED.into_iter().flat_map(|kind| (0..12).map(move |seed| (kind, seed))) {
        let words = arbitrary::draft_of(Op::Dense, Some(kind), &mut Random::new(seed)).emit();
        let model = Model::new(bytemuck::cast_slice(&words)).unwrap();
        let program = Program::new(&model, &Options::default()).unwrap();
        let text = verilog(&model, &Options::default()).unwrap();
        for (at, (declaration, is_used)) in UNITS.iter().enumerate() {
            assert_eq!(text.contains(declaration), is_used(&program), "{declaration}, {kind:?} of seed {seed}");
            if is_used(&program) { with[at] += 1 } else { without[at] += 1 }
        }
    }
    assert!(with.iter().chain(&without).all(|count| *count != 0), "used {with:?}, not used {without:?}");
}

#[test]
fn channels_are_counted_at_once_where_that_is_used_and_nowhere_else() {
    let mut counted = [0; 2];
    for seed in 0..150 {
        let words = arbitrary::draft_of(Op::Conv2d, Some(WeightKind::Integer), &mut Random::new(seed)).emit();
        let model = Model::from_words(&words).unwrap();
        let is_used = Program::new(&model, &Options::default()).unwrap().rows.iter().any(|row| row.depthwise);
        let text = verilog(&model, &Options::default()).unwrap();
        for trace in ["channel_weights", "channel_0", "taken_0", "channels_count"] {
            assert_eq!(text.contains(trace), is_used, "{trace}, seed {seed}");
        }
        counted[usize::from(is_used)] += 1;
    }
    assert!(counted.iter().all(|count| *count >= 5), "{counted:?}");
}
