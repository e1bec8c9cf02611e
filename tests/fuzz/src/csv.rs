//! Arbitrary bytes as tables: the reader must not panic, and what it accepts must be split, coded and read again.
#![no_main]

use bitfab_data::{
    Column, Content, Expected, Label, Missing, Rows, SplitOptions, TableOptions, TestPart, WindowOptions, assemble,
    read_table, split, windows,
};
use bitfab_graph::Shape;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    // The first byte says what a person may have said.
    let Some((&said, data)) = data.split_first() else { return };
    let flag = |bit: u8| said >> bit & 1 == 1;
    let options = TableOptions {
        label: if flag(0) { Label::In(Column("class".into())) } else { Label::Auto },
        groups: if flag(1) { vec![Column("1".into())] } else { Vec::new() },
        missing: [Missing::Refuse, Missing::Drop, Missing::Mean, Missing::Mean][usize::from(said >> 2 & 3)],
        heading: flag(4).then_some(flag(5)),
        expected: flag(6).then(|| Expected { names: vec!["x".into(), "y".into()], width: 2, shape: Shape::flat(2) }),
        ..TableOptions::default()
    };
    let Ok(rows) = read_table("t", data, &options) else { return };
    assert_eq!(rows.lines.len(), rows.len());
    assert!(rows.lines.is_sorted_by(|a, b| a < b));
    let by = rows.groups.first().map(|groups| groups.column.clone());
    let cut = WindowOptions { length: 2, step: 1, by: by.iter().cloned().collect(), mixed: Default::default() };
    let rows = if flag(7) { windows(rows.clone(), &cut).unwrap_or(rows) } else { rows };
    rows.clone().settled().ok();
    learn(rows, by);
});

/// The way of rows to a data set.
fn learn(rows: Rows, by: Option<String>) {
    let options = SplitOptions { by, test: TestPart::Share(0.5), validation: 0.3 };
    let Ok(parts) = split(Content::Rows(rows), None, &options) else { return };
    if let Ok(data) = assemble(parts, &Default::default()) {
        data.learned();
    }
}
