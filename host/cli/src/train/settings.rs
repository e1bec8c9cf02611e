//! The settings of `bitfab train`: defaults, then a file, then options.

use std::path::PathBuf;

use anyhow::{Context, Result};
use bitfab_train::{Architecture, ClassWeights, InputCoding, Keep, LayerMethod, Method, OptimizerKind, TrainConfig};

use crate::files;

/// The settings of a run; each overrides the file of `--config`.
#[derive(Debug, Default, clap::Args)]
pub struct Settings {
    /// TOML file with settings of learning, named as the options here from --arch to --seed that have one.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Hidden layers [default: mlp:256,256,256].
    #[arg(long)]
    arch: Option<Architecture>,
    /// planes (bytes as they are) or thermometer:N [default: planes].
    #[arg(long)]
    input: Option<InputCoding>,
    /// How weights are learned and what they become: bnn, xnor, bwn, qnn:BITS, qnn-log, sbnn, hq, pruned-ternary,
    /// smart-deal, planes:BITS, once-qat, int:BITS [default: bnn].
    #[arg(long)]
    method: Option<Method>,
    /// Another method for one layer, such as dense1=sbnn or scores=int:8; may be repeated.
    #[arg(long = "layer", value_name = "LAYER=METHOD")]
    methods: Vec<LayerMethod>,
    /// Activation bits, 1 to 8 [default: what the method is meant for].
    #[arg(long)]
    bits: Option<u32>,
    /// sbnn: largest share of ones among the weights [default: 0.1].
    #[arg(long, value_name = "SHARE")]
    ones: Option<f32>,
    /// sbnn: share of the loss that the penalty has while there are more ones [default: what suits the share].
    #[arg(long, value_name = "SHARE")]
    penalty: Option<f32>,
    /// hq, pruned-ternary: share of zeros in hidden layers [default: 0.9].
    #[arg(long, value_name = "SHARE")]
    zeros: Option<f32>,
    /// smart-deal: share of coefficients that are kept in hidden layers [default: 0.2].
    #[arg(long, value_name = "SHARE")]
    coefficients: Option<f32>,
    /// Weight decay for each unit of the learning rate [default: 0].
    #[arg(long)]
    decay: Option<f32>,
    /// Batch norms that multiply by powers of two only.
    #[arg(long)]
    shift_norm: bool,
    /// Round gradients at random to this many bits, 2 to 8 [default: off].
    #[arg(long, value_name = "BITS")]
    gradient_bits: Option<u32>,
    /// Add the input of a layer to its accumulators where shapes allow.
    #[arg(long)]
    residual: bool,
    /// Passes over the training part [default: 30].
    #[arg(long)]
    epochs: Option<u32>,
    /// Samples per step [default: 128].
    #[arg(long)]
    batch: Option<u32>,
    /// Decides first weights, order and shifts [default: 1].
    #[arg(long)]
    seed: Option<u64>,
    /// adam or sgd [default: adam].
    #[arg(long)]
    optimizer: Option<OptimizerKind>,
    /// Highest learning rate [default: 0.003].
    #[arg(long)]
    rate: Option<f32>,
    /// Epochs of linear warm-up before the cosine [default: 1].
    #[arg(long)]
    warmup: Option<f32>,
    /// Random shift of pictures by up to this many pixels [default: 0].
    #[arg(long)]
    shift: Option<u32>,
    /// Random rotation of sensors with three axes each by up to this many degrees about each axis [default: 0].
    #[arg(long, value_name = "DEGREES")]
    tilt: Option<f32>,
    /// Label smoothing [default: 0].
    #[arg(long)]
    smoothing: Option<f32>,
    /// Share of the training rows that is kept apart to judge epochs by, 0 to 0.5, where the data has no validation part
    /// of its own; chosen by the bytes of a row, so equal rows stay together. 0 learns from all rows [default: 0.1].
    #[arg(long, value_name = "SHARE")]
    validation: Option<f32>,
    /// Stop when this many epochs brought nothing better on the validation rows [default: never].
    #[arg(long, value_name = "EPOCHS")]
    patience: Option<u32>,
    /// Which epoch's network is written: best (by validation accuracy, then loss) or last [default: best].
    #[arg(long, value_name = "WHICH")]
    keep: Option<Keep>,
    /// How much rows of each class count: none (all alike), balanced (rare classes more) or one number a class by comma
    /// [default: none].
    #[arg(long, value_name = "WEIGHTS")]
    class_weights: Option<ClassWeights>,
}

impl Settings {
    /// The settings of the file, or the defaults.
    fn file(&self) -> Result<TrainConfig> {
        let Some(path) = &self.config else { return Ok(TrainConfig::default()) };
        let text = String::from_utf8(files::read(path)?).with_context(|| format!("{} is not text", path.display()))?;
        toml::from_str(&text).with_context(|| format!("in {}", path.display()))
    }

    /// The configuration: defaults, then the file, then the options.
    pub fn config(&self) -> Result<TrainConfig> {
        let mut config = self.file()?;
        fn set<T: Clone>(field: &mut T, option: &Option<T>) {
            if let Some(value) = option {
                *field = value.clone();
            }
        }
        set(&mut config.arch, &self.arch);
        set(&mut config.input, &self.input);
        set(&mut config.method, &self.method);
        set(&mut config.bits, &self.bits);
        set(&mut config.ones, &self.ones);
        set(&mut config.penalty, &self.penalty);
        set(&mut config.zeros, &self.zeros);
        set(&mut config.coefficients, &self.coefficients);
        set(&mut config.decay, &self.decay);
        set(&mut config.gradient_bits, &self.gradient_bits);
        set(&mut config.epochs, &self.epochs);
        set(&mut config.batch, &self.batch);
        set(&mut config.seed, &self.seed);
        set(&mut config.optimizer, &self.optimizer);
        set(&mut config.rate, &self.rate);
        set(&mut config.warmup, &self.warmup);
        set(&mut config.shift, &self.shift);
        set(&mut config.tilt, &self.tilt);
        set(&mut config.smoothing, &self.smoothing);
        set(&mut config.validation, &self.validation);
        set(&mut config.patience, &self.patience);
        set(&mut config.keep, &self.keep);
        set(&mut config.class_weights, &self.class_weights);
        config.methods.extend(self.methods.iter().cloned());
        config.residual |= self.residual;
        config.shift_norm |= self.shift_norm;
        config.check()?;
        Ok(config)
    }
}
