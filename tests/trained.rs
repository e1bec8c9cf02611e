//! A small network of real digits, learned once for all tests, as a model file.

use std::sync::OnceLock;

use bitfab_format::Model;
use bitfab_train::methods::Knobs;
use bitfab_train::{Dataset, Outcome, Silent, TrainConfig};

/// What was learned, compiled.
pub struct Trained {
    pub data: Dataset,
    pub outcome: Outcome,
    pub words: Vec<u32>,
}

impl Trained {
    /// The compiled model.
    pub fn model(&self) -> Model<'_> {
        Model::from_words(&self.words).expect("the compiler checked it")
    }

    /// The first `count` images of the test split.
    pub fn inputs(&self, count: usize) -> Vec<&[u8]> {
        self.data.test.inputs.chunks_exact(self.model().input_bytes()).take(count).collect()
    }
}

fn learn(arch: &str, residual: bool) -> Trained {
    let arch = arch.parse().expect("a valid architecture");
    train(&TrainConfig { arch, residual, epochs: 6, batch: 32, validation: 0.0, ..TrainConfig::default() })
}

fn train(config: &TrainConfig) -> Trained {
    let data = bitfab_train::digits(1).expect("the digits are embedded");
    let outcome = bitfab_train::train(config, &data, &mut Silent).expect("valid").expect("nobody stopped it");
    let words = bitfab_compile::compile(&outcome.graph).expect("a trained graph compiles");
    Trained { data, outcome, words }
}

/// Sparse-binary, ternary, SmartDeal and four planes, layer by layer.
pub fn mixed() -> &'static Trained {
    static ONCE: OnceLock<Trained> = OnceLock::new();
    ONCE.get_or_init(|| {
        let methods = ["dense1=sbnn", "dense2=hq", "dense3=smart-deal"];
        train(&TrainConfig {
            arch: "mlp:64,48,32".parse().expect("a valid architecture"),
            method: "planes:4".parse().expect("a method"),
            methods: methods.map(|one| one.parse().expect("a method")).into(),
            bits: 4,
            knobs: Knobs::default().with(&[("zeros", 0.5), ("coefficients", 0.4)]),
            epochs: 12,
            batch: 32,
            validation: 0.0,
            ..TrainConfig::default()
        })
    })
}

/// Three dense layers.
pub fn dense() -> &'static Trained {
    static ONCE: OnceLock<Trained> = OnceLock::new();
    ONCE.get_or_init(|| learn("mlp:96,64", false))
}

/// Convolutions, a residual, a pool, a dense layer.
pub fn convolutional() -> &'static Trained {
    static ONCE: OnceLock<Trained> = OnceLock::new();
    ONCE.get_or_init(|| learn("cnn:32,p2,32,d32", true))
}
