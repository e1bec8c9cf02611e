//! The command is thin: it imports the library under it, and what arguments, files and terminals need.

use std::collections::BTreeSet;

use bitfab_tests::{files, read};

/// The library.
const LIBRARY: &str = "bitfab";
/// What the command may import besides the library, with the reason.
const ALLOWED: &[(&str, &str)] = &[
    ("anyhow", "errors with what to do, for people"),
    ("clap", "arguments and help"),
    ("ctrlc", "a stopped training writes its checkpoint"),
    ("dirs", "where data sets are kept"),
    ("flate2", "packages are packed"),
    ("indicatif", "bars"),
    ("mimalloc", "memory is the program's, not the library's"),
    ("serde", "what --json prints"),
    ("serde_json", "what --json prints, and logs"),
    ("sha2", "downloads are pinned by hash"),
    ("sigpipe", "a closed pipe is no panic"),
    ("tar", "packages are archives"),
    ("tempfile", "files are written whole or not at all"),
    ("toml", "the file of --config"),
    ("zip", "packages are archives"),
];

/// The names of crates, or of modules of the file, that `use` lines begin with.
fn roots(tree: &syn::UseTree, found: &mut BTreeSet<String>) {
    match tree {
        syn::UseTree::Path(path) => drop(found.insert(path.ident.to_string())),
        syn::UseTree::Name(name) => drop(found.insert(name.ident.to_string())),
        syn::UseTree::Rename(rename) => drop(found.insert(rename.ident.to_string())),
        syn::UseTree::Group(group) => group.items.iter().for_each(|item| roots(item, found)),
        syn::UseTree::Glob(_) => {}
    }
}

/// What a file imports from elsewhere; its tests are not counted.
fn imported(text: &str) -> BTreeSet<String> {
    let file = syn::parse_file(text).unwrap();
    let (mut found, mut own) = (BTreeSet::new(), BTreeSet::new());
    for item in &file.items {
        match item {
            syn::Item::Use(item) => roots(&item.tree, &mut found),
            syn::Item::Mod(item) => drop(own.insert(item.ident.to_string())),
            _ => {}
        }
    }
    let is_own = |name: &String| own.contains(name) || ["std", "crate", "self", "super"].contains(&name.as_str());
    found.into_iter().filter(|name| !is_own(name)).collect()
}

#[test]
fn the_command_depends_on_the_library_and_on_what_is_listed() {
    let manifest: toml::Table = read("host/cli/Cargo.toml").unwrap().parse().unwrap();
    let found: BTreeSet<&str> = manifest["dependencies"].as_table().unwrap().keys().map(String::as_str).collect();
    let wanted: BTreeSet<&str> = ALLOWED.iter().map(|(name, _)| *name).chain([LIBRARY]).collect();
    assert_eq!(found, wanted);
}

#[test]
fn the_command_imports_the_library_and_what_is_listed() {
    let mut from_library = 0;
    for file in files().unwrap().iter().filter(|file| file.starts_with("host/cli/src/") && file.ends_with(".rs")) {
        let text = read(file).unwrap();
        for name in imported(&text) {
            let is_listed = name == LIBRARY || ALLOWED.iter().any(|(allowed, _)| *allowed == name);
            assert!(is_listed, "{file} imports {name}: what is done with values belongs to the library (host/api)");
            from_library += usize::from(name == LIBRARY);
        }
        assert!(!text.contains("bitfab_"), "{file} names a crate below the library");
    }
    assert!(from_library > 10, "only {from_library} files were found to import the library");
}

#[test]
fn the_library_prints_nothing_and_touches_no_file() {
    let words = ["println!(", "eprintln!(", "print!(", "dbg!(", "fs::", "std::env", "clap::"];
    for file in files().unwrap().iter().filter(|file| file.starts_with("host/api/src/") && file.ends_with(".rs")) {
        let text = read(file).unwrap();
        let found = words.into_iter().find(|word| text.contains(word));
        assert_eq!(found, None, "{file}: the library takes and returns values");
    }
}

#[test]
fn imports_are_found() {
    let text =
        "mod kind;\nuse std::fs;\nuse crate::io;\nuse kind::Kind;\nuse bitfab::{data, graph};\nuse {rayon, zip as z};";
    let found: Vec<String> = imported(text).into_iter().collect();
    assert_eq!(found, ["bitfab", "rayon", "zip"]);
}
