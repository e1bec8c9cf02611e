//! The conformance suite: problems, each with its answer, on every engine.
//!
//! A problem is a golden file of `vectors` with rows and the digest of every tensor, as the reference gave them when it was
//! written: every operation, kind of weights, transform, border and corner of scores, and chains of them. What changes the
//! format or any result turns it red; `problems/write.rs` writes them anew.
//! An engine skips a problem for a reason alone; the README's table is printed from the same data.

#[path = "problems/vector.rs"]
mod vector;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use bitfab::{Accelerator, EngineName};
use bitfab_format::{Model, align};
use bitfab_hdl::{Options, Program, SequencedEngine};
use bitfab_sim::linked::LinkedWire;
use bitfab_sim::replay::Simulator;
use bitfab_tests::{read, root};

/// A model with rows and what must become of them.
struct Problem {
    name: String,
    words: Vec<u32>,
    answers: Vec<vector::Row>,
}

/// All problems in the order of their names.
fn problems() -> Vec<Problem> {
    let folder = fs::read_dir(root().join("tests/vectors")).unwrap();
    let mut files: Vec<PathBuf> = folder.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "bfab"));
    files.sort();
    let problem = |path: PathBuf| {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let answers = vector::parse(&fs::read_to_string(path.with_extension("txt")).unwrap()).unwrap();
        assert!(answers.len() >= 3, "{name}");
        Problem { words: align(&fs::read(&path).unwrap()), name, answers }
    };
    files.into_iter().map(problem).collect()
}

impl Problem {
    fn model(&self) -> Model<'_> {
        Model::from_words(&self.words).unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }

    /// Whether Verilator takes it: layers of the kinds that differ most in the circuits, and a chain.
    fn is_compiled(&self) -> bool {
        ["chain_of_5", "conv2d_requant", "dense_integer", "dense_sparse_binary"].contains(&self.name.as_str())
    }

    /// Whether it is one of many that differ in their scores or inputs alone.
    fn is_variant(&self) -> bool {
        ["scores", "interface"].iter().any(|start| self.name.starts_with(start))
    }

    /// Whether a chip keeps the digest of every layer.
    fn has_digests(&self) -> bool {
        let program = Program::new(&self.model(), &Options::default()).unwrap();
        SequencedEngine::with_digests(&Arc::new(program)).is_ok()
    }
}

/// Why an engine is not asked; `None` where it must agree.
fn skipped(engine: EngineName, problem: &Problem) -> Option<&'static str> {
    match engine {
        EngineName::Verilog(Simulator::Verilator) if !problem.is_compiled() => {
            Some("each costs a compilation of seconds; Icarus runs the same text")
        }
        EngineName::Netlist(_) | EngineName::Bitstream if problem.name != SYNTHESISED => Some(
            "each costs a synthesis and a compilation of half a minute; Icarus runs the Verilog that they are made of",
        ),
        EngineName::Program(_) if problem.name != SYNTHESISED => {
            Some("each costs a build of seconds; the boards in QEMU run the same sources")
        }
        EngineName::Linked(_) if !problem.has_digests() => {
            Some("words of a layer come in another order than they lie in, so that the chip keeps no digest of them")
        }
        EngineName::Linked(LinkedWire::Spi) if problem.is_variant() => {
            Some("each costs seconds, since every clock of a bus is stepped; `rtl` steps the same engine")
        }
        EngineName::Linked(LinkedWire::Uart) if !problem.name.starts_with("chain") => {
            Some("each costs seconds, as over SPI; the chip is the same but for its wires")
        }
        _ => None,
    }
}

/// What is synthesised, and built into programs.
const SYNTHESISED: &str = "chain_of_4";

/// Holds an engine to every problem that it does not skip.
fn check(engine: EngineName) {
    let is_synthesised = matches!(engine, EngineName::Netlist(_) | EngineName::Bitstream);
    let accelerator = if is_synthesised { Accelerator::plain(1) } else { Accelerator::default() };
    let mut instance = engine.create(accelerator).unwrap();
    let mut asked = 0;
    for problem in problems().iter().filter(|problem| skipped(engine, problem).is_none()) {
        let model = problem.model();
        let rows = problem.answers.iter().map(|row| row.values.clone()).collect();
        let found = vector::answers(rows, &mut *instance, &model)
            .unwrap_or_else(|error| panic!("{}, {engine}: {error}", problem.name));
        assert_eq!(vector::text(&found), vector::text(&problem.answers), "{}, {engine}", problem.name);
        asked += 1;
    }
    let is_built = is_synthesised || matches!(engine, EngineName::Program(_));
    assert!(asked > 3 || asked == 1 && is_built, "{engine} was asked {asked} problems");
}

/// Holds all engines of a kind to it.
fn check_all(is_asked: fn(&EngineName) -> bool) {
    EngineName::all().into_iter().filter(is_asked).for_each(check);
}

#[test]
fn software_and_circuits_agree_on_every_problem() {
    use EngineName::{CycleModel, Kernels, Reference, Rtl, Runtime};
    check_all(|engine| matches!(engine, Reference | Kernels | Runtime | CycleModel | Rtl));
}

#[test]
fn the_driver_and_the_chip_agree_on_every_problem_with_digests() {
    check_all(|engine| matches!(engine, EngineName::Linked(_)));
}

#[test]
fn the_verilog_agrees_on_every_problem_that_is_compiled() {
    check_all(|engine| matches!(engine, EngineName::Verilog(_)));
}

#[test]
fn netlists_agree_on_a_problem() {
    check_all(|engine| matches!(engine, EngineName::Netlist(_)));
}

#[test]
fn a_bitstream_agrees_on_a_problem() {
    check_all(|engine| matches!(engine, EngineName::Bitstream));
}

#[test]
fn programs_agree_on_a_problem() {
    check_all(|engine| matches!(engine, EngineName::Program(_)));
}

#[test]
fn emulated_boards_agree_on_every_problem() {
    check_all(|engine| matches!(engine, EngineName::Qemu(_)));
}

/// The table of README: for every engine how many problems it is held to, and why not to the others.
fn table() -> String {
    let problems = problems();
    let mut text = format!("| engine | of {} problems | the others |\n| --- | --- | --- |\n", problems.len());
    for engine in EngineName::all() {
        let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
        problems.iter().filter_map(|problem| skipped(engine, problem)).for_each(|reason| {
            *reasons.entry(reason).or_default() += 1;
        });
        let held = problems.len() - reasons.values().sum::<usize>();
        let others: Vec<String> = reasons.iter().map(|(reason, count)| format!("{count}: {reason}")).collect();
        text += &format!("| `{engine}` | {held} | {} |\n", others.join("; "));
    }
    text
}

#[test]
fn the_table_of_the_readme_is_that_of_the_suite() {
    let readme = read("tests/README.md").unwrap();
    assert!(readme.contains(&table()), "tests/README.md needs this table:\n{}", table());
}

#[test]
fn the_problems_cover_every_kind() {
    let mut seen = std::collections::BTreeSet::new();
    let mut files_of_codings = 0;
    for problem in problems() {
        let model = problem.model();
        files_of_codings += usize::from(model.interface().codings() != 0);
        for layer in model.layers() {
            let transform = format!("{:?}", layer.transform.kind());
            let is_padded = if layer.window.is_padded() { "padded" } else { "whole" };
            seen.extend([layer.op.name().to_owned(), layer.weights.name().to_owned(), transform, is_padded.to_owned()]);
        }
    }
    let ops = "encode dense conv2d max_pool sum_pool padded whole";
    let kinds = "binary sparse-binary ternary power-of-two planes integer smart-deal";
    for wanted in format!("{ops} {kinds} Raw Thresholds Requant Affine").split(' ') {
        assert!(seen.contains(wanted), "no problem with {wanted}");
    }
    assert!(files_of_codings >= 4);
}
