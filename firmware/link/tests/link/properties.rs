//! Whatever bytes came over a wire, a DRAIN is answered in the time of four inferences, and then one is right (P-30).

use bitfab_link::protocol::{SLIP_END, SPI_READ, SPI_REQUEST};
use bitfab_link::server::Slip;
use bitfab_link::{Patience, SpiWire, UartWire, Wire, crc32};
use bitfab_runtime::digest;
use proptest::prelude::*;

use crate::chip::{Chip, Far};
use crate::over_spi::OverSpi;
use crate::over_uart::OverUart;
use crate::served::{Served, server};
use crate::wires::line::{Shared, Spi, SpiClock};
use crate::wires::serial::{Serial, Uart};
use crate::{INPUT, MODEL, WORDS, link, software};

/// Four inferences and the bytes around them, in ticks; the second try is for the driver that met an old answer.
const BOUND: Patience = Patience { polls: 250, pause_us: 1 };
const TRIES: u8 = 2;

/// Bytes of a wire: whole requests, pieces of them, noise.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let request = (0x10u8..0x16, any::<u8>(), prop::collection::vec(any::<u8>(), INPUT), any::<bool>());
    let request = request.prop_map(|(command, number, input, has_input)| {
        let payload: &[u8] = if has_input { &input } else { &[] };
        let tail = crc32(&[&[command, number], payload]).to_le_bytes();
        [&[command, number], payload, &tail].concat()
    });
    let cut = (request.clone(), 0usize..60).prop_map(|(request, end)| request.into_iter().take(end).collect());
    prop_oneof![request, cut, prop::collection::vec(any::<u8>(), 0..60)]
}

/// Asks, and compares one inference.
fn recovers<W: Wire>(wire: W) -> Result<(), TestCaseError> {
    let mut link = link(wire, TRIES);
    prop_assert!(link.drain().is_ok(), "DRAIN is not answered");
    prop_assert!(link.connect(digest(MODEL.words())).is_ok());
    let input = std::array::from_fn::<u8, INPUT, _>(|at| (at * 7) as u8);
    let mut output = [0; WORDS * 4];
    prop_assert!(link.infer(&input, &mut output).is_ok());
    prop_assert_eq!(output.to_vec(), software(&input));
    Ok(())
}

/// Transactions: the first byte, what follows, ticks afterwards.
fn over_spi<F: Far>(far: F, pieces: &[(u8, Vec<u8>, u32)]) -> Result<(), TestCaseError> {
    let shared = Shared::new(OverSpi::new(far), 0);
    for (first, piece, ticks) in pieces {
        let far = &mut shared.0.borrow_mut().far;
        far.select();
        for byte in [*first].iter().chain(piece) {
            far.transfer(*byte);
            far.tick();
        }
        far.deselect();
        (0..*ticks).for_each(|_| far.tick());
    }
    recovers(SpiWire::new(shared.clone(), SpiClock(shared), BOUND))
}

/// Bytes, each of which may have lost its stop bit, and ticks after a piece.
fn over_uart<U: Uart>(far: U, pieces: &[(u8, Vec<u8>, u32)]) -> Result<(), TestCaseError> {
    let serial = Serial::new(Shared::new(far, 0));
    for (last, piece, ticks) in pieces {
        for byte in piece.iter().chain([last]) {
            let far = &mut serial.shared.0.borrow_mut().far;
            far.put(Some(*byte));
            far.tick();
            far.get();
        }
        if last % 16 == 1 {
            serial.shared.0.borrow_mut().far.put(None);
        }
        (0..*ticks).for_each(|_| serial.tick());
    }
    recovers(UartWire::new(serial.clone(), serial, BOUND))
}

fn pieces(marks: Vec<u8>) -> impl Strategy<Value = Vec<(u8, Vec<u8>, u32)>> {
    let mark = prop_oneof![3 => prop::sample::select(marks), 1 => any::<u8>()];
    prop::collection::vec((mark, piece(), 0u32..80), 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn over_spi_it_recovers_from_any_bytes(pieces in pieces(vec![SPI_REQUEST, SPI_READ])) {
        over_spi(Chip::new(None), &pieces)?;
        over_spi(Served::of(server(), 20), &pieces)?;
    }

    #[test]
    fn over_uart_it_recovers_from_any_bytes(pieces in pieces(vec![SLIP_END])) {
        over_uart(OverUart::new(Chip::new(None)), &pieces)?;
        over_uart(Slip::new(server()), &pieces)?;
    }
}
