//! A board that serves its model at its UART, asked by the driver.

mod board;

use std::sync::atomic::Ordering;
use std::sync::mpsc::channel;

use bitfab_link::LinkError;
use bitfab_runtime::{Digests, ModelFile, digest, run};
use bitfab_selftest::{Health, SelfTest};
use board::{End, Exchange, Led, Pin, Time, beside, driver};

/// 37 bytes in, 11 scores out, two layers.
const MODEL: ModelFile = bitfab_runtime::model!("../../../tests/vectors/scores_1_moved.bfab");
const BOARD: SelfTest<2, { MODEL.arena_words() }, 11, 50> =
    SelfTest { board: "laptop", model: MODEL, inputs: &[], digests: &[], rounds: 0 };

fn serving(health: Health) -> impl FnOnce(&mut Pin<'_>, &mut Time<'_>, Exchange<'_>) {
    move |pin, time, exchange| BOARD.serve(health, pin, time, exchange)
}

#[test]
fn a_board_that_is_well_or_alone_answers_with_the_digests_of_every_layer() {
    let model = MODEL.model().unwrap();
    let input: Vec<u8> = (0..MODEL.input_bytes()).map(|at| (at * 37) as u8).collect();
    let (mut expected, mut arena) = (Digests::<2>::new(), [0; MODEL.arena_words()]);
    let scores = run(&model, &input, &mut arena, &mut expected).unwrap().words().to_vec();
    for health in [Health::Well, Health::Alone] {
        beside(serving(health), |end, _| {
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
        let led = beside(serving(health), |_end, led| {
            while led.micros.load(Ordering::Relaxed) < 10_000_000 {
                std::thread::yield_now();
            }
        });
        let (lit, micros) = (led.lit.into_inner(), led.micros.into_inner());
        assert!(lit.abs_diff(micros / 1_000_000 * a_second) <= 2, "{health:?}: {lit} in {micros} µs");
    }
}
