//! The program of a Pico reads a sensor, in rp2040js.

use std::path::Path;

use bitfab_format::{Model, align};
use bitfab_runtime::Machine;
use bitfab_sim::cosim::beside_a_sensor;
use bitfab_sim::qemu::Chip;
use bitfab_sim::uf2::uf2;

/// Eighteen samples of six counts.
const VALUES: usize = 108;

/// Count `axis` of sample `number`: `cosim/mpu6050.js` has the same.
fn count(number: u32, axis: u32) -> i16 {
    ((number * 6 + axis).wrapping_mul(0x9e37_79b1) >> 12) as i16
}

/// What is told of the window that begins with this sample.
fn told(model: Model<'_>, first: u32) -> String {
    let counts: Vec<i16> = (first..first + 18).flat_map(|number| (0..6).map(move |axis| count(number, axis))).collect();
    let mut machine = Machine::<256, VALUES>::new(model).unwrap();
    let output = machine.run_counts(&counts).unwrap();
    let name = output.class_name().map_or_else(String::new, |name| format!(" {name}"));
    let out = match output.clamped() {
        0 => String::new(),
        some => format!(", {some} of {VALUES} values out of range"),
    };
    format!("class {}{name}{out}\n", output.class())
}

#[test]
fn a_pico_tells_the_class_of_every_window_of_a_sensor() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/interface_1.bfab");
    let words = align(&std::fs::read(&path).unwrap());
    let model = || Model::from_words(&words).unwrap();
    let elf = Chip::PICO.build_with_sensor(&path).unwrap();
    let said = beside_a_sensor(&uf2(&std::fs::read(elf).unwrap()).unwrap()).unwrap();
    println!("{said}");
    let classes: Vec<&str> = said.split_inclusive('\n').filter(|line| line.starts_with("class")).collect();
    let expected: Vec<String> = (0..4).map(|window| told(model(), 9 * window)).collect();
    assert_eq!(classes, expected);
    assert!(said.contains("self-test ok 4 inputs 8 digests\nlink: no answer"), "{said}");
}
