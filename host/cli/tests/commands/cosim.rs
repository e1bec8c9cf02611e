//! What `bitfab cosim` refuses before it works for minutes; what it does is tested in `sim/tests/cosim.rs`.

use predicates::prelude::PredicateBooleanExt;
use predicates::str::contains;

use crate::common::bitfab;
use crate::uf2::program;

const BITS: &str = r#"{"board": "icebreaker", "digests": true, "link": "spi", "model": "00000000"}"#;

#[test]
fn a_pair_that_cannot_be_compared_is_refused_with_a_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    let refused = |program: &str, bits: &str, node: &str, said: &str| {
        let mut command = bitfab(folder.path());
        let run = command.args(["cosim", program, bits]).env("BITFAB_NODE", node).assert().failure().code(1);
        run.stdout("").stderr(contains(said.to_owned()).and(contains("panicked").not()));
    };
    for name in ["bits", "none", "uart", "plain", "other", "odd", "empty", "node/node_modules/rp2040js"] {
        std::fs::create_dir_all(folder.path().join(name)).unwrap();
    }
    write("app", &program());
    write("bits/bitstream.json", BITS.as_bytes());
    write("bits/icebreaker.bin", b"no bitstream");
    write("empty/bitstream.json", BITS.as_bytes());
    write("uart/bitstream.json", BITS.replace("spi", "uart").as_bytes());
    write("plain/bitstream.json", BITS.replace("true", "false").as_bytes());
    write("other/bitstream.json", BITS.replace("icebreaker", "hx8k-breakout").as_bytes());
    write("odd/bitstream.json", b"[]");

    refused("none.elf", "bits", "node", "cannot read none.elf");
    refused("app", "none", "node", "none is no folder of `bitfab bitstream`");
    refused("app", "odd", "node", "odd: this is not what `bitfab bitstream` writes");
    refused("app", "empty", "node", "cannot read empty/icebreaker.bin");
    refused("app", "uart", "node", "build it with --link spi");
    refused("app", "plain", "node", "build it with --digests");
    refused("app", "other", "node", "the board is `hx8k-breakout`");
    refused("bits/icebreaker.bin", "bits", "node", "this is no ELF file of a microcontroller");
    write("short.uf2", b"UF2\nWQ]\x9e");
    refused("short.uf2", "bits", "node", "block 0 of the UF2 file");
    refused("app", "bits", "nowhere", "nowhere has no rp2040js: `npm --prefix DIR install rp2040js@1.4.1`");
    refused("app", "bits", "node", "iceunpack failed");
    // A tool that is missing is named with its package.
    let mut command = bitfab(folder.path());
    command.args(["cosim", "app", "bits"]).env("BITFAB_NODE", "node").env("PATH", "/nowhere");
    command
        .assert()
        .failure()
        .code(1)
        .stderr(contains("`iceunpack` is not installed: install the Debian package `fpga-icestorm`"));
}
