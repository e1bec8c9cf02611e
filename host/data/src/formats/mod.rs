//! Formats of known data sets: bytes of their files in, [`Rows`](crate::Rows) out.

mod hapt;
mod pickle;
mod series;
mod watch;

pub use hapt::{OTHER, hapt, hapt_windows};
pub use series::series;
pub use watch::watch;
