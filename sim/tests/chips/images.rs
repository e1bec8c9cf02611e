//! Every image is what its chip starts.

use bitfab_sim::qemu::{Chip, loaded};
use bitfab_sim::uf2::uf2;

/// The words of an image.
struct Image(Vec<(u32, Vec<u8>)>);

impl Image {
    fn of(chip: Chip) -> Self {
        let elf = std::fs::read(chip.build(None, None).unwrap()).unwrap();
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
    let file = uf2(&std::fs::read(Chip::PICO2.build(None, None).unwrap()).unwrap()).unwrap();
    assert_eq!(file[28..32], 0xe48b_ff59_u32.to_le_bytes(), "the family of an RP2350 that starts Arm code");
    // ESP32-C3: the second-stage boot loader reads a description at the start of what it maps.
    assert_eq!(Image::of(Chip::ESP32C3).word(0x3c00_0020), Some(0xabcd_5432));
}
