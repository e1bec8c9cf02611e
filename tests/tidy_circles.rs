//! No circle of imports inside a crate, so that it can be read from the ground up.

use std::collections::{BTreeMap, BTreeSet};

use bitfab_tests::{files, read};

/// Crates whose modules stand in an order; a module is a file or folder of `src`.
const ORDERED: &[&str] = &["firmware/runtime", "host/api", "host/cli", "host/compile", "host/report", "host/train"];

/// The modules that each module names, without itself; tests at the end of a file are not counted.
fn imports(room: &str) -> BTreeMap<String, BTreeSet<String>> {
    let folder = format!("{room}/src/");
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in files().unwrap().iter().filter(|file| file.starts_with(&folder) && file.ends_with(".rs")) {
        let module = file[folder.len()..].split(['/', '.']).next().unwrap_or_default().to_owned();
        let text = read(file).unwrap();
        let code = text.split("\n#[cfg(test)]\nmod tests").next().unwrap_or_default();
        let named = code.split("crate::").skip(1).map(|rest| rest.split(|c: char| c != '_' && !c.is_alphanumeric()));
        let named = named.filter_map(|mut words| words.next().map(str::to_owned));
        // The root says what there is, so it names all.
        if module != "lib" && module != "main" {
            all.entry(module.clone()).or_default().extend(named.filter(|name| *name != module));
        }
    }
    all
}

/// A way from the module back to itself.
fn circle(imports: &BTreeMap<String, BTreeSet<String>>, module: &str) -> Option<Vec<String>> {
    let mut ways = vec![vec![module.to_owned()]];
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop() {
        for next in imports.get(way.last()?).into_iter().flatten() {
            let longer = [&way[..], std::slice::from_ref(next)].concat();
            if next == module {
                return Some(longer);
            }
            if seen.insert(next.clone()) {
                ways.push(longer);
            }
        }
    }
    None
}

#[test]
fn modules_import_in_one_direction() {
    for room in ORDERED {
        let imports = imports(room);
        assert!(imports.values().map(BTreeSet::len).sum::<usize>() > 2, "{room}: no imports were found");
        let found = imports.keys().find_map(|module| circle(&imports, module));
        assert_eq!(found, None, "{room} has a circle");
    }
}

#[test]
fn circles_are_found() {
    let of = |pairs: &[(&str, &str)]| {
        let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (from, to) in pairs {
            all.entry((*from).into()).or_default().insert((*to).into());
        }
        all
    };
    let imports = of(&[("a", "b"), ("b", "c"), ("c", "d"), ("c", "b")]);
    assert_eq!(circle(&imports, "a"), None);
    assert_eq!(circle(&imports, "b").unwrap(), ["b", "c", "b"]);
}
