//! An MPU-6050 at a board's I2C, whose windows run through the model while the UART asks or not.
#![cfg(feature = "sensor")]

mod board;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bitfab_runtime::{Machine, ModelFile, digest};
use bitfab_selftest::{Health, Mpu6050, SelfTest, SensorError, Settings};
use board::{End, Exchange, Led, Pin, Time, beside, driver};
use embedded_hal::i2c::{ErrorKind, ErrorType, I2c, NoAcknowledgeSource, Operation, SevenBitAddress};

/// Eighteen samples of six counts in, five scores.
const MODEL: ModelFile = bitfab_runtime::model!("../../../tests/vectors/interface_1.bfab");
const VALUES: usize = MODEL.input_bytes();
const BOARD: SelfTest<2, { MODEL.arena_words() }, 5, 200> =
    SelfTest { board: "laptop", model: MODEL, inputs: &[], digests: &[], rounds: 0 };
const SETTINGS: Settings = Settings { hertz: 50, g: 4, degrees: 500 };
/// Count `axis` of sample `number`.
fn count(number: usize, axis: usize) -> i16 {
    let mixed = (number * 6 + axis).wrapping_mul(0x9e37_79b1);
    (mixed >> 12) as i16
}

/// The registers of the chip, as its map says (RM-MPU-6000A).
mod register {
    pub const RATE: usize = 0x19;
    pub const CONFIG: usize = 0x1a;
    pub const GYRO: usize = 0x1b;
    pub const ACCEL: usize = 0x1c;
    pub const STATUS: usize = 0x3a;
    pub const DATA: usize = 0x3b;
    pub const POWER: usize = 0x6b;
    pub const ID: usize = 0x75;
}

/// An MPU-6050: asleep at first, with a new sample every third time that somebody looks.
struct Chip {
    registers: [u8; 128],
    looks: usize,
    samples: usize,
    /// Answers until so many samples were read.
    until: usize,
}

impl Chip {
    fn new(id: u8) -> Self {
        let mut registers = [0; 128];
        (registers[register::POWER], registers[register::ID]) = (0x40, id);
        Self { registers, looks: 0, samples: 0, until: usize::MAX }
    }

    fn write(&mut self, register: usize, byte: u8) {
        self.registers[register] = byte;
        if register == register::POWER && byte >> 7 == 1 {
            *self = Self { until: self.until, ..Self::new(self.registers[register::ID]) };
        }
    }

    fn read(&mut self, register: usize, to: &mut [u8]) {
        if register == register::STATUS {
            self.looks += 1;
            let is_awake = self.registers[register::POWER] & 0x40 == 0;
            self.registers[register] = u8::from(is_awake && self.looks.is_multiple_of(3));
        }
        if register == register::DATA {
            let axes = [0, 1, 2, 6, 3, 4, 5]; // a temperature in between
            let sample = axes.map(|axis| count(self.samples, axis).to_be_bytes());
            self.registers[register..][..14].copy_from_slice(sample.as_flattened());
            self.samples += 1;
        }
        to.copy_from_slice(&self.registers[register..][..to.len()]);
    }
}

/// The bus that the chip is at.
#[derive(Clone)]
struct Bus(Arc<Mutex<Chip>>);

impl ErrorType for Bus {
    type Error = ErrorKind;
}

impl I2c for Bus {
    fn transaction(&mut self, address: SevenBitAddress, operations: &mut [Operation<'_>]) -> Result<(), ErrorKind> {
        let mut chip = self.0.lock().unwrap();
        if address != 0x68 || chip.samples >= chip.until {
            return Err(ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address));
        }
        let mut at = 0;
        for operation in operations {
            match operation {
                Operation::Write([register]) => at = (*register).into(),
                Operation::Write([register, byte]) => chip.write((*register).into(), *byte),
                Operation::Write(_) => panic!("no register is written so"),
                Operation::Read(to) => chip.read(at, to),
            }
        }
        Ok(())
    }
}

fn bus(chip: Chip) -> Bus {
    Bus(Arc::new(Mutex::new(chip)))
}

/// A board with this chip.
fn sensing(bus: Bus) -> impl FnOnce(&mut Pin<'_>, &mut Time<'_>, Exchange<'_>) {
    move |pin, time, exchange| {
        let sensor = Mpu6050::new(bus, time, SETTINGS);
        BOARD.sense::<VALUES, _>(Health::Well, pin, time, exchange, sensor)
    }
}

/// The next line that is told.
fn line(end: &End) -> String {
    let byte = || end.1.recv_timeout(Duration::from_secs(20)).expect("a word within 20 seconds");
    let bytes: Vec<u8> = std::iter::repeat_with(byte).take_while(|byte| *byte != b'\n').collect();
    String::from_utf8(bytes).unwrap().trim_end().to_owned()
}

/// What is told of the window that begins with this sample.
fn told(first: usize) -> String {
    let counts: Vec<i16> =
        (first..first + VALUES / 6).flat_map(|number| (0..6).map(move |axis| count(number, axis))).collect();
    let mut machine = Machine::<{ MODEL.arena_words() }, VALUES>::new(MODEL.model().unwrap()).unwrap();
    let output = machine.run_counts(&counts).unwrap();
    let name = output.class_name().map_or_else(String::new, |name| format!(" {name}"));
    let out = match output.clamped() {
        0 => String::new(),
        some => format!(", {some} of {VALUES} values out of range"),
    };
    format!("class {}{name}{out}", output.class())
}

#[test]
fn every_second_half_window_is_told_while_the_board_is_asked_or_not() {
    let bus = bus(Chip::new(0x68));
    let chip = bus.clone();
    beside(sensing(bus), |end, _| {
        let half = VALUES / 12;
        let expected: Vec<String> = (0..8).map(|window| told(window * half)).collect();
        assert!(expected.iter().any(|line| *line != expected[0]), "{expected:?}");
        expected.iter().for_each(|expected| assert_eq!(line(&end), *expected));
        // Words between frames are thrown away.
        let mut link = driver(end);
        let model = MODEL.model().unwrap();
        link.connect(digest(model.words())).unwrap();
        link.infer(&[0; VALUES], &mut [0; 20]).unwrap();
        link.digests(&mut [0; 8]).unwrap();
    });
    let registers = chip.0.lock().unwrap().registers;
    let set = [register::RATE, register::CONFIG, register::GYRO, register::ACCEL, register::POWER];
    assert_eq!(set.map(|at| registers[at]), [19, 4, 1 << 3, 1 << 3, 1], "50 Hz, 20 Hz, 500 degrees, 4 g, awake");
}

#[test]
fn a_sensor_that_is_missing_another_or_fails_is_told_once_and_the_board_answers() {
    let cut = Chip { until: 30, ..Chip::new(0x68) };
    for (chip, expected) in [
        (Chip::new(0x70), "sensor: OtherChip { found: 112 }".to_owned()),
        (Chip { until: 0, ..Chip::new(0x68) }, "sensor: Bus(NoAcknowledge(Address))".to_owned()),
        (cut, told(0)),
    ] {
        let until = chip.until;
        beside(sensing(bus(chip)), |end, _| {
            assert_eq!(line(&end), expected);
            if until == 30 {
                assert_eq!(line(&end), told(VALUES / 12));
                assert_eq!(line(&end), "sensor: Bus(NoAcknowledge(Address))");
            }
            std::thread::sleep(Duration::from_millis(50));
            assert!(end.1.try_recv().is_err(), "it is told again");
            driver(end).connect(digest(MODEL.model().unwrap().words())).unwrap();
        });
    }
}

#[test]
fn rates_and_ranges_that_the_chip_does_not_have_are_refused() {
    let led = Led::default();
    for wrong in [
        Settings { hertz: 3, ..SETTINGS },
        Settings { hertz: 60, ..SETTINGS },
        Settings { hertz: 1_000, ..SETTINGS },
        Settings { g: 3, ..SETTINGS },
        Settings { degrees: 360, ..SETTINGS },
    ] {
        let refused = Mpu6050::new(bus(Chip::new(0x68)), &mut Time(&led), wrong).err();
        assert_eq!(refused, Some(SensorError::Settings(wrong)));
    }
    for hertz in [4, 25, 50, 100, 200, 500] {
        assert!(Mpu6050::new(bus(Chip::new(0x68)), &mut Time(&led), Settings { hertz, ..SETTINGS }).is_ok(), "{hertz}");
    }
}
