//! Networks over time series: from windows of sensor values to every engine.

use std::io::Write;
use std::path::Path;

use npyz::WriterBuilder;
use predicates::str::contains;

use crate::common::{EVERY_ENGINE, bitfab, json};

/// Steps of a window.
const LENGTH: u32 = 32;
/// Sensors.
const SENSORS: u32 = 3;

/// Windows of triangle waves: the class decides how fast they are and which sensor is ahead, chance where they begin.
fn windows(count: u32) -> (Vec<u8>, Vec<u8>) {
    let (mut inputs, mut labels) = (Vec::new(), Vec::new());
    let mut state = 12345u32;
    let mut chance = |below: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) % below
    };
    for row in 0..count {
        let class = row % 3;
        let (start, speed) = (chance(64), [9, 4, 4][class as usize]);
        for step in 0..LENGTH {
            for sensor in 0..SENSORS {
                let ahead = if class == 2 { SENSORS - sensor } else { sensor };
                let phase = (start + step * speed + ahead * 12) % 64;
                inputs.push((phase.min(64 - phase) * 6 + chance(40)) as u8);
            }
        }
        labels.push(class as u8);
    }
    (inputs, labels)
}

/// One array of bytes as a `.npy` file.
fn array(shape: &[u64], values: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut writer = npyz::WriteOptions::new().default_dtype().shape(shape).writer(&mut file).begin_nd().unwrap();
    writer.extend(values).unwrap();
    writer.finish().unwrap();
    file
}

/// Writes `series.npz` with rows of `LENGTH` x 1 x `SENSORS`.
fn write_series(folder: &Path) {
    let mut archive = zip::ZipWriter::new(std::fs::File::create(folder.join("series.npz")).unwrap());
    for (part, count) in [("train", 600u32), ("test", 150)] {
        let (inputs, labels) = windows(count);
        let sizes = [count, LENGTH, 1, SENSORS].map(u64::from);
        for (name, file) in [("x", array(&sizes, &inputs)), ("y", array(&[count.into()], &labels))] {
            archive.start_file(format!("{name}_{part}.npy"), zip::write::SimpleFileOptions::default()).unwrap();
            archive.write_all(&file).unwrap();
        }
    }
    archive.finish().unwrap();
}

/// Kernels and pools along time, steps, depthwise and pointwise layers, of several kinds of weights.
#[test]
fn windows_of_sensors_give_the_same_bits_on_every_engine() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_series(folder);
    let nets: [(&str, &[&str]); 2] = [
        ("cnn:24k5x1,p2x1,dwk3x1s2x1,32k1,sum,d24", &["--input", "planes"]),
        ("cnn:dwk5x1,20k4x1s2x1,dwk3x1,p2x1,16k1", &["--method", "planes:2", "--bits", "3", "--layer", "conv1=int:8"]),
    ];
    for (number, (arch, method)) in nets.into_iter().enumerate() {
        let (graph, model) = (format!("{number}.graph"), format!("{number}.bfab"));
        let learn = ["train", "--data", "series.npz", "--arch", arch, "--epochs", "24", "--batch", "32", "-o", &graph];
        bitfab(folder).args(learn).args(method).assert().success();
        bitfab(folder).args(["compile", &graph, "-o", &model]).assert().success();
        let outcome = json(folder, &["eval", &model, "--data", "series.npz"]);
        assert!(outcome["accuracy"].as_f64().unwrap() > 0.9, "{arch}: {}", outcome["accuracy"]);
        // Verilator compiles for longer than all else takes.
        let engines =
            if number == 0 { EVERY_ENGINE } else { "reference,kernels,runtime,cycle-model,rtl,icarus,qemu-m4" };
        let subset = "rtl=4,verilator=20,icarus=1,qemu-m4=10";
        let verify =
            ["verify", &model, "--data", "series.npz", "--engines", engines, "--subset", subset, "--lanes", "4"];
        bitfab(folder).args(verify).assert().success().stdout(contains("qemu-m4"));
    }
}

#[test]
fn squares_over_a_series_are_refused_with_what_fits() {
    let folder = tempfile::tempdir().unwrap();
    write_series(folder.path());
    for (arch, hint) in [("cnn:24k5,sum", "write 24k5x1"), ("cnn:24k5x1,p2", "write p2x1"), ("cnn:dw", "write dwk3x1")]
    {
        let learn = ["train", "--data", "series.npz", "--arch", arch, "-o", "net.graph"];
        bitfab(folder.path()).args(learn).assert().code(1).stderr(contains(hint));
    }
    let learn = ["train", "--data", "series.npz", "--arch", "cnn:dw3x1", "-o", "net.graph"];
    bitfab(folder.path()).args(learn).assert().code(2).stderr(contains("dwk5x1"));
}
