//! The generated Verilog, pin by pin, and a bitstream turned back into Verilog.

use std::cell::Cell;
use std::path::Path;
use std::rc::Rc;

use bitfab_hdl::{Memories, SpiChip, Style, UartChip, Wire, chip};
use bitfab_sim::board::Board;
use bitfab_sim::chip::{PinDifferences, Top, replay_pins};
use bitfab_sim::cosim::{BOARD, turned_back};

use crate::case::{Case, DIVISOR, Faults, cases};
use crate::icebreaker::{KILOHERTZ, asked, icebreaker};

const NONE: PinDifferences = PinDifferences { count: 0, first: None };

pub fn text(case: &Case, wire: Wire) -> String {
    let style = Style { name: "chip".parse().unwrap(), memories: Memories::Inline, ..Style::default() };
    chip(&case.model(), &case.program.options, &case.link(wire), &style).unwrap().text
}

/// Icarus by both editions, since registers and processes start in another order in them.
#[test]
fn the_verilog_of_a_chip_does_at_its_pins_what_its_circuit_does() {
    let top = Top { name: "chip", clock: "clock", has_reset: true };
    let chances = Faults { flips: 200, losses: 200, doubles: 200 };
    for case in [2, 3, 5].map(|at| cases().swap_remove(at)) {
        let count = Rc::new(Cell::new(0));
        let (spi, uart) = (case.spi_trace(chances, 5, &count), case.uart_trace(chances, 5, &count));
        for edition in ["-g2005", "-g2012"] {
            let spi_text = text(&case, Wire::Spi);
            let files = [("chip.v", spi_text.as_bytes())];
            assert_eq!(replay_pins::<SpiChip>(&files, &[], top, &spi, edition).unwrap(), NONE);
            let uart_text = text(&case, Wire::Uart { divisor: DIVISOR });
            let files = [("chip.v", uart_text.as_bytes())];
            assert_eq!(replay_pins::<UartChip>(&files, &[], top, &uart, edition).unwrap(), NONE);
        }
        // A wrong circuit is seen: the checksum of another polynomial.
        let wrong = text(&case, Wire::Spi).replace("32'd3988292384", "32'd3988292385");
        let files = [("chip.v", wrong.as_bytes())];
        assert_ne!(replay_pins::<SpiChip>(&files, &[], top, &spi, "-g2005").unwrap(), NONE);
    }
}

/// The proof that ends at the file that a person flashes; what it trusts is the database of icestorm.
#[test]
fn the_bitstream_does_at_its_pins_what_the_circuit_does() {
    let top = Top { name: "board", clock: "clk", has_reset: false };
    let case = cases().swap_remove(3);
    let trace = case.spi_trace(Faults::default(), 3, &Rc::default());
    let cells = Path::new("/usr/share/yosys/ice40/cells_sim.v");
    let replay = |verilog: &str| {
        let files = [("board.v", verilog.as_bytes())];
        replay_pins::<SpiChip>(&files, &[cells], top, &trace, "-g2005").unwrap()
    };
    let verilog = |case: &Case| {
        let built = icebreaker(&case.model(), &asked(case.program.options, case.link(Wire::Spi).digests, KILOHERTZ));
        let bitstream = &built.files.last().unwrap().bytes;
        turned_back(&Board::named(BOARD).unwrap(), bitstream, &|bits| bits).unwrap().verilog
    };
    assert_eq!(replay(&verilog(&case)), NONE);
    // That of a model with other weights computes something else.
    let other = cases().swap_remove(2);
    assert_ne!(replay(&verilog(&other)), NONE);
}
