//! What `bitfab new` writes, built outside the repository, and what it refuses.

use std::path::Path;
use std::process::Command;

use predicates::str::contains;

use crate::common::{Learned, bitfab, npy};

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
    assert!(!project.join("inputs.bin").exists());
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
    let with = |rows: &'static str| ["--board", "pico", "-o", "app", "--inputs", rows];
    said(&with("nothing"), "no data set 'nothing'");
    for rows in [["--rows", "3"], ["--part", "test"], ["--as", "bytes"], ["--label", "1"], ["--test-share", "0.5"]] {
        let all = ["new", "net.bfab", "--board", "pico", "-o", "app"].into_iter().chain(rows);
        bitfab(learned.path()).args(all).assert().failure().code(2).stderr(contains("--inputs <DATA>"));
    }
    // 2 MiB less 96 KiB and the model, for rows of 64 bytes and two digests.
    let rows = 30_000;
    let wide = npy("|u1", &format!("({rows}, 64)"), &vec![0; rows * 64]);
    learned.write("many.npy", &wide);
    let room = (2 << 20) - (96 << 10) - learned.read("net.bfab").len();
    let fit = room / 72;
    said(
        &with("many.npy"),
        &format!("{} more than the model and its program leave: at most {fit} fit", rows * 72 - room),
    );
    assert!(!learned.file("app").exists());
    let fit = fit.to_string();
    bitfab(learned.path()).args(["new", "net.bfab"]).args(with("many.npy")).args(["--rows", &fit]).assert().success();
}

#[test]
fn a_project_tests_itself_on_the_rows_that_it_is_given_with_the_digests_of_the_reference() {
    let learned = Learned::new("mlp:16");
    let new = ["new", "net.bfab", "--board", "pico", "--inputs", "digits", "--rows", "30", "-o", "app"];
    bitfab(learned.path()).args(new).assert().success().stdout(contains("tests itself on 30 rows of digits"));
    let project = learned.file("app");
    let inputs = std::fs::read(project.join("inputs.bin")).unwrap();
    assert_eq!(inputs.len(), 30 * (64 + 2 * 4));
    let output = build(&project);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let elf = std::fs::read(Path::new(env!("CARGO_TARGET_TMPDIR")).join("projects/thumbv6m-none-eabi/release/app"));
    let elf = elf.unwrap();
    let holds = |part: &[u8]| elf.windows(part.len()).any(|window| window == part);
    let rows: Vec<&[u8]> = inputs.chunks(72).collect();
    assert!(holds(&rows.iter().flat_map(|row| &row[..64]).copied().collect::<Vec<u8>>()));
    assert!(holds(&rows.iter().flat_map(|row| &row[64..]).copied().collect::<Vec<u8>>()));
    // Digests that are not those of the model do not build.
    let mut wrong = inputs.clone();
    wrong[64] ^= 1;
    std::fs::write(project.join("inputs.bin"), &wrong).unwrap();
    let output = build(&project);
    assert!(String::from_utf8_lossy(&output.stderr).contains("the inputs are of another model"), "{output:?}");
    std::fs::write(project.join("inputs.bin"), &inputs[1..]).unwrap();
    let output = build(&project);
    assert!(String::from_utf8_lossy(&output.stderr).contains("2159 bytes are no rows of 72"), "{output:?}");
}

/// A model of eighteen samples of six counts.
const OF_COUNTS: &[u8] = include_bytes!("../../../../tests/vectors/interface_1.bfab");

#[test]
fn a_project_with_a_sensor_builds_and_says_how_it_measures() {
    let learned = Learned::new("mlp:16");
    learned.write("imu.bfab", OF_COUNTS);
    let new =
        ["new", "imu.bfab", "--board", "pico", "--sensor", "mpu6050", "--hertz", "100", "--g", "8", "-o", "sensing"];
    bitfab(learned.path()).args(new).assert().success();
    let project = learned.file("sensing");
    let read = |file: &str| std::fs::read_to_string(project.join(file)).unwrap();
    assert!(read(".cargo/config.toml").contains("BITFAB_SENSOR = \"100,8,250\""));
    let readme = read("README.md");
    assert!(readme.contains("GP4 SDA, GP5 SCL; 100 samples a second") && readme.contains("±8 g"), "{readme}");
    let output = build(&project);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::write(project.join(".cargo/config.toml"), read(".cargo/config.toml").replace("100,8,250", "fast"))
        .unwrap();
    let output = build(&project);
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("BITFAB_SENSOR, `fast`: say samples a second"),
        "{output:?}"
    );
}

#[test]
fn a_sensor_that_does_not_suit_the_board_or_the_model_is_refused() {
    let learned = Learned::new("mlp:16");
    learned.write("imu.bfab", OF_COUNTS);
    learned.write("five.bfab", include_bytes!("../../../../tests/vectors/interface_3.bfab"));
    for (model, board, more, said) in [
        ("net.bfab", "pico", ["--g", "2"], "takes bytes, not what a sensor measures"),
        ("five.bfab", "pico", ["--g", "2"], "the model takes 225 values, the sensor gives 6 at a time"),
        (
            "imu.bfab",
            "stm32h743",
            ["--g", "2"],
            "has no I2C that the sensor's driver takes; pico, pico2, stm32f405, nrf52840",
        ),
        ("imu.bfab", "pico", ["--g", "3"], "does not have 3; it has [2, 4, 8, 16]"),
        ("imu.bfab", "pico", ["--hertz", "60"], "does not have 60"),
        ("imu.bfab", "pico", ["--degrees", "90"], "does not have 90"),
    ] {
        let new = ["new", model, "--board", board, "--sensor", "mpu6050", "-o", "app"];
        bitfab(learned.path()).args(new).args(more).assert().failure().code(1).stderr(contains(said));
    }
    let alone = ["new", "imu.bfab", "--board", "pico", "--g", "2", "-o", "app"];
    bitfab(learned.path()).args(alone).assert().failure().code(2).stderr(contains("--sensor"));
}
