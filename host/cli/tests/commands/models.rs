//! From a learned network to a model, and everything that can be done with it.

use crate::common::{Learned, bitfab, json};
use bitfab::format::{Kind, Model, align};
use bitfab::sim::Engine;
use bitfab::sim::software::{Reference, output_values};
use bitfab_format::arbitrary::{Random, chain};
use npyz::WriterBuilder;
use predicates::str::contains;

/// A NumPy array.
fn npy<T: npyz::AutoSerialize>(shape: &[u64], values: impl IntoIterator<Item = T>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = npyz::WriteOptions::new().default_dtype().shape(shape).writer(&mut bytes).begin_nd().unwrap();
    writer.extend(values).unwrap();
    writer.finish().unwrap();
    bytes
}

fn integers(file: &[u8]) -> (Vec<u64>, Vec<i32>) {
    let npy = npyz::NpyFile::new(file).unwrap();
    (npy.shape().to_vec(), npy.into_vec().unwrap())
}

#[test]
fn inspect_adds_up_to_the_file() {
    let learned = Learned::new("cnn:8,p2,16g2,d20");
    let model = json(learned.path(), &["inspect", "net.bfab"]);
    let layers = model["layers"].as_array().unwrap();
    let sum = |field: &str| layers.iter().map(|layer| layer[field].as_u64().unwrap()).sum::<u64>();
    let file = learned.read("net.bfab").len() as u64;
    assert_eq!(model["file_bytes"], file);
    let header = model["header_bytes"].as_u64().unwrap() + model["interface_bytes"].as_u64().unwrap();
    assert_eq!(header + sum("weight_bytes") + sum("threshold_bytes") + sum("record_bytes"), file);
    assert_eq!(sum("weight_count"), learned.summary["weights"].as_u64().unwrap());
    // 8x8 pixels, 3x3x1 -> 8; pooled to 4x4, 3x3x4 -> 16; 256 -> 20 -> 10.
    assert_eq!(model["operations"]["macs"], 64 * 9 * 8 + 16 * 36 * 16 + 256 * 20 + 20 * 10);
    assert_eq!(layers[0]["operations"]["binary_macs"], 8 * 64 * 9 * 8);
    let words = align(&learned.read("net.bfab"));
    assert_eq!(model["arena_bytes"], 4 * Model::from_words(&words).unwrap().arena_words());
    let table = bitfab(learned.path()).args(["inspect", "net.bfab"]).assert().success();
    table.stdout(contains("groups 2")).stdout(contains("max_pool 2x2 step 2x2"));
}

#[test]
fn a_closed_pipe_is_no_panic() {
    let learned = Learned::new("mlp:16");
    let line = format!("'{}' inspect net.bfab | true", assert_cmd::cargo::cargo_bin("bitfab").display());
    let output = std::process::Command::new("sh").args(["-c", &line]).current_dir(learned.path()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn eval_repeats_the_accuracy_of_training() {
    let learned = Learned::new("mlp:32");
    let outcome = json(learned.path(), &["eval", "net.bfab", "--data", "digits"]);
    assert_eq!(outcome["accuracy"], learned.summary["test_accuracy"]);
    assert_eq!((&outcome["total"], &outcome["engine"]), (&360.into(), &"runtime".into()));
    let rows = outcome["confusion"]["counts"].as_array().unwrap();
    let counts = || rows.iter().flat_map(|row| row.as_array().unwrap());
    assert_eq!(counts().map(|count| count.as_u64().unwrap()).sum::<u64>(), 360);
    let diagonal: u64 = (0..10).map(|class| rows[class][class].as_u64().unwrap()).sum();
    assert_eq!(outcome["correct"], diagonal);
    let limited =
        json(learned.path(), &["eval", "net.bfab", "--data", "digits", "--limit", "7", "--engine", "reference"]);
    assert_eq!(limited["total"], 7);
    bitfab(learned.path())
        .args(["eval", "net.bfab", "--data", "digits"])
        .assert()
        .success()
        .stdout(contains("recognised"));
}

#[test]
fn run_gives_the_scores_of_the_reference_on_every_engine() {
    let learned = Learned::new("mlp:40");
    let data = bitfab::train::digits(0).unwrap();
    let rows: Vec<&[u8]> = data.test.inputs.chunks_exact(64).take(9).collect();
    learned.write("x.npy", &npy(&[9, 8, 8], rows.concat()));
    let words = align(&learned.read("net.bfab"));
    let expected = Reference.run(&Model::from_words(&words).unwrap(), &rows, &mut |_| ()).unwrap();
    let scores: Vec<i32> = expected.iter().flat_map(bitfab::sim::Run::scores).collect();
    for engine in ["reference", "kernels", "runtime", "cycle-model", "rtl"] {
        let run = ["run", "net.bfab", "--input", "x.npy", "-o", "y.npy", "--engine", engine, "--lanes", "2"];
        bitfab(learned.path()).args(run).assert().success().stdout(contains("9 x 10"));
        assert_eq!(integers(&learned.read("y.npy")), (vec![9, 10], scores.clone()), "{engine}");
    }
    bitfab(learned.path()).args(["run", "net.bfab", "--input", "x.npy", "-o", "y.npy", "--arg-max"]).assert().success();
    let classes: Vec<i32> = expected.iter().map(|run| run.arg_max() as i32).collect();
    assert_eq!(integers(&learned.read("y.npy")), (vec![9], classes));
}

#[test]
fn run_takes_signed_bytes_and_gives_packed_results_too() {
    let folder = tempfile::tempdir().unwrap();
    let mut kinds = std::collections::BTreeSet::new();
    for seed in 0..40 {
        let mut random = Random::new(seed);
        let words = chain(3, &mut random).emit();
        let model = Model::from_words(&words).unwrap();
        let (width, signed) = (model.input_bytes(), model.input().kind == Kind::I8);
        let bytes: Vec<u8> = (0..2 * width).map(|_| random.bits() as u8).collect();
        let shape = [2, width as u64];
        let array = match signed {
            true => npy(&shape, bytes.iter().map(|&byte| byte as i8)),
            false => npy(&shape, bytes.iter().copied()),
        };
        std::fs::write(folder.path().join("m.bfab"), bitfab::compile::bytes(&words)).unwrap();
        std::fs::write(folder.path().join("x.npy"), array).unwrap();
        let run = ["run", "m.bfab", "--input", "x.npy", "-o", "y.npy", "--engine"];
        let rows: Vec<&[u8]> = bytes.chunks_exact(width).collect();
        let expected = Reference.run(&model, &rows, &mut |_| ()).unwrap();
        let last = model.layers().last().unwrap();
        let values: Vec<i32> = expected.iter().flat_map(|run| output_values(&last, &run.output)).collect();
        for engine in ["runtime", "cycle-model"] {
            bitfab(folder.path()).args(run).arg(engine).assert().success();
            let y = std::fs::read(folder.path().join("y.npy")).unwrap();
            assert_eq!(integers(&y).1, values, "seed {seed}, {engine}");
        }
        kinds.insert((signed, last.output.kind == Kind::I32));
    }
    assert_eq!(kinds.len(), 4, "signed or not, scores or packed: {kinds:?}");
}

#[test]
fn verify_compares_every_engine_and_counts() {
    let learned = Learned::new("cnn:6,p2,d12");
    let engines = "reference,kernels,runtime,cycle-model,rtl,icarus";
    let verify = ["verify", "net.bfab", "--data", "digits", "--limit", "50", "--engines", engines];
    let small = ["--subset", "rtl=3,icarus=2", "--lanes", "4", "--stalls", "9"];
    let outcome = json(learned.path(), &[&verify[..], &small[..]].concat());
    assert_eq!((&outcome["rows"], &outcome["failures"]), (&50.into(), &serde_json::json!([])));
    let layers = outcome["layers"].as_u64().unwrap();
    let verdicts = outcome["verdicts"].as_array().unwrap();
    let names: Vec<&str> = verdicts.iter().map(|verdict| verdict["engine"].as_str().unwrap()).collect();
    assert_eq!(names.join(","), engines);
    for (verdict, rows) in verdicts.iter().zip([50, 50, 50, 50, 3, 2]) {
        assert_eq!((&verdict["images"], &verdict["agreeing"]), (&rows.into(), &rows.into()), "{verdict}");
        assert_eq!(verdict["tensors"], rows * layers);
    }
    assert!(verdicts[4]["cycles"].as_f64().unwrap() > 64.0);
}

#[test]
fn the_written_test_bench_passes_and_sees_a_changed_byte() {
    let learned = Learned::new("mlp:16");
    let write = ["verilog", "net.bfab", "--lanes", "2", "-o", "out", "--data", "digits", "--vectors", "2"];
    bitfab(learned.path()).args(write).assert().success().stdout(contains("bitfab.v"));
    let readme = String::from_utf8(learned.read("out/README.md")).unwrap();
    assert!(readme.contains("64 bytes in (8x8x1,") && readme.contains("40 bytes out (10 i32") && !readme.contains('@'));
    let folder = learned.file("out");
    let tool = |program: &str, arguments: &[&str]| {
        let output = std::process::Command::new(program).args(arguments).current_dir(&folder).output();
        let output = output.unwrap_or_else(|error| panic!("{program}: {error}; install the Debian package iverilog"));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    for edition in ["-g2005", "-g2009", "-g2012"] {
        tool("iverilog", &[edition, "-o", "bench", "testbench.v", "bitfab.v"]);
        assert!(tool("vvp", &["bench"]).contains("PASS: 80 bytes equal"), "{edition}");
    }
    let mut expected = learned.read("out/expected.hex");
    expected[3] = if expected[3] == b'0' { b'1' } else { b'0' };
    learned.write("out/expected.hex", &expected);
    let printed = tool("vvp", &["bench"]);
    assert!(printed.contains("byte 1 of the result") && printed.contains("FAIL: 1 faults in 80 bytes"), "{printed}");
    // The same command overwrites its own output.
    bitfab(learned.path()).args(write).assert().success();
    assert!(tool("vvp", &["bench"]).contains("PASS"));
}

#[test]
fn contents_are_written_beside_the_verilog_or_into_it_or_are_loaded() {
    let learned = Learned::new("mlp:256");
    let write = |place: &str, folder: &str| {
        let write = ["verilog", "net.bfab", "--lanes", "1", "--memories", place, "-o", folder];
        bitfab(learned.path()).args(write).assert()
    };
    write("files", "apart").success().stdout(contains("bitfab_weights.hex"));
    write("inline", "whole").success();
    let readme = String::from_utf8(learned.read("apart/README.md")).unwrap();
    assert!(readme.contains("`bitfab_weights.hex`") && readme.contains("`BITFAB_PATH`") && !readme.contains('@'));
    assert!(learned.file("apart/bitfab_weights.hex").exists() && !learned.file("whole/bitfab_weights.hex").exists());
    assert!(!String::from_utf8(learned.read("whole/README.md")).unwrap().contains("_PATH"));
    let load = ["verilog", "net.bfab", "--lanes", "2", "--weights", "loaded", "-o", "loaded"];
    bitfab(learned.path()).args(load).assert().success().stdout(contains("weights.bin"));
    let readme = String::from_utf8(learned.read("loaded/README.md")).unwrap();
    assert!(
        readme.contains("| `load_error` |") && !readme.contains("nothing needs to be loaded") && !readme.contains('@')
    );
    for folder in ["apart", "whole", "loaded"] {
        let run = |program: &str, arguments: &[&str]| {
            let output = std::process::Command::new(program).args(arguments).current_dir(learned.file(folder)).output();
            String::from_utf8(output.unwrap_or_else(|error| panic!("{program}: {error}")).stdout).unwrap()
        };
        run("iverilog", &["-g2012", "-o", "bench", "testbench.v", "bitfab.v"]);
        assert!(run("vvp", &["bench"]).contains("PASS"), "{folder}");
    }
    let mut image = learned.read("loaded/weights.hex");
    image[0] = if image[0] == b'0' { b'1' } else { b'0' };
    learned.write("loaded/weights.hex", &image);
    let output = std::process::Command::new("vvp").arg("bench").current_dir(learned.file("loaded")).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(printed.contains("the weights are not loaded") && !printed.contains("PASS"), "{printed}");
    write("elsewhere", "other").failure().stderr(contains("[possible values: files, inline]"));
}

#[test]
fn synth_counts_cells_block_by_block_finds_a_clock_and_keeps_what_the_tools_made() {
    let learned = Learned::new("mlp:16");
    let arguments = ["synth", "net.bfab", "--target", "hx8k", "--lanes", "1", "--seeds", "1", "-o", "out"];
    let all = json(learned.path(), &arguments);
    let synthesis = &all[0]["synthesis"];
    let luts = synthesis["cells"]["luts"].as_u64().unwrap();
    assert!((100..7680).contains(&luts), "{all}");
    assert!(synthesis["mhz"][0].as_f64().unwrap() > 10.0, "{all}");
    assert!(all[0]["cycles"].as_u64().unwrap() > 64, "{all}");
    let blocks = &all[0]["blocks"];
    let each: Vec<&serde_json::Value> = blocks["blocks"].as_array().unwrap().iter().collect();
    let names: Vec<&str> = each.iter().map(|block| block["name"].as_str().unwrap()).collect();
    for name in ["front", "sequencer", "array", "sender"] {
        assert!(names.contains(&name), "{names:?}");
    }
    let sum = |field: &str| each.iter().map(|block| block[field].as_u64().unwrap()).sum::<u64>();
    assert!(each.iter().all(|block| block["luts"].as_u64().unwrap() > 10), "{blocks}");
    assert_eq!(blocks["sum"]["flip_flops"], sum("flip_flops"));
    let over = blocks["luts_over_flattened"].as_i64().unwrap();
    assert_eq!(i64::try_from(sum("all_luts")).unwrap() - over, i64::try_from(luts).unwrap());
    assert!(blocks["how"].as_str().unwrap().contains("synth_ice40 -noflatten"), "{blocks}");
    // What was printed is kept, with the files of the tools, and nothing of another kind is overwritten.
    let kept: serde_json::Value = serde_json::from_slice(&learned.read("out/report.json")).unwrap();
    assert_eq!(kept, all);
    let text = String::from_utf8(learned.read("out/report.txt")).unwrap();
    assert!(text.contains("sum of the blocks") && text.contains("nextpnr-ice40 --hx8k"), "{text}");
    for (name, part) in [
        ("bitfab.v", "module bitfab("),
        ("netlist.json", "SB_LUT4"),
        ("yosys.log", "Executing ABC"),
        ("yosys_blocks.log", "synth_ice40 -noflatten"),
        ("place_1.log", "Max frequency"),
    ] {
        let bytes = learned.read(&format!("out/1_lanes/{name}"));
        assert!(String::from_utf8_lossy(&bytes).contains(part), "{name}");
    }
    learned.write("out/1_lanes/place_1.log", b"my notes");
    let refused = bitfab(learned.path()).args(arguments).assert().code(1);
    refused.stderr(contains("place_1.log exists and is not a log of Yosys or nextpnr"));
}
