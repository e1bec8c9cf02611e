//! Contents of memories in files: read by every tool, and missed with words where they are missing or wrong.

use std::path::Path;
use std::process::Command;

use bitfab_format::arbitrary::{self, Plan, Random};
use bitfab_format::{Kind, Model, Shape};
use bitfab_hdl::{Memories, Options, Sources, Style, sources};
use bitfab_sim::replay::{Replay, Simulator};
use bitfab_sim::rtl::Stalls;

const SIMULATORS: [Simulator; 3] = [Simulator::Icarus, Simulator::Icarus2005, Simulator::Verilator];

/// Wide enough for memories that are files.
fn wide() -> Vec<u32> {
    let plans = [Plan::dense(64, Kind::Sign), Plan::dense(10, Kind::I32)];
    arbitrary::build(Shape::vector(700), Kind::U8, &plans, &mut Random::new(4)).emit()
}

fn options() -> Options {
    Options::default().with_lanes(2)
}

fn wide_sources(words: &[u32], memories: Memories) -> Sources {
    let style = Style { name: "wide".parse().unwrap(), memories, ..Style::default() };
    sources(&Model::from_words(words).unwrap(), &options(), &style).unwrap()
}

fn put(folder: &Path, sources: &Sources) {
    sources.files().for_each(|(name, contents)| std::fs::write(folder.join(name), contents).unwrap());
}

/// Whether a tool succeeds, and what it says.
fn says(folder: &Path, program: &str, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(program).current_dir(folder).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}: install the Debian package {program}"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), said)
}

/// Cycles in which ports differ from the registers', or what went wrong.
fn differences(simulator: Simulator, words: &[u32], sources: &Sources) -> Result<u64, String> {
    let model = Model::from_words(words).unwrap();
    let replay = Replay { simulator, options: options(), stalls: Stalls::default() };
    let input = vec![7; model.input_bytes()];
    replay.replay_sources(&model, &[&input], sources).map(|found| found.differences).map_err(|error| error.to_string())
}

#[test]
fn large_memories_are_files_that_every_tool_reads_and_linters_like() {
    let words = wide();
    let (files, inline) = (wide_sources(&words, Memories::Files), wide_sources(&words, Memories::Inline));
    let names: Vec<&str> = files.memories.iter().map(|memory| memory.name.as_str()).collect();
    assert_eq!((names.as_slice(), inline.memories.len()), (["wide_weights.hex"].as_slice(), 0));
    assert!(files.text.len() < inline.text.len() && inline.text.contains("weights[700] = "));
    for sources in [&files, &inline] {
        for simulator in SIMULATORS {
            assert_eq!(differences(simulator, &words, sources), Ok(0), "{simulator:?}");
        }
        let folder = tempfile::tempdir().unwrap();
        put(folder.path(), sources);
        let lints = [
            ("verilator", &["--lint-only", "-Wall", "wide.v"][..]),
            ("verilator", &["--lint-only", "-Wall", "-DSYNTHESIS", "wide.v"]),
            ("iverilog", &["-g2005", "-Wall", "-t", "null", "wide.v"]),
        ];
        for (program, arguments) in lints {
            assert_eq!(says(folder.path(), program, arguments), (true, String::new()), "{program} {arguments:?}");
        }
    }
}

/// A change that makes the contents of the memory wrong.
type Change = fn(&str) -> Option<String>;

#[test]
fn a_memory_that_is_missing_short_or_of_another_model_ends_in_words() {
    let words = wide();
    let good = wide_sources(&words, Memories::Files);
    let changes: [Change; 4] = [
        |_| None,
        |text| Some(text.lines().take(100).collect::<Vec<_>>().join("\n")),
        |text| Some(text.replacen("0\n", "1\n", 1)),
        |text| Some(text.lines().rev().collect::<Vec<_>>().join("\n")),
    ];
    for (at, change) in changes.into_iter().enumerate() {
        let mut wrong = good.clone();
        match change(&good.memories[0].contents) {
            Some(contents) => wrong.memories[0].contents = contents,
            None => wrong.memories.clear(),
        }
        // Verilator takes seconds: it is asked about a file that is missing, where its memories would be zeros.
        for simulator in if at == 0 { &SIMULATORS[..] } else { &SIMULATORS[..2] } {
            let error = differences(*simulator, &words, &wrong).expect_err("a wrong memory is found");
            assert!(error.contains("wide_weights.hex is missing or not"), "{simulator:?}, change {at}: {error}");
        }
    }
}

#[test]
fn synthesis_finds_the_files_beside_the_verilog_and_by_the_macro_and_misses_them_by_name() {
    let words = wide();
    let (files, inline) = (wide_sources(&words, Memories::Files), wide_sources(&words, Memories::Inline));
    let folder = tempfile::tempdir().unwrap();
    let (below, other) = (folder.path().join("rtl"), folder.path().join("other"));
    for (folder, sources) in [(&below, &files), (&other, &inline)] {
        std::fs::create_dir(folder).unwrap();
        put(folder, sources);
    }
    let script = |define: &str, file: &str| {
        let script = format!("{define} read_verilog {file}; synth_ice40 -top wide; stat");
        std::fs::write(folder.path().join("synth.ys"), script.replace("; ", "\n")).unwrap();
        says(folder.path(), "yosys", &["-s", "synth.ys"])
    };
    let rams = |said: &str| said.lines().rfind(|line| line.contains("SB_RAM40_4K")).map(str::to_owned);
    let (works, said) = script("", "rtl/wide.v");
    let (_, inline) = script("", "other/wide.v");
    assert!(works && rams(&said).is_some() && rams(&said) == rams(&inline), "{said}");
    std::fs::rename(below.join("wide.v"), other.join("wide.v")).unwrap();
    let (works, said) = script("", "other/wide.v");
    assert!(!works && said.contains("ERROR") && said.contains("wide_weights.hex"), "{said}");
    let (works, said) = script("verilog_defines -DWIDE_PATH=\"rtl/\"; ", "other/wide.v");
    assert!(works, "{said}");
    let run = |define: &str| {
        let bench = "module bench; wide one(.clock(1'b0)); initial #1 $finish; endmodule";
        std::fs::write(folder.path().join("bench.v"), bench).unwrap();
        let compile = ["-g2012", define, "-o", "bench.vvp", "bench.v", "other/wide.v"];
        assert!(says(folder.path(), "iverilog", &compile).0);
        says(folder.path(), "vvp", &["-N", "bench.vvp"])
    };
    assert_eq!(run("-DWIDE_PATH=\"rtl/\""), (true, String::new()));
    let (works, said) = run("-DOTHER");
    assert!(!works && said.contains("./wide_weights.hex is missing"), "{said}");
}
