//! What a board serves at its UART, asked through a serial port.

use bitfab_format::arbitrary::Random;
use bitfab_format::{Model, align};
use bitfab_sim::Engine;
use bitfab_sim::device::Device;
use bitfab_sim::software::Reference;
use bitfab_sim::verify::verify;

use crate::MODEL;

/// Compares a few rows with the reference, every layer by its digest; a model that the board does not hold is refused.
pub fn ask(path: &str) {
    let words = align(MODEL);
    let model = Model::from_words(&words).unwrap();
    let mut random = Random::new(11);
    let inputs: Vec<Vec<u8>> =
        (0..5).map(|_| (0..model.input_bytes()).map(|_| random.bits() as u8).collect()).collect();
    let inputs: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
    let expected = Reference.run(&model, &inputs, &mut |_| {}).unwrap();
    let mut device = Device { path: path.into(), baud: 115_200 };
    let verdict = verify(&model, &inputs, &expected, &mut device, &mut |_| {}).unwrap();
    assert!(verdict.agrees() && verdict.tensors == inputs.len() * model.layer_count(), "{verdict:?}");
    let other = align(include_bytes!("../../../tests/vectors/dense.bfab"));
    let other = Model::from_words(&other).unwrap();
    let input = vec![0; other.input_bytes()];
    let refused = device.run(&other, &[&input], &mut |_| {}).unwrap_err().to_string();
    assert!(refused.contains("the other side holds model"), "{refused}");
}
