//! The counting plugin: compiled when first needed.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::files::{in_file, scratch};
use super::process;
use super::tool::Tool;
use super::{QemuError, target_folder};

const COMPILER: Tool = Tool { program: "cc", package: "gcc" };

const SOURCE: &str = include_str!("../../qemu/count.c");

/// The plugin's shared object under the target folder.
///
/// The file's name holds a digest of the source, so that a changed source is compiled again.
pub fn plugin() -> Result<PathBuf, QemuError> {
    let folder = target_folder()?;
    let digest = bitfab_format::digest(&bitfab_format::align(SOURCE.as_bytes()));
    let path = folder.join(format!("count-{digest:08x}.so"));
    if path.exists() {
        return Ok(path);
    }
    fs::create_dir_all(&folder).map_err(in_file(&folder))?;
    let scratch = scratch()?;
    let source = scratch.path().join("count.c");
    fs::write(&source, SOURCE).map_err(in_file(&source))?;
    // Compiled aside and renamed, so that nobody ever sees half a file; the name is free for each thread.
    let aside = tempfile::Builder::new().suffix(".so").tempfile_in(&folder).map_err(in_file(&folder))?.into_temp_path();
    let mut compiler = Command::new(COMPILER.program);
    compiler.args(["-O2", "-shared", "-fPIC", "-o"]).arg(&aside).arg(&source);
    let output = process::compile(&mut compiler, COMPILER)?;
    if !output.status.success() {
        return Err(QemuError::Plugin { output: String::from_utf8_lossy(&output.stderr).into() });
    }
    aside.persist(&path).map_err(|error| QemuError::Io { path: path.clone(), source: error.error })?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A Cortex-M3's vectors and program in Thumb.
    const PROGRAM: [u16; 26] = [
        0x1000, 0x2000, 0x0009, 0x0000, // the stack's top, the start
        0xb088, // sub sp, #32
        0x46d2, 0x9800, 0x9901, 0x9a02, 0xbc0f, 0x46c9, // 3 ldr r, [sp, #n]; pop {r0-r3}
        0x46d2, 0xb403, 0x46c9, // push {r0, r1}
        0x46d2, 0x9800, 0x46db, 0x9000, 0xb40f, 0x46c9, // ldr; lap; str, push {r0-r3}
        0x2018, 0x4901, 0xbeab, 0xe7fe, // ends by semihosting
        0x0026, 0x0002,
    ];

    #[test]
    fn loads_and_stores_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let [image, counts] = ["program.bin", "counts.txt"].map(|name| folder.path().join(name));
        fs::write(&image, PROGRAM.map(u16::to_le_bytes).concat()).unwrap();
        let mut qemu = Command::new("qemu-system-arm");
        qemu.args(["-M", "mps2-an385", "-nographic", "-monitor", "none", "-serial", "none", "-semihosting", "-plugin"]);
        qemu.arg(format!("{},out={},stack=20000000-20001000", plugin().unwrap().display(), counts.display()));
        assert!(qemu.arg("-kernel").arg(&image).stdin(std::process::Stdio::null()).status().unwrap().success());
        let expected = "region 0 instructions 4 loads 7 stores 0 lowest -\n\
                        region 1 instructions 1 loads 0 stores 2 lowest 20000fe8\n\
                        lap 2 0 instructions 1 loads 1 stores 0\n\
                        region 2 instructions 3 loads 1 stores 5 lowest 20000fd8\n";
        assert_eq!(fs::read_to_string(&counts).unwrap(), expected);
    }
}
