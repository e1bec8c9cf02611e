//! The driver, and what it asks: the chip in rust-hdl, and a bitstream that was turned back.

use bitfab_format::Model;
use bitfab_sim::cosim::{Bitstream, Fpga};
use bitfab_sim::linked::{Linked, LinkedWire};

use crate::flipped::flipped;
use crate::{OPTIONS, agrees, inputs, layer, other_words, sees_a_weight, slices, words};

#[test]
fn the_driver_and_the_chip_agree_in_every_layer_and_show_a_wrong_weight() {
    for wire in [LinkedWire::Spi, LinkedWire::Uart] {
        let mut linked = Linked { wire, options: OPTIONS };
        agrees(&mut linked);
        sees_a_weight(&mut linked);
    }
}

#[test]
fn a_bitstream_agrees_in_every_layer_and_shows_wrong_memories() {
    let mut engine = Bitstream { options: OPTIONS };
    agrees(&mut engine);
    let (words, other) = (words(), other_words());
    let model = Model::from_words(&words).unwrap();
    let (file, inputs) = (engine.file(&model).unwrap(), inputs(&model, 4));
    let wrong = Fpga::new(&file, &flipped).unwrap();
    let runs = engine.asked(&wrong, &model, &slices(&inputs), &mut |_| {}).unwrap();
    assert!(layer(&slices(&inputs), &runs).is_some());
    // Whose model it is, the chip says itself.
    let other = Model::from_words(&other).unwrap();
    let error = engine.asked(&wrong, &other, &slices(&inputs), &mut |_| {}).unwrap_err().to_string();
    assert!(error.contains("the other side holds model"), "{error}");
}
