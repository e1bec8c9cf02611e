//! The image of an STM32F405 in QEMU, at whose SPI nothing is, and a laptop at its UART.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use bitfab_format::{Model, align};
use bitfab_sim::qemu::{Chip, emulated, told};

use crate::{MODEL, greeting, served};

/// It takes two seconds; a loaded machine may take ten times as long, and more.
const LIMIT: Duration = Duration::from_secs(120);

#[test]
fn an_stm32f405_tests_itself_and_misses_an_accelerator_that_is_not_there() {
    let elf = Chip::STM32F405.build(None, None).unwrap();
    let missing = "link: no answer in 8 tries: is the FPGA configured, are the pins right?\n";
    assert_eq!(
        told(&elf, &["link"], LIMIT).unwrap(),
        format!("{}self-test ok 4 inputs 12 digests\n{missing}", greeting("stm32f405"))
    );
}

#[test]
fn a_wrong_digest_on_an_stm32f405_is_told() {
    let words = align(MODEL);
    let rows = bitfab_selftest::build::noise_rows(&Model::from_words(&words).unwrap()).unwrap();
    let digests = &rows.digests[0];
    let mut elf = std::fs::read(Chip::STM32F405.build(None, None).unwrap()).unwrap();
    let bytes: Vec<u8> = digests.iter().flat_map(|digest| digest.to_le_bytes()).collect();
    let at = elf.windows(bytes.len()).position(|window| window == bytes).expect("the program has the laptop's digests");
    elf[at + 4] ^= 1;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wrong");
    std::fs::write(&path, elf).unwrap();
    let wrong = format!("input 0 layer 1: {:08x}, not {:08x}\n", digests[1], digests[1] ^ 1);
    assert_eq!(told(&path, &["input"], LIMIT).unwrap(), greeting("stm32f405") + &wrong);
}

#[test]
fn an_stm32f405_answers_a_laptop_at_its_serial_port() {
    let mut qemu = emulated(&Chip::STM32F405.build(None, None).unwrap(), "pty");
    let mut qemu = qemu.stdout(Stdio::piped()).spawn().unwrap();
    // `char device redirected to /dev/pts/3 (label serial0)`
    let line = BufReader::new(qemu.stdout.take().unwrap()).lines().next().unwrap().unwrap();
    let path = line.split(' ').find(|word| word.starts_with("/dev/")).unwrap();
    let asked = std::panic::catch_unwind(|| served::ask(path));
    qemu.kill().unwrap();
    qemu.wait().unwrap();
    asked.unwrap();
}
