//! Every method: learns the small digits, can be stopped anywhere, keeps its constraints, and says what is wrong.

mod common;

use bitfab_graph::{Graph, WeightQuantizer};
use bitfab_train::methods::Knobs;
use bitfab_train::{Silent, TrainConfig, TrainError, Trainer, digits};
use common::StopAfter;

/// Every method with the share of digits that it must reach.
const METHODS: &[(&str, f64)] = &[
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
    for &(method, floor) in METHODS {
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
    for &(method, _) in METHODS {
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
    for &(method, _) in METHODS {
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

/// Of every layer of a finished graph: weights that are there, and those of them that `is_counted`.
fn counts(graph: &Graph, is_counted: impl Fn(f32) -> bool) -> Vec<[usize; 2]> {
    let layers = graph.nodes.iter().filter_map(|node| node.op.weights());
    layers.map(|one| [one.values.len(), one.values.iter().filter(|&&value| is_counted(value)).count()]).collect()
}

#[test]
fn constraints_hold_at_the_end() {
    let data = digits(0).unwrap();
    let finished = |method: &str, settings: &[(&str, f32)]| {
        // What holds at the end holds for the last epoch.
        let knobs = Knobs::default().with(settings);
        let config = TrainConfig { keep: bitfab_train::Keep::Last, knobs, ..config(method) };
        let mut trainer = Trainer::new(&config, &data).unwrap();
        finish(&mut trainer);
        (trainer.graph().unwrap(), trainer.net().cosine())
    };
    for ones in [0.3, 0.1] {
        let layers = counts(&finished("sbnn", &[("ones", ones)]).0, |value| value > 0.0);
        let [all, found] = layers.iter().fold([0, 0], |sum, one| [sum[0] + one[0], sum[1] + one[1]]);
        assert!(found as f32 <= ones * all as f32 && found as f32 > 0.5 * ones * all as f32, "{found} of {all}");
    }
    for method in ["hq", "pruned-ternary"] {
        let (graph, cosine) = finished(method, &[("zeros", 0.8)]);
        for (index, [all, zeros]) in counts(&graph, |value| value == 0.0).into_iter().enumerate() {
            let (zeros, goal) = (zeros as f32 / all as f32, if index == 2 { 0.4 } else { 0.8 });
            assert!((zeros - goal).abs() < 0.01, "{method} {index}: {zeros}");
        }
        assert!(cosine.is_some_and(|cosine| (0.95..=1.000_001).contains(&cosine)), "{method}: {cosine:?}");
    }
    let (graph, cosine) = finished("smart-deal", &[("coefficients", 0.3)]);
    for (index, [all, kept]) in counts(&graph, |value| value != 0.0).into_iter().enumerate() {
        let (kept, goal) = (kept as f32 / all as f32, if index == 2 { 0.6 } else { 0.3 });
        assert!(kept <= goal + 0.01 && kept > 0.8 * goal, "{index}: {kept}");
    }
    assert_eq!(cosine, None);
}

/// The list above has every method that has a graph.
#[test]
fn no_method_is_left_out() {
    common::assert_every_method(METHODS.iter().map(|(method, _)| *method));
}

/// Every layer of one network by another method, and each graph weight of its kind.
#[test]
fn one_network_mixes_methods_layer_by_layer() {
    let data = digits(0).unwrap();
    let methods = "dense1=sbnn dense2=hq dense3=smart-deal dense4=planes:4 dense5=qnn-log scores=int:6";
    let config = TrainConfig {
        arch: "mlp:64,64,48,32,32".parse().unwrap(),
        methods: methods.split(' ').map(|one| one.parse().unwrap()).collect(),
        knobs: Knobs::default().with(&[("coefficients", 0.4), ("ones", 0.2), ("zeros", 0.7)]),
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
            WeightQuantizer::SparseBinary { .. },
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
    let of = |method: &str, knob: &str, value| TrainConfig {
        knobs: Knobs::default().with(&[(knob, value)]),
        ..config(method)
    };
    for wrong in [
        of("sbnn", "ones", 0.0),
        of("hq", "zeros", 1.0),
        of("smart-deal", "coefficients", 0.0),
        of("sbnn", "penalty", 1.0),
        of("sbnn", "ones", f32::NAN),
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
