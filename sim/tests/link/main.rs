//! The driver against the circuit: what it computes over either wire, and what faults on the wire do.

mod campaign;
mod case;
mod conversations;
mod device;
#[path = "../common/icebreaker.rs"]
mod icebreaker;
mod loaded;
mod mutants;
mod pins;
mod size;
mod verilated;
#[path = "../../../firmware/link/tests/wires/mod.rs"]
mod wires;

use std::cell::Cell;
use std::rc::Rc;

use case::{Faults, cases};

#[test]
fn the_driver_and_the_circuit_compute_what_the_reference_computes() {
    let none = Rc::new(Cell::new(0));
    // All but the slowest: a hundred thousand clocks a second are simulated.
    for (at, case) in cases().iter().enumerate().filter(|(at, _)| *at != 6) {
        assert_eq!(case.infer(case.spi(Faults::default(), 0, &none), 3, at as u64), (3, 0), "{at}");
        assert_eq!(case.infer(case.uart(Faults::default(), 0, &none), 3, at as u64), (3, 0), "{at}");
    }
}

#[test]
fn no_fault_on_the_wire_makes_a_wrong_result() {
    let chances = Faults { flips: 65, losses: 65, doubles: 65 };
    let (mut right, count) = (0, Rc::new(Cell::new(0)));
    // The quickest ones.
    for (at, case) in cases().iter().enumerate().filter(|(at, _)| [2, 3, 5, 8].contains(at)) {
        let seed = at as u64;
        let spi = case.infer(case.spi(chances, seed, &count), 50, seed);
        let uart = case.infer(case.uart(chances, seed, &count), 50, seed);
        assert_eq!((spi.1, uart.1), (0, 0), "given up by model {at}");
        right += spi.0 + uart.0;
    }
    println!("{right} inferences, {} faults", count.get());
    assert!(count.get() > 50);
}
