//! Mistakes in the Verilog of a link, one at a time, chosen when it runs.

/// The modules in which mistakes are made: the ends of their names.
const MODULES: [&str; 3] = ["_endpoint", "_command", "_digests"];

/// A text with every mistake, each behind its number, and what they are; the first one is number 1.
pub fn changed(text: &str) -> (String, Vec<String>) {
    let mut found = Found { mistakes: Vec::new() };
    let mut module = None;
    let mut outputs = Vec::new();
    let mut lines = Vec::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("module ") {
            let name = rest.split('(').next().unwrap();
            module = MODULES.iter().find(|end| name.ends_with(*end)).map(|end| &end[1..]);
            outputs.clear();
        }
        if let Some(output) = line.trim().strip_prefix("output wire  ") {
            outputs.push(output.trim_end_matches(';').to_owned());
        }
        lines.push(match module {
            None => line.to_owned(),
            Some(_) if line.trim() == "// Update code (wrapper)" => SELECT.to_owned(),
            Some(module) => found.change(module, line, &outputs),
        });
    }
    (lines.join("\n"), found.mistakes)
}

/// Which mistake this run has.
const SELECT: &str = "reg [15:0] mutant; initial if (!$value$plusargs(\"mutant=%d\", mutant)) mutant = 0;";

struct Found {
    mistakes: Vec<String>,
}

impl Found {
    /// The number of one more.
    fn next(&mut self, what: String) -> usize {
        self.mistakes.push(what);
        self.mistakes.len()
    }

    /// A line with its mistakes.
    fn change(&mut self, module: &str, line: &str, outputs: &[String]) -> String {
        let trimmed = line.trim();
        let one_line = trimmed.strip_suffix(';').and_then(|text| text.split_once(" = "));
        match one_line {
            Some((head, value)) if is_name(head.strip_prefix("wire ")) => self.stuck(module, head, value),
            Some((head, value))
                if head.strip_prefix("assign ").is_some_and(|name| outputs.iter().any(|one| one == name)) =>
            {
                self.stuck(module, head, value)
            }
            _ => self.skipped(module, line),
        }
    }

    /// A bit that is always 0, or always 1.
    fn stuck(&mut self, module: &str, head: &str, value: &str) -> String {
        let [zero, one] = [0, 1].map(|level| self.next(format!("{module}: {head} = {level}, not {value}")));
        format!("{head} = mutant == {zero} ? 1'd0 : mutant == {one} ? 1'd1 : ({value});")
    }

    /// A step of a register that is never taken.
    fn skipped(&mut self, module: &str, line: &str) -> String {
        let Some(at) = line.find("if (").filter(|_| !line.contains("if (reset)")) else { return line.to_owned() };
        let (before, rest) = line.split_at(at + 3);
        let mut depth = 0;
        let end = rest.find(|c| {
            depth += i32::from(c == '(') - i32::from(c == ')');
            depth == 0
        });
        let (condition, step) = rest.split_at(end.unwrap() + 1);
        let number = self.next(format!("{module}: never {}", line.trim()));
        format!("{before}({condition} && mutant != {number}){step}")
    }
}

/// Whether it is the name of a single bit.
fn is_name(text: Option<&str>) -> bool {
    text.is_some_and(|text| text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
}
