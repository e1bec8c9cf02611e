//! What a driver of this project never does, but `PROTOCOL.md` lets a host do.

use bitfab_format::Model;
use bitfab_link::Identity;
use bitfab_link::protocol::{
    CORRUPT, DIGESTS, DRAIN, IDENTIFY, INFER, MISSING, OK, SLIP_END, SLIP_ESCAPE, SLIP_ESCAPED_END,
    SLIP_ESCAPED_ESCAPE, SPI_READ, SPI_REQUEST, STATE_BUSY, STATE_IDLE, STATE_READY, UNKNOWN,
};

use crate::verilated::Pins;
use crate::wires::answer;
use crate::wires::line::Spi;
use crate::wires::serial::Uart;

const CRC: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);
/// More than an inference and its answer take.
const POLLS: usize = 2_000;

fn framed(parts: &[&[u8]]) -> Vec<u8> {
    let bytes = parts.concat();
    [&bytes[..], &CRC.checksum(&bytes).to_le_bytes()].concat()
}

/// A host that has a chip to itself.
struct Host<'m> {
    pins: Pins,
    is_uart: bool,
    model: Model<'m>,
    identity: Identity,
}

impl Host<'_> {
    fn transact(&mut self, bytes: impl IntoIterator<Item = u8>) -> Vec<u8> {
        self.pins.select();
        let came = bytes.into_iter().map(|byte| self.pins.transfer(byte)).collect();
        self.pins.deselect();
        came
    }

    fn send(&mut self, command: u8, sequence: u8, payload: &[u8]) {
        self.send_frame(&framed(&[&[command, sequence], payload]));
    }

    fn send_frame(&mut self, frame: &[u8]) {
        if !self.is_uart {
            self.transact([SPI_REQUEST].into_iter().chain(frame.iter().copied()));
            return;
        }
        let escaped = frame.iter().flat_map(|byte| match *byte {
            SLIP_END => vec![SLIP_ESCAPE, SLIP_ESCAPED_END],
            SLIP_ESCAPE => vec![SLIP_ESCAPE, SLIP_ESCAPED_ESCAPE],
            byte => vec![byte],
        });
        for byte in std::iter::once(SLIP_END).chain(escaped).chain([SLIP_END]) {
            self.pins.put(Some(byte));
            Uart::tick(&mut self.pins);
        }
    }

    fn state(&mut self) -> u8 {
        self.transact([0])[0]
    }

    /// Whether an answer comes over SPI.
    fn waits(&mut self) -> bool {
        (0..POLLS).any(|_| self.state() == STATE_READY)
    }

    /// So many bytes of the answer over SPI.
    fn read(&mut self, length: usize) -> Vec<u8> {
        self.transact(std::iter::once(SPI_READ).chain(std::iter::repeat_n(0, length))).split_off(1)
    }

    /// So many bytes over a UART, or what came of them.
    fn came(&mut self, length: usize) -> Vec<u8> {
        let mut came = Vec::new();
        for _ in 0..POLLS / 4 {
            Uart::tick(&mut self.pins);
            came.extend(std::iter::from_fn(|| self.pins.get()));
            if came.len() >= length {
                break;
            }
        }
        came
    }

    /// Whether that is the answer, and it does not come again.
    fn gets(&mut self, status: u8, sequence: u8, payload: &[u8]) -> bool {
        let expected = framed(&[&[status, sequence], payload]);
        if self.is_uart {
            let came = self.came(usize::MAX);
            let frame = SlipFrames(&came).last();
            return frame.is_some_and(|frame| frame == expected);
        }
        self.waits() && self.read(expected.len()) == expected && self.state() != STATE_READY
    }

    fn input(&self, seed: u8) -> Vec<u8> {
        (0..self.model.input_bytes()).map(|at| seed.wrapping_mul(91).wrapping_add(at as u8 * 37)).collect()
    }

    fn drains(&mut self, sequence: u8) -> bool {
        self.send(DRAIN, sequence, &[]);
        self.gets(OK, sequence, &[])
    }

    fn infers(&mut self, seed: u8) -> bool {
        let input = self.input(seed);
        self.send(INFER, seed, &input);
        self.gets(OK, seed, &answer(&self.model, &input).0)
    }
}

type Conversation = fn(&mut Host<'_>) -> bool;

/// What is not a whole request of this version is refused, and computes nothing.
fn refuses(host: &mut Host<'_>) -> bool {
    let payload = host.input(3);
    let mut wrong = framed(&[&[INFER, 2], &payload]);
    wrong[3] ^= 1;
    host.send_frame(&wrong);
    let is_corrupt = host.gets(CORRUPT, 2, &[]);
    host.send(INFER, 4, &payload[1..]);
    let is_short = host.gets(CORRUPT, 4, &[]);
    host.send(INFER, 5, &[&payload[..], &[0]].concat());
    let is_long = host.gets(CORRUPT, 5, &[]);
    host.send(0x42, 6, &[]);
    is_corrupt && is_short && is_long && host.gets(UNKNOWN, 6, &[]) && host.infers(7)
}

/// A request ends the answer that is under way, wherever it is: within an escaped byte too.
fn cancels(host: &mut Host<'_>) -> bool {
    let result = |host: &Host<'_>, seed: u8| answer(&host.model, &host.input(seed)).0;
    let seed = (0..=255).find(|seed| result(host, *seed).contains(&SLIP_END)).unwrap();
    let (input, identity) = (host.input(seed), framed(&[&[OK, 1], &host.identity.to_bytes()]));
    let whole = framed(&[&[OK, seed], &result(host, seed)]);
    (1..whole.len()).all(|length| {
        host.send(INFER, seed, &input);
        let begun = host.came(length);
        // Bytes that come drift past those that go: somewhere one begins while another is still in the checksum.
        host.pins.rest(7 * length as u16);
        host.send(IDENTIFY, 1, &[]);
        let came = [begun, host.came(usize::MAX)].concat();
        let frames: Vec<Vec<u8>> = SlipFrames(&came).collect();
        frames.len() == 2 && whole.starts_with(&frames[0]) && frames[1] == identity
    })
}

/// A host whose clock is not quite that of the board.
fn hears_other_clocks(host: &mut Host<'_>) -> bool {
    [2, -2, 0].into_iter().enumerate().all(|(seed, percent)| {
        host.pins.slow(percent);
        host.infers(80 + seed as u8)
    })
}

/// An answer that was not read whole can be read from its beginning; behind its end there is none.
fn rereads(host: &mut Host<'_>) -> bool {
    let expected = framed(&[&[OK, 1], &host.identity.to_bytes()]);
    host.send(IDENTIFY, 1, &[]);
    let is_begun = host.waits() && host.read(7) == expected[..7] && host.read(3) == expected[..3];
    let rest = host.read(expected.len() + 3);
    is_begun && rest == [&expected[..], &[STATE_IDLE; 3]].concat() && host.state() == STATE_IDLE
}

/// Unless it is a result, which the accelerator gives once: then the answer ends.
fn gives_a_result_once(host: &mut Host<'_>) -> bool {
    let input = host.input(9);
    host.send(INFER, 9, &input);
    let is_torn = host.waits() && host.read(4).len() == 4 && host.state() != STATE_READY;
    host.send(DRAIN, 10, &[]);
    is_torn && host.gets(OK, 10, &[]) && host.infers(11)
}

/// A result is dropped whole, though some of it has been read.
fn tears_within_a_result(host: &mut Host<'_>) -> bool {
    let input = host.input(12);
    host.send(INFER, 12, &input);
    let is_torn = host.waits() && host.read(3).len() == 3;
    is_torn && host.infers(13) && host.infers(14)
}

/// Without an inference there are no digests.
fn has_no_digests_at_first(host: &mut Host<'_>) -> bool {
    Spi::reset(&mut host.pins);
    host.send(DIGESTS, 20, &[]);
    !host.identity.has_digests() || host.gets(MISSING, 20, &[])
}

/// Digests are those of the last inference, even while it is under way.
fn keeps_digests_of_one_inference(host: &mut Host<'_>) -> bool {
    let input = host.input(31);
    let first = host.infers(30);
    host.send(INFER, 31, &input);
    host.send(DIGESTS, 32, &[]);
    first && (!host.identity.has_digests() || host.gets(OK, 32, &answer(&host.model, &input).1))
}

/// A reading that began before the answer was there gets states alone.
fn is_not_ready_within_a_reading(host: &mut Host<'_>) -> bool {
    let input = host.input(40);
    host.send(INFER, 40, &input);
    let came = host.read(POLLS / 10);
    let states = [STATE_BUSY, STATE_READY];
    came.iter().all(|state| states.contains(state)) && host.gets(OK, 40, &answer(&host.model, &input).0)
}

/// Requests that nobody waits for, then one that somebody does.
fn forgets_what_nobody_reads(host: &mut Host<'_>) -> bool {
    for seed in 50..56 {
        let input = host.input(seed);
        host.send(INFER, seed, &input);
    }
    host.send(DRAIN, 56, &[]);
    // It may have had no room for that request.
    (host.gets(OK, 56, &[]) || host.drains(56)) && host.infers(57)
}

/// A request behind another whose result is not there yet.
fn answers_the_last_request(host: &mut Host<'_>) -> bool {
    let input = host.input(60);
    host.send(INFER, 60, &input);
    let identity = host.identity.to_bytes();
    host.send(IDENTIFY, 61, &[]);
    host.gets(OK, 61, &identity) && host.infers(62)
}

const EITHER: [(&str, Conversation); 5] = [
    ("refusals", refuses),
    ("no digests at first", has_no_digests_at_first),
    ("digests while it computes", keeps_digests_of_one_inference),
    ("nobody reads", forgets_what_nobody_reads),
    ("one request behind another", answers_the_last_request),
];
const SPI: [(&str, Conversation); 4] = [
    ("an answer is read again", rereads),
    ("a result is read once", gives_a_result_once),
    ("a result is torn", tears_within_a_result),
    ("read too soon", is_not_ready_within_a_reading),
];
const UART: [(&str, Conversation); 2] = [("an answer is cancelled", cancels), ("another clock", hears_other_clocks)];

/// The first conversation with a chip of `model` that goes wrong.
pub fn wrong(pins: Pins, is_uart: bool, model: Model<'_>, identity: &Identity) -> Option<&'static str> {
    let mut host = Host { pins, is_uart, model, identity: *identity };
    let of_bus = if is_uart { &UART[..] } else { &SPI };
    EITHER.iter().chain(of_bus).find(|(_, is_right)| !is_right(&mut host)).map(|(name, _)| *name)
}

/// The frames between the ends of SLIP that are not empty.
struct SlipFrames<'a>(&'a [u8]);

impl Iterator for SlipFrames<'_> {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let from = self.0.iter().position(|byte| *byte != SLIP_END)?;
        let length = self.0[from..].iter().position(|byte| *byte == SLIP_END)?;
        let (frame, rest) = self.0[from..].split_at(length);
        self.0 = rest;
        let mut bytes = frame.iter();
        Some(
            std::iter::from_fn(|| match *bytes.next()? {
                SLIP_ESCAPE => Some(if *bytes.next()? == SLIP_ESCAPED_END { SLIP_END } else { SLIP_ESCAPE }),
                byte => Some(byte),
            })
            .collect(),
        )
    }
}
