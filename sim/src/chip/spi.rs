//! SPI, mode 0, at the pins of a chip.

use bitfab_hdl::SpiChip;
use embedded_hal::spi::{ErrorType, Operation, SpiDevice};

use super::{Bench, Clocked, Unsettled};

const SCK: u32 = 0;
const CS_N: u32 = 1;
const MOSI: u32 = 2;

/// An SPI device that is a chip.
pub struct SimSpi {
    bench: Bench<SpiChip>,
    /// Clocks of the chip in half a clock of the bus.
    half: u32,
    /// What the wire does to each byte, on its way to the chip and back: it may be changed.
    faults: Box<dyn FnMut(u8) -> u8>,
}

impl SimSpi {
    /// The chip of `bench` at `2 * half` of its clocks a clock of the bus, over a wire that changes bytes.
    pub fn new(bench: Bench<SpiChip>, half: u32, faults: impl FnMut(u8) -> u8 + 'static) -> Self {
        Self { bench, half, faults: Box::new(faults) }
    }

    fn byte(chip: &mut Clocked<SpiChip>, half: u32, out: u8) -> Result<u8, Unsettled> {
        let mut came = 0;
        for bit in (0..8).rev() {
            chip.set(MOSI, out >> bit & 1 == 1);
            wait(chip, half)?;
            chip.set(SCK, true);
            // The host samples with the rising edge.
            came = came << 1 | (chip.step()? & 1) as u8;
            wait(chip, half - 1)?;
            chip.set(SCK, false);
        }
        Ok(came)
    }
}

fn wait(chip: &mut Clocked<SpiChip>, clocks: u32) -> Result<(), Unsettled> {
    (0..clocks).try_for_each(|_| chip.step().map(|_| ()))
}

impl ErrorType for SimSpi {
    type Error = Unsettled;
}

impl SpiDevice for SimSpi {
    fn transaction(&mut self, operations: &mut [Operation<'_, u8>]) -> Result<(), Unsettled> {
        let Self { bench, half, faults } = self;
        bench.with(|chip| {
            chip.set(CS_N, false);
            wait(chip, 2 * *half)?;
            let transfer = |out: u8| {
                let sent = faults(out);
                Self::byte(chip, *half, sent).map(&mut *faults)
            };
            each_byte(operations, transfer)?;
            wait(chip, *half)?;
            chip.set(CS_N, true);
            wait(chip, 2 * *half)
        })
    }
}

/// Does what is asked of a bus, a byte at a time: `transfer` sends one and gives what came.
pub(crate) fn each_byte<E>(
    operations: &mut [Operation<'_, u8>],
    mut transfer: impl FnMut(u8) -> Result<u8, E>,
) -> Result<(), E> {
    for operation in operations {
        match operation {
            Operation::Read(bytes) => bytes.iter_mut().try_for_each(|byte| transfer(0).map(|came| *byte = came))?,
            Operation::Write(bytes) => bytes.iter().try_for_each(|byte| transfer(*byte).map(|_| ()))?,
            Operation::Transfer(read, write) => {
                for at in 0..read.len().max(write.len()) {
                    let came = transfer(write.get(at).copied().unwrap_or(0))?;
                    if let Some(byte) = read.get_mut(at) {
                        *byte = came;
                    }
                }
            }
            Operation::TransferInPlace(bytes) => {
                bytes.iter_mut().try_for_each(|byte| transfer(*byte).map(|came| *byte = came))?;
            }
            Operation::DelayNs(_) => {}
        }
    }
    Ok(())
}
