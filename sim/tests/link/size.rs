//! What the link costs.

use bitfab_hdl::{Link, Memories, Sources, Style, Wire, chip};
use bitfab_sim::synth::{Target, implement};

use crate::case::{DIVISOR, KILOHERTZ, cases};

/// Look-up tables of the endpoint and the command block, as Yosys maps them alone.
fn luts(wire: Wire) -> u32 {
    let case = cases().swap_remove(0);
    let style = Style { memories: Memories::Inline, ..Style::default() };
    let link = Link { wire, kilohertz: KILOHERTZ };
    let text = chip(&case.model(), &case.program.options, &link, &style).unwrap().text;
    let made = implement(Sources::from(text.as_str()), Target::Up5k, 0).unwrap();
    let blocks = &made.blocks.blocks;
    let of =
        |name: &str| blocks.iter().find(|block| block.name == name).unwrap_or_else(|| panic!("{name}: {blocks:?}"));
    of("endpoint").cells.luts + of("linked_command").cells.luts
}

/// `cargo test --release -p bitfab-sim --test link the_link -- --nocapture` prints them.
#[test]
fn the_link_stays_small() {
    let (spi, uart) = (luts(Wire::Spi), luts(Wire::Uart { divisor: DIVISOR }));
    println!("look-up tables of the link: {spi} over SPI, {uart} over a UART");
    assert!(spi <= 270 && uart <= 310, "{spi} and {uart}");
}
