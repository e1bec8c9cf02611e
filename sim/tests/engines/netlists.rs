//! The accelerator after synthesis.

use bitfab_format::Model;
use bitfab_sim::netlist::{Fabric, Netlist};
use bitfab_sim::rtl::Stalls;

use crate::{OPTIONS, agrees, inputs, layer, other_words, slices, words};

/// With pauses of both streams.
const STALLS: Stalls = Stalls { seed: 5, input: 128, output: 128 };

fn check(fabric: Fabric) {
    let mut netlist = Netlist { fabric, options: OPTIONS, stalls: STALLS };
    agrees(&mut netlist);
    // The netlist of another weight, beside what the cycle model expects of the right one.
    let (words, other) = (words(), other_words());
    let (model, other) = (Model::from_words(&words).unwrap(), Model::from_words(&other).unwrap());
    let inputs = inputs(&model, 4);
    let runs = netlist.replay(&model, &slices(&inputs), &netlist.sources(&other).unwrap()).unwrap();
    assert_eq!(layer(&slices(&inputs), &runs), Some(1));
}

#[test]
fn a_netlist_of_ice40_agrees_in_every_layer_and_shows_a_wrong_weight() {
    check(Fabric::Ice40);
}

#[test]
fn a_netlist_of_ecp5_agrees_in_every_layer_and_shows_a_wrong_weight() {
    check(Fabric::Ecp5);
}
