//! One flipped bit is found, and the message names the layer.

use bitfab_format::{Draft, DraftTransform, Kind, Model};
use bitfab_hdl::Options;
use bitfab_sim::replay::{Replay, Simulator};
use bitfab_sim::rtl::Stalls;
use bitfab_sim::software::{Reference, Runtime};
use bitfab_sim::verify::{Mismatch, compare, verify};
use bitfab_sim::{Engine, Run, SimError};

use crate::trained::{self, Trained};

/// Runs another model than it is asked to: one with a fault.
struct Damaged<E> {
    engine: E,
    words: Vec<u32>,
}

impl<E: Engine> Engine for Damaged<E> {
    fn name(&self) -> String {
        format!("damaged {}", self.engine.name())
    }

    fn run(&mut self, _: &Model<'_>, inputs: &[&[u8]], done: &mut dyn FnMut(usize)) -> Result<Vec<Run>, SimError> {
        let model = Model::from_words(&self.words)?;
        self.engine.run(&model, inputs, done)
    }
}

/// The first difference between the reference on `trained` and the runtime on a damaged copy.
fn first_difference(trained: &Trained, damage: impl FnOnce(&mut Draft)) -> Option<Mismatch> {
    let (model, inputs) = (trained.model(), trained.inputs(100));
    let expected = Reference.run(&model, &inputs, &mut |_| ()).unwrap();
    let mut draft = Draft::from(&model);
    damage(&mut draft);
    let mut engine = Damaged { engine: Runtime, words: draft.emit() };
    let verdict = verify(&model, &inputs, &expected, &mut engine, &mut |_| ()).unwrap();
    assert_eq!(verdict.agrees(), verdict.first.is_none());
    verdict.first
}

fn is_named(trained: &Trained, layer: usize, found: Option<Mismatch>) {
    let name = trained.model().layer(layer).expect("a layer").name.to_owned();
    let found = found.unwrap_or_else(|| panic!("a fault in layer {layer} `{name}` was not found"));
    assert_eq!((found.layer, &found.name), (Some(layer), &name), "{found}");
    assert!(found.to_string().contains(&name) && found.position.is_some());
}

/// Flips one bit of the weights of output channel `channel` of layer `layer`; `None` where there is none.
fn flipped_weight(trained: &Trained, layer: usize, channel: usize) -> Option<Mismatch> {
    let row_words = trained.model().layer(layer).expect("a layer").row_words() as usize;
    first_difference(trained, |draft| {
        if let Some(word) = draft.layers[layer].weights.words.get_mut(channel * row_words) {
            *word ^= 1 << 5;
        }
    })
}

#[test]
fn a_flipped_weight_is_found_in_its_layer() {
    for trained in [trained::dense(), trained::convolutional()] {
        for layer in 0..trained.model().layer_count() {
            // A single weight moves one sum by two: in a layer of signs not every channel lies that close to its
            // threshold on some image, but of eight channels one does.
            let found: Vec<Mismatch> = (0..8).filter_map(|channel| flipped_weight(trained, layer, channel)).collect();
            if trained.model().layer(layer).is_some_and(|layer| layer.op.is_weighted()) {
                assert!(!found.is_empty(), "no flipped weight in layer {layer} was found");
                found.into_iter().for_each(|mismatch| is_named(trained, layer, Some(mismatch)));
            } else {
                assert_eq!(found, [], "nothing was damaged");
            }
        }
    }
}

#[test]
fn an_accepted_flip_of_any_kind_of_weights_is_found_in_its_layer() {
    let trained = trained::mixed();
    for layer in 0..trained.model().layer_count() {
        let words = Draft::from(&trained.model()).layers[layer].weights.words.len();
        let mut found = 0;
        for at in (0..words).step_by(words.div_ceil(24).max(1)) {
            let mut draft = Draft::from(&trained.model());
            draft.layers[layer].weights.words[at] ^= 1 << (at * 7 % 32);
            if Model::from_words(&draft.emit()).is_ok()
                && let Some(mismatch) = first_difference(trained, |same| *same = draft)
            {
                is_named(trained, layer, Some(mismatch));
                found += 1;
            }
        }
        let kind = trained.model().layer(layer).expect("a layer").weights.name();
        assert!(found > 0, "no accepted flip of the {kind} weights of layer {layer} was found");
    }
}

#[test]
fn a_flipped_threshold_is_found_in_its_layer() {
    for trained in [trained::dense(), trained::convolutional()] {
        for layer in 0..trained.model().layer_count() {
            let found = first_difference(trained, |draft| {
                if let DraftTransform::Thresholds { values, .. } = &mut draft.layers[layer].transform {
                    values[3] ^= 1 << 4;
                }
            });
            if trained
                .model()
                .layer(layer)
                .is_some_and(|layer| layer.output.kind == Kind::Sign && layer.op.is_weighted())
            {
                is_named(trained, layer, found);
            }
        }
    }
}

/// Flips the lowest bit of the last hexadecimal digit of line `line` of the weights.
fn flip_weight(verilog: &str, line: &str) -> String {
    let at = verilog.find(line).unwrap_or_else(|| panic!("no `{line}` in the Verilog"));
    let end = at + verilog[at..].find(';').expect("a statement ends");
    let digit = u8::from_str_radix(&verilog[end - 1..end], 16).expect("a hexadecimal digit");
    format!("{}{:x}{}", &verilog[..end - 1], digit ^ 1, &verilog[end..])
}

#[test]
fn a_flipped_bit_of_the_verilog_is_found_in_its_layer() {
    let trained = trained::dense();
    let (model, inputs) = (trained.model(), trained.inputs(20));
    let expected = Reference.run(&model, &inputs, &mut |_| ()).unwrap();
    let options = Options::default();
    let replay = Replay { simulator: Simulator::Icarus, options, stalls: Stalls::default() };
    let verilog = bitfab_hdl::verilog(&model, &options).unwrap();
    // Weights stand in the order of the layers: the first line is of the first layer, the last of the last.
    let lines = verilog.lines().filter(|line| line.trim().starts_with("weights[")).count();
    let first = |verilog: &str| {
        let frames = replay.replay(&model, &inputs, verilog).unwrap().frames;
        let runs = frames.into_iter().map(|frame| frame.into_run());
        runs.zip(&expected).enumerate().find_map(|(image, (run, expected))| compare(&model, image, expected, &run))
    };
    assert_eq!(first(&verilog), None);
    let last = model.layer_count() - 1;
    is_named(trained, 0, first(&flip_weight(&verilog, "weights[0] = ")));
    is_named(trained, last, first(&flip_weight(&verilog, &format!("weights[{}] = ", lines - 1))));
}
