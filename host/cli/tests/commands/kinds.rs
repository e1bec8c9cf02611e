//! Every kind of weights, from learning to the answers of every engine.

use crate::common::{bitfab, json};
use predicates::str::contains;

/// Options that learn sparse-binary, ternary, SmartDeal and four planes, layer by layer.
const MIXED: [&str; 10] = [
    "--method",
    "planes:4",
    "--layer",
    "dense1=sbnn",
    "--layer",
    "dense2=hq",
    "--layer",
    "dense3=smart-deal",
    "--bits",
    "4",
];

#[test]
fn a_mixed_model_gives_the_same_bits_on_every_engine() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let learn = ["train", "--data", "mnist", "--arch", "mlp:64,48,32", "--epochs", "2", "--zeros", "0.7"];
    bitfab(folder).args(learn).args(MIXED).args(["-o", "mixed.graph"]).assert().success();
    bitfab(folder).args(["compile", "mixed.graph", "-o", "mixed.bfab"]).assert().success();
    let model = json(folder, &["inspect", "mixed.bfab"]);
    let kinds: Vec<&str> = model["layers"].as_array().unwrap().iter().map(|l| l["weights"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["sparse-binary", "ternary", "smart-deal", "planes"]);
    let engines = "reference,kernels,runtime,cycle-model,rtl,verilator,icarus,qemu-m4,qemu-rv32";
    let subset = "rtl=200,icarus=3,qemu-m4=10,qemu-rv32=10";
    let verify =
        ["verify", "mixed.bfab", "--data", "mnist", "--limit", "1000", "--engines", engines, "--subset", subset];
    bitfab(folder).args(verify).assert().success().stdout(contains("qemu-rv32"));
    let outcome = json(folder, &["eval", "mixed.bfab", "--data", "mnist"]);
    assert!(outcome["accuracy"].as_f64().unwrap() > 0.8, "{}", outcome["accuracy"]);
    the_accelerator_rebuilds(folder);
}

/// The SmartDeal layer of the model in `folder` is rebuilt in the accelerator, which gives the same bits.
fn the_accelerator_rebuilds(folder: &std::path::Path) {
    let memories = |weights: &str| {
        let shown = json(folder, &["inspect", "mixed.bfab", "--lanes", "8", "--weights", weights]);
        let memories = shown["accelerator"]["memories"].as_array().unwrap().clone();
        memories.iter().map(|memory| memory["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert!(memories("rebuilt").contains(&"streams".into()) && !memories("contents").contains(&"streams".into()));
    let verify = ["verify", "mixed.bfab", "--data", "mnist", "--limit", "100", "--weights", "rebuilt"];
    let engines = ["--engines", "reference,cycle-model,rtl,icarus", "--subset", "rtl=20,icarus=2"];
    bitfab(folder).args(verify).args(engines).assert().success();
    let write = ["verilog", "mixed.bfab", "--weights", "rebuilt", "--vectors", "1", "-o", "rebuilt"];
    bitfab(folder).args(write).assert().success();
    let run = |program: &str, arguments: &[&str]| {
        let output = std::process::Command::new(program).args(arguments).current_dir(folder.join("rebuilt")).output();
        String::from_utf8(output.unwrap_or_else(|error| panic!("{program}: {error}")).stdout).unwrap()
    };
    run("iverilog", &["-g2012", "-o", "bench", "testbench.v", "bitfab.v"]);
    assert!(run("vvp", &["bench"]).contains("PASS"));
    let other = ["train", "--data", "digits", "--arch", "mlp:8", "--epochs", "1", "-o", "plain.bfab"];
    bitfab(folder).args(other).assert().success();
    let refused = ["verilog", "plain.bfab", "--weights", "rebuilt", "-o", "none"];
    bitfab(folder).args(refused).assert().failure().stderr(contains("no dense layer of SmartDeal weights"));
    bitfab(folder).args(["inspect", "mixed.bfab", "--lanes", "8", "--weights", "dealt"]).assert().code(2);
}

#[test]
fn the_demo_shows_every_kind() {
    let folder = tempfile::tempdir().unwrap();
    for kind in ["sparse-binary", "ternary", "power-of-two", "planes", "integer", "smart-deal", "mixed"] {
        let demo = bitfab(folder.path()).args(["demo", "--kind", kind, "--out", kind]).assert().success();
        let text = String::from_utf8(demo.get_output().stdout.clone()).unwrap();
        for engine in ["kernels", "runtime", "cycle-model", "rtl"] {
            let line = text.lines().find(|line| line.starts_with(&format!("│ {engine}"))).unwrap();
            assert!(line.contains("360 of 360 images"), "{kind}: {line}");
        }
        let model = format!("{kind}/digits.bfab");
        let summary = json(folder.path(), &["inspect", &model]);
        let named = |layer: &serde_json::Value| layer["weights"] == kind || kind == "mixed";
        assert!(summary["layers"].as_array().unwrap().iter().all(named), "{kind}");
        let outcome = json(folder.path(), &["eval", &model, "--data", "digits"]);
        assert!(outcome["accuracy"].as_f64().unwrap() >= 0.9, "{kind}: {}", outcome["accuracy"]);
    }
}

#[test]
fn one_file_runs_at_every_precision_and_grows_by_a_suffix() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let learn =
        ["train", "--data", "digits", "--arch", "mlp:32", "--method", "once-qat", "--epochs", "8", "-o", "n.graph"];
    bitfab(folder).args(learn).assert().success();
    let compile = |rest: &[&str]| bitfab(folder).args(["compile", "n.graph"]).args(rest).assert().success();
    compile(&["-o", "all.bfab"]);
    compile(&["-o", "base.bfab", "--planes", "1"]);
    compile(&["-o", "more.bin", "--update", "base.bfab"]);
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    assert_eq!([read("base.bfab"), read("more.bin")].concat(), read("all.bfab"));
    let planes = |n: &str| json(folder, &["eval", "all.bfab", "--data", "digits", "--planes", n])["accuracy"].clone();
    let base = json(folder, &["eval", "base.bfab", "--data", "digits"])["accuracy"].clone();
    assert_eq!(planes("1"), base);
    assert!(planes("8").as_f64().unwrap() > 0.8);
    let verify = ["verify", "all.bfab", "--data", "digits", "--limit", "50", "--engines", "reference,runtime,rtl"];
    for n in ["1", "2", "4", "8"] {
        bitfab(folder).args(verify).args(["--planes", n]).assert().success();
    }
    let again = bitfab(folder).args(["compile", "n.graph", "-o", "x.bin", "--update", "all.bfab"]).assert().failure();
    again.stderr(contains("holds all of the graph's planes already"));
}

#[test]
fn speed_and_size_give_the_same_answers() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let learn =
        ["train", "--data", "digits", "--arch", "mlp:64", "--method", "sbnn", "--epochs", "10", "-o", "n.graph"];
    bitfab(folder).args(learn).assert().success();
    let outcome = |prefer: &str| {
        bitfab(folder).args(["compile", "n.graph", "-o", prefer, "--prefer", prefer]).assert().success();
        let layers = json(folder, &["inspect", prefer])["layers"].clone();
        let coder = layers[0]["coder"].as_str().unwrap().to_owned();
        (coder, json(folder, &["eval", prefer, "--data", "digits"])["accuracy"].clone())
    };
    let ((small, a), (fast, b)) = (outcome("size"), outcome("speed"));
    assert_eq!((small.as_str(), fast.as_str()), ("rice", "list"));
    assert_eq!(a, b);
}
