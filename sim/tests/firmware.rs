//! What the firmware is made of: no panic path, and how many bytes of code.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use bitfab_sim::qemu::{Profile, QemuError, boards_folder, build};
use object::{Object, ObjectSection, ObjectSymbol, SymbolKind};

const TARGETS: [&str; 3] = ["thumbv6m-none-eabi", "thumbv7em-none-eabihf", "riscv32imac-unknown-none-elf"];
const PROFILES: [Profile; 3] = [Profile::Speed, Profile::Size, Profile::Smallest];
/// Part of the linker's message when the panic handler is reachable.
const SURVIVED: &str = "at least one panicking branch";
/// What the library may take on a Cortex-M4.
const CEILING: u64 = 13 * 1024;
/// The same with every kind of weights, rather than binary ones alone.
const CEILING_OF_ALL: u64 = 25 * 1024;
/// What the driver of an accelerator may take on a Cortex-M0, over SPI and over UART in one program.
const CEILING_OF_LINK: u64 = 2_560;
const START_UP: &str = "start-up";
/// Not the library's: start-up code, the compiler's `memcpy` and its like, access to this board's memory.
const OTHERS: [&str; 3] = [START_UP, "compiler_builtins", "bitfab_board_platform"];

#[test]
fn no_panic_path_is_left_on_any_target_at_any_optimisation() -> Result<()> {
    for target in TARGETS {
        for profile in PROFILES {
            build("no_panic", target, profile, &[]).with_context(|| format!("{profile:?}"))?;
        }
    }
    Ok(())
}

#[test]
fn a_planted_panic_does_not_link() -> Result<()> {
    for target in TARGETS {
        match build("no_panic", target, Profile::Size, &["planted"]) {
            Err(QemuError::Build { output, .. }) if output.contains(SURVIVED) => {}
            other => bail!("{target}: a planted panic must fail to link with `{SURVIVED}`, but: {other:?}"),
        }
    }
    Ok(())
}

/// Bytes of `.text` by the crate that a symbol belongs to; start-up code has none.
///
/// Padding between symbols is left out: it follows from their order, which differs from one checkout's path to another's.
/// With link-time optimisation a function counts where it was inlined: most of the runtime is in `minimal`.
fn code_by_crate(elf: &Path) -> Result<BTreeMap<String, u64>> {
    let bytes = fs::read(elf)?;
    let file = object::File::parse(&*bytes)?;
    let text = file.section_by_name(".text").context("no .text")?;
    let mut sizes = BTreeMap::new();
    for symbol in file.symbols().filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.size() > 0) {
        if symbol.section_index() == Some(text.index()) {
            *sizes.entry(crate_of(symbol.name()?)).or_insert(0) += symbol.size();
        }
    }
    ensure!(sizes.values().sum::<u64>() <= text.size(), "symbols overlap");
    Ok(sizes)
}

/// The crate of a symbol: the first segment of its path.
fn crate_of(symbol: &str) -> String {
    let path = format!("{:#}", rustc_demangle::demangle(symbol));
    match path.trim_start_matches(['<', '&']).split_once("::") {
        Some((name, _)) => name.into(),
        None if path.starts_with("__aeabi") || path.starts_with("mem") => "compiler_builtins".into(),
        None if path.starts_with("OUTLINED") => "minimal".into(),
        None => START_UP.into(),
    }
}

/// The sizes as a file, and the library's.
fn measured(package: &str, target: &str, features: &[&str]) -> Result<(String, u64)> {
    let sizes = code_by_crate(&build(package, target, Profile::Release, features)?)?;
    let library: u64 = sizes.iter().filter(|(name, _)| !OTHERS.contains(&name.as_str())).map(|(_, size)| size).sum();
    let mut snapshot = format!("# bytes of .text, `{package}` for {target}");
    features.iter().for_each(|feature| snapshot.push_str(&format!(" with {feature}")));
    snapshot.push_str("; UPDATE_SNAPSHOTS=1 rewrites this file\n");
    for (name, size) in sizes.iter().chain([(&"library".to_owned(), &library)]) {
        writeln!(snapshot, "{name:24} {size:6}")?;
    }
    Ok((snapshot, library))
}

/// Compares the size of the library in a package with its ceiling and with the recorded one.
fn check_size(name: &str, package: &str, target: &str, features: &[&str], ceiling: u64) -> Result<()> {
    let (snapshot, library) = measured(package, target, features)?;
    let path = boards_folder()?.join("size").join(format!("{name}.size"));
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some_and(|value| value == "1") {
        fs::create_dir_all(path.parent().context("no folder")?)?;
        fs::write(&path, &snapshot)?;
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    ensure!(library <= ceiling, "{library} bytes of library code, {ceiling} are allowed:\n{snapshot}");
    ensure!(
        kept == snapshot,
        "code size changed; if that is meant, run again with UPDATE_SNAPSHOTS=1 and commit {}\nwas:\n{kept}\nis:\n{snapshot}",
        path.display()
    );
    Ok(())
}

#[test]
fn the_library_stays_below_its_code_size() -> Result<()> {
    let target = "thumbv7em-none-eabihf";
    check_size(target, "minimal", target, &[], CEILING)?;
    check_size("thumbv7em-none-eabihf-all-kinds", "minimal", target, &["all-kinds"], CEILING_OF_ALL)
}

#[test]
fn the_driver_of_an_accelerator_stays_below_its_code_size() -> Result<()> {
    let target = "thumbv6m-none-eabi";
    check_size("thumbv6m-none-eabi-link", "minimal_link", target, &[], CEILING_OF_LINK)
}
