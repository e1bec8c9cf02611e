//! The rows of the table: configurations and what is asked of them.

use bitfab_train::{Method, TrainConfig};

/// What the accuracy of a row is compared with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Yardstick {
    /// Nothing.
    None,
    /// Another row, at most so many points above.
    Row(&'static str, f64),
}

/// One row.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// How it learns; seed, architecture and epochs may be replaced.
    pub config: TrainConfig,
    /// What accuracy is asked.
    pub yardstick: Yardstick,
    /// Most bits a weight as shipped that are asked for.
    pub most_bits: Option<f64>,
}

/// A recipe that learns from all training rows for a fixed number of epochs: nothing is chosen, so there is nothing to
/// choose by.
fn config(method: Method, epochs: u32) -> TrainConfig {
    TrainConfig { method, epochs, shift: 1, validation: 0.0, ..TrainConfig::default() }
}

/// All rows, yardsticks before what they judge.
pub fn all() -> Vec<Entry> {
    let row = |name, config, yardstick, most_bits| Entry { name, config, yardstick, most_bits };
    let float = |points| Yardstick::Row("float", points);
    let bnn = |points| Yardstick::Row("bnn", points);
    let sbnn = |ones| TrainConfig { ones, ..config(Method::Sbnn, 20) };
    let mut rows = vec![
        row("float", config(Method::Float, 15), Yardstick::None, None),
        row("bnn", config(Method::Bnn, 20), float(2.0), Some(1.02)),
        row("bwn", config(Method::Bwn, 15), float(0.5), Some(1.02)),
        row("sbnn-10", sbnn(0.10), bnn(1.5), Some(0.55)),
        row("sbnn-5", sbnn(0.05), bnn(2.5), Some(0.33)),
        row("hq", config(Method::Hq, 20), float(0.8), Some(0.80)),
        row("pruned-ternary", config(Method::PrunedTernary, 20), float(0.8), Some(0.80)),
        row("smart-deal", config(Method::SmartDeal, 20), float(0.5), Some(32.0 / 15.0)),
        row("qnn-log", config(Method::QnnLog, 15), Yardstick::None, None),
        row("int-4", config(Method::Int(4), 15), Yardstick::None, None),
        row("once-qat", config(Method::OnceQat, 15), Yardstick::None, None),
    ];
    for (name, planes) in [("planes-8", 8), ("planes-4", 4), ("planes-2", 2), ("planes-1", 1)] {
        rows.push(row(name, config(Method::Planes(planes), 15), Yardstick::None, None));
    }
    rows
}
