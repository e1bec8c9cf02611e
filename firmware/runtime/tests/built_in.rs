//! Programs that include a model with `model!`: those that must be built and run, and those that must not, with what
//! the compiler says.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use bitfab_format::arbitrary::{Random, chain, draft_of};
use bitfab_format::{Coding, DraftInterface, Kind, Limits, Model, Op, WeightKind, digest};

/// A program that includes `model.bfab` of its folder and prints what it says.
const PROGRAM: &str = r#"
use bitfab_runtime::{Machine, ModelFile, model};

const MODEL: ModelFile = model!("model.bfab");

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut machine = Machine::<{ MODEL.arena_words() }>::new(MODEL.model()?)?;
    let precisions = machine.model().precisions().count();
    let class = machine.run(&[3; MODEL.input_bytes()])?.arg_max();
    println!("{} {} {} {class} {precisions}", MODEL.arena_words(), MODEL.input_bytes(), MODEL.words().len());
    Ok(())
}
"#;

/// Programs in one package, all built at once.
struct Programs {
    folder: PathBuf,
}

impl Programs {
    /// A package with the features `features` of the runtime, none of them by default.
    fn new(name: &str, features: &[&str]) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder).unwrap();
        }
        fs::create_dir_all(folder.join("src/bin")).unwrap();
        let runtime = Path::new(env!("CARGO_MANIFEST_DIR"));
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n\
             [profile.dev]\ndebug = false\nincremental = false\n[dependencies]\n\
             bitfab-runtime = {{ path = {runtime:?}, default-features = false, features = {features:?} }}\n"
        );
        fs::write(folder.join("Cargo.toml"), manifest).unwrap();
        // The versions that are here.
        fs::copy(runtime.join("../../Cargo.lock"), folder.join("Cargo.lock")).unwrap();
        Self { folder }
    }

    fn place(&self, name: &str) -> PathBuf {
        self.folder.join("src/bin").join(name)
    }

    /// A program that includes `model`.
    fn add(&self, name: &str, model: &[u8]) {
        self.add_program(name, model, PROGRAM);
    }

    fn add_program(&self, name: &str, model: &[u8], program: &str) {
        fs::create_dir_all(self.place(name)).unwrap();
        fs::write(self.place(name).join("main.rs"), program).unwrap();
        fs::write(self.place(name).join("model.bfab"), model).unwrap();
    }

    /// What the compiler says of each program that it refuses.
    fn build(&self) -> BTreeMap<String, String> {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--offline", "--bins", "--keep-going", "--message-format=json-diagnostic-short"]);
        // One folder for all packages: what they have in common is built once.
        cargo.current_dir(&self.folder).env("CARGO_TARGET_DIR", self.target());
        let output = cargo.output().unwrap();
        let (text, errors) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert!(text.contains("bitfab_runtime"), "{errors}");
        let mut refused = BTreeMap::new();
        for line in text.lines().filter(|line| line.contains(r#""reason":"compiler-message""#)) {
            let name = line.split("/src/bin/").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_default();
            assert!(!line.contains(r#""level":"warning""#), "{line}");
            let said: &mut String = refused.entry(name.to_owned()).or_default();
            said.push_str(line);
        }
        assert_eq!(refused.is_empty(), output.status.success(), "{errors}");
        refused
    }

    fn target(&self) -> PathBuf {
        self.folder.join("../built_in_target")
    }

    /// What a program prints.
    fn run(&self, name: &str) -> String {
        let output = Command::new(self.target().join("debug").join(name)).output().unwrap();
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

fn bytes(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// A small model of binary weights whose outputs are compared, not scaled.
fn plain() -> Vec<u32> {
    let mut random = Random::new(1);
    loop {
        let words = chain(2, &mut random).emit();
        let model = Model::from_words(&words).unwrap();
        let is_plain = model.layers().all(|layer| {
            let weights = matches!(layer.weights.kind(), WeightKind::None | WeightKind::Binary);
            weights && !matches!(layer.transform.name(), "requant" | "affine")
        });
        if is_plain && model.output().kind == Kind::I32 {
            return words;
        }
    }
}

/// A dense layer of weights of `kind`.
fn of_kind(kind: WeightKind) -> Vec<u32> {
    let mut random = Random::new(7);
    loop {
        let words = draft_of(Op::Dense, Some(kind), &mut random).emit();
        let model = Model::from_words(&words).unwrap();
        let is_raw = model.layers().last().is_some_and(|last| last.transform.name() == "raw");
        if is_raw && model.layers().any(|layer| layer.weights.kind() == kind) && words.len() < 4000 {
            return words;
        }
    }
}

/// Every wrong file, and what the compiler must say of it.
fn wrong() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let good = bytes(&plain());
    let edited = |edit: &dyn Fn(&mut Vec<u8>)| {
        let mut file = good.clone();
        edit(&mut file);
        file
    };
    let repaired = |edit: &dyn Fn(&mut Vec<u32>)| {
        let mut words = plain();
        edit(&mut words);
        words[3] = digest(&words[4..]);
        bytes(&words)
    };
    vec![
        (
            "graph",
            b"BFGRAPH\x05and more".repeat(20),
            "this is a bitfab graph, which no device runs: run `bitfab compile`",
        ),
        ("short_graph", b"BFGRAPH\x05".to_vec(), "this is a bitfab graph"),
        ("pointer", b"version https://git-lfs.github.com/spec/v1\n".to_vec(), "this is a pointer of Git LFS"),
        ("empty", vec![], "model.bfab: the file is empty"),
        ("text", b"hello".to_vec(), "this is not a bitfab model (no `bfab` at its start)"),
        ("stump", good[..good.len() - 8].to_vec(), "the file ends early: "),
        ("odd_stump", good[..good.len() - 3].to_vec(), " are stated; copy it again"),
        ("start", good[..10].to_vec(), "the file ends early: 10 bytes are no whole model"),
        ("header", good[..40].to_vec(), "the file ends early: 40 bytes are here, "),
        ("damaged", edited(&|file| file[90] ^= 4), "the file is damaged: its CRC-32 does not match"),
        ("damaged_end", edited(&|file| *file.last_mut().unwrap() ^= 128), "the file is damaged"),
        ("older", edited(&|file| file[4] = 2), "the file has version 2 of the format, this crate reads version 3"),
        ("newer", edited(&|file| file[4] = 9), "the file has version 9"),
        ("trailing", edited(&|file| file.extend([0; 4])), "the file is 4 bytes longer than the "),
        ("trailing_byte", edited(&|file| file.push(10)), "the file is 1 bytes longer than the "),
        ("layers", repaired(&|words| words[4] = 0), "the header is not one that this version writes"),
        ("many_layers", repaired(&|words| words[4] = 200), "the file ends early"),
        ("reserved", repaired(&|words| words[15] = 1), "the header is not one that this version writes"),
        ("input", repaired(&|words| words[7] = 0), "the header is not one that this version writes"),
        ("kind", repaired(&|words| words[16] |= 0xf0), "layer 0 has a kind of weights or outputs that this version"),
        ("block", edited(&|file| file.extend(*b"bfpl\x20\0\0\0")), "and no block of further planes follows"),
    ]
}

/// That `name` is refused in these words, and only for them.
fn is_refused(refused: &mut BTreeMap<String, String>, name: &str, says: &str) {
    let said = refused.remove(name).unwrap_or_else(|| panic!("`{name}` was built"));
    assert!(said.contains(says), "`{name}`: {said}");
    assert!(said.contains("model.bfab: "), "`{name}` without its file: {said}");
}

#[test]
fn a_wrong_file_does_not_compile_and_a_right_one_runs() {
    let programs = Programs::new("built_in_all", &["default"]);
    wrong().iter().for_each(|(name, file, _)| programs.add(name, file));
    programs.add("right", &bytes(&plain()));
    let mut large = plain();
    // 200 kB more than the layers need are weights of nobody.
    let more = large.len() as u32 + 50_000;
    large.resize(more as usize, 0x5a5a_5a5a);
    large[2] = more * 4;
    large[3] = digest(&large[4..]);
    programs.add("large", &bytes(&large));
    WeightKind::WEIGHTED
        .iter()
        .for_each(|&kind| programs.add(&format!("with_{}", kind.code()), &bytes(&of_kind(kind))));
    let (planes, block, broken) = further_planes();
    programs.add("block_good", &[planes.clone(), block].concat());
    programs.add("block_bad", &[planes, broken].concat());
    programs.add_program("no_room", &bytes(&plain()), &PROGRAM.replace("run(&[3; ", "run_real(&[3.0; "));
    let mut refused = programs.build();
    wrong().iter().for_each(|(name, _, says)| is_refused(&mut refused, name, says));
    is_refused(&mut refused, "block_bad", "is damaged: its CRC-32 does not match; append it again");
    let no_room = refused.remove("no_room").expect("a machine without room was built");
    assert!(no_room.contains("to take real values or counts it needs room for one input"), "{no_room}");
    assert!(refused.is_empty(), "{refused:?}");
    let words = plain();
    let model = Model::from_words(&words).unwrap();
    let says = format!("{} {} {} ", model.arena_words(), model.input_bytes(), words.len());
    assert!(programs.run("right").starts_with(&says) && programs.run("large").ends_with(" 0"));
    assert!(programs.run("block_good").ends_with(" 1"), "one more precision");
    WeightKind::WEIGHTED.iter().for_each(|kind| assert!(!programs.run(&format!("with_{}", kind.code())).is_empty()));
}

/// A model of planes, the block that raises it, and that block damaged.
fn further_planes() -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    let words = of_kind(WeightKind::Planes);
    let mut draft = bitfab_format::Draft::from(&Model::from_words(&words).unwrap());
    let planes = draft.layers[0].weights.bits;
    for layer in draft.layers.iter_mut().filter(|layer| layer.weights.kind == WeightKind::Planes) {
        let plane = layer.weights.words.len() / usize::from(layer.weights.bits);
        let more = layer.weights.words[..plane].to_vec();
        layer.weights.words.extend(more);
        layer.weights.bits += 1;
    }
    let block = bytes(&draft.extension(planes.into()));
    let mut broken = block.clone();
    *broken.last_mut().unwrap() ^= 1;
    (bytes(&words), block, broken)
}

#[test]
fn a_model_of_a_kind_that_was_left_out_does_not_compile() {
    let programs = Programs::new("built_in_none", &[]);
    let names = ["sparse-binary", "ternary", "power-of-two", "planes", "integer", "smart-deal"];
    let kinds: Vec<(WeightKind, &str)> = WeightKind::WEIGHTED.into_iter().skip(1).zip(names).collect();
    kinds.iter().for_each(|(kind, name)| programs.add(&name.replace('-', "_"), &bytes(&of_kind(*kind))));
    let several = several();
    programs.add("several", &several);
    programs.add("right", &bytes(&plain()));
    let mut refused = programs.build();
    for (_, name) in kinds {
        let says = format!("enable the feature `{name}` of bitfab-runtime");
        is_refused(&mut refused, &name.replace('-', "_"), &says);
    }
    is_refused(&mut refused, "several", "enable the features `ternary`, `requant` of bitfab-runtime");
    assert!(refused.is_empty(), "{refused:?}");
    assert!(!programs.run("right").is_empty());
    // Left out is left out, whatever else is there.
    let some = Programs::new("built_in_some", &["ternary"]);
    some.add("ternary_alone", &bytes(&of_kind(WeightKind::Ternary)));
    some.add("more", &several);
    let mut refused = some.build();
    is_refused(&mut refused, "more", "scales its outputs: enable the feature `requant` of bitfab-runtime");
    assert!(refused.is_empty(), "{refused:?}");
}

/// A model of ternary weights whose outputs are scaled.
fn several() -> Vec<u8> {
    let mut random = Random::new(3);
    loop {
        let words = draft_of(Op::Dense, Some(WeightKind::Ternary), &mut random).emit();
        let model = Model::from_words(&words).unwrap();
        let last = model.layers().last().unwrap();
        if last.weights.kind() == WeightKind::Ternary && last.transform.name() == "requant" {
            return bytes(&words);
        }
    }
}

#[test]
fn the_program_of_the_readme_is_built_and_runs() {
    let readme = include_str!("../README.md");
    let example = readme.split("```rust,ignore\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let program = example.replace("\"imu.bfab\"", "\"model.bfab\"");
    let (head, body) = program.split_once("\n\n").unwrap();
    let (constant, body) = body.split_once("\n\n").unwrap();
    let main = "fn main() -> Result<(), Box<dyn std::error::Error>> {\nlet window = [0.25; MODEL.input_bytes()];\n";
    let programs = Programs::new("built_in_readme", &["default"]);
    let words = plain();
    let mut draft = bitfab_format::Draft::from(&Model::from_words(&words).unwrap());
    let (low, high) = draft.input.kind.range();
    let coding = Coding { fraction: 8, zero: 0, multiplier: 64, shift: 8, base: 0, count: None };
    let classes = draft.layers.last().unwrap().output.shape.channels;
    draft.interface = DraftInterface {
        codings: vec![coding],
        limits: Some(Limits { low: low as i16, high: high as i16 }),
        classes: (0..classes).map(|class| format!("class {class}")).collect(),
        ..Default::default()
    };
    let source = format!("{head}\n{constant}\n{main}{body}\nprintln!(\"{{class}} {{outside}}\");\nOk(())\n}}\n");
    programs.add_program("readme", &bytes(&draft.emit()), &source);
    assert_eq!(programs.build(), BTreeMap::new());
    let said = programs.run("readme");
    assert!(said.starts_with("class ") && said.ends_with(" 0"), "{said}");
}
