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

/// What Cargo knows of a project without building it: manifest, lock file and crates fit.
fn metadata(project: &Path) -> serde_json::Value {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(project).args(["metadata", "--locked", "--format-version", "1"]);
    let output = cargo.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn every_board_has_a_project_that_cargo_takes() {
    let learned = Learned::new("mlp:16");
    let help = bitfab(learned.path()).args(["new", "--help"]).assert().success();
    let help = String::from_utf8_lossy(&help.get_output().stdout).into_owned();
    let boards: Vec<&str> = bitfab::project_boards().collect();
    assert_eq!(boards.len(), 6);
    for board in boards {
        assert!(help.contains(board), "{board}: {help}");
        bitfab(learned.path())
            .args(["new", "net.bfab", "--board", board, "-o", &format!("my-{board}")])
            .assert()
            .success();
        let project = learned.file(&format!("my-{board}"));
        let metadata = metadata(&project);
        let members = metadata["workspace_members"].as_array().unwrap();
        assert!(members.len() == 1 && members[0].as_str().unwrap().contains(&format!("my-{board}")), "{members:?}");
        let read = |file: &str| std::fs::read_to_string(project.join(file)).unwrap();
        for file in ["Cargo.toml", "build.rs", "src/main.rs", ".cargo/config.toml"] {
            assert!(!read(file).contains("../"), "{board}/{file} names a place in the repository");
        }
        let target =
            read(".cargo/config.toml").lines().find_map(|line| line.strip_prefix("target = ")).map(str::to_owned);
        let (target, readme) = (target.unwrap(), read("README.md"));
        let target = target.trim_matches('"');
        assert!(readme.contains(&format!("rustup target add {target}\n")) && readme.contains(" cs_n"), "{readme}");
        assert!(read("build.rs").contains(&format!("self_test(\"{board}\", \"model.bfab\")")));
        assert!(project.join("model.bfab").is_file());
    }
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
    said(&["--board", "uno", "-o", "app"], "there are pico, pico2, stm32f405, stm32h743, nrf52840, esp32c3");
    said(&["--board", "pico", "-o", "2048"], "`2048` is no name for a package");
    said(&["--board", "pico", "-o", "app", "--crates", "/nowhere"], "/nowhere is not the folder `firmware`");
    assert!(!learned.file("app").exists());
}
