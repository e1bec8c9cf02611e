//! From learning to every engine: the same answers to the last bit.

use bitfab_sim::software::{Kernels, Reference, Runtime};
use bitfab_sim::verify::verify;
use bitfab_sim::{Engine, Run};

use crate::trained::{self, Trained};

/// The reference's runs over the whole test split.
fn reference(trained: &Trained) -> Vec<Run> {
    let inputs = trained.inputs(usize::MAX);
    Reference.run(&trained.model(), &inputs, &mut |_| ()).unwrap()
}

fn accuracy(trained: &Trained, runs: &[Run]) -> f64 {
    let right = runs.iter().zip(&trained.data.test.labels).filter(|(run, label)| run.arg_max() == usize::from(**label));
    right.count() as f64 / runs.len() as f64
}

#[test]
fn software_engines_agree_on_every_tensor_of_the_test_split() {
    for trained in [trained::dense(), trained::convolutional(), trained::mixed()] {
        let (model, inputs, expected) = (trained.model(), trained.inputs(usize::MAX), reference(trained));
        for engine in [&mut Kernels as &mut dyn Engine, &mut Runtime] {
            let verdict = verify(&model, &inputs, &expected, engine, &mut |_| ()).unwrap();
            assert!(verdict.agrees(), "{}: {:?}", verdict.engine, verdict.first);
            assert_eq!((verdict.images, verdict.agreeing), (inputs.len(), inputs.len()));
        }
    }
}

#[test]
fn the_integer_model_answers_as_the_training_graph_does() {
    for trained in [trained::dense(), trained::convolutional(), trained::mixed()] {
        let runs = reference(trained);
        assert!(accuracy(trained, &runs) > 0.85, "accuracy {}", accuracy(trained, &runs));
        let predictions = &trained.outcome.test.predictions;
        let differing =
            runs.iter().zip(predictions).filter(|(run, class)| run.arg_max() != usize::from(**class)).count();
        // The training graph rounds its batch norm to f32; a threshold that lies on a sum may fall either way.
        assert!(differing * 100 <= runs.len(), "{differing} of {} answers differ", runs.len());
    }
}

#[test]
fn learning_again_gives_the_same_file() {
    let trained = trained::dense();
    let config = bitfab_train::TrainConfig {
        arch: "mlp:96,64".parse().unwrap(),
        epochs: 6,
        batch: 32,
        validation: 0.0,
        ..bitfab_train::TrainConfig::default()
    };
    let again = bitfab_train::train(&config, &trained.data, &mut bitfab_train::Silent).unwrap().unwrap();
    assert_eq!(bitfab_compile::compile(&again.graph).unwrap(), trained.words);
}
