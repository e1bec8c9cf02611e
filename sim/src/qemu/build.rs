//! Builds firmware in the boards' own workspace.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::QemuError;
use super::process;
use super::tool::Tool;

const CARGO: Tool = Tool { program: "cargo", package: "rustup" };

/// How firmware is optimised: the release profile of the boards' workspace, at its own level or another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// As in a product: size for most, speed for the kernels.
    Release,
    /// Speed for all.
    Speed,
    /// Size for all.
    Size,
    /// Smallest size for all.
    Smallest,
}

impl Profile {
    /// All profiles.
    pub const ALL: [Self; 4] = [Self::Release, Self::Speed, Self::Size, Self::Smallest];

    /// Cargo's name of the level; `None` is the profile's own.
    ///
    /// A level rather than a profile for each: macros and types of numbers, most of what is compiled, are then compiled
    /// once for all levels.
    pub const fn level(self) -> Option<&'static str> {
        match self {
            Self::Release => None,
            Self::Speed => Some("3"),
            Self::Size => Some("s"),
            Self::Smallest => Some("z"),
        }
    }
}

/// The boards' workspace in the checkout that this crate was built from.
///
/// # Errors
/// [`QemuError::Sources`] where the checkout is gone.
pub fn boards_folder() -> Result<PathBuf, QemuError> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../firmware/boards");
    path.canonicalize().map_err(|_| QemuError::Sources { path })
}

/// Where boards are built: `boards` under the root workspace's target folder.
///
/// # Errors
/// [`QemuError::Sources`] where the checkout is gone.
pub fn target_folder() -> Result<PathBuf, QemuError> {
    let root = boards_folder()?.join("../..");
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
    Ok(root.join(target).join("boards"))
}

/// Builds `package` for `target` and returns its ELF file; up to date, this takes a fraction of a second.
///
/// The file is that of the last build of the package: one with other features or at another level takes its place.
///
/// # Errors
/// [`QemuError::Build`] with what Cargo said.
pub fn build(package: &str, target: &str, profile: Profile, features: &[&str]) -> Result<PathBuf, QemuError> {
    let binary = if features.contains(&"defmt") { format!("{package}-defmt") } else { package.into() };
    let mut cargo = cargo(&boards_folder()?)?;
    cargo.args(["--package", package, "--bin", &binary, "--target", target, "--features", &features.join(",")]);
    if let Some(level) = profile.level() {
        cargo.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", level);
    }
    built(cargo, package, target, &binary)
}

/// Builds a program that is a workspace of its own, for the target that it chooses, with the model of a file or with
/// the one that it has; returns its ELF file.
///
/// # Errors
/// [`QemuError::Build`] with what Cargo said.
pub fn build_alone(
    package: &str,
    target: &str,
    model: Option<&Path>,
    inputs: Option<&Path>,
    features: &[&str],
) -> Result<PathBuf, QemuError> {
    let mut cargo = cargo(&boards_folder()?.join(package))?;
    cargo.args(features);
    for (variable, chosen) in [("BITFAB_MODEL", model), ("BITFAB_INPUTS", inputs)] {
        match chosen {
            Some(path) => cargo.env(variable, path),
            None => cargo.env_remove(variable),
        };
    }
    built(cargo, package, target, package)
}

/// A build in a folder, which Cargo's configuration is read from.
fn cargo(folder: &Path) -> Result<Command, QemuError> {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // Linker arguments come from the boards' own build scripts; flags for the laptop must not reach them.
    for variable in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET", "RUSTC_WORKSPACE_WRAPPER"] {
        cargo.env_remove(variable);
    }
    cargo.current_dir(folder).env("CARGO_TARGET_DIR", target_folder()?);
    cargo.args(["build", "--quiet", "--color=never", "--release"]);
    Ok(cargo)
}

/// Runs a build to its end.
fn built(mut cargo: Command, package: &str, target: &str, binary: &str) -> Result<PathBuf, QemuError> {
    let output = process::compile(&mut cargo, CARGO)?;
    if output.status.success() {
        return Ok(target_folder()?.join(target).join("release").join(binary));
    }
    let output = String::from_utf8_lossy(&output.stderr).into_owned();
    let missing = output.contains("target may not be installed") || output.contains("can't find crate for `core`");
    let hint = if missing { format!(" (run `rustup target add {target}`)") } else { String::new() };
    Err(QemuError::Build { package: package.into(), target: target.into(), hint, output })
}
