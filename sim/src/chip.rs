//! A chip behind its pins, and hosts whose buses are those pins: the driver of `bitfab-link` talks to the circuit.

mod flash;
mod pins;
mod replay;
mod spi;
mod uart;

pub use flash::Flash;
pub use pins::{Bench, Chip, Clocked, SimDelay, Unsettled};
pub use replay::{PinDifferences, Top, replay_pins};
pub use spi::SimSpi;
pub(crate) use spi::each_byte;
pub use uart::SimUart;
