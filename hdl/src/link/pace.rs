//! How soon a result may be read over SPI, whose clock does not wait for bytes that are late.

use std::sync::Arc;

use crate::HdlError;
use crate::machine::first_frame;
use crate::program::Program;

/// Fewest clocks in which SPI reads a byte.
const CLOCKS: u64 = 8 * 6;

/// How many clocks behind its first byte a result is read at the earliest, so that no byte of it comes late: the engine
/// takes the same time whatever the input is.
///
/// # Errors
/// [`HdlError::LinkedResult`] where the buffer of results does not hold what would have to wait; as [`first_frame`].
pub(super) fn patience(program: &Arc<Program>) -> Result<u32, HdlError> {
    let (mut cycle, mut first, mut read, mut latest) = (0_u64, None, 0, 0);
    first_frame(program, |ports, _| {
        if ports.out.is_some() {
            let since = cycle - *first.get_or_insert(cycle);
            latest = latest.max(since.saturating_sub(CLOCKS * read));
            read += 1;
        }
        cycle += 1;
    })?;
    // The engine goes on while half of the buffer is free.
    let is_held = 2 * program.output_words <= program.buffer_words;
    match u32::try_from(latest) {
        Ok(clocks) if clocks == 0 || is_held => Ok(clocks),
        _ => Err(HdlError::LinkedResult { bytes: read }),
    }
}

#[cfg(test)]
mod tests {
    use bitfab_format::arbitrary::{Plan, Random, build, draft};
    use bitfab_format::{Kind, Model, Op, Shape};

    use super::*;
    use crate::{CycleMachine, Options, Stimulus, StreamByte};

    /// Whether a host that takes a byte every [`CLOCKS`], beginning `patience` clocks behind the first, finds each of them.
    fn is_in_time(program: &Arc<Program>, patience: u64) -> bool {
        let mut machine = CycleMachine::new(Arc::clone(program));
        let (mut given, mut read, mut due) = (0, 0, None);
        for cycle in 0_u64.. {
            let out = machine.ports().out;
            due = due.or(out.map(|_| cycle + patience));
            let takes = due == Some(cycle);
            if takes && out.is_none() {
                return false;
            }
            due = due.map(|at| if takes { at + CLOCKS } else { at });
            read += u32::from(takes);
            if read == 4 * program.output_words {
                break;
            }
            let byte = (given < program.input_bytes)
                .then_some(StreamByte { value: 0, last: given + 1 == program.input_bytes });
            given += u32::from(byte.is_some() && machine.ports().in_ready);
            machine.step(Stimulus::new(byte, takes));
        }
        true
    }

    #[test]
    fn no_byte_of_a_result_comes_late() {
        let (mut waits, mut early) = (0, 0);
        for seed in 0..60 {
            let words = draft([Op::Conv2d, Op::Dense, Op::SumPool][seed as usize % 3], &mut Random::new(seed)).emit();
            let model = Model::from_words(&words).unwrap();
            let options = Options::default().with_lanes([1, 2, 32][seed as usize / 3 % 3]);
            let program = Arc::new(Program::new(&model, &options).unwrap());
            let clocks = patience(&program).unwrap();
            assert!(is_in_time(&program, clocks.into()), "seed {seed}, {clocks} clocks");
            waits += u32::from(clocks != 0);
            // Patience is not there for nothing.
            early += u32::from(clocks > CLOCKS as u32 && !is_in_time(&program, 0));
        }
        assert!(waits > 3 && early > 1, "{waits} wait, {early} would come late");
    }

    /// A result that is longer than the buffer, on a lane that takes longer for a score than SPI for reading it.
    #[test]
    fn a_long_result_that_comes_slowly_is_refused() {
        let plans = [Plan::dense(600, Kind::I32)];
        let words = build(Shape::vector(2048), Kind::U8, &plans, &mut Random::new(1)).emit();
        let model = Model::from_words(&words).unwrap();
        let program = |lanes: u32| Arc::new(Program::new(&model, &Options::default().with_lanes(lanes)).unwrap());
        assert_eq!(patience(&program(1)), Err(HdlError::LinkedResult { bytes: 2400 }));
        let quick = patience(&program(32)).unwrap();
        assert!(is_in_time(&program(32), quick.into()), "{quick} clocks");
    }
}
