//! The generated Verilog without a warning: Verilator under `-Wall`, and Icarus; several models in one design.

use std::process::Command;

use bitfab_format::arbitrary::{Random, chain, draft, draft_of, scored};
use bitfab_format::{Draft, Model, Op, WeightKind};
use bitfab_hdl::{Interface, Memories, Options, Program, Style, Weights, sources};

/// Files in a folder, and what a tool says about them.
fn says(files: &[(&str, &str)], program: &str, arguments: &[&str]) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let output = Command::new(program).current_dir(folder.path()).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), said)
}

/// One file whose top module has that name.
fn inline(name: &str) -> Style {
    Style { name: name.parse().unwrap(), memories: Memories::Inline, ..Style::default() }
}

/// Every kind of weights, operation and transform.
fn drafts() -> Vec<(String, Draft)> {
    let mut all = Vec::new();
    for (at, kind) in WeightKind::WEIGHTED.into_iter().enumerate() {
        for op in [Op::Dense, Op::Conv2d] {
            let draft = draft_of(op, Some(kind), &mut Random::new(at as u64));
            all.push((format!("{op:?} of {}", kind.name()), draft));
        }
    }
    for (op, seed) in [Op::Encode, Op::Dense, Op::Conv2d, Op::MaxPool, Op::SumPool].into_iter().zip([7, 8, 9, 10, 11]) {
        all.push((format!("{op:?}"), draft(op, &mut Random::new(seed))));
    }
    all.extend((0..6).map(|seed| (format!("chain {seed}"), chain(4, &mut Random::new(seed)))));
    all.extend(scored().into_iter().step_by(5).map(|(name, draft)| (name.to_owned(), draft)));
    all
}

#[test]
fn verilator_and_icarus_find_nothing_in_any_kind_of_model() {
    for (at, (name, draft)) in drafts().into_iter().enumerate() {
        let words = draft.emit();
        let model = Model::from_words(&words).unwrap();
        let options = Options { lanes: [8, 1, 32, 4][at % 4], pipe: at as u32 % 4, ..Options::default() };
        let loaded = options.with_weights(Weights::Loaded);
        let options = if at % 3 == 2 && Program::new(&model, &loaded).is_ok() { loaded } else { options };
        let rebuilt = options.with_weights(Weights::Rebuilt);
        let options = if Program::new(&model, &rebuilt).is_ok() { rebuilt } else { options };
        for interface in Interface::ALL {
            let style = Style { interface, ..inline("bitfab") };
            let text = sources(&model, &options, &style).unwrap().text;
            let files = [("bitfab.v", text.as_str())];
            let found = says(&files, "verilator", &["--lint-only", "-Wall", "--top-module", "bitfab", "bitfab.v"]);
            assert_eq!(found, (true, String::new()), "{name}, {interface}");
            let found = says(&files, "iverilog", &["-g2012", "-Wall", "-t", "null", "bitfab.v"]);
            assert_eq!(found, (true, String::new()), "{name}, {interface}");
        }
    }
}

#[test]
fn two_models_stand_in_one_design() {
    let text = |seed: u64, name: &str| {
        let words = draft(Op::Dense, &mut Random::new(seed)).emit();
        let model = Model::from_words(&words).unwrap();
        sources(&model, &Options::default(), &inline(name)).unwrap().text
    };
    let (one, two) = (text(1, "one"), text(2, "Two_2"));
    let both = "module both(input clock, input reset, input [7:0] data, output [3:0] seen);\n\
                one a(.clock(clock), .reset(reset), .in_valid(1'b1), .in_data(data), .in_last(1'b0), .out_ready(1'b1),\n\
                .in_ready(seen[0]), .frame_error(), .out_valid(seen[1]), .out_data(), .out_last());\n\
                Two_2 b(.clock(clock), .reset(reset), .in_valid(1'b1), .in_data(data), .in_last(1'b0), .out_ready(1'b1),\n\
                .in_ready(seen[2]), .frame_error(), .out_valid(seen[3]), .out_data(), .out_last());\nendmodule\n";
    let files = [("one.v", one.as_str()), ("two.v", &two), ("both.v", both)];
    for (program, arguments) in [
        ("iverilog", &["-g2005", "-t", "null", "both.v", "one.v", "two.v"][..]),
        ("verilator", &["--lint-only", "--top-module", "both", "both.v", "one.v", "two.v"]),
        ("yosys", &["-q", "-p", "read_verilog both.v one.v two.v; hierarchy -check -top both; proc"]),
    ] {
        let (works, said) = says(&files, program, arguments);
        assert!(works, "{program}: {said}");
    }
    // The default name alone cannot.
    let files = [("one.v", one.as_str()), ("two.v", &one)];
    assert!(!says(&files, "iverilog", &["-g2005", "-t", "null", "one.v", "two.v"]).0);
}
