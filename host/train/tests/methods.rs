//! Every method: learns the small digits, can be stopped anywhere, keeps its constraints, and says what is wrong.

mod common;

use bitfab_graph::WeightQuantizer;
use bitfab_train::rules::{AlphaBeta, Rule};
use bitfab_train::{Net, Silent, Step, TrainConfig, TrainError, Trainer, digits};
use common::StopAfter;

/// Every method with the share of digits that it must reach.
const METHODS: [(&str, f64); 14] = [
    ("bnn", 0.95),
    ("xnor", 0.95),
    ("bwn", 0.95),
    ("qnn:4", 0.95),
    ("qnn-log", 0.95),
    ("sbnn", 0.93),
    ("hq", 0.93),
    ("pruned-ternary", 0.93),
    ("smart-deal", 0.94),
    ("smart-deal-switch", 0.93),
    ("smart-deal-project", 0.75),
    ("planes:4", 0.95),
    ("once-qat", 0.95),
    ("int:8", 0.95),
];

fn config(method: &str) -> TrainConfig {
    TrainConfig {
        arch: "mlp:128,64".parse().unwrap(),
        method: method.parse().unwrap(),
        epochs: 20,
        batch: 32,
        ..TrainConfig::default()
    }
}

fn finish(trainer: &mut Trainer<'_>) {
    while !trainer.is_done() {
        trainer.run_epoch(&mut Silent).unwrap();
    }
}

#[test]
fn every_method_learns_the_digits() {
    let data = digits(0).unwrap();
    for (method, floor) in METHODS {
        let mut trainer = Trainer::new(&config(method), &data).unwrap();
        finish(&mut trainer);
        let accuracy = trainer.evaluate(&data.test).accuracy();
        assert!(accuracy >= floor, "{method}: {accuracy}");
    }
}

/// Phases, masks, counters and the norms of other precisions are part of the checkpoint.
#[test]
fn runs_of_every_method_that_were_stopped_anywhere_end_with_the_same_bits() {
    let data = digits(0).unwrap();
    for (method, _) in METHODS {
        let config = TrainConfig {
            arch: "mlp:24,16".parse().unwrap(),
            epochs: 3,
            batch: 96,
            gradient_bits: 6,
            shift_norm: true,
            ..config(method)
        };
        let mut whole = Trainer::new(&config, &data).unwrap();
        finish(&mut whole);
        let batches = whole.batches();
        for stop in [1, batches, batches * 3 / 2, batches * 2 + 1] {
            let mut first = Trainer::new(&config, &data).unwrap();
            let mut watch = StopAfter(stop);
            while first.run_epoch(&mut watch).unwrap().is_some() {}
            let bytes = first.checkpoint().unwrap();
            let mut second = Trainer::resume(&config, &data, &bytes).unwrap();
            assert!(second.checkpoint().unwrap() == bytes, "{method} at {stop}");
            finish(&mut second);
            assert!(second.checkpoint().unwrap() == whole.checkpoint().unwrap(), "{method} stopped after {stop}");
            assert_eq!(second.graph().unwrap(), whole.graph().unwrap());
        }
    }
}

#[test]
fn threads_do_not_change_a_bit_of_any_method() {
    let data = digits(0).unwrap();
    for (method, _) in METHODS {
        let run = |threads: usize| {
            let config = TrainConfig { arch: "cnn:8,p2,24".parse().unwrap(), epochs: 1, ..config(method) };
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let mut trainer = Trainer::new(&config, &data).unwrap();
                finish(&mut trainer);
                trainer.checkpoint().unwrap()
            })
        };
        assert!(run(1) == run(3), "{method}");
    }
}

/// The rule and latent weights of every weighted layer.
fn layers(net: &Net) -> impl Iterator<Item = (&Rule, &[f32])> {
    net.stages.iter().filter_map(|stage| match &stage.step {
        Step::Weighted { quantizer, weights, .. } => Some((&quantizer.rule, &net.parameters[*weights].values[..])),
        _ => None,
    })
}

#[test]
fn constraints_hold_at_the_end() {
    let data = digits(0).unwrap();
    let finished = |config: TrainConfig| {
        let mut trainer = Trainer::new(&config, &data).unwrap();
        finish(&mut trainer);
        trainer.net().clone()
    };
    // What holds at the end holds for the last epoch.
    let config = |method: &str| TrainConfig { keep: bitfab_train::Keep::Last, ..config(method) };
    for ones in [0.3, 0.1] {
        let net = finished(TrainConfig { ones, ..config("sbnn") });
        let counts = layers(&net).map(|(_, weights)| (AlphaBeta::ones(weights), weights.len()));
        let (found, all) = counts.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        assert!(found as f32 <= ones * all as f32 && found as f32 > 0.5 * ones * all as f32, "{found} of {all}");
    }
    for method in ["hq", "pruned-ternary"] {
        let net = finished(TrainConfig { zeros: 0.8, ..config(method) });
        for (index, (rule, weights)) in layers(&net).enumerate() {
            let Rule::Ternary(ternary) = rule else { panic!("{rule:?}") };
            let zeros = ternary.mask.iter().filter(|left| !**left).count() as f32 / weights.len() as f32;
            let goal = if index == 2 { 0.4 } else { 0.8 };
            assert!((zeros - goal).abs() < 0.01, "{method} {index}: {zeros}");
        }
        let cosine = net.ternary_cosine();
        assert!(cosine.is_some_and(|cosine| (0.95..=1.000_001).contains(&cosine)), "{method}: {cosine:?}");
    }
    let net = finished(TrainConfig { coefficients: 0.3, ..config("smart-deal") });
    for (index, (rule, weights)) in layers(&net).enumerate() {
        let Rule::SmartDeal(deal) = rule else { panic!("{rule:?}") };
        let kept = deal.mask.iter().filter(|kept| **kept).count() as f32 / weights.len() as f32;
        let goal = if index == 2 { 0.6 } else { 0.3 };
        assert!(kept <= goal + 0.01 && kept > 0.8 * goal, "{index}: {kept}");
    }
}

/// Every layer of one network by another method, and each graph weight of its kind.
#[test]
fn one_network_mixes_methods_layer_by_layer() {
    let data = digits(0).unwrap();
    let methods = "dense1=sbnn dense2=hq dense3=smart-deal dense4=planes:4 dense5=qnn-log scores=int:6";
    let config = TrainConfig {
        arch: "mlp:64,64,48,32,32".parse().unwrap(),
        methods: methods.split(' ').map(|one| one.parse().unwrap()).collect(),
        coefficients: 0.4,
        ones: 0.2,
        zeros: 0.7,
        ..config("bnn")
    };
    let mut trainer = Trainer::new(&config, &data).unwrap();
    finish(&mut trainer);
    assert!(trainer.evaluate(&data.test).accuracy() > 0.93, "{}", trainer.evaluate(&data.test).accuracy());
    let graph = trainer.graph().unwrap();
    let kinds: Vec<WeightQuantizer> =
        graph.nodes.iter().filter_map(|node| node.op.weights()).map(|weights| weights.quantizer).collect();
    assert!(matches!(
        kinds[..],
        [
            WeightQuantizer::AlphaBeta { .. },
            WeightQuantizer::Ternary,
            WeightQuantizer::SmartDeal { .. },
            WeightQuantizer::Planes { bits: 4 },
            WeightQuantizer::PowerOfTwo,
            WeightQuantizer::Integer { bits: 6 },
        ]
    ));
}

/// One latent matrix at every precision, and better at one plane than what was learned for eight.
#[test]
fn once_qat_beats_truncation_at_one_plane() {
    let data = digits(0).unwrap();
    let mut once = Trainer::new(&config("once-qat"), &data).unwrap();
    finish(&mut once);
    let graph = once.graph().unwrap();
    assert_eq!(graph.planes(), [1, 2, 4, 8]);
    for planes in once.precisions() {
        let accuracy = once.evaluate_at(planes, &data.test).unwrap().accuracy();
        assert!(accuracy > 0.94, "{planes}: {accuracy}");
    }
    assert_eq!(once.evaluate_at(3, &data.test), None);
    let mut eight = Trainer::new(&config("planes:8"), &data).unwrap();
    finish(&mut eight);
    let whole = eight.evaluate(&data.test).accuracy();
    let same = eight.truncated(8, 44).evaluate(&data.test).accuracy();
    assert!((whole - same).abs() < 0.02, "{whole} {same}");
    let one = eight.truncated(1, 44).evaluate(&data.test).accuracy();
    assert!(one < once.evaluate_at(1, &data.test).unwrap().accuracy(), "{one}");
}

#[test]
fn methods_that_do_not_fit_are_refused_with_the_reason() {
    let data = digits(0).unwrap();
    let message = |config: TrainConfig| match Trainer::new(&config, &data) {
        Err(TrainError::Config { field, problem }) => format!("{field}: {problem}"),
        other => panic!("{:?}", other.map(|_| ())),
    };
    let with = |method: &str, layers: &str| TrainConfig {
        methods: layers.split_whitespace().map(|one| one.parse().unwrap()).collect(),
        ..config(method)
    };
    assert!(message(with("bnn", "dense3=hq")).contains("dense1, dense2, scores"));
    assert!(message(with("bnn", "dense1=float")).contains("whole network"));
    assert!(message(with("bnn", "dense1=once-qat")).contains("whole network"));
    assert!(message(with("float", "dense1=hq")).contains("whole network"));
    assert!(message(with("once-qat", "dense1=planes:4")).contains("has the planes"));
    assert!(message(TrainConfig { bits: 4, ..config("float") }).contains("leave out bits"));
    assert!(message(TrainConfig { residual: true, ..config("hq") }).contains("only with method bnn"));
    assert!(message(TrainConfig { gradient_bits: 1, ..config("bnn") }).contains("2 to 8"));
    for wrong in [
        TrainConfig { ones: 0.0, ..config("sbnn") },
        TrainConfig { zeros: 1.0, ..config("hq") },
        TrainConfig { coefficients: 0.0, ..config("smart-deal") },
        TrainConfig { penalty: 1.0, ..config("sbnn") },
        TrainConfig { decay: f32::NAN, ..config("bnn") },
    ] {
        assert!(message(wrong).contains("allowed is"));
    }
}

/// With all scales powers of two the network still learns, and its norms export as plain ones.
#[test]
fn shift_norms_and_coarse_gradients_still_learn() {
    let data = digits(0).unwrap();
    let config = TrainConfig { shift_norm: true, gradient_bits: 6, ..config("qnn:4") };
    let mut trainer = Trainer::new(&config, &data).unwrap();
    finish(&mut trainer);
    assert!(trainer.evaluate(&data.test).accuracy() > 0.94, "{}", trainer.evaluate(&data.test).accuracy());
    for node in trainer.graph().unwrap().nodes {
        if let bitfab_graph::Op::BatchNorm { gamma, variance, epsilon, .. } = node.op {
            assert!(gamma.iter().all(|g| g.abs().log2().fract() == 0.0));
            assert!(variance.iter().all(|v| *v == 1.0) && epsilon == 0.0);
        }
    }
}
