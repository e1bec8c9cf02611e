//! What `bitfab bitstream` builds, and what it refuses.

use predicates::str::contains;

use crate::common::{Learned, bitfab, json};

#[test]
fn a_bitstream_comes_with_its_pins_and_what_its_user_must_know() {
    let learned = Learned::new("mlp:16");
    let arguments = ["bitstream", "net.bfab", "--board", "icebreaker", "--clock", "12", "--seeds", "1", "-o", "bits"];
    let printed = json(learned.path(), &arguments);
    assert_eq!((printed["kilohertz"].as_u64(), printed["lanes"].as_u64()), (Some(12_000), Some(8)));
    assert!(printed["mhz"][0].as_f64().unwrap() > 12.0);
    let folder = learned.file("bits");
    let text = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let readme = text("README.md");
    assert!(
        readme.contains("iceprog icebreaker.bin") && readme.contains("PMOD 1A") && !readme.contains('@'),
        "{readme}"
    );
    assert!(readme.contains(printed["model"].as_str().unwrap()), "{readme}");
    let report: serde_json::Value = serde_json::from_str(&text("bitstream.json")).unwrap();
    assert_eq!(report, printed);
    assert_eq!((report["link"].as_str(), report["digests"].as_bool()), (Some("spi"), Some(false)));
    assert!(text("pins.pcf").contains("set_io cs_n 4\n") && text("board.v").contains("chip chip("));
    assert_eq!(std::fs::metadata(folder.join("icebreaker.bin")).unwrap().len(), 104_090);

    // The same again: its own files are replaced, those of others are not.
    std::fs::write(folder.join("icebreaker.bin"), "mine").unwrap();
    let refused = bitfab(learned.path()).args(arguments).assert().failure().code(1);
    refused.stderr(contains("icebreaker.bin exists and is not a bitstream of an iCE40"));
}

#[test]
fn another_board_and_the_other_link_are_built_too() {
    let learned = Learned::new("mlp:16");
    let board = ["--board", "hx8k-breakout", "--link", "uart", "--baud", "115200"];
    let rest = ["--clock", "12", "--lanes", "2", "--seeds", "1", "-o", "bits"];
    let printed = json(learned.path(), &[&["bitstream", "net.bfab"], &board[..], &rest[..]].concat());
    assert_eq!((printed["kilohertz"].as_u64(), printed["lanes"].as_u64()), (Some(12_000), Some(2)));
    let folder = learned.file("bits");
    let text = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let readme = text("README.md");
    assert!(readme.contains("iceprog hx8k-breakout.bin") && readme.contains("UART, 8N1, 115385 baud"), "{readme}");
    // Those of the UART and no others.
    let pins = text("pins.pcf");
    assert!(pins.contains("set_io rx B10\n") && pins.contains("set_io tx B12\n") && !pins.contains("sck"), "{pins}");
    assert_eq!(std::fs::metadata(folder.join("hx8k-breakout.bin")).unwrap().len(), 135_100);
}

#[test]
fn weights_that_are_loaded_lie_beside_the_bitstream() {
    let learned = Learned::new("mlp:16");
    let board = ["bitstream", "net.bfab", "--board", "icebreaker", "--weights", "loaded", "-o", "bits"];
    let arguments = [&board[..], &["--clock", "12", "--lanes", "2", "--seeds", "1"]].concat();
    let printed = json(learned.path(), &arguments);
    assert_eq!((printed["weights"].as_str(), printed["cells"]["sprams"].as_u64()), (Some("loaded"), Some(4)));
    let folder = learned.file("bits");
    let text = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let readme = text("README.md");
    assert!(readme.contains("    iceprog -o 1048576 weights.bin\n    iceprog icebreaker.bin\n"), "{readme}");
    assert!(readme.contains("answered A3 (the driver's `NoWeights`)") && !readme.contains('@'), "{readme}");
    assert!(text("pins.pcf").contains("set_io flash_cs_n 16\n") && text("netlist.v").contains("SB_SPRAM256KA"));
    assert_eq!(std::fs::read(folder.join("weights.bin")).unwrap().len() % 4, 0);
    // The same again, in words: an image of weights may be replaced.
    let said = bitfab(learned.path()).args(arguments).assert().success();
    said.stdout(contains("configure it: iceprog -o 1048576 bits/weights.bin && iceprog bits/icebreaker.bin"));
}

#[test]
fn what_does_not_fit_or_is_not_known_is_said_with_a_way_out() {
    let learned = Learned::new("mlp:16");
    let said = |arguments: &[&str], code: i32, said: &str| {
        let all = ["bitstream", "net.bfab", "-o", "bits"].into_iter().chain(arguments.iter().copied());
        bitfab(learned.path()).args(all).assert().failure().code(code).stderr(contains(said.to_owned()));
    };
    said(&["--board", "arty"], 1, "choose one of icebreaker, hx8k-breakout, or name a file");
    said(&["--board", "none.toml"], 1, "cannot read the board none.toml");
    std::fs::write(learned.file("odd.toml"), "name = 1").unwrap();
    said(&["--board", "./odd.toml"], 1, "the board ./odd.toml");
    said(&["--board", "icebreaker", "--lanes", "32"], 1, "block RAMs, and the device has 30");
    said(&["--board", "hx8k-breakout", "--weights", "loaded", "--lanes", "1"], 1, "its description names no pins");
    said(&["--board", "icebreaker", "--lanes", "3"], 2, "1, 2, 4, 8, 16 or 32");
    said(&["--board", "icebreaker", "--clock", "8"], 1, "no clock of 8 MHz or less");
    said(
        &["--board", "icebreaker", "--link", "uart", "--baud", "9000000", "--clock", "12"],
        1,
        "does not make 9000000 baud",
    );
    said(&["--board", "icebreaker", "--clock", "200", "--lanes", "8", "--seeds", "1"], 1, "choose a slower clock");
}
