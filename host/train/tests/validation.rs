//! Epochs are judged by the validation part, the test part by nobody but the end, and rare classes count as asked.

mod common;

use bitfab_graph::Shape;
use bitfab_train::methods::Knobs;
use bitfab_train::{ClassWeights, Dataset, Keep, Silent, Split, TrainConfig, TrainError, Trainer, digits};
use common::StopAfter;

fn config(epochs: u32) -> TrainConfig {
    TrainConfig { arch: "mlp:24".parse().unwrap(), epochs, batch: 64, seed: 3, ..TrainConfig::default() }
}

/// Learns to the end.
fn learned<'a>(config: &TrainConfig, data: &'a Dataset) -> Trainer<'a> {
    let mut trainer = Trainer::new(config, data).unwrap();
    while !trainer.is_done() {
        trainer.run_epoch(&mut Silent).unwrap();
    }
    trainer
}

#[test]
fn nothing_in_a_run_depends_on_the_test_part() {
    let data = digits(0).unwrap();
    let mut other = data.clone();
    other.test.inputs.iter_mut().for_each(|byte| *byte = 16 - *byte);
    other.test.labels.rotate_left(7);
    let [a, b] = [&data, &other].map(|data| learned(&config(6), data));
    assert_eq!(a.reports(), b.reports());
    assert_eq!(a.graph().unwrap(), b.graph().unwrap());
    assert_ne!(a.evaluate(&data.test).correct, b.evaluate(&other.test).correct);
}

#[test]
fn the_best_epoch_is_kept_unless_the_last_is_asked_for() {
    let data = digits(0).unwrap();
    let configs = (1..20).map(|seed| TrainConfig { rate: 0.05, seed, ..config(12) });
    let mut runs = configs.map(|config| (learned(&config, &data), config));
    let (best, config) = runs.find(|(run, _)| run.kept_epoch() < 12).expect("in some run the last is not the best");
    let found = best.best().unwrap();
    let score = |at: u32| best.reports()[at as usize - 1].validation_accuracy.unwrap();
    assert!((1..=12).all(|epoch| score(epoch) < found.score || epoch >= found.epoch), "an earlier one is as good");
    assert_eq!((found.score, best.kept_epoch()), (score(found.epoch), found.epoch));
    assert_eq!(best.evaluate(best.validation()).accuracy(), found.score);
    let last = learned(&TrainConfig { keep: Keep::Last, ..config.clone() }, &data);
    assert_eq!((last.best(), last.kept_epoch()), (Some(found), 12));
    assert_eq!(last.evaluate(last.validation()).accuracy(), score(12));
    assert_eq!(last.reports(), best.reports());
    let short = learned(&TrainConfig { keep: Keep::Last, epochs: 12, patience: 0, ..config }, &data);
    assert_eq!(short.graph().unwrap(), last.graph().unwrap());
}

#[test]
fn patience_ends_a_run_and_a_stop_within_changes_nothing() {
    let data = digits(0).unwrap();
    let config = TrainConfig { rate: 0.05, patience: 3, ..config(80) };
    let whole = learned(&config, &data);
    let (epochs, best) = (whole.reports().len() as u32, whole.best().unwrap());
    assert!(epochs < 80, "it never ends");
    assert_eq!(epochs, best.epoch + 3);
    for stop in [whole.batches() * best.epoch + 1, whole.batches() * epochs - 1] {
        let mut first = Trainer::new(&config, &data).unwrap();
        let mut watch = StopAfter(stop);
        while first.run_epoch(&mut watch).unwrap().is_some() {}
        let mut second = Trainer::resume(&config, &data, &first.checkpoint().unwrap()).unwrap();
        assert_eq!(second.best(), first.best());
        while !second.is_done() {
            second.run_epoch(&mut Silent).unwrap();
        }
        assert!(second.checkpoint().unwrap() == whole.checkpoint().unwrap(), "stopped after {stop} batches");
    }
    let resumed = Trainer::resume(&config, &data, &whole.checkpoint().unwrap()).unwrap();
    assert!(resumed.is_done());
    assert_eq!(resumed.graph().unwrap(), whole.graph().unwrap());
}

#[test]
fn an_epoch_before_the_weights_have_their_form_is_no_result() {
    let data = digits(0).unwrap();
    for (method, first) in
        [("hq", 6), ("pruned-ternary", 6), ("smart-deal", 4), ("smart-deal-project", 10), ("sbnn", 1)]
    {
        let config = TrainConfig {
            method: method.parse().unwrap(),
            knobs: Knobs::default().with(&[("ones", 0.1), ("zeros", 0.8)]),
            ..config(10)
        };
        let trainer = learned(&config, &data);
        assert!(trainer.kept_epoch() >= first, "{method}: epoch {}", trainer.kept_epoch());
        let graph = trainer.graph().unwrap();
        if method == "sbnn" {
            let weights = graph.nodes.iter().filter_map(|node| node.op.weights());
            let (mut ones, mut all) = (0, 0);
            weights.for_each(|weights| {
                ones += weights.values.iter().filter(|v| **v > 0.0).count();
                all += weights.values.len();
            });
            assert!(ones * 10 <= all, "{ones} ones of {all}");
        }
    }
}

#[test]
fn the_share_decides_and_a_given_part_is_taken_as_it_is() {
    let data = digits(0).unwrap();
    let rows = |share: f32| {
        let trainer = Trainer::new(&TrainConfig { validation: share, ..config(1) }, &data).unwrap();
        (trainer.learning().len(), trainer.validation().len())
    };
    assert_eq!(rows(0.0), (1437, 0));
    let (left, cut) = rows(0.1);
    assert_eq!(left + cut, 1437);
    assert!((100..190).contains(&cut), "{cut} rows");
    let none = learned(&TrainConfig { validation: 0.0, ..config(2) }, &data);
    assert_eq!((none.best(), none.kept_epoch(), none.reports()[1].validation_accuracy), (None, 2, None));
    let own = Dataset { validation: data.test.clone(), ..data.clone() };
    let with_own = learned(&TrainConfig { keep: Keep::Last, ..config(2) }, &own);
    assert_eq!(with_own.learning(), none.learning());
    assert_eq!(with_own.validation(), &data.test);
    let graph = with_own.graph().unwrap();
    assert_eq!(graph.nodes, none.graph().unwrap().nodes);
    assert_eq!(graph.interface.learned.len(), 1797, "rows that chose the epoch are known, too");
    assert_eq!(none.graph().unwrap().interface.learned.len(), 1437);
    let foreign =
        Trainer::resume(&TrainConfig { keep: Keep::Last, ..config(2) }, &data, &with_own.checkpoint().unwrap());
    assert!(foreign.unwrap_err().to_string().contains("other data"));
    let asked = Trainer::new(&TrainConfig { validation: 0.0, patience: 2, ..config(2) }, &data).unwrap_err();
    assert!(matches!(asked, TrainError::Config { field: "patience", .. }), "{asked}");
    let asked = Trainer::new(&TrainConfig { validation: 0.6, ..config(2) }, &data).unwrap_err();
    assert!(asked.to_string().contains("validation: 0.6, allowed is 0 to 0.5"), "{asked}");
}

/// Two overlapping classes of two values each, one row in twelve of the second.
fn unbalanced() -> Dataset {
    let mut state = 1u32;
    let mut noise = move || {
        let mut sum = 0;
        for _ in 0..4 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            sum += state >> 26;
        }
        sum
    };
    let mut part = |rows: usize| {
        let labels: Vec<u8> = (0..rows).map(|row| u8::from(row % 12 == 0)).collect();
        let inputs = labels.iter().flat_map(|&label| [noise(), noise()].map(|v| (v + 40 * u32::from(label)) as u8));
        Split { inputs: inputs.collect(), labels }
    };
    let (train, test) = (part(2400), part(1200));
    Dataset::new("unbalanced", Shape::flat(2), train, test).unwrap()
}

#[test]
fn balanced_weights_find_the_rare_class_and_equal_ones_change_nothing() {
    let data = unbalanced();
    let run = |weights: ClassWeights| {
        let method = "int:8".parse().unwrap();
        learned(&TrainConfig { class_weights: weights, method, epochs: 15, ..config(15) }, &data)
    };
    let [none, equal, balanced] =
        [ClassWeights::None, ClassWeights::List(vec![3.0, 3.0]), ClassWeights::Balanced].map(run);
    let [plain, fair] = [&none, &balanced].map(|trainer| trainer.evaluate(&data.test));
    let recall = |one: &bitfab_train::Evaluation| f64::from(one.classes[1][0]) / f64::from(one.classes[1][1]);
    assert!(recall(&fair) > recall(&plain) + 0.1, "{} against {}", recall(&fair), recall(&plain));
    assert!(fair.balanced_accuracy() > plain.balanced_accuracy() + 0.03);
    assert!(fair.accuracy() < plain.accuracy());
    assert_eq!(equal.graph().unwrap(), none.graph().unwrap());
    let best = balanced.best().unwrap();
    let balanced_accuracy = balanced.evaluate(balanced.validation()).balanced_accuracy();
    assert!((best.score - balanced_accuracy).abs() < 0.03, "{} against {balanced_accuracy}", best.score);
    let error = Trainer::new(&TrainConfig { class_weights: "1,2,3".parse().unwrap(), ..config(1) }, &data).unwrap_err();
    assert!(error.to_string().contains("3 numbers for 2 classes"), "{error}");
}
