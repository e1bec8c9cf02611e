//! The rows of the table.

use bitfab_train::{Method, TrainConfig};

/// One row.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// How it learns; seed, architecture and epochs may be replaced.
    pub config: TrainConfig,
}

/// A recipe that learns from all training rows for a fixed number of epochs: nothing is chosen, so there is nothing to
/// choose by.
fn config(method: Method, epochs: u32) -> TrainConfig {
    TrainConfig { method, epochs, shift: 1, validation: 0.0, ..TrainConfig::default() }
}

/// All rows.
pub fn all() -> Vec<Entry> {
    let row = |name, config| Entry { name, config };
    let sbnn = |ones| TrainConfig { ones, ..config(Method::Sbnn, 20) };
    vec![
        row("float", config(Method::Float, 15)),
        row("bnn", config(Method::Bnn, 20)),
        row("bwn", config(Method::Bwn, 15)),
        row("sbnn-10", sbnn(0.10)),
        row("sbnn-5", sbnn(0.05)),
        row("hq", config(Method::Hq, 20)),
        row("pruned-ternary", config(Method::PrunedTernary, 20)),
        row("smart-deal", config(Method::SmartDeal, 20)),
        row("qnn-log", config(Method::QnnLog, 15)),
        row("int-4", config(Method::Int(4), 15)),
        row("once-qat", config(Method::OnceQat, 15)),
        row("planes-8", config(Method::Planes(8), 15)),
        row("planes-4", config(Method::Planes(4), 15)),
        row("planes-2", config(Method::Planes(2), 15)),
        row("planes-1", config(Method::Planes(1), 15)),
    ]
}
