//! What the link costs, and what tools say of it.

use std::process::Command;

use bitfab_hdl::{Link, Memories, Sources, Style, Weights, Wire, chip};
use bitfab_sim::synth::{Target, implement};

use crate::case::{DIVISOR, KILOHERTZ, cases};

/// Look-up tables of the endpoint and the command block, and of what keeps digests, as Yosys maps them alone.
fn luts(wire: Wire, digests: bool) -> [u32; 2] {
    let case = cases().swap_remove(5);
    let style = Style { memories: Memories::Inline, ..Style::default() };
    let link = Link { wire, kilohertz: KILOHERTZ, digests };
    let text = chip(&case.model(), &case.program.options, &link, &style).unwrap().text;
    let made = implement(Sources::from(text.as_str()), Target::Up5k, 0).unwrap();
    let of = |name: &str| {
        let found = made.blocks.blocks.iter().filter(|block| block.name.contains(name));
        found.map(|block| block.cells.luts).sum::<u32>()
    };
    [of("endpoint") + of("linked_command"), of("digests")]
}

/// `cargo test --release -p bitfab-sim --test link the_link -- --nocapture` prints them.
#[test]
fn the_link_stays_small() {
    let [[spi, none], [uart, _]] = [luts(Wire::Spi, false), luts(Wire::Uart { divisor: DIVISOR }, false)];
    let [with, unit] = luts(Wire::Spi, true);
    println!(
        "look-up tables of the link: {spi} over SPI, {uart} over a UART; digests: {unit}, and {} more in it",
        with - spi
    );
    assert_eq!(none, 0);
    assert!(spi <= 270 && uart <= 310 && with + unit - spi <= 250, "{spi}, {uart}, {with} and {unit}");
}

#[test]
fn verilator_and_icarus_find_nothing_in_a_chip() {
    let uart = Wire::Uart { divisor: DIVISOR };
    let (contents, loaded) = (Weights::Contents, Weights::Loaded);
    let chips = [(5, Wire::Spi, true, contents), (3, Wire::Spi, false, contents), (2, uart, false, contents)];
    for (case, wire, digests, weights) in
        chips.into_iter().chain([(5, Wire::Spi, true, loaded), (5, uart, false, loaded)])
    {
        let case = cases().swap_remove(case);
        let style = Style { memories: Memories::Inline, ..Style::default() };
        let link = Link { wire, kilohertz: KILOHERTZ, digests };
        let options = case.program.options.with_weights(weights);
        let text = chip(&case.model(), &options, &link, &style).unwrap().text;
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("bitfab.v"), text).unwrap();
        let lints: [(&str, &[&str]); 2] = [
            ("verilator", &["--lint-only", "-Wall", "--top-module", "bitfab", "bitfab.v"]),
            ("iverilog", &["-g2012", "-Wall", "-t", "null", "bitfab.v"]),
        ];
        for (program, arguments) in lints {
            let output = Command::new(program).current_dir(folder.path()).args(arguments).output().unwrap();
            let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
            assert_eq!((output.status.success(), said.as_str()), (true, ""), "{wire:?} {digests} {weights:?}");
        }
    }
}
