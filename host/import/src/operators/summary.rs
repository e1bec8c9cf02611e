//! What is known, for people: in messages, in `bitfab import --help` and in the README.

use super::ALL;
use super::operator::{FINN, MICROSOFT, Operands, Operator, QONNX, Role, TFLITE};

/// One line of the list: what becomes of a node that reads a computed tensor, and of which.
struct Line {
    what: &'static str,
    /// In a message, shorter; left out for what no message lists.
    short: Option<&'static str>,
    has: fn(&Operator) -> bool,
}

static LINES: &[Line] = &[
    Line {
        what: "a layer, its weights constant",
        short: Some(""),
        has: |row| matches!(row.role, Role::Dense | Role::Conv),
    },
    Line {
        what: "a residual, of two quantised tensors",
        short: Some(" of two quantised tensors"),
        has: |row| row.role == Role::Residual || row.operands == Operands::Both,
    },
    Line { what: "maxima over windows", short: Some(""), has: |row| matches!(row.role, Role::MaxPool(_)) },
    Line {
        what: "sums over windows, whose size goes into the scale",
        short: Some(" over height and width"),
        has: |row| matches!(row.role, Role::Mean(_)),
    },
    Line {
        what: "part of the function between two sums, all other operands constant",
        short: Some(" with constants"),
        has: |row| row.role == Role::Elementwise,
    },
    Line {
        what: "other sizes or another order, for which the device does nothing",
        short: Some(""),
        has: |row| matches!(row.role, Role::Sizes | Role::Transpose | Role::SizesOf),
    },
    Line { what: "at the end, left to the caller", short: Some(" at the end"), has: |row| row.role == Role::Ending },
    Line { what: "written out as operators above", short: Some(""), has: |row| row.role == Role::Compound },
    Line {
        what: "an error; where all operands are constants, it is computed once",
        short: None,
        has: |row| matches!(row.role, Role::Joined | Role::Reduction | Role::Constant),
    },
];

impl Line {
    /// Its operators.
    fn rows(&self) -> impl Iterator<Item = &'static Operator> {
        ALL.iter().flat_map(|family| family.iter().copied()).filter(|row| (self.has)(row))
    }
}

/// What has an integer form.
pub(super) fn known() -> String {
    let part = |line: &Line| {
        let names: Vec<&str> = line.rows().filter(|row| !row.is_tflite()).map(|row| row.name).collect();
        line.short.map(|short| format!("{}{short}", names.join(", ")))
    };
    format!("known are {}", LINES.iter().filter_map(part).collect::<Vec<_>>().join("; "))
}

/// The operators of ONNX and beside it, in Markdown, and what becomes of a node that reads a computed tensor.
pub(crate) fn rows() -> Vec<[String; 2]> {
    let domains = [
        ("", ""),
        (QONNX, "QONNX's "),
        (MICROSOFT, "ONNX Runtime's "),
        (FINN, "FINN's "),
        (TFLITE, "TFLite's kernels "),
    ];
    let row = |line: &Line| {
        let of = |(domain, whose): &(&str, &str)| {
            let rows = line.rows().filter(|row| row.domain == *domain);
            let names: Vec<String> = rows.map(|row| format!("`{}`", row.name)).collect();
            (!names.is_empty()).then(|| format!("{whose}{}", names.join(", ")))
        };
        let parts: Vec<String> = domains.iter().filter_map(of).collect();
        [parts.join("; "), line.what.to_owned()]
    };
    LINES.iter().map(row).collect()
}
