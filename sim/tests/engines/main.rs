//! Engines of `bitfab verify` that need a driver or tools: each agrees, and a fault is seen in its layer.
#![forbid(unsafe_code)]

mod chips;
#[path = "../common/flipped.rs"]
mod flipped;
mod netlists;
mod programs;

use bitfab_format::arbitrary::{self, Plan, Random};
use bitfab_format::{Draft, Kind, Model, Shape};
use bitfab_hdl::Options;
use bitfab_sim::software::Reference;
use bitfab_sim::verify::{Verdict, compare, verify};
use bitfab_sim::{Engine, Run};

/// Whose compilation is short.
const OPTIONS: Options = Options { lanes: 2, pipe: 2, reads: 1, weights: bitfab_hdl::Weights::Contents };

/// A model whose last layer has scores as they are: no threshold hides a weight.
fn words() -> Vec<u32> {
    let plans = [Plan::dense(16, Kind::Sign), Plan::dense(5, Kind::I32)];
    arbitrary::build(Shape::vector(12), Kind::U8, &plans, &mut Random::new(3)).emit()
}

/// The same with one other weight in its last layer.
fn other_words() -> Vec<u32> {
    let words = words();
    let mut draft = Draft::from(&Model::from_words(&words).unwrap());
    draft.layers[1].weights.words[0] ^= 1 << 5;
    let other = draft.emit();
    assert_ne!(words, other);
    other
}

fn inputs(model: &Model<'_>, count: usize) -> Vec<Vec<u8>> {
    let mut random = Random::new(7);
    (0..count).map(|_| (0..model.input_bytes()).map(|_| random.word() as u8).collect()).collect()
}

fn slices(inputs: &[Vec<u8>]) -> Vec<&[u8]> {
    inputs.iter().map(Vec::as_slice).collect()
}

/// The reference's runs of the model without a fault.
fn expected(inputs: &[&[u8]]) -> Vec<Run> {
    Reference.run(&Model::from_words(&words()).unwrap(), inputs, &mut |_| {}).unwrap()
}

/// What `engine` does with a few inputs of the model.
fn verdict(engine: &mut dyn Engine) -> Verdict {
    let words = words();
    let model = Model::from_words(&words).unwrap();
    let inputs = inputs(&model, 4);
    let (inputs, mut told) = (slices(&inputs), 0);
    let verdict = verify(&model, &inputs, &expected(&inputs), engine, &mut |done| told = done).unwrap();
    assert_eq!(told, inputs.len());
    verdict
}

/// `engine` agrees in every layer.
fn agrees(engine: &mut dyn Engine) {
    let verdict = verdict(engine);
    assert!(verdict.agrees() && (verdict.agreeing, verdict.tensors) == (4, 8), "{verdict:?}");
}

/// The layer in which `runs` differ first from the model without a fault.
fn layer(inputs: &[&[u8]], runs: &[Run]) -> Option<usize> {
    let words = words();
    let (model, expected) = (Model::from_words(&words).unwrap(), expected(inputs));
    expected.iter().zip(runs).find_map(|(expected, run)| compare(&model, 0, expected, run)?.layer)
}

/// `engine` shows a wrong weight in its layer.
fn sees_a_weight(engine: &mut dyn Engine) {
    let words = other_words();
    let model = Model::from_words(&words).unwrap();
    let inputs = inputs(&model, 4);
    let runs = engine.run(&model, &slices(&inputs), &mut |_| {}).unwrap();
    assert_eq!(layer(&slices(&inputs), &runs), Some(1));
}
