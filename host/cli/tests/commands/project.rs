//! What `bitfab new` writes, built outside the repository, and what it refuses.

use std::path::Path;
use std::process::Command;

use predicates::str::contains;

use crate::common::{Learned, bitfab};

/// Builds of projects share their dependencies.
fn build(project: &Path) -> std::process::Output {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("projects");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(project).args(["build", "--release", "--locked"]).env("CARGO_TARGET_DIR", target);
    cargo.env_remove("RUSTFLAGS").output().unwrap()
}

#[test]
fn a_project_for_a_pico_builds_outside_the_repository() {
    let learned = Learned::new("mlp:16");
    bitfab(learned.path()).args(["new", "net.bfab", "--board", "pico", "-o", "my-app"]).assert().success();
    let project = learned.file("my-app");
    let output = build(&project);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("projects/thumbv6m-none-eabi/release/my-app");
    assert!(target.is_file());
    let readme = std::fs::read_to_string(project.join("README.md")).unwrap();
    assert!(readme.contains("GP17 cs_n") && readme.contains("64 bytes of an input"), "{readme}");
    // A folder with something in it is left alone.
    let again = bitfab(learned.path()).args(["new", "net.bfab", "--board", "pico", "-o", "my-app"]).assert();
    again.failure().code(1).stderr(contains("my-app is not empty"));
}

#[test]
fn what_a_board_cannot_take_is_said() {
    let learned = Learned::new("mlp:16");
    let said = |arguments: &[&str], said: &str| {
        let all = ["new", "net.bfab"].into_iter().chain(arguments.iter().copied());
        bitfab(learned.path()).args(all).assert().failure().code(1).stderr(contains(said.to_owned()));
    };
    said(&["--board", "uno", "-o", "app"], "there are pico");
    said(&["--board", "pico", "-o", "2048"], "`2048` is no name for a package");
    said(&["--board", "pico", "-o", "app", "--crates", "/nowhere"], "/nowhere is not the folder `firmware`");
    assert!(!learned.file("app").exists());
}
