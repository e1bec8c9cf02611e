#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod confusion;
mod error;
mod interface;
mod metrics;
mod model;
mod number;
mod operations;
pub mod picture;
mod render;
pub mod resources;
pub mod table;

pub use confusion::Confusion;
pub use error::ReportError;
pub use interface::{CodingSummary, InterfaceSummary};
pub use metrics::{ClassMetrics, ClassShare, Metrics};
pub use model::{LayerSummary, ModelSummary, TensorSummary};
pub use operations::Operations;
pub use render::png;
