//! A newcomer's path: from a table of a sensor by person to the same answers on laptop, emulated board and accelerator.

use std::fmt::Write;
use std::path::Path;

use crate::common::{bitfab, json};

/// What was done, and how its sensor looks: amplitude in g, samples of a period, turn rate in degrees a second.
const ACTIVITIES: [(&str, f64, f64, f64); 3] =
    [("resting", 0.02, 8.0, 2.0), ("walking", 0.4, 8.0, 60.0), ("running", 1.5, 5.0, 200.0)];
/// How windows are read, on every command.
const WINDOWS: [&str; 4] = ["--window", "16", "--by", "person,recording"];

/// Numbers from -1 to 1 that are the same everywhere.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f64 / f64::from(1u32 << 23) - 1.0
    }
}

/// A table of samples: each person does each of the activities `known`, 8 windows of 16 samples long.
fn table(people: std::ops::Range<u32>, known: &[usize], seed: u64) -> String {
    let mut text = String::from("person,recording,ax,ay,az,gx,gy,gz,activity\n");
    let mut noise = Noise(seed);
    for person in people {
        for &activity in known {
            let (name, amplitude, period, turn) = ACTIVITIES[activity];
            let own = 1.0 + 0.2 * noise.next();
            for sample in 0..128 {
                let wave = (f64::from(sample) * std::f64::consts::TAU / period).sin() * own;
                let mut value = |level: f64, size: f64| level + size * wave + 0.3 * size * noise.next();
                let g = [value(0.0, amplitude), value(0.1, amplitude / 2.0), value(1.0, amplitude)];
                let rates = [value(0.0, turn), value(0.0, turn / 2.0), value(0.0, turn / 4.0)];
                let values: Vec<String> = g.iter().chain(&rates).map(|value| format!("{value:.4}")).collect();
                writeln!(text, "p{person},{activity},{},{name}", values.join(",")).unwrap();
            }
        }
    }
    text
}

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap();
}

/// A folder with a model that was learned by person, and the summary of learning.
fn learned() -> (tempfile::TempDir, serde_json::Value) {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "sensor.csv", &table(1..11, &[0, 1, 2], 1));
    let train =
        ["train", "--data", "sensor.csv", "--label", "activity", "--split", "person", "--test-groups", "p9,p10"];
    let rest = ["--arch", "cnn:16k5x1,p2x1,16k5x1,p2x1", "--method", "int:4", "--epochs", "12", "-o", "imu.bfab"];
    let summary = json(folder.path(), &[&train[..], &WINDOWS, &rest].concat());
    (folder, summary)
}

#[test]
fn from_a_table_by_person_to_the_same_answers_everywhere() {
    let (folder, summary) = learned();
    let folder = folder.path();
    assert_eq!(summary["rows"]["test"], 48, "{summary}");
    assert!(summary["test_accuracy"].as_f64().unwrap() > 0.9, "{summary}");

    // Another day: two of the three activities, other people.
    write(folder, "newday.csv", &table(20..23, &[2, 0], 2));
    let rows = [&["--data", "newday.csv", "--label", "activity"][..], &WINDOWS].concat();
    let outcome = json(folder, &[&["eval", "imu.bfab"], &rows[..]].concat());
    assert_eq!(outcome["total"], 48, "all rows of the file are judged");
    assert!(outcome["accuracy"].as_f64().unwrap() > 0.9, "{outcome}");
    assert_eq!(outcome["confusion"]["classes"], serde_json::json!(["resting", "running", "walking"]));
    assert_eq!(outcome["learned"], serde_json::Value::Null);

    // The device codes the real values itself, and so does every other engine.
    let engines = "reference,kernels,runtime,cycle-model,rtl,qemu-m4";
    let verify = ["verify", "imu.bfab", "--engines", engines, "--subset", "rtl=6,qemu-m4=12"];
    let outcome = json(folder, &[&verify[..], &rows].concat());
    let verdicts = outcome["verdicts"].as_array().unwrap();
    assert_eq!(verdicts.len(), 6, "{outcome}");
    for verdict in verdicts {
        assert_eq!(verdict["agreeing"], verdict["images"], "{verdict}");
    }

    // Answers by name; classes in the file are not looked at.
    let run = [&["run", "imu.bfab", "--data", "newday.csv", "-o"][..], &["answers.csv"], &WINDOWS].concat();
    bitfab(folder).args(&run).assert().success();
    let answers = std::fs::read_to_string(folder.join("answers.csv")).unwrap();
    assert!(
        answers.starts_with("row,class,score of resting,score of running,score of walking\n0,running,"),
        "{answers}"
    );
    assert_eq!(answers.lines().count(), 49);
    let on_board = [&run[..], &["--engine", "qemu-m4"]].concat();
    bitfab(folder).args(&on_board).assert().success();
    assert_eq!(std::fs::read_to_string(folder.join("answers.csv")).unwrap(), answers, "the board answers alike");
}

#[test]
fn appended_rows_change_nothing_of_what_was_there() {
    let (folder, summary) = learned();
    let folder = folder.path();
    let appended = format!("{}{}", table(1..11, &[0, 1, 2], 1), &table(30..31, &[1], 3)[44..]);
    write(folder, "more.csv", &appended);
    let part = |file: &str| {
        let split = ["--label", "activity", "--split", "person", "--test-groups", "p9,p10", "--part", "test"];
        let outcome = json(folder, &[&["eval", "imu.bfab", "--data", file][..], &split, &WINDOWS].concat());
        (outcome["correct"].clone(), outcome["total"].clone(), outcome["confusion"].clone())
    };
    assert_eq!(part("more.csv"), part("sensor.csv"));
    assert_eq!(part("sensor.csv").0, summary["correct"], "what training said of the test part");
}
