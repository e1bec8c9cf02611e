//! A board that serves its model at its UART, asked by the driver.

use std::convert::Infallible;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use bitfab_link::{Link, LinkError, Patience, UartWire};
use bitfab_runtime::{Digests, ModelFile, digest, run};
use bitfab_selftest::{Health, SelfTest};
use embedded_hal::delay::DelayNs;
use embedded_hal::digital::{ErrorType as PinErrorType, OutputPin};
use embedded_hal_nb::nb;
use embedded_hal_nb::serial::{ErrorKind, ErrorType, Read, Write};

/// 37 bytes in, 11 scores out, two layers.
const MODEL: ModelFile = bitfab_runtime::model!("../../../tests/vectors/scores_1_moved.bfab");
const BOARD: SelfTest<2, { MODEL.arena_words() }, 11, 50> =
    SelfTest { board: "laptop", model: MODEL, inputs: &[], digests: &[], rounds: 0 };

/// One end of two wires.
struct End(Sender<u8>, Receiver<u8>);

impl ErrorType for End {
    type Error = ErrorKind;
}

impl Read for End {
    fn read(&mut self) -> nb::Result<u8, ErrorKind> {
        self.1.try_recv().map_err(|_| nb::Error::WouldBlock)
    }
}

impl Write for End {
    fn write(&mut self, byte: u8) -> nb::Result<(), ErrorKind> {
        let _ = self.0.send(byte); // the board may have been stopped
        Ok(())
    }

    fn flush(&mut self) -> nb::Result<(), ErrorKind> {
        Ok(())
    }
}

/// A LED that counts how often it is lit, and time that passes at once.
#[derive(Default)]
struct Led {
    lit: AtomicU32,
    micros: AtomicU32,
}

struct Pin<'l>(&'l Led);
struct Time<'l>(&'l Led);

impl PinErrorType for Pin<'_> {
    type Error = Infallible;
}

impl OutputPin for Pin<'_> {
    fn set_low(&mut self) -> Result<(), Infallible> {
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        self.0.lit.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

impl DelayNs for Time<'_> {
    fn delay_ns(&mut self, nanoseconds: u32) {
        self.0.micros.fetch_add(nanoseconds / 1000, Ordering::Relaxed);
        std::thread::yield_now();
    }
}

/// Does `work` at the other end of the UART of a board of this health; how the LED blinked.
fn beside(health: Health, work: impl FnOnce(End, &Led)) -> Led {
    let ((to, came), (back, answers)) = (channel(), channel());
    let (led, is_over) = (Led::default(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let board = scope.spawn(|| {
            let mut uart = End(back, came);
            let mut exchange = |byte: Option<u8>| {
                if is_over.load(Ordering::Relaxed) {
                    resume_unwind(Box::new("over"));
                }
                byte.map(|byte| uart.write(byte));
                uart.read().ok()
            };
            let (mut pin, mut time) = (Pin(&led), Time(&led));
            BOARD.serve(health, &mut pin, &mut time, &mut exchange)
        });
        work(End(to, answers), &led);
        is_over.store(true, Ordering::Relaxed);
        assert!(board.join().is_err());
    });
    led
}

/// The driver at this end.
fn driver(end: End) -> Link<UartWire<End, Pause>> {
    Link::new(UartWire::new(end, Pause, Patience { polls: 2_000, pause_us: 100 }))
}

/// Time of the laptop.
struct Pause;

impl DelayNs for Pause {
    fn delay_ns(&mut self, nanoseconds: u32) {
        std::thread::sleep(std::time::Duration::from_nanos(nanoseconds.into()));
    }
}

#[test]
fn a_board_that_is_well_or_alone_answers_with_the_digests_of_every_layer() {
    let model = MODEL.model().unwrap();
    let input: Vec<u8> = (0..MODEL.input_bytes()).map(|at| (at * 37) as u8).collect();
    let (mut expected, mut arena) = (Digests::<2>::new(), [0; MODEL.arena_words()]);
    let scores = run(&model, &input, &mut arena, &mut expected).unwrap().words().to_vec();
    for health in [Health::Well, Health::Alone] {
        beside(health, |end, _| {
            let mut link = driver(end);
            link.connect(digest(model.words())).unwrap();
            let (mut bytes, mut digests) = ([0; 44], [0; 8]);
            for _ in 0..3 {
                link.infer(&input, &mut bytes).unwrap();
                assert!(bytes.into_iter().eq(scores.iter().flat_map(|score| score.to_le_bytes())));
                link.digests(&mut digests).unwrap();
                assert!(digests.into_iter().eq(expected.as_slice().iter().flat_map(|word| word.to_le_bytes())));
            }
        });
    }
}

#[test]
fn a_board_that_is_ill_answers_nothing() {
    let model = MODEL.model().unwrap();
    // It never asks its UART, so it cannot be stopped: the thread ends with the test.
    let ((to, _came), (_back, answers)) = (channel(), channel());
    std::thread::spawn(move || {
        let led = Led::default();
        BOARD.serve(Health::Ill, &mut Pin(&led), &mut Time(&led), |_| panic!("an ill board looks at its UART"))
    });
    let mut link = driver(End(to, answers));
    link.session.tries = 1;
    let refused = link.connect(digest(model.words()));
    assert!(matches!(refused, Err(LinkError::Silent { .. })), "{refused:?}");
}

#[test]
fn the_led_says_how_a_board_is_while_it_waits() {
    for (health, a_second) in [(Health::Well, 1), (Health::Alone, 2)] {
        let led = beside(health, |_end, led| {
            while led.micros.load(Ordering::Relaxed) < 10_000_000 {
                std::thread::yield_now();
            }
        });
        let (lit, micros) = (led.lit.into_inner(), led.micros.into_inner());
        assert!(lit.abs_diff(micros / 1_000_000 * a_second) <= 2, "{health:?}: {lit} in {micros} µs");
    }
}
