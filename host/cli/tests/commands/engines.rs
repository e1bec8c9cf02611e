//! Engines of `bitfab verify` that stand on tools; what they compute is tested in `sim/tests/engines`.

use predicates::str::contains;

use crate::common::{Learned, bitfab};

#[test]
fn the_linked_chip_agrees_and_engines_without_their_tools_name_the_package() {
    let learned = Learned::new("mlp:16");
    let engines = "linked,linked-uart,netlist-ice40,netlist-ecp5,bitstream-ice40,pico";
    let mut command = bitfab(learned.path());
    command.args(["verify", "net.bfab", "--data", "digits", "--limit", "2", "--lanes", "1", "--engines", engines]);
    let run = command.env("BITFAB_NODE", "nowhere").env("PATH", "/nowhere").env_remove("BITFAB_VENV").assert();
    let mut run =
        run.failure().code(1).stderr(contains("could not run: netlist-ice40, netlist-ecp5, bitstream-ice40, pico"));
    for engine in ["netlist-ice40", "netlist-ecp5", "bitstream-ice40"] {
        let missing = "could not run: `yosys` is not installed: install the Debian package `yosys`";
        run = run.stdout(contains(format!("{engine} {missing}")));
    }
    run.stdout(contains("pico could not run: nowhere has no rp2040js: `npm --prefix DIR install rp2040js@1.4.1`"));
}
