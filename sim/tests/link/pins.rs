//! The generated Verilog, pin by pin, and a bitstream turned back into Verilog.

use std::cell::Cell;
use std::path::Path;
use std::process::Command;
use std::rc::Rc;

use bitfab_hdl::{Link as HdlLink, Memories, SpiChip, Style, UartChip, Wire, chip};
use bitfab_sim::board::{Board, BoardWire, BuildOptions, Built, build};
use bitfab_sim::chip::{PinDifferences, Top, replay_pins};

use crate::case::{Case, DIVISOR, Faults, KILOHERTZ, cases};

const NONE: PinDifferences = PinDifferences { count: 0, first: None };

fn text(case: &Case, wire: Wire) -> String {
    let style = Style { name: "chip".parse().unwrap(), memories: Memories::Inline, ..Style::default() };
    let link = HdlLink { wire, kilohertz: KILOHERTZ };
    chip(&case.model(), &case.program.options, &link, &style).unwrap().text
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

fn built(case: &Case) -> Built {
    let options = case.program.options;
    let asked = BuildOptions { options, wire: BoardWire::Spi, kilohertz: Some(KILOHERTZ), seeds: 1 };
    build(&case.model(), &Board::named("icebreaker").unwrap(), &asked, &|_| {}).unwrap()
}

/// The Verilog that the file for the FPGA says it is.
fn turned_back(built: &Built) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let file = |end: &str| built.files.iter().find(|file| file.name.ends_with(end)).unwrap();
    std::fs::write(folder.path().join("x.bin"), &file(".bin").bytes).unwrap();
    std::fs::write(folder.path().join("x.pcf"), &file(".pcf").bytes).unwrap();
    let run = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).current_dir(folder.path()).args(arguments).output().unwrap();
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    run("iceunpack", &["x.bin", "x.asc"]);
    run("icebox_vlog", &["-s", "-l", "-n", "board", "-p", "x.pcf", "x.asc"])
}

/// The proof that ends at the file that a person flashes; what it trusts is the database of icestorm.
#[test]
fn the_bitstream_does_at_its_pins_what_the_circuit_does() {
    let top = Top { name: "board", clock: "clk", has_reset: false };
    let case = cases().swap_remove(3);
    let trace = case.spi_trace(Faults::default(), 3, &Rc::default());
    let cells = Path::new("/usr/share/yosys/ice40/cells_sim.v");
    let replay = |verilog: &[u8]| {
        let files = [("board.v", verilog)];
        replay_pins::<SpiChip>(&files, &[cells], top, &trace, "-g2005").unwrap()
    };
    let verilog = turned_back(&built(&case));
    assert_eq!(replay(&verilog), NONE);
    // That of a model with other weights computes something else.
    let other = cases().swap_remove(2);
    assert_ne!(replay(&turned_back(&built(&other))), NONE);
}
