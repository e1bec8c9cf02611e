//! What `bitfab uf2` makes of a program, and what it refuses.

use predicates::str::contains;

use crate::common::bitfab;

/// The smallest program that a boot ROM starts: an ELF file whose one segment is a second stage of zeros.
pub fn program() -> Vec<u8> {
    let mut file = b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x28\0".to_vec();
    let words = |file: &mut Vec<u8>, words: &[u32]| file.extend(words.iter().flat_map(|word| word.to_le_bytes()));
    words(&mut file, &[1, 0, 52, 0, 0, 0x0020_0034, 0x0028_0001, 0]);
    words(&mut file, &[1, 84, 0x1000_0000, 0x1000_0000, 256, 256, 5, 4]);
    file.extend([0; 252]);
    words(&mut file, &[BOOT_CHECKSUM]);
    file
}

/// Of 252 zeros.
const BOOT_CHECKSUM: u32 = 0x7065_399a;

#[test]
fn a_program_becomes_a_file_and_what_is_none_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    let run = |elf: &str, output: &str| bitfab(folder.path()).args(["uf2", elf, "-o", output]).assert();
    let program = program();
    write("pico", &program);
    // Twice: its own file is replaced.
    for _ in 0..2 {
        run("pico", "pico.uf2").success().stdout(contains("pico.uf2: 8192 bytes"));
    }
    let file = std::fs::read(folder.path().join("pico.uf2")).unwrap();
    assert!(file.starts_with(b"UF2\n") && file.len() == 8192);

    write("mine", b"my own");
    run("pico", "mine").failure().code(1).stderr(contains("mine exists and is not a UF2 file"));
    run("pico", "pico").failure().code(1).stderr(contains("choose different files"));
    run("none", "x").failure().code(1).stderr(contains("cannot read none"));
    run("mine", "x").failure().code(1).stderr(contains("mine: this is no ELF file"));
    write("short", &program[..200]);
    run("short", "x").failure().code(1).stderr(contains("a segment ends behind the file"));
    write("unbootable", &[&program[..100], &[1], &program[101..]].concat());
    run("unbootable", "x").failure().code(1).stderr(contains("no second stage of the boot loader"));
    assert!(!folder.path().join("x").exists());
}
