//! Text tables for terminals.

use bitfab_sim::verify::Verdict;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, ContentArrangement, Table};

pub use crate::number::{percent, thousands};
use crate::{Confusion, LayerSummary, Metrics, ModelSummary};

/// A table whose columns from `numbers` on are aligned to the right.
pub(crate) fn table(header: &[&str], numbers: usize) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Disabled).set_header(header);
    for column in table.column_iter_mut().skip(numbers) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// Any table; all columns but the first are aligned to the right.
pub fn grid(header: &[&str], lines: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = table(header, 1);
    lines.into_iter().for_each(|line| {
        table.add_row(line);
    });
    table.to_string()
}

/// Two columns: what, and how much.
pub fn facts(rows: &[(&str, String)]) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Disabled);
    for (what, value) in rows {
        table.add_row([(*what).to_owned(), value.clone()]);
    }
    table.to_string()
}

/// `conv2d 3x3 /2 pad 1,1,1,1 g4` and the like.
fn operation(layer: &LayerSummary) -> String {
    let mut text = layer.op.to_owned();
    if matches!(layer.op, "conv2d" | "max_pool" | "sum_pool") {
        text += &format!(" {}x{}", layer.kernel[0], layer.kernel[1]);
        if layer.stride != [1, 1] {
            text += &format!(" step {}x{}", layer.stride[0], layer.stride[1]);
        }
        if layer.padding != [0; 4] {
            let [top, left, bottom, right] = layer.padding;
            text += &format!(" pad {top},{left},{bottom},{right} of {}", layer.pad_value);
        }
    }
    if layer.groups > 1 {
        text += &format!(" groups {}", layer.groups);
    }
    if let Some(residual) = layer.residual_index {
        text += &format!(" + tensor {residual}");
    }
    text
}

/// The layers of a model, one a line.
pub fn layers(model: &ModelSummary) -> String {
    let header = [
        "#",
        "layer",
        "operation",
        "input",
        "output",
        "weights",
        "kind",
        "transform",
        "density",
        "bits a weight",
        "bytes a weight, all",
        "bytes",
        "scratch",
        "acc bits",
    ];
    let mut table = table(&header, 8);
    for layer in &model.layers {
        let tensor = |tensor: &crate::TensorSummary| format!("{} {}", tensor.shape_text(), tensor.kind);
        let accumulates = layer.op != "max_pool" && layer.op != "encode";
        table.add_row([
            layer.index.to_string(),
            layer.name.clone(),
            operation(layer),
            tensor(&layer.input),
            tensor(&layer.output),
            if layer.weight_count > 0 { thousands(layer.weight_count) } else { "-".into() },
            kind(layer),
            layer.transform.into(),
            if layer.weight_count > 0 { percent(layer.density) } else { "-".into() },
            if layer.weight_count > 0 { format!("{:.3}", layer.bits_per_weight()) } else { "-".into() },
            if layer.weight_count > 0 { format!("{:.4}", layer.bytes_per_weight()) } else { "-".into() },
            thousands(layer.bytes()),
            thousands(layer.scratch_bytes),
            if accumulates { layer.accumulator_bits().to_string() } else { "-".into() },
        ]);
    }
    table.to_string()
}

/// Kind of weights, and how they are stored where there is a choice.
fn kind(layer: &LayerSummary) -> String {
    match (layer.weights, layer.coder) {
        ("none", _) => "-".into(),
        (kind, "plain") => kind.into(),
        (kind, coder) => format!("{kind}, {coder}"),
    }
}

/// Operations of one inference by class, one layer a line.
pub fn operations(model: &ModelSummary) -> String {
    let header =
        ["#", "layer", "MACs", "XNOR-popcount words", "adds", "shifts", "multiplies", "compares", "pool words"];
    let mut table = table(&header, 2);
    for layer in &model.layers {
        let ops = &layer.operations;
        let numbers =
            [ops.macs, ops.xnor_popcount_words, ops.adds, ops.shifts, ops.multiplies, ops.compares, ops.pool_words];
        table.add_row([layer.index.to_string(), layer.name.clone()].into_iter().chain(numbers.map(thousands)));
    }
    table.to_string()
}

/// Bytes and operations of a whole model.
pub fn totals(model: &ModelSummary) -> String {
    let [weights, thresholds, records] = model.shares();
    let ops = model.operations;
    let file = format!(
        "{} bytes: {} weights, {} thresholds, {} header, records and names",
        thousands(model.file_bytes),
        thousands(weights),
        thousands(thresholds),
        thousands(records)
    );
    let mut rows = vec![
        ("model file", file),
        ("arena", format!("{} bytes, exactly", thousands(model.arena_bytes))),
        ("input", format!("{} {}", model.input.shape_text(), model.input.kind)),
        ("output", format!("{} {}", model.output.shape_text(), model.output.kind)),
        ("weights", weights_as_shipped(model)),
        ("MACs", format!("{} ({} binary, one per bit plane)", thousands(ops.macs), thousands(ops.binary_macs))),
        ("XNOR-popcount words", thousands(ops.xnor_popcount_words)),
        ("compares", thousands(ops.compares)),
        ("pool words", thousands(ops.pool_words)),
        ("additions", thousands(ops.adds)),
        ("shifts", thousands(ops.shifts)),
        ("multiplications", thousands(ops.multiplies)),
    ];
    if !model.precisions.is_empty() {
        let planes: Vec<String> = model.precisions.iter().map(u32::to_string).collect();
        rows.push(("further precisions", format!("{} planes", planes.join(", "))));
    }
    if let Some((unit, constant)) = model.output_scale.zip(model.output_constant) {
        rows.push(("output stands for", worth(unit, constant)));
    }
    facts(&rows)
}

/// What an integer of the output stands for, in words.
pub fn worth(unit: f64, constant: f64) -> String {
    let sign = if constant < 0.0 { '-' } else { '+' };
    if constant == 0.0 { format!("value x {unit}") } else { format!("value x {unit} {sign} {}", constant.abs()) }
}

/// How many weights there are, what they alone take, and what all of the file takes for one of them.
fn weights_as_shipped(model: &ModelSummary) -> String {
    let (bits, bytes) = (model.bits_per_weight(), model.bytes_per_weight());
    format!("{}, {bits:.3} bits each; {bytes:.4} bytes each with thresholds and all", thousands(model.weight_count))
}

/// What each engine did, and in how many seconds; a dash where it has nothing to say.
pub fn verdicts<'v>(verdicts: impl IntoIterator<Item = (&'v Verdict, f64)>) -> String {
    let header = ["engine", "images", "agree", "tensors", "cycles of the first", "instructions", "seconds"];
    let mut table = table(&header, 1);
    let counted = |count: Option<u64>| count.map_or("-".into(), thousands);
    for (verdict, seconds) in verdicts {
        table.add_row([
            verdict.engine.clone(),
            thousands(verdict.images as u64),
            thousands(verdict.agreeing as u64),
            thousands(verdict.tensors as u64),
            counted(verdict.cycles),
            counted(verdict.instructions.map(|mean| mean.round() as u64)),
            format!("{seconds:.2}"),
        ]);
    }
    table.to_string()
}

/// Truth in rows, predictions in columns, recognised share of each row.
pub fn confusion(matrix: &Confusion) -> String {
    let mut header = vec!["truth \\ found"];
    header.extend(matrix.classes.iter().map(String::as_str));
    header.push("recognised");
    let mut table = table(&header, 1);
    for (truth, class) in matrix.classes.iter().enumerate() {
        let cell = |found| match matrix.count(truth, found) {
            0 => "\u{b7}".into(),
            count => thousands(count.into()),
        };
        let mut row = vec![class.clone()];
        row.extend((0..matrix.size()).map(cell));
        row.push(matrix.recall(truth).map_or("-".into(), percent));
        table.add_row(row);
    }
    table.to_string()
}

/// Precision, recall and F1, one class a line.
pub fn metrics(metrics: &Metrics) -> String {
    let share = |share: Option<f64>| share.map_or("-".into(), percent);
    let lines = metrics.classes.iter().map(|class| {
        vec![
            class.class.clone(),
            thousands(class.rows.into()),
            thousands(class.found.into()),
            share(class.precision),
            share(class.recall),
            share(class.f1),
        ]
    });
    grid(&["class", "rows", "found", "precision", "recall", "F1"], lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        let cases =
            [(0, "0"), (999, "999"), (1000, "1,000"), (123_456, "123,456"), (u64::MAX, "18,446,744,073,709,551,615")];
        for (number, text) in cases {
            assert_eq!(thousands(number), text);
        }
        assert_eq!(percent(0.98765), "98.77 %");
    }

    #[test]
    fn verdicts_are_aligned_and_dashes_stand_for_nothing() {
        let verdict = Verdict {
            engine: "rtl".into(),
            images: 1000,
            agreeing: 999,
            tensors: 4000,
            first: None,
            cycles: Some(1235),
            instructions: None,
        };
        let text = verdicts([(&verdict, 0.5)]);
        let row = text.lines().find(|line| line.contains("rtl")).unwrap();
        let cells: Vec<&str> = row.split(['│', '┆']).map(str::trim).collect();
        assert_eq!(cells, ["", "rtl", "1,000", "999", "4,000", "1,235", "-", "0.50", ""]);
        assert_eq!(text.lines().map(|line| line.chars().count()).max(), Some(row.chars().count()));
    }

    #[test]
    fn metrics_show_a_dash_for_what_is_not_there() {
        let text = metrics(&Confusion::of(3, [(0, 0), (0, 1), (1, 1)]).metrics());
        let row = |class: &str| {
            let line = text.lines().find(|line| line.starts_with(&format!("│ {class}"))).unwrap();
            line.split(['│', '┆']).map(|cell| cell.trim().to_owned()).collect::<Vec<_>>()[2..7].join(" ")
        };
        assert_eq!(row("0"), "2 1 100.00 % 50.00 % 66.67 %");
        assert_eq!(row("1"), "1 2 50.00 % 100.00 % 66.67 %");
        assert_eq!(row("2"), "0 0 - - -");
    }

    #[test]
    fn a_confusion_shows_counts_and_shares() {
        let text = confusion(&Confusion::of(2, [(0, 0), (0, 1), (1, 1)]));
        assert!(text.contains("50.00 %") && text.contains("100.00 %") && text.contains('\u{b7}'), "{text}");
    }
}
