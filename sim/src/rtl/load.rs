//! Fills the memories of weights through the load port.

use bitfab_hdl::{LoadPorts, Program, Stimulus, StreamByte};

use super::patience::{PATIENCE, stuck};
use super::stalls::Pauses;
use super::{Circuit, Stalls};
use crate::error::SimError;

/// Fills the memories of a circuit with the image of its own program.
///
/// # Errors
/// As [`load`], and where the image is refused.
pub(super) fn fill(circuit: &mut dyn Circuit, program: &Program, stalls: Stalls) -> Result<(), SimError> {
    let shown = load(circuit, &program.image(), stalls)?;
    if shown.loaded { Ok(()) } else { Err(wrong("it refuses the image of its own weights")) }
}

/// Sends bytes to the load port, the last one marked, while a frame is offered; returns what the port shows afterwards.
///
/// # Errors
/// [`SimError`] where the circuit fails, has no load port, takes a byte of the frame before its weights have come, or none
/// of the image any more.
pub fn load(circuit: &mut dyn Circuit, image: &[u8], stalls: Stalls) -> Result<LoadPorts, SimError> {
    let mut pauses = Pauses::new(stalls);
    let (mut sent, mut cycle, mut progress) = (0, 0, 0);
    while sent < image.len() {
        let byte = StreamByte { value: image[sent], last: sent + 1 == image.len() };
        let offered = (!pauses.next().0).then_some(byte);
        let frame = StreamByte { value: 0, last: false };
        let (ports, _) = circuit.cycle(Stimulus::new(Some(frame), true).with_load(offered))?;
        let shown = ports.load.ok_or_else(|| wrong("it has no load port"))?;
        if ports.in_ready {
            return Err(wrong("it takes a frame before its weights have come"));
        }
        cycle += 1;
        if offered.is_some() && shown.ready {
            (sent, progress) = (sent + 1, cycle);
        } else if cycle - progress > PATIENCE {
            return Err(stuck(cycle));
        }
    }
    let (ports, _) = circuit.cycle(Stimulus::new(None, true))?;
    ports.load.ok_or_else(|| wrong("it has no load port"))
}

fn wrong(problem: &str) -> SimError {
    SimError::Tool { program: "the simulated accelerator".into(), problem: problem.into() }
}
