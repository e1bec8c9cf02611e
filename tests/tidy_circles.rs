//! No circle of imports inside a crate, so that it can be read from the ground up.
//!
//! The unit is a file. A name that another module hands on (`pub use`) is followed to the file that defines it.
//! A child that names its own parents is no import: it stands in their scope.

use std::collections::{BTreeMap, BTreeSet};

use bitfab_tests::{files, read};
use syn::visit::{self, Visit};

/// All crates that have modules.
const ROOMS: &[&str] = &[
    "firmware/format",
    "firmware/kernels",
    "firmware/runtime",
    "firmware/link",
    "hdl",
    "host/api",
    "host/cli",
    "host/compile",
    "host/data",
    "host/graph",
    "host/import",
    "host/report",
    "host/train",
    "sim",
];

/// A module's path in its crate, or that of an item.
type Path = Vec<String>;

/// What one file says of others.
#[derive(Default)]
struct Names {
    /// The file's module, and the inline modules around what is being visited.
    scope: Path,
    /// Absolute or relative paths as they stand.
    used: Vec<(Path, Path)>,
    /// Name and path of what is handed on.
    exports: BTreeMap<String, Path>,
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    let is_cfg = |attribute: &syn::Attribute| attribute.path().is_ident("cfg");
    let tokens = |attribute: &syn::Attribute| attribute.meta.require_list().map(|list| list.tokens.to_string());
    attributes.iter().any(|attribute| is_cfg(attribute) && tokens(attribute).is_ok_and(|text| text == "test"))
}

/// The paths of a tree of `use`, each with the name that it gets.
fn leaves(tree: &syn::UseTree, before: &Path, all: &mut Vec<(String, Path)>) {
    let with = |name: &syn::Ident| [&before[..], &[name.to_string()]].concat();
    match tree {
        syn::UseTree::Path(path) => leaves(&path.tree, &with(&path.ident), all),
        syn::UseTree::Name(name) if name.ident == "self" => {
            all.push((before.last().cloned().unwrap_or_default(), before.clone()));
        }
        syn::UseTree::Name(name) => all.push((name.ident.to_string(), with(&name.ident))),
        syn::UseTree::Rename(rename) => all.push((rename.rename.to_string(), with(&rename.ident))),
        syn::UseTree::Glob(_) => all.push(("*".into(), before.clone())),
        syn::UseTree::Group(group) => group.items.iter().for_each(|tree| leaves(tree, before, all)),
    }
}

impl<'ast> Visit<'ast> for Names {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !is_test(&module.attrs) && module.content.is_some() {
            self.scope.push(module.ident.to_string());
            visit::visit_item_mod(self, module);
            self.scope.pop();
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let mut all = Vec::new();
        leaves(&item.tree, &Path::new(), &mut all);
        for (name, path) in all {
            if matches!(item.vis, syn::Visibility::Inherited) {
                self.used.push((self.scope.clone(), path));
            } else {
                self.exports.insert(name, path);
            }
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.segments.len() > 1 {
            let segments = path.segments.iter().map(|segment| segment.ident.to_string());
            self.used.push((self.scope.clone(), segments.collect()));
        }
        visit::visit_path(self, path);
    }
}

/// The files of a crate by module.
struct Room {
    files: BTreeMap<Path, Names>,
}

impl Room {
    fn read(room: &str) -> Self {
        let folder = format!("{room}/src/");
        let mut found = BTreeMap::new();
        for file in files().unwrap() {
            let Some(name) = file.strip_prefix(&folder).and_then(|file| file.strip_suffix(".rs")) else { continue };
            let mut module: Path = name.split('/').map(str::to_owned).collect();
            if module.iter().any(|part| part == "tests" || part == "bin") {
                continue;
            }
            if module.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
                module.pop();
            }
            let mut names = Names { scope: module.clone(), ..Names::default() };
            let parsed = syn::parse_file(&read(&file).unwrap()).unwrap_or_else(|error| panic!("{file}: {error}"));
            names.visit_file(&parsed);
            found.insert(module, names);
        }
        Self { files: found }
    }

    /// The path from the root of the crate; `None` for another crate's or a local name.
    fn absolute(&self, scope: &Path, path: &[String]) -> Option<Path> {
        let ups = path.iter().take_while(|part| *part == "super").count();
        match path.first()?.as_str() {
            "crate" => Some(path[1..].to_vec()),
            "self" => Some([&scope[..], &path[1..]].concat()),
            "super" => Some([&scope[..scope.len().checked_sub(ups)?], &path[ups..]].concat()),
            first => {
                let child = [&scope[..], &[first.to_owned()]].concat();
                self.files.contains_key(&child).then(|| [&scope[..], path].concat())
            }
        }
    }

    /// The file that defines what `path` names; names are handed on a few times at most.
    fn defined(&self, path: &Path, steps: u32) -> Option<Path> {
        let module = (0..=path.len()).rev().map(|end| path[..end].to_vec()).find(|end| self.files.contains_key(end))?;
        let rest = &path[module.len()..];
        let export = rest.first().and_then(|name| self.files[&module].exports.get(name));
        let handed_on = export.and_then(|export| self.absolute(&module, export)).filter(|_| steps < 8);
        match handed_on {
            Some(next) => self.defined(&[&next[..], &rest[1..]].concat(), steps + 1),
            None => Some(module),
        }
    }

    /// Which files each file imports.
    fn imports(&self) -> BTreeMap<Path, BTreeSet<Path>> {
        let mut all: BTreeMap<Path, BTreeSet<Path>> = BTreeMap::new();
        // The root says what is public, so it names all.
        for (module, names) in self.files.iter().filter(|(module, _)| !module.is_empty()) {
            let absolute = names.used.iter().filter_map(|(scope, path)| self.absolute(scope, path));
            let defined = absolute.filter_map(|path| self.defined(&path, 0));
            all.insert(module.clone(), defined.filter(|other| !module.starts_with(other)).collect());
        }
        all
    }
}

/// A way from the file back to itself.
fn circle(imports: &BTreeMap<Path, BTreeSet<Path>>, module: &Path) -> Option<Vec<Path>> {
    let mut ways = vec![vec![module.clone()]];
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
fn files_import_in_one_direction() {
    let mut found = Vec::new();
    for room in ROOMS {
        let imports = Room::read(room).imports();
        assert!(imports.values().map(BTreeSet::len).sum::<usize>() > 3, "{room}: no imports were found");
        let mut named = BTreeSet::new();
        for module in imports.keys() {
            if let Some(way) = circle(&imports, module).filter(|_| !named.contains(module)) {
                named.extend(way.iter().cloned());
                found.push(format!(
                    "{room}: {}",
                    way.iter().map(|file| file.join("::")).collect::<Vec<_>>().join(" -> ")
                ));
            }
        }
    }
    assert!(found.is_empty(), "circles of imports:\n{}", found.join("\n"));
}

#[test]
fn circles_are_found() {
    let room = |files: &[(&str, &str)]| {
        let parsed = files.iter().map(|(module, text)| {
            let scope: Path = module.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect();
            let mut names = Names { scope: scope.clone(), ..Names::default() };
            names.visit_file(&syn::parse_file(text).unwrap());
            (scope, names)
        });
        Room { files: parsed.collect() }
    };
    let found = |room: &Room| room.imports().keys().find_map(|module| circle(&room.imports(), module));
    let face = ("", "mod a; mod b; pub use a::A; pub use b::B;");
    let a = ("a", "use crate::B; pub struct A(B);");
    let line = room(&[face, a, ("b", "mod c; pub use c::B;"), ("b::c", "use super::D; pub struct B;")]);
    assert_eq!(found(&line), None, "{:?}", line.imports());
    let handed_on = room(&[face, a, ("b", "mod c; pub use c::B;"), ("b::c", "pub struct B(crate::A);")]);
    assert!(found(&handed_on).is_some(), "{:?}", handed_on.imports());
    let in_tests = room(&[face, a, ("b", "pub struct B; #[cfg(test)] mod tests { use crate::a::A; }")]);
    assert_eq!(found(&in_tests), None);
}
