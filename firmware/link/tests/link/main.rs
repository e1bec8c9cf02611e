//! The driver against both other sides, through wires on which everything goes wrong.

mod absent;
mod campaign;
mod chip;
mod document;
mod over_spi;
mod over_uart;
mod pair;
mod properties;
mod refusals;
mod served;
mod sound;
mod twins;
#[path = "../wires/mod.rs"]
mod wires;

use bitfab_runtime::Machine;
use wires::{INPUT, LAYERS, MODEL, PATIENT, WORDS, link, software};

type Software = Machine<'static, { MODEL.arena_words() }>;

fn machine() -> Software {
    Machine::new(MODEL.model().unwrap()).unwrap()
}
