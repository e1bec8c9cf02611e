//! Habits of the sources: heads, sizes, unsafe code, floats on target, names that hardware cannot have.

use bitfab_tests::{files, read};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// Most lines of a file, tests at its end not counted.
const FILE_LINES: usize = 400;
/// Most lines between the braces of a function.
const FUNCTION_LINES: usize = 40;
/// Most lines of a closure that is bound to a name.
const CLOSURE_LINES: usize = 10;
/// Files that may be longer, with the reason.
const LONG_FILES: &[(&str, &str)] = &[];
/// Functions that may be longer, with the reason.
const LONG_FUNCTIONS: &[(&str, &str, &str)] =
    &[("hdl/src/engine.rs", "update", KERNEL), ("hdl/src/link/linked.rs", "update", KERNEL)];
const KERNEL: &str = "a kernel is one function for rust-hdl: it names each wire between the blocks";

fn sources() -> Vec<String> {
    files().unwrap().into_iter().filter(|file| file.ends_with(".rs")).collect()
}

/// The file without its test module.
fn code(text: &str) -> &str {
    text.split("\n#[cfg(test)]\nmod tests").next().unwrap_or(text)
}

#[test]
fn every_file_says_what_it_is() {
    for file in sources() {
        let text = read(&file).unwrap();
        assert!(text.starts_with("//!") || text.starts_with("#![doc ="), "{file} must open with //!");
    }
}

#[test]
fn files_are_short() {
    for file in sources() {
        let lines = code(&read(&file).unwrap()).lines().count();
        let excused = LONG_FILES.iter().any(|(name, _)| *name == file);
        assert!(lines <= FILE_LINES || excused, "{file} has {lines} lines, {FILE_LINES} are the limit: split it");
    }
}

/// Collects functions that are too long.
struct Long<'f> {
    file: &'f str,
    found: Vec<String>,
}

impl Long<'_> {
    fn check(&mut self, name: &syn::Ident, block: &syn::Block) {
        let span = block.span();
        let lines = (span.end().line - span.start().line).saturating_sub(1);
        let excused = LONG_FUNCTIONS.iter().any(|(file, function, _)| *file == self.file && name == function);
        if lines > FUNCTION_LINES && !excused {
            self.found.push(format!("{}:{} {name} has {lines} lines", self.file, span.start().line));
        }
    }
}

impl<'ast> Visit<'ast> for Long<'_> {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.check(&function.sig.ident, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.check(&function.sig.ident, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(block) = &function.default {
            self.check(&function.sig.ident, block);
        }
        visit::visit_trait_item_fn(self, function);
    }
}

#[test]
fn functions_are_short() {
    let mut found = Vec::new();
    for file in sources() {
        let parsed = syn::parse_file(&read(&file).unwrap()).unwrap_or_else(|error| panic!("{file}: {error}"));
        let mut long = Long { file: &file, found: Vec::new() };
        long.visit_file(&parsed);
        found.append(&mut long.found);
    }
    assert!(found.is_empty(), "{FUNCTION_LINES} lines are the limit of a function:\n{}", found.join("\n"));
}

/// Collects closures with a name that are as long as a function: a name that a search finds belongs to a function.
struct NamedClosures<'f> {
    file: &'f str,
    found: Vec<String>,
}

impl<'ast> Visit<'ast> for NamedClosures<'_> {
    fn visit_local(&mut self, local: &'ast syn::Local) {
        if let Some(syn::Expr::Closure(closure)) = local.init.as_ref().map(|init| &*init.expr) {
            let span = closure.span();
            let lines = span.end().line - span.start().line + 1;
            if lines > CLOSURE_LINES {
                self.found.push(format!("{}:{} has {lines} lines", self.file, span.start().line));
            }
        }
        visit::visit_local(self, local);
    }
}

#[test]
fn named_closures_are_short() {
    let mut found = Vec::new();
    for file in sources().into_iter().filter(|file| file.contains("/src/") && !file.contains("/tests")) {
        let parsed = syn::parse_file(code(&read(&file).unwrap())).unwrap_or_else(|error| panic!("{file}: {error}"));
        let mut closures = NamedClosures { file: &file, found: Vec::new() };
        closures.visit_file(&parsed);
        found.append(&mut closures.found);
    }
    assert!(found.is_empty(), "{CLOSURE_LINES} lines are the limit of a closure with a name:\n{}", found.join("\n"));
}

#[test]
fn unsafe_code_stays_in_its_corner() {
    for file in sources() {
        let text = read(&file).unwrap();
        let is_root = file.ends_with("src/lib.rs") || file.ends_with("src/main.rs");
        let corner = file.starts_with("firmware/kernels/") || file.starts_with("firmware/boards/");
        if is_root && !corner && !file.starts_with("tests/fuzz/") {
            assert!(text.contains("#![forbid(unsafe_code)]"), "{file} must forbid unsafe code");
        }
        if file.starts_with("firmware/kernels/src/") && !file.contains("/arch/") {
            assert!(!text.contains("unsafe {") && !text.contains("unsafe fn"), "{file}: unsafe belongs under arch/");
        }
    }
}

/// What only some files of the command may say, and why.
const COMMAND_WORDS: &[(&[&str], &[&str], &str)] = &[
    (
        &["println!(", "print!(", "io::stdout()", "io::stderr()", "dbg!("],
        &["show/out.rs", "show/learning.rs"],
        "print by say! and note!, which see a full output (learning.rs asks whether stderr is a terminal)",
    ),
    (
        &["fs::write(", "File::create", ".persist(", "OpenOptions"],
        &["io/outputs.rs", "io/data/fetch.rs"],
        "write by outputs::write, which replaces nothing of another kind (fetch.rs writes in a folder that it made)",
    ),
];

#[test]
fn commands_print_and_write_in_one_place() {
    let mut found = 0;
    for file in sources().iter().filter(|file| file.starts_with("host/cli/src/")) {
        let text = read(file).unwrap();
        for (words, places, why) in COMMAND_WORDS {
            let is_place = places.iter().any(|place| file == &format!("host/cli/src/{place}"));
            let used = words.iter().filter(|word| code(&text).contains(*word)).count();
            found += used;
            assert!(used == 0 || is_place, "{file}: {why}");
        }
    }
    assert!(found > 3, "only {found} words were found");
}

/// Files that name a type of floats at the edge of the API, with the reason.
const FLOAT_TYPES: &[(&str, &str)] = &[
    ("firmware/format/src/interface/coding.rs", "takes the bits of an f32 apart, computes in integers"),
    ("firmware/format/src/interface/rows.rs", "rows of real values, handed on to codings"),
    ("firmware/runtime/src/rows.rs", "rows of real values, handed on to the format"),
    ("firmware/runtime/src/machine.rs", "rows of real values, handed on to the format"),
];

#[test]
fn there_is_no_float_on_target() {
    let rooms = ["format", "kernels", "runtime", "link", "selftest"].map(|room| format!("firmware/{room}/src/"));
    let is_excused = |file: &str| FLOAT_TYPES.iter().any(|(name, _)| *name == file);
    let of_rooms = |file: &&String| rooms.iter().any(|room| file.starts_with(room)) && !is_excused(file);
    for file in sources().iter().filter(of_rooms) {
        for (number, line) in read(file).unwrap().lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            assert!(!code.contains("f32") && !code.contains("f64"), "{file}:{}: a float on target", number + 1);
        }
    }
}

/// Words that Verilog keeps for itself and rust-hdl accepts as names of signals.
const KEYWORDS: &[&str] = &[
    "always",
    "and",
    "assign",
    "begin",
    "buf",
    "case",
    "default",
    "defparam",
    "disable",
    "edge",
    "else",
    "end",
    "event",
    "for",
    "force",
    "forever",
    "fork",
    "function",
    "if",
    "initial",
    "inout",
    "integer",
    "join",
    "localparam",
    "module",
    "negedge",
    "not",
    "or",
    "output",
    "parameter",
    "posedge",
    "primitive",
    "real",
    "reg",
    "release",
    "repeat",
    "scalared",
    "signed",
    "small",
    "specify",
    "strong0",
    "strong1",
    "supply0",
    "supply1",
    "table",
    "task",
    "time",
    "tri",
    "unsigned",
    "wait",
    "wand",
    "while",
    "wire",
    "wor",
    "xnor",
    "xor",
];

#[test]
fn hardware_names_are_no_verilog_keywords() {
    let mut signals = 0;
    for file in sources().iter().filter(|file| file.starts_with("hdl/src/")) {
        for (number, line) in read(file).unwrap().lines().enumerate() {
            let Some((name, kind)) = line.trim().trim_start_matches("pub ").split_once(": ") else { continue };
            if kind.starts_with("Signal<") {
                signals += 1;
                assert!(!KEYWORDS.contains(&name), "{file}:{}: `{name}` is a Verilog keyword", number + 1);
            }
        }
    }
    assert!(signals > 10, "only {signals} signals were found");
}

#[test]
fn hardware_uses_no_signed_signals() {
    // rust-hdl emits signed arithmetic that Verilog reads otherwise; two's complement in Bits is safe.
    for file in sources().iter().filter(|file| file.starts_with("hdl/src/")) {
        assert!(!code(&read(file).unwrap()).contains("Signed<"), "{file} uses Signed<N>");
    }
}

/// Files of the accelerator that write Verilog, with the reason.
const VERILOG: &[(&str, &str)] = &[
    ("hdl/src/circuit/verilog.rs", "prints every circuit"),
    ("hdl/src/circuit/verilog/memory.rs", "prints the memories of every circuit"),
    ("hdl/src/top.rs", "finishes what rust-hdl prints: continuous wires, names"),
];

#[test]
fn verilog_is_printed_from_circuits_alone() {
    let is_excused = |file: &str| VERILOG.iter().any(|(name, _)| *name == file);
    for file in sources().iter().filter(|file| file.starts_with("hdl/src/") && !is_excused(file)) {
        let text = read(file).unwrap();
        let found =
            ["always @", "posedge clock", "wire [", "assign {"].into_iter().find(|word| code(&text).contains(word));
        assert_eq!(found, None, "{file} writes Verilog by hand: describe a circuit");
    }
}
