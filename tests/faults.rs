//! One flipped bit is found, and the message names the layer.

use bitfab_format::{Draft, DraftTransform, Model};
use bitfab_sim::software::{Reference, Runtime};
use bitfab_sim::verify::{Mismatch, verify};
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
    assert_eq!((found.layer, &found.name), (layer, &name), "{found}");
    assert!(found.to_string().contains(&name) && found.position.is_some());
}

#[test]
fn a_flipped_weight_is_found_in_its_layer() {
    for trained in [trained::dense(), trained::convolutional()] {
        for layer in 0..trained.model().layer_count() {
            let mut flipped = false;
            let found = first_difference(trained, |draft| {
                if let Some(word) = draft.layers[layer].weights.as_mut().and_then(|weights| weights.get_mut(0)) {
                    *word ^= 1 << 5;
                    flipped = true;
                }
            });
            if flipped {
                is_named(trained, layer, found);
            } else {
                assert_eq!(found, None, "nothing was damaged");
            }
        }
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
                .is_some_and(|layer| layer.output.kind == bitfab_format::Kind::Sign && layer.op.is_weighted())
            {
                is_named(trained, layer, found);
            }
        }
    }
}
