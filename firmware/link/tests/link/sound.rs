//! Frames that are nearly whole: what a checksum alone would let pass.

use std::collections::VecDeque;
use std::convert::Infallible;

use bitfab_link::protocol::{CORRUPT, OK, SLIP_END, SLIP_ESCAPE};
use bitfab_link::server::Slip;
use bitfab_link::{Frame, Link, LinkError, Patience, Received, Request, UartWire, Wire, crc32};
use embedded_hal::delay::DelayNs;
use embedded_hal_nb::{nb, serial};

use crate::served::server;

/// A frame with its checksum.
fn frame(body: &[u8]) -> Vec<u8> {
    [body, &crc32(&[body]).to_le_bytes()].concat()
}

/// A wire that gives what a function makes of the number of the request.
struct Given(fn(u8) -> Vec<u8>, u8);

impl Wire for Given {
    type Error = Infallible;

    fn send(&mut self, request: &Request<'_>) -> Result<(), Infallible> {
        self.1 = request.parts()[0][1];
        Ok(())
    }

    fn receive(&mut self, frame: &mut Frame<'_>) -> Result<Received, Infallible> {
        (self.0)(self.1).into_iter().for_each(|byte| frame.push(byte));
        Ok(Received::Frame)
    }
}

/// What a link makes of such answers to DRAIN.
fn drained(answer: fn(u8) -> Vec<u8>) -> Result<(), LinkError<Infallible>> {
    let mut link = Link::new(Given(answer, 0));
    link.session.tries = u8::MAX;
    link.drain()
}

#[test]
fn a_frame_that_is_longer_or_shorter_than_whole_does_not_count() {
    let corrupt = Err(LinkError::Corrupt { tries: u8::MAX });
    assert_eq!(drained(|number| frame(&[OK, number])), Ok(()));
    assert_eq!(drained(|number| [frame(&[OK, number]), vec![7]].concat()), corrupt);
    // Among 255 numbers some checksum ends in 0, as the room for it does before anything arrived.
    let ends_in_zero = (0..=u8::MAX).any(|number| frame(&[OK, number])[5] == 0);
    assert!(ends_in_zero);
    assert_eq!(drained(|number| frame(&[OK, number])[..5].to_vec()), corrupt);
}

/// A UART whose answers are the frame of a function, at once.
struct Answers(fn(u8) -> Vec<u8>, VecDeque<u8>, VecDeque<u8>);

impl serial::ErrorType for Answers {
    type Error = serial::ErrorKind;
}

impl serial::Read for Answers {
    fn read(&mut self) -> nb::Result<u8, serial::ErrorKind> {
        self.2.pop_front().ok_or(nb::Error::WouldBlock)
    }
}

impl serial::Write for Answers {
    fn write(&mut self, byte: u8) -> nb::Result<(), serial::ErrorKind> {
        self.1.push_back(byte);
        if byte == SLIP_END && self.1.len() > 1 {
            self.2 = (self.0)(self.1[2]).into();
            self.1.clear();
        }
        Ok(())
    }

    fn flush(&mut self) -> nb::Result<(), serial::ErrorKind> {
        Ok(())
    }
}

/// Time that does not matter.
struct NoTime;

impl DelayNs for NoTime {
    fn delay_ns(&mut self, _: u32) {}
}

/// A frame on the wire in which the byte at `at` has an escape before it that it does not need.
fn unsound(frame: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = vec![SLIP_END];
    for (place, byte) in frame.iter().enumerate() {
        assert!(![SLIP_END, SLIP_ESCAPE].contains(byte), "another number is needed");
        bytes.extend((place == at).then_some(SLIP_ESCAPE));
        bytes.push(*byte);
    }
    bytes.push(SLIP_END);
    bytes
}

#[test]
fn an_answer_with_what_is_no_byte_of_slip_does_not_count() {
    let patience = Patience { polls: 3, pause_us: 0 };
    let drained = |answer| {
        let mut link = Link::new(UartWire::new(Answers(answer, VecDeque::new(), VecDeque::new()), NoTime, patience));
        link.session.tries = 3;
        link.drain()
    };
    assert_eq!(drained(|number| unsound(&frame(&[OK, number]), usize::MAX)), Ok(()));
    assert_eq!(drained(|number| unsound(&frame(&[OK, number]), 1)), Err(LinkError::Corrupt { tries: 3 }));
}

#[test]
fn a_request_with_what_is_no_byte_of_slip_is_refused() {
    let status = |bytes: &[u8], damage_at: usize| {
        let mut slip = Slip::new(server());
        for (at, byte) in bytes.iter().enumerate() {
            if at == damage_at {
                slip.damaged();
            }
            slip.push(*byte);
        }
        std::iter::from_fn(|| slip.pull()).nth(1).unwrap()
    };
    let drain = frame(&[0x13, 3]);
    assert_eq!(status(&unsound(&drain, usize::MAX), usize::MAX), OK);
    assert_eq!(status(&unsound(&drain, 1), usize::MAX), CORRUPT);
    // An escape that the end of the frame cuts off.
    let cut = [&[SLIP_END][..], &drain, &[SLIP_ESCAPE, SLIP_END]].concat();
    assert_eq!(status(&cut, usize::MAX), CORRUPT);
    // A byte without a stop bit inside, and one before the frame.
    assert_eq!(status(&unsound(&drain, usize::MAX), 4), CORRUPT);
    assert_eq!(status(&unsound(&drain, usize::MAX), 1), OK);
}
