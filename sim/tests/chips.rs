//! Programs for real chips: every image is what its chip starts, and one of them is started.
#![forbid(unsafe_code)]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bitfab_format::{Model, align, digest};
use bitfab_sim::qemu::{Chip, loaded};

/// The model of a board for which nobody chooses one.
const MODEL: &[u8] = include_bytes!("../../tests/vectors/chain_of_2.bfab");
/// Emulated seconds and more pass in one; a loaded machine may take ten times as long.
const LIMIT: Duration = Duration::from_secs(120);

/// The words of an image.
struct Image(Vec<(u32, Vec<u8>)>);

impl Image {
    fn of(chip: Chip) -> Self {
        let elf = std::fs::read(chip.build(None).unwrap()).unwrap();
        Self(loaded(&elf).into_iter().map(|(at, bytes)| (at, bytes.to_vec())).collect())
    }

    fn word(&self, at: u32) -> Option<u32> {
        self.0.iter().find_map(|(start, bytes)| {
            let offset = at.checked_sub(*start)? as usize;
            Some(u32::from_le_bytes(bytes.get(offset..offset + 4)?.try_into().ok()?))
        })
    }
}

#[test]
fn a_cortex_m_finds_its_stack_and_its_first_instruction() {
    for (chip, vectors, stack) in [
        (Chip::PICO, 0x1000_0100, 0x2004_0000),
        (Chip::PICO2, 0x1000_0000, 0x2008_0000),
        (Chip::STM32F405, 0x0800_0000, 0x2002_0000),
        (Chip::STM32H743, 0x0800_0000, 0x2408_0000),
        (Chip::NRF52840, 0, 0x2004_0000),
    ] {
        let image = Image::of(chip);
        assert_eq!(image.word(vectors), Some(stack), "{}", chip.name);
        let reset = image.word(vectors + 4).unwrap();
        assert!(reset % 2 == 1 && image.word((reset - 1) & !3).is_some(), "{}: reset at {reset:#x}", chip.name);
    }
}

#[test]
fn boot_roms_find_what_they_look_for() {
    // RP2350: a block of items in the first 4 KiB, of which one says what is started (data sheet, 5.1.5 and 5.9).
    let image = Image::of(Chip::PICO2);
    let block = (0x1000_0000..0x1000_1000).step_by(4).find(|at| image.word(*at) == Some(0xffff_ded3)).unwrap();
    assert_eq!(image.word(block + 4), Some(0x1021_0142), "an executable for Arm, secure");
    let words: Vec<u32> = (2..8).filter_map(|word| image.word(block + 4 * word)).collect();
    assert!(words.contains(&0xab12_3579), "the block has no end: {words:x?}");
    // ESP32-C3: the second-stage boot loader reads a description at the start of what it maps.
    assert_eq!(Image::of(Chip::ESP32C3).word(0x3c00_0020), Some(0xabcd_5432));
}

/// What an STM32F405 with this program tells, up to a line that begins so.
fn told(elf: &Path, last: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let serial = folder.path().join("serial");
    // Time is that of instructions, and what waits is passed over: no answer takes as long as the machine has work.
    let mut qemu = Command::new("qemu-system-arm");
    qemu.args(["-M", "netduinoplus2", "-display", "none", "-monitor", "none", "-icount", "shift=3,sleep=off"]);
    qemu.arg("-serial").arg(format!("file:{}", serial.display())).arg("-kernel").arg(elf);
    let mut qemu = qemu
        .stdin(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("`qemu-system-arm`: {error}: install the Debian package `qemu-system-arm`"));
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

/// What every program tells first.
fn greeting() -> String {
    let words = align(MODEL);
    assert!(Model::from_words(&words).is_ok());
    format!("bitfab {} stm32f405 model {:08x}\n", env!("CARGO_PKG_VERSION"), digest(&words))
}

#[test]
fn an_stm32f405_tests_itself_and_misses_an_accelerator_that_is_not_there() {
    let elf = Chip::STM32F405.build(None).unwrap();
    let missing = "link: no answer in 8 tries: is the FPGA configured, are the pins right?\n";
    assert_eq!(told(&elf, "link"), format!("{}self-test ok 4 inputs 12 digests\n{missing}", greeting()));
}

#[test]
fn a_wrong_digest_on_an_stm32f405_is_told() {
    let words = align(MODEL);
    let text = bitfab_selftest::build::rust("", Path::new(""), &Model::from_words(&words).unwrap()).unwrap();
    let digests = text.split("], [").nth(1).unwrap().split(']').next().unwrap();
    let digests: Vec<u32> = digests.split(", ").map(|digest| digest.parse().unwrap()).collect();
    let mut elf = std::fs::read(Chip::STM32F405.build(None).unwrap()).unwrap();
    let bytes: Vec<u8> = digests.iter().flat_map(|digest| digest.to_le_bytes()).collect();
    let at = elf.windows(bytes.len()).position(|window| window == bytes).expect("the program has the laptop's digests");
    elf[at + 4] ^= 1;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wrong");
    std::fs::write(&path, elf).unwrap();
    let wrong = format!("input 0 layer 1: {:08x}, not {:08x}\n", digests[1], digests[1] ^ 1);
    assert_eq!(told(&path, "input"), greeting() + &wrong);
}
