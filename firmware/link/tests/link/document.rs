//! The bytes of `PROTOCOL.md`: both sides make them, and every clause that is cited exists.

use std::collections::VecDeque;
use std::convert::Infallible;

use bitfab_link::server::{Server, Slip};
use bitfab_link::{Frame, Link, Patience, Received, Request, SpiWire, UartWire, Wire, crc32};
use bitfab_runtime::{Machine, ModelFile};
use embedded_hal::delay::DelayNs;
use embedded_hal::spi::{ErrorType, Operation, SpiDevice};
use embedded_hal_nb::{nb, serial};

use crate::over_spi::OverSpi;
use crate::wires::line::Spi;

const TEXT: &str = include_str!("../../PROTOCOL.md");
const MODEL: ModelFile = bitfab_runtime::model!("../../../../tests/vectors/interface_0.bfab");

type Software = Machine<'static, { MODEL.arena_words() }>;

fn server() -> Server<'static, Software> {
    let machine = Software::new(MODEL.model().unwrap()).unwrap();
    Server::new(machine, Box::leak(Box::new([0; 32])), Box::leak(Box::new([0; 4]))).unwrap()
}

/// The bytes of a line; `None` stands for one that means nothing.
fn bytes(text: &str) -> Vec<Option<u8>> {
    let byte = |word: &str| u8::from_str_radix(word, 16).ok();
    text.split_whitespace().filter(|word| *word != "|").map(byte).collect()
}

/// What stands behind lines that begin so.
fn lines(start: &str) -> Vec<&'static str> {
    TEXT.lines().filter_map(|line| line.strip_prefix(start)).map(str::trim).collect()
}

/// Requests and answers in order; a reset is empty.
fn frames() -> Vec<(&'static str, Vec<u8>)> {
    let mut all = Vec::new();
    for line in TEXT.lines() {
        if line == "reset" {
            all.push(("reset", Vec::new()));
        }
        for kind in ["request", "answer"] {
            if let Some((_, text)) = line.split_once(&format!(" {kind}  ")) {
                all.push((kind, bytes(text).into_iter().flatten().collect()));
            }
        }
    }
    all
}

#[test]
fn the_server_answers_as_the_examples_do() {
    let (mut far, mut answers) = (server(), 0);
    for (kind, frame) in frames() {
        match kind {
            "reset" => far = server(),
            "request" => {
                far.begin();
                frame.iter().for_each(|byte| far.push(*byte));
                far.end();
            }
            _ => {
                let expected: Vec<String> = far.answer().iter().map(|byte| format!("{byte:02X}")).collect();
                assert_eq!(frame, far.answer(), "must be {}", expected.join(" "));
                answers += 1;
            }
        }
    }
    assert_eq!(answers, 7);
}

/// A wire that keeps the requests and answers by a server.
struct Recorder {
    far: Server<'static, Software>,
    requests: Vec<Vec<u8>>,
}

impl Wire for Recorder {
    type Error = Infallible;

    fn send(&mut self, request: &Request<'_>) -> Result<(), Infallible> {
        self.requests.push(request.parts().concat());
        self.far.begin();
        request.parts().concat().into_iter().for_each(|byte| self.far.push(byte));
        self.far.end();
        Ok(())
    }

    fn receive(&mut self, frame: &mut Frame<'_>) -> Result<Received, Infallible> {
        self.far.answer().iter().for_each(|byte| frame.push(*byte));
        Ok(Received::Frame)
    }
}

#[test]
fn the_driver_sends_the_requests_of_the_examples() {
    let mut link = Link::new(Recorder { far: server(), requests: Vec::new() });
    let mut digests = [0; 16];
    link.connect(bitfab_runtime::digest(MODEL.words())).unwrap();
    link.infer(&[0, 1, 0xFF], &mut [0; 4]).unwrap();
    link.drain().unwrap();
    link.digests(&mut digests).unwrap();
    let examples = frames().into_iter().filter(|(kind, _)| *kind == "request").map(|(_, frame)| frame);
    let examples: Vec<Vec<u8>> = examples.take(4).collect();
    let hex = |frames: &[Vec<u8>]| frames.iter().map(|frame| format!("{frame:02X?}")).collect::<Vec<_>>().join("\n");
    assert_eq!(link.wire.requests, examples, "must be\n{}", hex(&link.wire.requests));
    // The two that it never sends, and the damaged one but for its damage.
    for frame in frames().into_iter().filter(|(kind, _)| *kind == "request").map(|(_, frame)| frame).skip(4) {
        let (body, crc) = frame.split_at(frame.len() - 4);
        let mut repaired = body.to_vec();
        repaired[body.len() - 1] ^= u8::from(body[1] == 6);
        assert_eq!(crc32(&[&repaired]).to_le_bytes(), crc, "{body:02X?}: {:02X?}", crc32(&[&repaired]).to_le_bytes());
    }
}

/// A UART whose other end is a server's, and what went over it.
struct Recorded {
    far: Slip<'static, Software>,
    to: Vec<u8>,
    from: Vec<u8>,
}

impl serial::ErrorType for Recorded {
    type Error = serial::ErrorKind;
}

impl serial::Read for Recorded {
    fn read(&mut self) -> nb::Result<u8, serial::ErrorKind> {
        let byte = self.far.pull().ok_or(nb::Error::WouldBlock)?;
        self.from.push(byte);
        Ok(byte)
    }
}

impl serial::Write for Recorded {
    fn write(&mut self, byte: u8) -> nb::Result<(), serial::ErrorKind> {
        self.to.push(byte);
        self.far.push(byte);
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

/// The last of so many requests that its number is C0.
const NUMBER: u8 = 0xC0;

#[test]
fn a_drain_over_uart_is_that_of_the_example() {
    let uart = Recorded { far: Slip::new(server()), to: Vec::new(), from: Vec::new() };
    let mut link = Link::new(UartWire::new(uart, NoTime, Patience::default()));
    (0..NUMBER).for_each(|_| link.drain().unwrap());
    let (uart, _) = link.wire.release();
    for (start, sent) in [("UART driver", uart.to), ("UART other", uart.from)] {
        let example: Vec<u8> = bytes(lines(start)[0]).into_iter().flatten().collect();
        let tail = &sent[sent.len().saturating_sub(example.len())..];
        assert_eq!(example, tail, "{start} must end {:02X?}", &sent[sent.len() - 12..]);
    }
}

/// An SPI bus whose other end is a server's, and what went over it.
struct Bus {
    far: OverSpi<crate::served::Served<Software>>,
    bytes: VecDeque<(u8, u8)>,
}

impl ErrorType for Bus {
    type Error = Infallible;
}

impl SpiDevice for Bus {
    fn transaction(&mut self, operations: &mut [Operation<'_, u8>]) -> Result<(), Infallible> {
        self.far.select();
        let mut exchange = |out: u8| {
            let back = self.far.transfer(out);
            self.bytes.push_back((out, back));
            back
        };
        for operation in operations {
            match operation {
                Operation::Read(bytes) => bytes.iter_mut().for_each(|byte| *byte = exchange(0)),
                Operation::Write(bytes) => bytes.iter().for_each(|byte| {
                    exchange(*byte);
                }),
                Operation::TransferInPlace(bytes) => bytes.iter_mut().for_each(|byte| *byte = exchange(*byte)),
                Operation::Transfer(..) | Operation::DelayNs(_) => unreachable!("the driver does not use it"),
            }
        }
        self.far.deselect();
        Ok(())
    }
}

#[test]
fn a_drain_over_spi_is_that_of_the_example() {
    let bus = Bus { far: OverSpi::new(crate::served::Served::of(server(), 0)), bytes: VecDeque::new() };
    let mut link = Link::new(SpiWire::new(bus, NoTime, Patience::default()));
    (1..NUMBER).for_each(|_| link.drain().unwrap());
    let (mut bus, _) = link.wire.release();
    bus.bytes.clear();
    let mut session = link.session;
    let mut link = Link::new(SpiWire::new(bus, NoTime, Patience::default()));
    std::mem::swap(&mut link.session, &mut session);
    link.drain().unwrap();
    let (bus, _) = link.wire.release();
    let (to, from): (Vec<u8>, Vec<u8>) = bus.bytes.into_iter().unzip();
    for (start, sent) in [("SPI  driver", to), ("SPI  other", from)] {
        let example = bytes(lines(start)[0]);
        assert_eq!(example.len(), sent.len(), "{start} must be {sent:02X?}");
        let fits = example.iter().zip(&sent).all(|(example, sent)| example.is_none_or(|byte| byte == *sent));
        assert!(fits, "{start} must be {sent:02X?}");
    }
}

#[test]
fn every_clause_that_is_cited_exists() {
    let numbers = |text: &str| -> Vec<u32> {
        let parts = text.split("P-").skip(1);
        let number = |part: &str| part.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok();
        parts.filter_map(number).collect()
    };
    let clauses: Vec<u32> =
        TEXT.lines().filter(|line| line.starts_with("P-")).flat_map(|line| numbers(&line[..5])).collect();
    assert_eq!(clauses, (1..=clauses.len() as u32).collect::<Vec<_>>(), "clauses are numbered in order");
    let mut cited = numbers(TEXT);
    for folder in ["src", "src/asynch", "tests/link"] {
        for file in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file())
        {
            cited.append(&mut numbers(&std::fs::read_to_string(file).unwrap()));
        }
    }
    assert!(cited.iter().all(|number| clauses.contains(number)), "{cited:?}");
}
