//! `bitfab bench methods`: what the table says, and what is asked of the methods.

use predicates::str::contains;
use serde_json::Value;

use crate::common::{bitfab, json};

/// A row, the row that it is judged by and how many points it may lie below, and its most bits a weight.
type Asked = (&'static str, Option<(&'static str, f64)>, Option<f64>);

/// What is asked of 784-256-256-10 on all of MNIST.
const ASKED: [Asked; 11] = [
    ("bnn", Some(("float", 2.0)), Some(1.02)),
    ("bwn", Some(("float", 0.5)), Some(1.02)),
    ("sbnn-10", Some(("bnn", 1.5)), Some(0.55)),
    ("sbnn-5", Some(("bnn", 2.5)), Some(0.33)),
    ("hq", Some(("float", 0.8)), Some(0.80)),
    ("pruned-ternary", Some(("float", 0.8)), Some(0.80)),
    ("smart-deal", Some(("float", 0.5)), Some(32.0 / 15.0)),
    ("once-qat at 1", Some(("planes-1", 0.7)), None),
    ("once-qat at 2", Some(("planes-2", 0.7)), None),
    ("once-qat at 4", Some(("planes-4", 0.7)), None),
    ("once-qat at 8", Some(("planes-8", 0.7)), None),
];
/// How many points one plane of `once-qat` is asked to lie above eight planes of which seven are cut off.
const ABOVE_TRUNCATED: f64 = 5.0;

fn row<'a>(bench: &'a Value, name: &str) -> Option<&'a Value> {
    bench["table"].as_array()?.iter().find(|row| row["name"] == name)
}

fn points(row: &Value) -> f64 {
    100.0 * row["accuracy"].as_f64().unwrap()
}

/// What is asked and missed in the JSON of a bench, of the rows that it has.
fn missed(bench: &Value) -> Vec<String> {
    let mut missed = Vec::new();
    for (name, yardstick, most_bits) in ASKED {
        let Some(own) = row(bench, name) else { continue };
        if let Some((judge, below)) = yardstick
            && let Some(judge) = row(bench, judge)
            && points(own) < points(judge) - below
        {
            missed.push(format!("{name}: accuracy {:.2}, {:.2} less {below} are asked", points(own), points(judge)));
        }
        if let Some(most) = most_bits.filter(|most| own["bits"].as_f64().unwrap() > *most) {
            missed.push(format!("{name}: {} bits a weight, at most {most} are asked", own["bits"]));
        }
    }
    let truncated: Vec<f64> =
        bench["runs"].as_array().unwrap().iter().filter_map(|run| Some(100.0 * run["truncated"].as_f64()?)).collect();
    let mean = truncated.iter().sum::<f64>() / truncated.len().max(1) as f64;
    if let Some(one) = row(bench, "once-qat at 1").filter(|one| points(one) < mean + ABOVE_TRUNCATED) {
        missed.push(format!("once-qat at 1: accuracy {:.2}, {mean:.2} and {ABOVE_TRUNCATED} are asked", points(one)));
    }
    missed
}

/// A bench whose rows have these accuracies and bits.
fn bench(rows: &[(&str, f64, f64)], truncated: f64) -> Value {
    let row = |&(name, accuracy, bits): &(&str, f64, f64)| serde_json::json!({ "name": name, "accuracy": accuracy / 100.0, "bits": bits });
    let rows: Vec<Value> = rows.iter().map(row).collect();
    serde_json::json!({ "table": rows, "runs": [{ "truncated": truncated / 100.0 }, { "truncated": null }] })
}

#[test]
fn what_is_asked_is_seen_where_it_is_missed() {
    let good = [("float", 99.0, 32.0), ("bnn", 97.1, 1.015), ("sbnn-5", 94.7, 0.3), ("planes-1", 98.0, 1.0)];
    let once = |accuracy| ("once-qat at 1", accuracy, 1.0);
    assert_eq!(missed(&bench(&[&good[..], &[once(97.4)]].concat(), 92.3)), [""; 0]);
    let misses = [
        ("bnn", 96.9, 1.0, "bnn: accuracy"),
        ("bnn", 97.0, 1.03, "bnn: 1.03 bits"),
        ("sbnn-5", 94.5, 0.3, "sbnn-5: accuracy"),
        ("sbnn-5", 96.0, 0.34, "sbnn-5: 0.34 bits"),
    ];
    for (name, accuracy, bits, said) in misses {
        let rows = good.map(|row| if row.0 == name { (name, accuracy, bits) } else { row });
        let found = missed(&bench(&rows, 0.0));
        assert!(found.iter().any(|one| one.starts_with(said)), "{said} is not in {found:?}");
    }
    assert_eq!(missed(&bench(&[&good[..], &[once(97.2)]].concat(), 0.0)).len(), 1, "planes-1 less 0.7");
    assert_eq!(missed(&bench(&[&good[..], &[once(97.4)]].concat(), 92.5)).len(), 1, "truncated and 5");
}

/// Where `BITFAB_BENCH` names the folder of a whole `bitfab bench methods`, an hour of work, all is judged that is
/// asked; else small networks show that sizes are what they are asked to be.
#[test]
fn methods_reach_what_is_asked_of_them() {
    let folder = tempfile::tempdir().unwrap();
    if let Some(results) = std::env::var_os("BITFAB_BENCH") {
        let results = std::fs::canonicalize(results).unwrap();
        let out = results.to_str().unwrap();
        let whole = json(folder.path(), &["bench", "methods", "--out", out, "--no-instructions"]);
        assert_eq!(missed(&whole), [""; 0]);
        return;
    }
    let small = ["bench", "methods", "--data", "digits", "--arch", "mlp:128,128", "--seeds", "1", "--epochs", "2"];
    let only = ["--only", "bnn,bwn,sbnn-10,sbnn-5,hq,pruned-ternary", "--out", "b", "--no-instructions"];
    let table = json(folder.path(), &[&small[..], &only].concat());
    let missed = missed(&table);
    assert!(!missed.iter().any(|one| one.contains("bits")), "{missed:?}");
}

#[test]
fn the_bench_tabulates_methods_and_goes_on_where_it_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let bench =
        ["bench", "methods", "--data", "digits", "--arch", "mlp:32", "--seeds", "1", "--epochs", "3", "--out", "b"];
    let some = ["--only", "float,bnn,sbnn-10,once-qat"];
    let quick = json(folder.path(), &[&bench[..], &some, &["--no-instructions"]].concat());
    let names: Vec<&str> = quick["table"].as_array().unwrap().iter().map(|r| r["name"].as_str().unwrap()).collect();
    let nested = ["once-qat at 1", "once-qat at 2", "once-qat at 4", "once-qat at 8"];
    assert_eq!(names, [&["float", "bnn", "sbnn-10"][..], &nested].concat());
    let bnn = row(&quick, "bnn").unwrap();
    assert_eq!(bnn["bits"].as_f64().unwrap().round(), 1.0);
    let bytes = std::fs::metadata(folder.path().join("b/bnn-1.bfab")).unwrap().len();
    assert_eq!(bnn["bytes"].as_f64().unwrap() as u64, bytes, "all of the file");
    let each = bytes as f64 / f64::from(64 * 32 + 320);
    assert!((bnn["bytes_each"].as_f64().unwrap() - each).abs() < 1e-12, "JSON is read to the last digit but one");
    assert!(bnn["arena"].as_u64().unwrap() > 0 && bnn["instructions"].is_null());
    let sizes: Vec<f64> = nested.iter().map(|name| row(&quick, name).unwrap()["bytes"].as_f64().unwrap()).collect();
    assert!(sizes.is_sorted(), "{sizes:?}");
    let again = json(folder.path(), &[&bench[..], &some, &["--no-instructions"]].concat());
    assert_eq!(quick, again, "results are read, seconds included");
    let counted = json(folder.path(), &[&bench[..], &["--only", "float,bnn"]].concat());
    assert!(row(&counted, "bnn").unwrap()["instructions"].as_f64().unwrap() > 1000.0);
    assert!(row(&counted, "float").unwrap()["instructions"].is_null());
    let wrong = bitfab(folder.path()).args(bench).args(["--only", "best", "--no-instructions"]).assert().failure();
    wrong.stderr(contains("no row `best`"));
}
