//! The settings of `bitfab train`: defaults, then a file, then options.

use std::path::PathBuf;

use anyhow::{Context, Result};
use bitfab::train::methods::knobs;
use bitfab::train::{Architecture, Choice, ClassWeights, InputCoding, Keep, LayerMethod, OptimizerKind, TrainConfig};
use clap::{Arg, ArgMatches, Command, FromArgMatches, value_parser};

use crate::io::files;

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
    #[arg(long, help = method_help())]
    method: Option<Choice>,
    /// Another method for one layer, such as dense1=sbnn or scores=int:8; may be repeated.
    #[arg(long = "layer", value_name = "LAYER=METHOD")]
    methods: Vec<LayerMethod>,
    /// Activation bits, 1 to 8 [default: what the method is meant for].
    #[arg(long)]
    bits: Option<u32>,
    #[command(flatten)]
    knobs: Chosen,
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

/// What `--method` may be; networks that have no file are left out.
fn method_help() -> String {
    let methods = bitfab::train::forms(|method| !method.about().is_real);
    format!("How weights are learned and what they become: {methods} [default: {}]", Choice::default())
}

/// The settings of methods that are stated: an option each, named and explained by the methods.
#[derive(Debug, Default)]
struct Chosen(Vec<(&'static str, f32)>);

impl clap::Args for Chosen {
    fn augment_args(command: Command) -> Command {
        let option = |knob: &'static bitfab::train::methods::Knob| {
            let [id, value] = [knob.name, knob.value];
            Arg::new(id).long(id).value_name(value).help(knob.help).value_parser(value_parser!(f32))
        };
        command.args(knobs().into_iter().map(option))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Chosen {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let value = |name| Some((name, *matches.get_one::<f32>(name)?));
        Ok(Self(knobs().into_iter().filter_map(|knob| value(knob.name)).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0.extend(Self::from_arg_matches(matches)?.0);
        Ok(())
    }
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
        self.knobs.0.iter().for_each(|(name, value)| config.knobs.set(name, *value));
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
