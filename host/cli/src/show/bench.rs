//! What methods of learning bring, as a table.

use bitfab::BenchRow;
use bitfab::report::table::{grid, percent, thousands};

/// The table as text.
pub fn text(rows: &[BenchRow]) -> String {
    let header = [
        "method",
        "seeds",
        "accuracy",
        "lowest, highest",
        "integer - trained",
        "bits a weight",
        "bytes a weight, all",
        "file, bytes",
        "smaller",
        "RAM, bytes",
        "instructions, M4",
        "not zero",
        "cosine",
        "seconds",
    ];
    let whole = |number: f64| thousands(number.round() as u64);
    let lines = rows.iter().map(|row| {
        vec![
            row.name.clone(),
            row.seeds.to_string(),
            percent(row.accuracy),
            format!("{}, {}", percent(row.range[0]), percent(row.range[1])),
            format!("{:+.2} pt", 100.0 * row.integer_minus_trained),
            format!("{:.3}", row.bits),
            format!("{:.4}", row.bytes_each),
            whole(row.bytes),
            format!("{:.1}x", row.compression),
            row.arena.map_or("-".into(), thousands),
            row.instructions.map_or("-".into(), whole),
            percent(row.density),
            row.cosine.map_or("-".into(), |cosine| format!("{cosine:.3}")),
            format!("{:.0}", row.seconds),
        ]
    });
    grid(&header, lines)
}
