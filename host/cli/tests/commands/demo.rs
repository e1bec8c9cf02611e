//! The demo as a newcomer runs it.

use crate::common::{bitfab, json};
use predicates::prelude::PredicateBooleanExt;
use predicates::str::contains;

#[test]
fn the_demo_compares_draws_and_repeats_to_the_bit() {
    let folder = tempfile::tempdir().unwrap();
    let demo = |out: &str, lanes: &str| {
        let output = bitfab(folder.path()).args(["demo", "--out", out, "--lanes", lanes]).assert().success();
        String::from_utf8(output.get_output().stdout.clone()).unwrap()
    };
    let text = demo("a", "8");
    for engine in ["kernels", "runtime", "cycle-model", "rtl"] {
        let line = text.lines().find(|line| line.starts_with(&format!("│ {engine}"))).unwrap();
        assert!(line.contains("360 of 360 images"), "{line}");
    }
    assert!(text.contains("f32 network") && text.contains("360 of 360 images in the same class"), "{text}");
    assert!(text.contains("tests/run") && text.contains("Icarus"), "{text}");
    demo("b", "8");
    for name in ["digits.bfab", "digits.v", "digits.vcd", "demo.svg", "demo.png"] {
        let [a, b] = ["a", "b"].map(|out| std::fs::read(folder.path().join(out).join(name)).unwrap());
        assert!(!a.is_empty() && a == b, "{name} differs between two runs");
    }
    demo("a", "32");
    let files = |name: &str| ["a", "b"].map(|out| std::fs::read(folder.path().join(out).join(name)).unwrap());
    let ([model_a, model_b], [verilog_a, verilog_b]) = (files("digits.bfab"), files("digits.v"));
    assert!(model_a == model_b && verilog_a != verilog_b, "lanes change the circuit, not the model");
    let outcome = json(folder.path(), &["eval", "a/digits.bfab", "--data", "digits"]);
    assert!(outcome["accuracy"].as_f64().unwrap() >= 0.93, "{outcome}");
}

#[test]
fn the_demo_writes_nothing_over_what_it_did_not_write() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("digits.v"), "module mine; endmodule\n").unwrap();
    let demo = bitfab(folder.path()).args(["demo", "--out", "."]).assert().code(1);
    demo.stderr(contains("digits.v").and(contains("remove it or choose another name")));
    assert_eq!(std::fs::read(folder.path().join("digits.v")).unwrap(), b"module mine; endmodule\n");
}
