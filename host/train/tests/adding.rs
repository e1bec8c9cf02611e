//! A method that the crate does not know, added from outside: it learns, is stored, resumed and exported as all others.
//!
//! Inside the crate the same is a file of `methods` and a line of its table.

use bitfab_graph::{Graph, WeightQuantizer};
use bitfab_train::methods::{About, Knob, Knobs, Method, Site, Start};
use bitfab_train::weights::{Exported, Integers, Latent, Matrix, Moment, Rule};
use bitfab_train::{Choice, LayerMethod, Silent, TrainConfig, Trainer, digits};
use serde::{Deserialize, Serialize};

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
