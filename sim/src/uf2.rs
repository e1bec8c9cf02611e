//! A program for an RP2040 or an RP2350 as the UF2 file that is dropped on a board (<https://github.com/microsoft/uf2>).

use std::collections::BTreeMap;

use object::Endianness::Little;
use object::elf::{EM_ARM, PT_LOAD};
use object::read::elf::{ElfFile32, FileHeader, ProgramHeader};

/// Where flash is, as far as the chip can address it.
const FLASH: std::ops::Range<u32> = 0x1000_0000..0x1100_0000;
/// What is erased at once; a sector that is not given whole may keep what it likes (erratum RP2040-E14).
const SECTOR: usize = 4096;
/// What a block brings.
const PAGE: usize = 256;
/// The families that UF2 calls an RP2040, and an RP2350 that starts Arm code in its secure state.
const FAMILIES: [u32; 2] = [0xe48b_ff56, 0xe48b_ff59];
/// How a block begins that the boot ROM of an RP2350 looks for, with an item that says so, and how it ends (data sheet, 5.9).
const IMAGE: ([u32; 2], u32) = ([0xffff_ded3, 0x1021_0142], 0xab12_3579);

/// Why a file is no program for an RP2040 or an RP2350.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Uf2Error {
    /// It is no ELF file of 32 bits, or one that ends early.
    #[error("this is no ELF file of a microcontroller: give the program that `cargo build` linked ({0})")]
    Elf(String),
    /// It is for another kind of core.
    #[error("the program is for another core (ELF machine {0}): an RP2040 or RP2350 takes Arm's, machine 40")]
    Machine(u16),
    /// Nothing in it is loaded.
    #[error("nothing in the file is loaded: an object or a library is no program")]
    Empty,
    /// A part lies elsewhere than in flash.
    #[error("{bytes} bytes are loaded at {at:#010x}, and flash is at 0x10000000 to 0x10ffffff: see the linker script")]
    Outside {
        /// Where it begins.
        at: u32,
        /// How long it is.
        bytes: usize,
    },
    /// Two parts want the same place.
    #[error("two segments are loaded at {at:#010x}: see the linker script")]
    Overlap {
        /// The first byte that both want.
        at: u32,
    },
    /// The boot ROM would not start it.
    #[error(
        "the 256 bytes at 0x10000000 are no second stage of the boot loader, since their checksum is wrong: \
         link with that of `rp2040-boot2`, in a section of its own; nor is a block in the first 4 KiB that an RP2350 \
         looks for: link with `ImageDef::secure_exe()` of its crate"
    )]
    Boot,
    /// A block of a UF2 file is none of a program for an RP2040.
    #[error("block {0} of the UF2 file is not whole, or not one for flash of an RP2040: copy the file again")]
    Block(usize),
}

/// Bytes of a block.
const BLOCK: usize = 512;
/// The two words with which a block begins, and the one with which it ends.
const MAGIC: [u32; 3] = [0x0a32_4655, 0x9e5d_5157, 0x0ab1_6f30];

/// Whether a file is a UF2 file, whole or not.
pub fn is_uf2(file: &[u8]) -> bool {
    file.starts_with(&[MAGIC[0], MAGIC[1]].map(u32::to_le_bytes).concat())
}

/// Whether the boot ROM of an RP2040 would take a UF2 file and start it.
///
/// # Errors
/// [`Uf2Error::Block`] names the first block that it would not take; [`Uf2Error::Boot`].
pub fn check_uf2(file: &[u8]) -> Result<(), Uf2Error> {
    let (mut boot, count) = (None, file.len().div_ceil(BLOCK));
    for (number, block) in file.chunks(BLOCK).enumerate() {
        let word = |at: usize| {
            block.get(at..at + 4).map_or(0, |word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]))
        };
        let fixed = [0, 4, 16, 20, 24, 28, BLOCK - 4].map(word);
        let (page, at) = (PAGE as u32, word(12));
        let is_here = FLASH.contains(&at) && at.is_multiple_of(page);
        if !is_here || fixed != [MAGIC[0], MAGIC[1], page, number as u32, count as u32, FAMILIES[0], MAGIC[2]] {
            return Err(Uf2Error::Block(number));
        }
        boot = boot.or((at == FLASH.start).then(|| &block[32..32 + PAGE]));
    }
    check_boot(boot.ok_or(Uf2Error::Boot)?)
}

/// Whether flash begins with a second stage and its checksum.
fn has_second_stage(flash: &[u8]) -> bool {
    let (boot, sum) = flash[..PAGE].split_at(PAGE - 4);
    sum == checksum(boot).to_le_bytes()
}

/// Whether the boot ROM of an RP2040 would start the second stage at the begin of flash.
fn check_boot(flash: &[u8]) -> Result<(), Uf2Error> {
    if has_second_stage(flash) { Ok(()) } else { Err(Uf2Error::Boot) }
}

/// Turns the ELF file of a program for an RP2040 or an RP2350 into a UF2 file: whole sectors of flash, filled up with zeros.
///
/// # Errors
/// [`Uf2Error`] for what is no such program, or one that the boot ROM would not start.
pub fn uf2(elf: &[u8]) -> Result<Vec<u8>, Uf2Error> {
    let sectors = sectors(&segments(elf)?)?;
    let family = sectors.get(&FLASH.start).and_then(family).ok_or(Uf2Error::Boot)?;
    let pages = sectors.iter().flat_map(|(at, sector)| (*at..).step_by(PAGE).zip(sector.chunks_exact(PAGE)));
    let count = (sectors.len() * SECTOR / PAGE) as u32;
    let mut file = Vec::new();
    for (number, (at, page)) in (0..count).zip(pages) {
        let head = [MAGIC[0], MAGIC[1], 0x2000, at, PAGE as u32, number, count, family];
        file.extend(head.iter().flat_map(|word| word.to_le_bytes()));
        file.extend(page);
        file.extend([0; 476 - PAGE]);
        file.extend(MAGIC[2].to_le_bytes());
    }
    Ok(file)
}

/// The chip whose boot ROM starts what begins so.
fn family(first: &[u8; SECTOR]) -> Option<u32> {
    let words: Vec<u32> = first.as_chunks().0.iter().map(|word| u32::from_le_bytes(*word)).collect();
    let block = words.windows(2).position(|pair| pair == IMAGE.0);
    let has_block = block.is_some_and(|at| words[at..].contains(&IMAGE.1));
    match has_second_stage(first) {
        true => Some(FAMILIES[0]),
        false => has_block.then_some(FAMILIES[1]),
    }
}

/// What is loaded, and where.
fn segments(elf: &[u8]) -> Result<Vec<(u32, &[u8])>, Uf2Error> {
    let wrong = |error: object::Error| Uf2Error::Elf(error.to_string());
    let file = ElfFile32::<object::Endianness>::parse(elf).map_err(wrong)?;
    let machine = file.elf_header().e_machine(file.endian());
    if machine != EM_ARM || file.endian() != Little {
        return Err(Uf2Error::Machine(machine.0));
    }
    let loaded = file.elf_program_headers().iter().filter(|header| header.p_type(Little) == PT_LOAD);
    let part = |header: &<object::elf::FileHeader32<_> as FileHeader>::ProgramHeader| {
        let bytes = header.data(Little, elf).map_err(|()| Uf2Error::Elf("a segment ends behind the file".into()))?;
        Ok((header.p_paddr(Little), bytes))
    };
    let parts: Vec<(u32, &[u8])> = loaded.map(part).collect::<Result<_, _>>()?;
    Ok(parts.into_iter().filter(|(_, bytes)| !bytes.is_empty()).collect())
}

/// The sectors that are touched, by where they begin.
fn sectors(segments: &[(u32, &[u8])]) -> Result<BTreeMap<u32, [u8; SECTOR]>, Uf2Error> {
    let mut sorted = segments.to_vec();
    sorted.sort_by_key(|(at, _)| *at);
    let (mut sectors, mut end) = (BTreeMap::new(), FLASH.start);
    for (at, bytes) in sorted {
        let room = FLASH.end.checked_sub(at).filter(|_| FLASH.contains(&at)).map_or(0, |room| room as usize);
        if bytes.len() > room {
            return Err(Uf2Error::Outside { at, bytes: bytes.len() });
        }
        if at < end {
            return Err(Uf2Error::Overlap { at });
        }
        end = at + bytes.len() as u32;
        for (at, byte) in (at..).zip(bytes) {
            let within = at as usize % SECTOR;
            sectors.entry(at - within as u32).or_insert([0; SECTOR])[within] = *byte;
        }
    }
    if sectors.is_empty() { Err(Uf2Error::Empty) } else { Ok(sectors) }
}

/// CRC-32 as the boot ROM takes it of the second stage: most significant bit first, the end not inverted.
fn checksum(bytes: &[u8]) -> u32 {
    let bit = |crc: u32, _| if crc >> 31 == 1 { crc << 1 ^ 0x04c1_1db7 } else { crc << 1 };
    bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte) << 24, bit))
}

#[cfg(test)]
mod tests {
    use object::elf::Machine;

    use super::*;

    /// An ELF file with these segments.
    fn elf(machine: Machine, segments: &[(u32, &[u8])]) -> Vec<u8> {
        let mut file = b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0\x02\0".to_vec();
        file.extend(machine.0.to_le_bytes());
        file.extend([1, 0, 52, 0, 0].iter().flat_map(|word: &u32| word.to_le_bytes()));
        file.extend([52, 32, segments.len() as u16, 40, 0, 0].iter().flat_map(|half: &u16| half.to_le_bytes()));
        let mut offset = (52 + 32 * segments.len()) as u32;
        for (at, bytes) in segments {
            let size = bytes.len() as u32;
            // A segment of data is copied from flash to RAM: what counts is where it is loaded.
            let header = [PT_LOAD.0, offset, 0x2000_0000, *at, size, size, 4, 4];
            file.extend(header.iter().flat_map(|word| word.to_le_bytes()));
            offset += size;
        }
        file.extend(segments.iter().flat_map(|(_, bytes)| *bytes));
        file
    }

    fn boot() -> Vec<u8> {
        let code = [7; PAGE - 4];
        [&code[..], &checksum(&code).to_le_bytes()].concat()
    }

    #[test]
    fn a_program_becomes_blocks_of_whole_sectors() {
        assert_eq!(checksum(b"123456789"), 0x0376_e6e7); // of the catalogue of CRCs: CRC-32/MPEG-2
        let (boot, data) = (boot(), [9; 300]);
        let file = uf2(&elf(EM_ARM, &[(0x1000_2ff0, &data), (0x1000_0000, &boot)])).unwrap();
        assert_eq!(file.len(), 3 * 16 * 512);
        assert!(is_uf2(&file) && !is_uf2(&file[1..]));
        assert_eq!(check_uf2(&file), Ok(()));
        let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
        let mut flash = vec![0xff; 4 * SECTOR];
        for (number, block) in (0..48).map(|number| (number, 512 * number)) {
            assert_eq!([word(block), word(block + 4), word(block + 508)], [0x0a32_4655, 0x9e5d_5157, 0x0ab1_6f30]);
            let (at, fields) = (word(block + 12), [8, 16, 20, 24, 28].map(|field| word(block + field)));
            assert_eq!(fields, [0x2000, 256, number as u32, 48, FAMILIES[0]]);
            let at = (at - FLASH.start) as usize;
            flash[at..at + 256].copy_from_slice(&file[block + 32..block + 288]);
        }
        assert_eq!((&flash[..256], &flash[0x2ff0..0x2ff0 + 300]), (&boot[..], &data[..]));
        assert_eq!((flash[256], flash[0x1000], flash[0x2fef], flash[0x3fff]), (0, 0xff, 0, 0));
    }

    #[test]
    fn a_block_in_the_first_sector_is_an_rp2350s() {
        let block = |end: u32| [7, IMAGE.0[0], IMAGE.0[1], 1, end].iter().flat_map(|word| word.to_le_bytes()).collect();
        let program = |at: u32, block: &Vec<u8>| elf(EM_ARM, &[(FLASH.start, &[1; 64]), (FLASH.start + at, block)]);
        let whole: Vec<u8> = block(IMAGE.1);
        let file = uf2(&program(0xfec, &whole)).unwrap();
        assert_eq!(file[28..32], FAMILIES[1].to_le_bytes());
        assert_eq!(uf2(&program(0xff0, &whole)), Err(Uf2Error::Boot));
        assert_eq!(uf2(&program(0x110, &block(0))), Err(Uf2Error::Boot));
    }

    #[test]
    fn a_file_that_the_boot_rom_would_not_take_is_refused_by_its_block() {
        let file = uf2(&elf(EM_ARM, &[(0x1000_0000, &boot())])).unwrap();
        let changed = |at: usize| check_uf2(&[&file[..at], &[file[at] ^ 1], &file[at + 1..]].concat());
        // Its first words, address, length, number, count, family and end; then the checksum of the second stage.
        for at in [0, 4, 12, 15, 16, 20, 24, 28, 508] {
            assert_eq!(changed(512 + at), Err(Uf2Error::Block(1)), "{at}");
        }
        assert_eq!(changed(40), Err(Uf2Error::Boot));
        assert_eq!(check_uf2(&file[..file.len() - 512]), Err(Uf2Error::Block(0)));
        assert_eq!(check_uf2(&file[..file.len() - 1]), Err(Uf2Error::Block(15)));
        assert_eq!(check_uf2(&[]), Err(Uf2Error::Boot));
    }

    #[test]
    fn what_is_no_program_for_the_chip_is_refused_by_what_is_wrong() {
        let boot = boot();
        let refused = |segments: &[(u32, &[u8])]| uf2(&elf(EM_ARM, segments)).unwrap_err();
        assert_eq!(refused(&[]), Uf2Error::Empty);
        assert_eq!(refused(&[(0x1000_0000, &[])]), Uf2Error::Empty);
        assert_eq!(
            refused(&[(0x1000_0000, &boot), (0x2000_0000, &[1])]),
            Uf2Error::Outside { at: 0x2000_0000, bytes: 1 }
        );
        assert_eq!(refused(&[(0x10ff_ffff, &[1, 2])]), Uf2Error::Outside { at: 0x10ff_ffff, bytes: 2 });
        assert_eq!(refused(&[(0x0fff_ffff, &[1, 2])]), Uf2Error::Outside { at: 0x0fff_ffff, bytes: 2 });
        assert_eq!(refused(&[(0x1000_00ff, &[1]), (0x1000_0000, &boot)]), Uf2Error::Overlap { at: 0x1000_00ff });
        assert_eq!(refused(&[(0x1000_0100, &boot)]), Uf2Error::Boot);
        assert_eq!(refused(&[(0x1000_1000, &boot)]), Uf2Error::Boot);
        let whole = elf(EM_ARM, &[(0x1000_0000, &boot)]);
        assert_eq!(uf2(&elf(Machine(243), &[(0x1000_0000, &boot)])), Err(Uf2Error::Machine(243)));
        for length in 0..whole.len() {
            assert!(matches!(uf2(&whole[..length]), Err(Uf2Error::Elf(_))), "{length}");
        }
        assert!(matches!(uf2(b"bfab"), Err(Uf2Error::Elf(_))));
        let flipped = |at: usize| [&whole[..at], &[whole[at] ^ 0x10], &whole[at + 1..]].concat();
        (0..whole.len()).for_each(|at| drop(uf2(&flipped(at)))); // whatever it says, it does not panic
        assert_eq!(uf2(&flipped(100)), Err(Uf2Error::Boot));
    }
}
