//! The README lists the operators that the tables have.

/// What stands in the README between two marks.
fn block(name: &str) -> &'static str {
    let text = include_str!("../../../README.md");
    let (begin, end) = (format!("<!-- operators of {name} -->\n\n"), format!("\n<!-- end of {name} -->"));
    let (_, rest) = text.split_once(&begin).expect("a mark at the beginning");
    rest.split_once(&end).expect("a mark at the end").0
}

#[test]
fn the_readme_has_the_tables_of_operators() {
    let heads = [("ONNX", "| operators | where one reads a computed tensor |"), ("TFLite", "| operator | how |")];
    for ((name, head), rows) in heads.into_iter().zip(crate::operators()) {
        let rows: String = rows.iter().map(|[operators, what]| format!("| {operators} | {what} |\n")).collect();
        let table = format!("{head}\n| --- | --- |\n{rows}");
        assert!(block(name) == table, "put this between the marks of {name} in README.md:\n\n{table}");
    }
}
