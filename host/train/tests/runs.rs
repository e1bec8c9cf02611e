//! Whole runs: the same bits on any number of threads and across a stop, and clear errors for foreign checkpoints.

mod common;

use bitfab_train::{EpochReport, Silent, TrainConfig, TrainError, Trainer, Watch, digits, train};
use common::StopAfter;

fn config(arch: &str) -> TrainConfig {
    TrainConfig { arch: arch.parse().unwrap(), epochs: 3, batch: 96, shift: 1, seed: 5, ..TrainConfig::default() }
}

#[test]
fn a_run_that_was_stopped_anywhere_ends_with_the_same_bits() {
    let data = digits(0).unwrap();
    let config = config("cnn:16,p2,16g2,d64");
    let mut whole = Trainer::new(&config, &data).unwrap();
    while !whole.is_done() {
        whole.run_epoch(&mut Silent).unwrap();
    }
    let batches = whole.batches();
    for stop in [1, batches - 1, batches, batches + 3] {
        let mut first = Trainer::new(&config, &data).unwrap();
        let mut watch = StopAfter(stop);
        while first.run_epoch(&mut watch).unwrap().is_some() {}
        let bytes = first.checkpoint().unwrap();
        let mut second = Trainer::resume(&config, &data, &bytes).unwrap();
        assert_eq!(second.checkpoint().unwrap(), bytes);
        while !second.is_done() {
            second.run_epoch(&mut Silent).unwrap();
        }
        assert_eq!(second.checkpoint().unwrap(), whole.checkpoint().unwrap(), "stopped after {stop} batches");
        assert_eq!(second.reports(), whole.reports());
    }
}

#[test]
fn threads_do_not_change_a_bit_and_seeds_do() {
    let data = digits(0).unwrap();
    let run = |threads: usize, seed: u64| {
        let config = TrainConfig { epochs: 1, seed, bits: 2, residual: true, ..config("cnn:32,32,p2,d48") };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut trainer = Trainer::new(&config, &data).unwrap();
            trainer.run_epoch(&mut Silent).unwrap();
            trainer.checkpoint().unwrap()
        })
    };
    let one = run(1, 1);
    assert!(one == run(3, 1), "3 threads differ from 1");
    assert!(one != run(1, 2), "the seed changes nothing");
}

#[test]
fn damaged_and_foreign_checkpoints_are_refused_with_the_reason() {
    let data = digits(0).unwrap();
    let config = config("mlp:16");
    let bytes = Trainer::new(&config, &data).unwrap().checkpoint().unwrap();
    let reason = |config: &TrainConfig, bytes: &[u8]| match Trainer::resume(config, &data, bytes) {
        Err(TrainError::Checkpoint { problem }) => problem,
        other => panic!("{other:?}"),
    };
    for end in 0..bytes.len() {
        reason(&config, &bytes[..end]);
    }
    for at in (0..bytes.len()).step_by(37) {
        let mut flipped = bytes.clone();
        flipped[at] ^= 4;
        reason(&config, &flipped);
    }
    let other = TrainConfig { rate: 0.5, seed: 9, ..config.clone() };
    assert!(reason(&other, &bytes).contains("another rate, seed"), "{}", reason(&other, &bytes));
    let other_data = digits(1).unwrap();
    let error = Trainer::resume(&config, &other_data, &bytes).unwrap_err();
    assert!(error.to_string().contains("other data"), "{error}");
}

#[test]
fn digits_reach_their_accuracy_with_every_kind_of_layer() {
    struct Falling(f64);
    impl Watch for Falling {
        fn epoch(&mut self, report: &EpochReport) {
            self.0 = report.train_loss;
        }
    }
    let data = digits(0).unwrap();
    for (arch, bits, input, residual, floor) in [
        ("mlp:128,128", 1, "planes", false, 0.93),
        ("mlp:128,128", 1, "thermometer:4", true, 0.93),
        ("cnn:32,p2,32,sum", 3, "planes", false, 0.85),
        ("cnn:16,16,p2,32g2,d64", 1, "planes", true, 0.93),
    ] {
        let input = input.parse().unwrap();
        let config =
            TrainConfig { epochs: 12, shift: 0, batch: 64, bits, input, residual, validation: 0.0, ..config(arch) };
        let mut watch = Falling(f64::INFINITY);
        let outcome = train(&config, &data, &mut watch).unwrap().unwrap();
        assert!(outcome.test.accuracy() >= floor, "{arch}: {}", outcome.test.accuracy());
        assert!(watch.0 < outcome.reports[0].train_loss / 2.0, "{arch}: loss {}", watch.0);
        assert_eq!(outcome.reports.len(), 12);
    }
}

#[test]
fn a_rate_beyond_reason_is_reported_or_stays_finite() {
    let data = digits(0).unwrap();
    let config = TrainConfig { rate: 100.0, optimizer: "sgd".parse().unwrap(), ..config("mlp:16") };
    match train(&config, &data, &mut Silent) {
        Ok(outcome) => assert!(outcome.unwrap().graph.check().is_ok()),
        Err(error) => assert!(matches!(error, TrainError::Diverged { .. } | TrainError::Graph(_)), "{error}"),
    }
}

#[test]
fn configurations_that_cannot_work_name_the_setting() {
    let data = digits(0).unwrap();
    let message = |config: TrainConfig| Trainer::new(&config, &data).unwrap_err().to_string();
    assert!(message(TrainConfig { bits: 9, ..config("mlp") }).contains("bits: 9"));
    assert!(message(TrainConfig { rate: f32::NAN, ..config("mlp") }).contains("rate"));
    assert!(message(config("cnn:p2")).contains("max pool"));
    assert!(message(config("cnn:8,p2,p2")).contains("max pool"));
    assert!(message(config("cnn:8,p9")).contains("9x9"));
    assert!(message(config("cnn:8g3")).contains("3 groups"));
    assert!(message(config("cnn:sum")).contains("sum"));
    assert!(message(config("cnn:8,p9x1")).contains("write p8x1"));
    assert!(message(config("cnn:8,dws2,p4,8,sum")).contains("'8' on a tensor of 1x1x8"));
}

/// Squares over a series have weights that never meet the input; the text says what to write.
#[test]
fn kernels_that_hang_over_both_edges_are_refused_with_what_fits() {
    let digits = digits(0).unwrap();
    let series = bitfab_train::Dataset { shape: bitfab_graph::Shape::new(16, 1, 4), ..digits.clone() };
    let flat = bitfab_train::Dataset { shape: bitfab_graph::Shape::flat(64), ..digits.clone() };
    let result = |data, arch: &str| Trainer::new(&config(arch), data).map(|_| ()).map_err(|error| error.to_string());
    for (data, arch, hint) in [
        (&series, "cnn:8k5", "write 8k5x1"),
        (&series, "cnn:8", "write 8k3x1"),
        (&series, "cnn:8k5s2g2", "write 8k5x1s2g2"),
        (&series, "cnn:8k5x1,dw", "write dwk3x1"),
        (&series, "cnn:8k5x1,p2", "write p2x1"),
        (&series, "cnn:8k40x1", "write 8k31x1"),
        (&flat, "cnn:8k5", "write 8k1"),
        (&digits, "cnn:8k16x1", "write 8k15x1"),
    ] {
        let message = result(data, arch).unwrap_err();
        assert!(message.ends_with(hint), "{arch}: {message}");
        let better = hint.trim_start_matches("write ");
        let (before, _) = arch.rsplit_once([',', ':']).unwrap();
        let separator = if before == "cnn" { ":" } else { "," };
        assert_eq!(result(data, &format!("{before}{separator}{better}")), Ok(()), "{arch}");
    }
}
