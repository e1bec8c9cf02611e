//! Fills the memories of weights through the load port.

use bitfab_hdl::{LoadPorts, Stimulus, StreamByte};

use super::stalls::Pauses;
use super::{Circuit, Stalls};
use crate::error::SimError;

/// Sends bytes to the load port, the last one marked, while a frame is offered; returns what the port shows afterwards.
///
/// # Errors
/// [`SimError`] where the circuit fails, has no load port, or takes a byte of the frame before its weights have come.
pub fn load(circuit: &mut dyn Circuit, image: &[u8], stalls: Stalls) -> Result<LoadPorts, SimError> {
    let wrong = |problem: &str| SimError::Tool { program: "the simulated accelerator".into(), problem: problem.into() };
    let mut pauses = Pauses::new(stalls);
    let mut sent = 0;
    while sent < image.len() {
        let byte = StreamByte { value: image[sent], last: sent + 1 == image.len() };
        let offered = (!pauses.next().0).then_some(byte);
        let frame = StreamByte { value: 0, last: false };
        let (ports, _) = circuit.cycle(Stimulus::new(Some(frame), true).with_load(offered))?;
        let shown = ports.load.ok_or_else(|| wrong("it has no load port"))?;
        if ports.in_ready {
            return Err(wrong("it takes a frame before its weights have come"));
        }
        sent += usize::from(offered.is_some() && shown.ready);
    }
    let (ports, _) = circuit.cycle(Stimulus::new(None, true))?;
    ports.load.ok_or_else(|| wrong("it has no load port"))
}
