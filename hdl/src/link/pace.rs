//! How soon a result may be read over SPI, whose clock does not wait for bytes that are late.

use std::sync::Arc;

use crate::program::Program;
use crate::{CycleMachine, HdlError, Stimulus, StreamByte};

/// Fewest clocks in which SPI reads a byte.
const CLOCKS: u64 = 8 * 6;

/// How many clocks behind its first byte a result is read at the earliest, so that no byte of it comes late: the engine
/// takes the same time whatever the input is.
///
/// # Errors
/// [`HdlError::LinkedResult`] where the buffer of results does not hold what would have to wait.
pub(super) fn patience(program: &Arc<Program>) -> Result<u32, HdlError> {
    let mut machine = CycleMachine::new(Arc::clone(program));
    let (mut given, mut cycle) = (0, 0_u64);
    let (mut first, mut read, mut latest) = (None, 0, 0);
    let bytes = 4 * u64::from(program.output_words);
    while read < bytes {
        let ports = machine.ports();
        if ports.out.is_some() {
            let since = cycle - *first.get_or_insert(cycle);
            latest = latest.max(since.saturating_sub(CLOCKS * read));
            read += 1;
        }
        let is_given = given < program.input_bytes;
        let byte = is_given.then_some(StreamByte { value: 0, last: given + 1 == program.input_bytes });
        given += u32::from(is_given && ports.in_ready);
        machine.step(Stimulus::new(byte, true));
        cycle += 1;
    }
    // The engine goes on while half of the buffer is free.
    let is_held = 2 * program.output_words <= program.buffer_words;
    match u32::try_from(latest) {
        Ok(clocks) if clocks == 0 || is_held => Ok(clocks),
        _ => Err(HdlError::LinkedResult { bytes }),
    }
}
