//! A method, an estimator and a codec that the crate does not know, added from outside: the method learns, is stored,
//! resumed and exported as all others.
//!
//! Inside the crate the same is a file of `methods` and a line of its table.

use bitfab_graph::{Graph, WeightQuantizer};
use bitfab_train::codecs::{Codec, Lossless, Packed};
use bitfab_train::estimators::{Estimator, Line};
use bitfab_train::layers::{Batch, Form};
use bitfab_train::methods::{About, Knob, Knobs, Method, Site, Start};
use bitfab_train::weights::{Exported, Integers, Latent, Matrix, Moment, Rule};
use bitfab_train::{Choice, LayerMethod, Net, Saved, Silent, TrainConfig, Trainer, digits};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A share of the largest weight: what is smaller is zero.
static DEAD: Knob =
    Knob { name: "dead", usual: 0.1, range: [0.0, 0.9], value: "SHARE", help: "threshold: share that is zero" };

static ABOUT: About = About { name: "threshold", knobs: &[&DEAD], activation_bits: 2, ..About::PLAIN };

/// -1, 0 or +1 by a threshold.
#[derive(Debug)]
struct Threshold;

impl Method for Threshold {
    fn about(&self) -> &About {
        &ABOUT
    }

    fn start(&self, site: &Site<'_>) -> Start {
        Start { limit: Some(1.0), ..Start::new(Cut { dead: site.knobs.get(&DEAD), steps: 0 }) }
    }

    fn estimator(&self) -> &'static dyn Estimator {
        &Everywhere
    }
}

/// Gradients pass beyond the ends of the line too; nothing is saved.
#[derive(Debug)]
struct Everywhere;

impl Estimator for Everywhere {
    fn name(&self) -> &'static str {
        "everywhere"
    }

    fn save(&self, _: &[f32], _: Line) -> Saved {
        Saved::Nothing
    }

    fn backward(&self, dy: &Batch, _: &Saved, line: Line) -> Vec<f32> {
        dy.values.iter().map(|gradient| gradient / line.step).collect()
    }
}

/// Reals in 16 bits, the lowest three of them zero: sign, exponent and four bits of the fraction.
#[derive(Debug)]
struct Halves;

#[derive(Debug)]
struct Upper(Vec<u16>);

impl Codec for Halves {
    fn name(&self) -> &'static str {
        "halves"
    }

    fn save(&self, x: Batch) -> Saved {
        match x.form {
            Form::Reals => {
                Saved::Packed(Arc::new(Upper(x.values.iter().map(|v| (v.to_bits() >> 16) as u16 & !7).collect())))
            }
            _ => Lossless.save(x),
        }
    }
}

impl Packed for Upper {
    fn unpack(&self, start: usize, out: &mut [f32]) {
        for (out, &half) in out.iter_mut().zip(&self.0[start..]) {
            *out = f32::from_bits(u32::from(half) << 16);
        }
    }

    fn bytes(&self) -> usize {
        2 * self.0.len()
    }
}

/// Its rule; it counts steps to have something to remember.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Cut {
    dead: f32,
    steps: u64,
}

impl Rule for Cut {
    fn name(&self) -> &'static str {
        "threshold"
    }

    fn integers(&self, _: Matrix, latent: Latent<'_>) -> Integers {
        let largest = latent.weights.iter().fold(0f32, |largest, w| largest.max(w.abs()));
        let cut = |w: &f32| if w.abs() < self.dead * largest { 0.0 } else { w.signum() };
        Integers { values: latent.weights.iter().map(cut).collect(), scales: vec![1.0] }
    }

    fn export(&self, matrix: Matrix, latent: Latent<'_>) -> Option<Exported> {
        Some(self.integers(matrix, latent).exported(WeightQuantizer::Ternary))
    }

    fn follow(&mut self, _: Matrix, _: &mut [f32], _: &mut [f32], _: Moment) -> bool {
        self.steps += 1;
        false
    }

    fn fits(&self, stored: &Self, _: usize) -> bool {
        self.dead == stored.dead
    }
}

fn config(dead: f32) -> TrainConfig {
    TrainConfig {
        arch: "mlp:64,48".parse().unwrap(),
        method: Choice::of(&Threshold),
        methods: vec!["dense2=int:4".parse().unwrap()],
        knobs: Knobs::default().with(&[("dead", dead)]),
        epochs: 8,
        batch: 32,
        ..TrainConfig::default()
    }
}

#[test]
fn a_method_from_outside_learns_and_is_exported() {
    let data = digits(0).unwrap();
    let mut trainer = Trainer::new(&config(0.4), &data).unwrap();
    while !trainer.is_done() {
        trainer.run_epoch(&mut Silent).unwrap();
    }
    let accuracy = trainer.evaluate(&data.test).accuracy();
    assert!(accuracy > 0.9, "{accuracy}");
    let graph = Graph::from_bytes(&trainer.graph().unwrap().to_bytes().unwrap()).unwrap();
    let weights: Vec<_> = graph.nodes.iter().filter_map(|node| node.op.weights()).collect();
    let kinds: Vec<WeightQuantizer> = weights.iter().map(|weights| weights.quantizer).collect();
    assert_eq!(kinds, [WeightQuantizer::Ternary, WeightQuantizer::Integer { bits: 4 }, WeightQuantizer::Ternary]);
    for ternary in [weights[0], weights[2]] {
        let values = ternary.quantized();
        assert!([-1, 0, 1].iter().all(|value| values.contains(value)) && values.iter().all(|value| value.abs() < 2));
    }
}

#[test]
fn its_runs_are_resumed_and_tell_what_differs() {
    let data = digits(0).unwrap();
    let mut first = Trainer::new(&config(0.4), &data).unwrap();
    first.run_epoch(&mut Silent).unwrap();
    let bytes = first.checkpoint().unwrap();
    let mut second = Trainer::resume(&config(0.4), &data, &bytes).unwrap();
    for trainer in [&mut first, &mut second] {
        trainer.run_epoch(&mut Silent).unwrap();
    }
    assert!(first.checkpoint().unwrap() == second.checkpoint().unwrap());
    let reason = |config: &TrainConfig| Trainer::resume(config, &data, &bytes).unwrap_err().to_string();
    assert!(reason(&config(0.3)).contains("with another dead;"), "{}", reason(&config(0.3)));
    let method = TrainConfig { method: "hq".parse().unwrap(), ..config(0.4) };
    assert!(reason(&method).contains("with another method;"), "{}", reason(&method));
}

#[test]
fn its_settings_are_checked_as_all_others() {
    let problem = |config: TrainConfig| config.check().unwrap_err().to_string();
    assert!(problem(config(0.95)).contains("dead: 0.95, allowed is 0 to 0.9"));
    let without = TrainConfig { method: Choice::default(), ..config(0.4) };
    assert!(problem(without.clone()).contains("no method has a setting 'dead'"));
    let layer = LayerMethod { layer: "dense1".into(), method: Choice::of(&Threshold) };
    assert_eq!(TrainConfig { methods: vec![layer], ..without }.check(), Ok(()));
    let residual = TrainConfig { residual: true, methods: Vec::new(), ..config(0.4) };
    assert!(problem(residual).contains("only with method bnn"));
}

/// Sums in front of batch norms are saved in half of the bytes, and gradients are nearly those of all bits.
#[test]
fn a_codec_from_outside_keeps_less_and_gradients_stay_near() {
    let data = digits(0).unwrap();
    let config = TrainConfig { arch: "cnn:8,p2,d24".parse().unwrap(), ..config(0.4) };
    let config = TrainConfig { methods: Vec::new(), ..config };
    let passed = |codec: &'static dyn Codec| {
        let mut net = Net::new(&config, &data).unwrap();
        net.codec = codec;
        let values = data.train.inputs[..64 * 64].iter().map(|&byte| f32::from(byte) / 256.0).collect();
        let (scores, tape) = net.forward(Batch { values, count: 64, shape: data.shape, form: Form::Bytes });
        let bytes = tape.bytes();
        (bytes, net.backward(tape, scores.values).concat())
    };
    let ((whole, exact), (half, near)) = (passed(&Lossless), passed(&Halves));
    let sums = 64 * (8 * 64 + 24);
    assert_eq!(whole - half, 2 * sums, "{whole} and {half}");
    let difference: f32 = exact.iter().zip(&near).map(|(a, b)| (a - b).powi(2)).sum();
    let size: f32 = exact.iter().map(|a| a * a).sum();
    assert!(difference > 0.0 && difference < 1e-2 * size, "{difference} of {size}");
}
