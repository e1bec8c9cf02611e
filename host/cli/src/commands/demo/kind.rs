//! The networks of the demo: one a kind of weights, as the methods state them, and one of several.

use anyhow::Result;
use bitfab::train::methods::{ALL, Demo, Knobs, Method};
use bitfab::train::{Choice, TrainConfig};
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

/// Passes over the digits; seconds of work.
const EPOCHS: u32 = 60;
/// The kind of several methods.
const MIXED: &str = "mixed";
/// Its methods by layers.
const LAYERS: [&str; 3] = ["dense1=sbnn", "dense2=hq", "dense3=smart-deal"];

/// Which weights the demo learns.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Those of a method.
    Of(&'static dyn Method, Demo),
    /// Sparse-binary, ternary, SmartDeal and four planes, layer by layer in one file.
    Mixed,
}

/// The kinds of all methods.
fn kinds() -> impl Iterator<Item = Kind> {
    let kinds = ALL.iter().copied().filter_map(|method| Some(Kind::Of(method, method.about().demo?)));
    kinds.chain([Kind::Mixed])
}

impl Kind {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Of(_, demo) => demo.kind,
            Self::Mixed => MIXED,
        }
    }

    /// Reads the name.
    pub fn parser() -> impl TypedValueParser<Value = Self> {
        let value = |kind: Self| PossibleValue::new(kind.name()).help(kind.help());
        let names = PossibleValuesParser::new(kinds().map(value));
        names.try_map(|name| kinds().find(|kind| kind.name() == name).ok_or("no such kind"))
    }

    /// Its weights, in a sentence.
    fn help(self) -> &'static str {
        match self {
            Self::Of(_, demo) => demo.help,
            Self::Mixed => "Sparse-binary, ternary, SmartDeal and four planes, layer by layer in one file",
        }
    }

    /// Words of the network for people.
    pub fn what(self) -> String {
        match self {
            Self::Of(_, demo) => format!("a 64-128-64-10 network {}", demo.what),
            Self::Mixed => "a 64-128-64-32-10 network: sparse-binary, ternary, SmartDeal, then 4 planes".into(),
        }
    }

    /// How it learns.
    pub fn config(self, seed: u64) -> Result<TrainConfig> {
        // A fixed recipe chooses nothing, so all training rows are learned from.
        let fixed = TrainConfig { epochs: EPOCHS, seed, validation: 0.0, ..TrainConfig::default() };
        match self {
            Self::Of(method, demo) => {
                let choice = Choice::of(method);
                let method = choice.with_bits(demo.bits).unwrap_or(choice);
                let knobs = Knobs::default().with(demo.settings);
                Ok(TrainConfig { arch: "mlp:128,64".parse()?, method, knobs, ..fixed })
            }
            Self::Mixed => {
                let methods = LAYERS.into_iter().map(str::parse).collect::<Result<_, _>>()?;
                let knobs = Knobs::default().with(&[("zeros", 0.7), ("coefficients", 0.3)]);
                let (arch, method) = ("mlp:128,64,32".parse()?, "planes:4".parse()?);
                Ok(TrainConfig { arch, method, methods, knobs, bits: 4, ..fixed })
            }
        }
    }
}
