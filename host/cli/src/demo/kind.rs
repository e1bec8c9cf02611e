//! The networks of the demo, one a kind of weights.

use anyhow::Result;
use bitfab_train::{LayerMethod, Method, TrainConfig};

/// Passes over the digits; seconds of work.
const EPOCHS: u32 = 60;

/// Which weights the demo learns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// +1 or -1.
    Binary,
    /// Two learned values, at most one weight in ten takes the second.
    SparseBinary,
    /// -1, 0 or +1, mostly 0.
    Ternary,
    /// Powers of two: shifts and additions.
    PowerOfTwo,
    /// Four planes of signs.
    Planes,
    /// Integers of four bits.
    Integer,
    /// Sparse powers of two times a small basis.
    SmartDeal,
    /// Sparse-binary, ternary, SmartDeal and four planes, layer by layer in one file.
    Mixed,
}

impl Kind {
    /// Its name on the command line.
    pub fn name(self) -> String {
        clap::ValueEnum::to_possible_value(&self).map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Words of the network for people.
    pub const fn what(self) -> &'static str {
        match self {
            Self::Binary => "a 64-128-64-10 network whose weights and activations are +1 or -1",
            Self::SparseBinary => "a 64-128-64-10 network of two weight values, one of them rare, and signs",
            Self::Ternary => "a 64-128-64-10 network of weights -1, 0 and +1 and 8-bit activations",
            Self::PowerOfTwo => "a 64-128-64-10 network of powers of two and 4-bit activations",
            Self::Planes => "a 64-128-64-10 network of 4 planes of signs and 4-bit activations",
            Self::Integer => "a 64-128-64-10 network of 4-bit integers and 8-bit activations",
            Self::SmartDeal => "a 64-128-64-10 network of powers of two times small bases and 8-bit activations",
            Self::Mixed => "a 64-128-64-32-10 network: sparse-binary, ternary, SmartDeal, then 4 planes",
        }
    }

    /// How it learns.
    pub fn config(self, seed: u64) -> Result<TrainConfig> {
        // A fixed recipe chooses nothing, so all training rows are learned from.
        let of = |method| TrainConfig { method, epochs: EPOCHS, seed, validation: 0.0, ..TrainConfig::default() };
        let two = |method| -> Result<TrainConfig> { Ok(TrainConfig { arch: "mlp:128,64".parse()?, ..of(method) }) };
        match self {
            Self::Binary => two(Method::Bnn),
            Self::SparseBinary => two(Method::Sbnn),
            Self::Ternary => Ok(TrainConfig { zeros: 0.8, ..two(Method::Hq)? }),
            Self::PowerOfTwo => two(Method::QnnLog),
            Self::Planes => two(Method::Planes(4)),
            Self::Integer => two(Method::Int(4)),
            Self::SmartDeal => Ok(TrainConfig { coefficients: 0.3, ..two(Method::SmartDeal)? }),
            Self::Mixed => {
                let layers = [("dense1", Method::Sbnn), ("dense2", Method::Hq), ("dense3", Method::SmartDeal)];
                let methods = layers.map(|(layer, method)| LayerMethod { layer: layer.into(), method }).into();
                let (zeros, coefficients, bits) = (0.7, 0.3, 4);
                let arch = "mlp:128,64,32".parse()?;
                Ok(TrainConfig { arch, methods, zeros, coefficients, bits, ..of(Method::Planes(4)) })
            }
        }
    }
}
