//! The estimate of resources against Yosys: models of many kinds, one rule.

use bitfab_format::arbitrary::{self, Plan, Random, build, chain};
use bitfab_format::{Kind, Model, Op, PadValue, Shape, WeightKind};
use bitfab_hdl::{Options, Weights};
use bitfab_sim::SimError;
use bitfab_sim::synth::{LUTS_WITHIN_PERCENT, Target, estimate, synthesize_model};

/// The largest difference of look-up tables, in per cent.
const WITHIN: f64 = LUTS_WITHIN_PERCENT as f64;

fn emit(shape: Shape, plans: &[Plan]) -> Vec<u32> {
    build(shape, Kind::U8, plans, &mut Random::new(1)).emit()
}

/// Two hidden layers of signs and ten scores.
fn dense(weights: WeightKind) -> Vec<u32> {
    let plans = [Plan::dense(128, Kind::Sign), Plan::dense(64, Kind::Sign), Plan::dense(10, Kind::I32)];
    emit(Shape::vector(64), &plans.map(|plan| plan.with_weights(weights)))
}

/// Block RAMs are those of Yosys, flip-flops within one per cent, look-up tables near.
fn check(name: &str, words: &[u32], lanes: u32) {
    check_with(name, words, &Options::default().with_lanes(lanes));
}

fn check_with(name: &str, words: &[u32], options: &Options) {
    let (model, lanes) = (Model::from_words(words).unwrap(), options.lanes);
    let foreseen = estimate(&model, options).unwrap();
    let found = synthesize_model(&model, options, Target::Up5k, 0).unwrap().cells;
    let error = 100.0 * (f64::from(foreseen.luts) / f64::from(found.luts) - 1.0);
    println!("{name}, {lanes} lanes: {} LUT4 estimated, {} found, {error:+.1} %", foreseen.luts, found.luts);
    assert!(error.abs() <= WITHIN, "{name}, {lanes} lanes: {foreseen:?}, {found:?}");
    let flip_flops = foreseen.flip_flops.abs_diff(found.flip_flops);
    assert!(100 * flip_flops <= found.flip_flops, "{name}, {lanes} lanes: {foreseen:?}, {found:?}");
    assert_eq!(foreseen.rams, found.rams, "{name}, {lanes} lanes: {foreseen:?}, {found:?}");
    assert_eq!(foreseen.cycles, bitfab_hdl::cycles(&model, options).unwrap().interval);
}

#[test]
fn weights_that_are_loaded_or_rebuilt() {
    for (weights, kind) in [(Weights::Loaded, WeightKind::Binary), (Weights::Rebuilt, WeightKind::SmartDeal)] {
        check_with(weights.name(), &dense(kind), &Options::default().with_lanes(2).with_weights(weights));
    }
}

#[test]
fn dense_layers_on_few_and_many_lanes() {
    for lanes in [1, 32] {
        check("dense", &dense(WeightKind::Binary), lanes);
    }
}

#[test]
fn codes_and_zeros() {
    let codes = Plan { op: Op::Encode, ..Plan::dense(64, Kind::Sign) };
    let plans = [codes, Plan::dense(128, Kind::Sign), Plan::dense(64, Kind::Sign), Plan::dense(10, Kind::I32)];
    check("codes", &emit(Shape::vector(64), &plans), 8);
    check("ternary", &dense(WeightKind::Ternary), 4);
}

#[test]
fn windows_and_residuals() {
    let sign = Kind::Sign;
    let plans = [
        Plan::same(3, PadValue::Zero, 32, sign),
        Plan::same(3, PadValue::MinusOne, 32, sign),
        Plan::pool(Op::MaxPool, 2, sign),
        Plan::dense(10, Kind::I32),
    ];
    check("convolution", &emit(Shape::new(8, 8, 1), &plans), 8);
    // The first chain of which a layer has a residual.
    let residual = (1..)
        .map(|seed| chain(4, &mut Random::new(seed)).emit())
        .find(|words| Model::from_words(words).is_ok_and(|model| model.layers().any(|layer| layer.residual.is_some())));
    check("residual", &residual.unwrap(), 4);
}

#[test]
fn depthwise_layers() {
    let values = Kind::Unsigned { bits: 8 };
    let layer = |side| Plan::same(side, PadValue::Zero, 64, values).with_weights(WeightKind::Integer);
    let deep = Plan { groups: 64, ..layer(3) };
    let head = Plan::dense(10, Kind::I32).with_weights(WeightKind::Integer);
    check("depthwise", &emit(Shape::new(8, 8, 1), &[layer(1), deep, Plan::pool(Op::SumPool, 8, values), head]), 8);
}

#[test]
fn what_the_engine_refuses_is_not_estimated() {
    let words = arbitrary::draft(Op::Dense, &mut Random::new(1)).emit();
    let model = Model::from_words(&words).unwrap();
    let refused = estimate(&model, &Options::default().with_lanes(3)).unwrap_err();
    assert!(matches!(&refused, SimError::Unsupported { .. }) && refused.to_string().contains("lanes"), "{refused}");
}
