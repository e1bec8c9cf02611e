//! The image of an STM32F405 in QEMU, at whose SPI nothing is, and a laptop at its UART.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bitfab_format::{Model, align};
use bitfab_sim::qemu::Chip;

use crate::{MODEL, greeting, served};

/// It takes two seconds; a loaded machine may take ten times as long, and more.
const LIMIT: Duration = Duration::from_secs(120);

/// An STM32F405 with this program, whose UART is there.
fn boot(elf: &Path, serial: &str) -> Child {
    // Time is that of instructions, and what waits is passed over: no answer takes as long as the machine has work.
    let mut qemu = Command::new("qemu-system-arm");
    qemu.args(["-M", "netduinoplus2", "-display", "none", "-monitor", "none", "-icount", "shift=3,sleep=off"]);
    qemu.arg("-serial").arg(serial).arg("-kernel").arg(elf);
    qemu.stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("`qemu-system-arm`: {error}: install the Debian package `qemu-system-arm`"))
}

/// What an STM32F405 with this program tells, up to a line that begins so.
fn told(elf: &Path, last: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let serial = folder.path().join("serial");
    let mut qemu = boot(elf, &format!("file:{}", serial.display()));
    let (start, mut said) = (Instant::now(), String::new());
    while !said.lines().any(|line| line.starts_with(last)) || !said.ends_with('\n') {
        std::thread::sleep(Duration::from_millis(20));
        said = std::fs::read_to_string(&serial).unwrap_or_default().replace('\r', "");
        if start.elapsed() > LIMIT || qemu.try_wait().unwrap().is_some() {
            break;
        }
    }
    qemu.kill().unwrap();
    qemu.wait().unwrap();
    println!("{said}");
    said
}

#[test]
fn an_stm32f405_tests_itself_and_misses_an_accelerator_that_is_not_there() {
    let elf = Chip::STM32F405.build(None, None).unwrap();
    let missing = "link: no answer in 8 tries: is the FPGA configured, are the pins right?\n";
    assert_eq!(told(&elf, "link"), format!("{}self-test ok 4 inputs 12 digests\n{missing}", greeting("stm32f405")));
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
    assert_eq!(told(&path, "input"), greeting("stm32f405") + &wrong);
}

#[test]
fn an_stm32f405_answers_a_laptop_at_its_serial_port() {
    let mut qemu = boot(&Chip::STM32F405.build(None, None).unwrap(), "pty");
    // `char device redirected to /dev/pts/3 (label serial0)`
    let line = BufReader::new(qemu.stdout.take().unwrap()).lines().next().unwrap().unwrap();
    let path = line.split(' ').find(|word| word.starts_with("/dev/")).unwrap();
    let asked = std::panic::catch_unwind(|| served::ask(path));
    qemu.kill().unwrap();
    qemu.wait().unwrap();
    asked.unwrap();
}
