//! The network while it learns: layers over numbered tensors, forward with a tape, backward from the tape.

mod live;
mod net;
mod step;

pub use net::{Net, Tape, Thermometer};
pub use step::{Stage, Step};
