//! The bitstream of an iCEBreaker, as tests build it.

use bitfab_format::Model;
use bitfab_hdl::Options;
use bitfab_sim::board::{Board, BoardWire, BuildOptions, Built, build};
use bitfab_sim::cosim::BOARD;

/// The clock of an iCEBreaker.
pub const KILOHERTZ: u32 = 12_000;

/// What an iCEBreaker is built for behind SPI, one placement, at its own clock or the fastest below another one.
pub fn asked(options: Options, digests: bool, kilohertz: u32) -> BuildOptions {
    BuildOptions { options, wire: BoardWire::Spi, digests, kilohertz: Some(kilohertz), seeds: 1 }
}

/// Its bitstream.
pub fn icebreaker(model: &Model<'_>, asked: &BuildOptions) -> Built {
    build(model, &Board::named(BOARD).unwrap(), asked, &|_| {}).unwrap()
}
