//! Text tables for terminals.

use bitfab_sim::verify::Verdict;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, ContentArrangement, Table};

use crate::{Confusion, LayerSummary, ModelSummary};

/// A table whose columns from `numbers` on are aligned to the right.
fn table(header: &[&str], numbers: usize) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Disabled).set_header(header);
    for column in table.column_iter_mut().skip(numbers) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// A number with a comma between thousands.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A share as per cent with two digits.
pub fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
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
    let header =
        ["#", "layer", "operation", "input", "output", "weights", "bytes", "scratch", "acc bits", "XNOR words"];
    let mut table = table(&header, 5);
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
            thousands(layer.bytes()),
            thousands(layer.scratch_bytes),
            if accumulates { layer.accumulator_bits().to_string() } else { "-".into() },
            thousands(layer.operations.xnor_popcount_words),
        ]);
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
        ("weights", thousands(model.weight_count)),
        ("MACs", format!("{} ({} binary, one per bit plane)", thousands(ops.macs), thousands(ops.binary_macs))),
        (
            "XNOR-popcount words",
            format!("{}, {} of their bits used", thousands(ops.xnor_popcount_words), percent(ops.packing())),
        ),
        ("compares", thousands(ops.compares)),
        ("pool words", thousands(ops.pool_words)),
        ("additions", thousands(ops.adds)),
    ];
    if let Some(scale) = model.output_scale {
        rows.push(("one score unit", format!("{scale}")));
    }
    facts(&rows)
}

/// What each engine did; a dash where it has nothing to say.
pub fn verdicts(verdicts: &[Verdict]) -> String {
    let mut table = table(&["engine", "images", "agree", "tensors", "latency in cycles", "instructions"], 1);
    let mean = |count: Option<f64>| count.map_or("-".into(), |count| thousands(count.round() as u64));
    for verdict in verdicts {
        table.add_row([
            verdict.engine.clone(),
            thousands(verdict.images as u64),
            thousands(verdict.agreeing as u64),
            thousands(verdict.tensors as u64),
            mean(verdict.cycles),
            mean(verdict.instructions),
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
