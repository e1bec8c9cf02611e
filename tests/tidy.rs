//! The walls of the house: who may import whom, what may stand where, and which clauses exist.

use std::collections::BTreeSet;

use bitfab_tests::{files, read};

/// Each crate and the whole list of workspace crates that it may import (README, "Architecture").
const WALLS: &[(&str, &[&str])] = &[
    ("firmware/format", &[]),
    ("firmware/kernels", &["bitfab-format"]),
    ("firmware/runtime", &["bitfab-format", "bitfab-kernels"]),
    ("firmware/link", &["bitfab-runtime"]),
    ("firmware/selftest", &["bitfab-format", "bitfab-link", "bitfab-runtime"]),
    ("hdl", &["bitfab-format", "bitfab-link"]),
    ("host/graph", &[]),
    ("host/data", &["bitfab-format", "bitfab-graph"]),
    ("host/train", &["bitfab-data", "bitfab-graph"]),
    ("host/import", &["bitfab-graph"]),
    ("host/compile", &["bitfab-format", "bitfab-graph"]),
    ("sim", &["bitfab-format", "bitfab-hdl", "bitfab-kernels", "bitfab-link", "bitfab-runtime"]),
    ("host/report", &["bitfab-format", "bitfab-graph", "bitfab-sim"]),
    (
        "host/api",
        &[
            "bitfab-compile",
            "bitfab-data",
            "bitfab-import",
            "bitfab-format",
            "bitfab-graph",
            "bitfab-hdl",
            "bitfab-report",
            "bitfab-sim",
            "bitfab-train",
        ],
    ),
    ("host/cli", &["bitfab"]),
    ("tests", &[]),
];

/// What may stand at the top besides entries that begin with a dot.
const TOP: &[&str] = &[
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "firmware",
    "hdl",
    "host",
    "sim",
    "tests",
];

#[test]
fn crates_import_only_from_the_rooms_above() {
    for (room, allowed) in WALLS {
        let manifest: toml::Table = read(&format!("{room}/Cargo.toml")).unwrap().parse().unwrap();
        let dependencies = manifest.get("dependencies").and_then(toml::Value::as_table);
        let names = dependencies.into_iter().flat_map(toml::Table::keys);
        let found: Vec<&String> = names.filter(|name| name.starts_with("bitfab")).collect();
        for name in found {
            assert!(allowed.contains(&name.as_str()), "{room} must not import {name}");
        }
    }
}

#[test]
fn every_member_has_a_wall() {
    let manifest: toml::Table = read("Cargo.toml").unwrap().parse().unwrap();
    let members = manifest["workspace"]["members"].as_array().unwrap();
    let members: BTreeSet<&str> = members.iter().filter_map(toml::Value::as_str).collect();
    assert_eq!(members, WALLS.iter().map(|(room, _)| *room).collect());
}

#[test]
fn the_top_level_is_fixed() {
    for file in files().unwrap() {
        let top = file.split('/').next().unwrap_or_default();
        assert!(top.starts_with('.') || TOP.contains(&top), "{top} must not stand at the top level");
    }
}

#[test]
fn every_dependency_has_a_reason() {
    for manifest in files().unwrap().iter().filter(|file| file.ends_with("Cargo.toml")) {
        let mut in_dependencies = false;
        for line in read(manifest).unwrap().lines() {
            if line.starts_with('[') {
                in_dependencies = line.ends_with("dependencies]") && line != "[workspace.dependencies]";
            } else if in_dependencies && line.contains('=') && !line.starts_with('#') {
                assert!(line.contains(" # "), "{manifest}: `{line}` has no reason behind it");
            }
        }
    }
}

/// Rooms that may take the limits of the file from the format, where they are.
const BESIDE_THE_FORMAT: &[&str] =
    &["firmware/", "hdl/", "host/compile/", "host/data/", "host/report/", "host/api/", "host/cli/", "sim/"];

/// Name and value of a constant, if the line is one.
fn constant(line: &str) -> Option<(&str, &str)> {
    let (_, rest) =
        line.split_once("const ").filter(|(before, _)| before.trim().is_empty() || before.contains("pub"))?;
    let (name, value) = rest.split_once(" = ")?;
    Some((name.split(':').next()?, value.trim().trim_end_matches(';')))
}

#[test]
fn limits_of_the_file_are_stated_once() {
    let home = "firmware/format/src/limits.rs";
    let limits = read(home).unwrap();
    let limits: Vec<(&str, &str)> = limits.lines().filter_map(constant).collect();
    assert!(limits.len() > 10, "only {limits:?}");
    let mut used = 0;
    for file in files().unwrap().iter().filter(|file| file.contains("/src/") && file.ends_with(".rs")) {
        let is_beside = BESIDE_THE_FORMAT.iter().any(|room| file.starts_with(room)) && file != home;
        let text = read(file).unwrap();
        used += usize::from(text.contains("limits::"));
        for (name, value) in text.lines().filter_map(constant).filter(|(name, _)| name.starts_with("MAX_")) {
            let same = limits.iter().find(|(_, limit)| value == *limit && value.len() > 1);
            assert!(!is_beside || same.is_none(), "{file}: {name} = {value}: a limit of the file has a name, {same:?}");
        }
    }
    assert!(used > 10, "only {used} files use the limits");
}

#[test]
fn every_room_has_a_door() {
    let all = files().unwrap();
    let mut rooms: BTreeSet<String> = WALLS.iter().map(|(room, _)| (*room).to_owned()).collect();
    rooms.extend(["firmware", "host", "firmware/boards"].map(str::to_owned));
    for room in rooms {
        let door = format!("{room}/README.md");
        assert!(all.contains(&door), "{door} is missing: what is in the room, and what to touch to add something");
    }
}

/// Numbers such as `3.5` at the start of a paragraph.
fn clauses(document: &str) -> BTreeSet<String> {
    let text = read(document).unwrap();
    let sections = text.lines().filter_map(|line| line.strip_prefix("## "));
    let numbered = text.lines().chain(sections).filter_map(|line| line.split(' ').next());
    let is_number = |word: &&str| word.chars().all(|c| c.is_ascii_digit() || c == '.') && !word.is_empty();
    numbered.filter(is_number).map(str::to_owned).collect()
}

#[test]
fn cited_clauses_exist() {
    let documents = [("SPEC", "firmware/format/SPEC.md"), ("NUMERICS", "firmware/kernels/NUMERICS.md")];
    let mut cited = 0;
    for (word, document) in documents {
        let known = clauses(document);
        for file in files().unwrap().iter().filter(|file| file.ends_with(".rs") || file.ends_with(".md")) {
            let text = read(file).unwrap();
            for after in text.split(word).skip(1) {
                let after = after.trim_start_matches(".md").trim_start_matches([' ', ',', '(']);
                let clause: String = after.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
                let clause = clause.trim_end_matches('.');
                if !clause.is_empty() {
                    assert!(known.contains(clause), "{file} cites {word} {clause}, which {document} does not have");
                    cited += 1;
                }
            }
        }
    }
    assert!(cited > 10, "only {cited} citations were found");
}

#[test]
fn no_machine_is_named() {
    // Written apart, so that this file does not find itself.
    let paths = ["/wo", "/ro", "/fa"].iter().zip(["rk/", "ot/", "rm/"]).map(|(a, b)| format!("{a}{b}"));
    let paths: Vec<String> = paths.collect();
    for file in files().unwrap().iter().filter(|file| !file.ends_with(".lock")) {
        let Ok(text) = read(file) else { continue };
        for path in &paths {
            let mut before = text.match_indices(path.as_str()).map(|(at, _)| text[..at].chars().next_back());
            let is_absolute = |c: Option<char>| !c.is_some_and(|c| c.is_alphanumeric() || "._-)}".contains(c));
            assert!(!before.any(is_absolute), "{file} names a path of some machine: {path}");
        }
    }
}
