//! Tables as people have them, and what is refused.

use bitfab_data::*;
use bitfab_graph::Shape;
use proptest::prelude::*;

fn table(text: &str, options: &TableOptions) -> Result<Rows, String> {
    read_table("t.csv", text.as_bytes(), options).and_then(Rows::settled).map_err(|error| error.to_string())
}

fn plain(text: &str) -> Rows {
    table(text, &TableOptions::default()).unwrap()
}

fn refused(text: &str) -> String {
    table(text, &TableOptions::default()).unwrap_err()
}

fn reals(rows: &Rows) -> Vec<f32> {
    (0..rows.values.len()).map(|at| rows.values.real(at)).collect()
}

fn classes(rows: &Rows) -> Vec<&str> {
    let labels = rows.labels.as_ref().unwrap();
    labels.of_rows.iter().map(|&class| labels.names[class as usize].as_str()).collect()
}

const SMALL: &str = "ax,ay,activity\n1.5,-2,walk\n3,4e-1,sit\n";

#[test]
fn the_last_column_is_the_class_and_the_heading_names_the_others() {
    let rows = plain(SMALL);
    assert_eq!((rows.names.join(" "), reals(&rows)), ("ax ay".into(), vec![1.5, -2.0, 3.0, 0.4]));
    assert_eq!((classes(&rows), rows.lines.clone(), rows.notes.len()), (vec!["walk", "sit"], vec![2, 3], 0));
    assert_eq!(rows.labels.unwrap().column, "activity");
    let bare = plain("1.5,-2,walk\n3,4e-1,sit");
    assert_eq!((reals(&bare), bare.names.len(), bare.lines), (vec![1.5, -2.0, 3.0, 0.4], 0, vec![1, 2]));
}

#[test]
fn every_way_to_write_a_table_gives_the_same_rows() {
    let rows = plain(SMALL);
    let same = |bytes: &[u8], notes: usize| {
        let found = read_table("t.csv", bytes, &TableOptions::default()).unwrap();
        assert_eq!(found.notes.len(), notes, "{:?}", found.notes);
        assert_eq!(Rows { notes: Vec::new(), ..found }, rows, "{}", String::from_utf8_lossy(bytes));
    };
    let utf16 = |text: &str, big: bool| -> Vec<u8> {
        let unit = |unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() };
        text.encode_utf16().flat_map(unit).collect()
    };
    same(SMALL.replace('\n', "\r\n").as_bytes(), 0);
    same(SMALL.replace('\n', "\r").as_bytes(), 0);
    same(SMALL.trim_end().as_bytes(), 0);
    same(SMALL.replace(',', "\t").as_bytes(), 0);
    same(SMALL.replace(',', ";").as_bytes(), 0);
    same(SMALL.replace(',', ";").replace('.', ",").replace("4e-1", "0.4").replace('.', ",").as_bytes(), 1);
    same(SMALL.replace(',', "\t").replace('.', ",").as_bytes(), 1);
    same(SMALL.replace(',', " , ").as_bytes(), 0);
    same(SMALL.replace("ay", "\"ay\"").replace("walk", "\"walk\"").as_bytes(), 0);
    same(&[&b"\xef\xbb\xbf"[..], SMALL.as_bytes()].concat(), 0);
    same(&utf16(&format!("\u{feff}{SMALL}"), false), 0);
    same(&utf16(&format!("\u{feff}{SMALL}"), true), 0);
    same(&utf16(SMALL, false), 0);
    same(&utf16(SMALL, true), 0);
    let with_delimiter = plain(&format!("sep=;\r\n{}", SMALL.replace(',', ";")));
    assert_eq!((reals(&with_delimiter), with_delimiter.lines), (reals(&rows), vec![3, 4]));
}

#[test]
fn lines_are_counted_as_an_editor_does() {
    let places = |text: &str| plain(text).lines;
    assert_eq!(places("a,b\r\n1,x\r\n\r\n2,y\r\n"), [2, 4]);
    assert_eq!(places("a,b\n\"1\",\"x\ny\"\n2,y\n"), [2, 4]);
    assert_eq!(places("a,b\r\n1,\"x\r\ny\"\r\n2,y\r\n"), [2, 4]);
    assert_eq!(places("\n\n1,x\n2,y\n"), [3, 4]);
    assert_eq!(places("@relation x\n@data\n1,x\n2,y\n"), [3, 4]);
    assert!(refused("1,a\r\n2,b\r\nx,c\r\n").contains("line 3, column 1: 'x'"));
    assert!(refused("1,a\r\n2,b\r\n3\r\n").contains("line 3: 1 columns, the first line has 2"));
}

#[test]
fn the_class_stands_where_one_says() {
    let text = "id,class,x,y\n7,a,1,2\n8,b,3,4\n";
    let at = |label: Label, drop: &[&str]| {
        let drop = drop.iter().map(|name| Column((*name).into())).collect();
        table(text, &TableOptions { label, drop, ..TableOptions::default() })
    };
    let column = |name: &str| Label::In(Column(name.into()));
    for label in [column("class"), column("2")] {
        let rows = at(label, &["id"]).unwrap();
        assert_eq!((rows.names.join(" "), reals(&rows)), ("x y".into(), vec![1.0, 2.0, 3.0, 4.0]));
        assert_eq!(classes(&rows), ["a", "b"]);
    }
    let rows = at(Label::Absent, &["id", "class"]).unwrap();
    assert_eq!((rows.labels, rows.names.join(" ")), (None, "x y".into()));
    assert!(at(column("klass"), &[]).unwrap_err().contains("no column 'klass'; there are 1 'id', 2 'class'"));
    assert!(at(column("1-2"), &[]).unwrap_err().contains("more than one column"));
    assert!(at(column("class"), &["id", "1"]).unwrap_err().contains("named twice"));
}

#[test]
fn columns_are_chosen_by_name_position_and_range() {
    let text = "a,b,c,d,e\n1,2,3,4,k\n5,6,7,8,l\n";
    let chosen = |columns: &[&str]| {
        let columns = columns.iter().map(|name| name.parse().unwrap()).collect();
        table(text, &TableOptions { columns, ..TableOptions::default() })
    };
    assert_eq!(reals(&chosen(&["d", "1"]).unwrap()), [4.0, 1.0, 8.0, 5.0]);
    assert_eq!(chosen(&["2-4"]).unwrap().names.join(""), "bcd");
    assert!(chosen(&["1-5"]).unwrap_err().contains("no column is left for the class"));
    assert!(chosen(&["0"]).unwrap_err().contains("no column '0'"));
    assert!(chosen(&["4-2"]).unwrap_err().contains("no column '4-2'"));
    assert!(chosen(&["6"]).is_err());
}

#[test]
fn columns_of_groups_are_no_values() {
    let text = "person,x,day,class\np1,1,mo,a\np2,2,tu,b\np1,3,tu,a\n";
    let groups = vec!["person".parse().unwrap(), "3".parse().unwrap()];
    let rows = table(text, &TableOptions { groups, ..TableOptions::default() }).unwrap();
    assert_eq!((rows.names.join(" "), reals(&rows)), ("x".into(), vec![1.0, 2.0, 3.0]));
    assert_eq!(rows.groups, [Groups::new("person", &["p1", "p2", "p1"]), Groups::new("day", &["mo", "tu", "tu"])]);
    assert_eq!((rows.groups[0].names.join(" "), &rows.groups[0].of_rows[..]), ("p1 p2".into(), &[0, 1, 0][..]));
}

#[test]
fn missing_values_are_refused_dropped_or_left_to_be_filled() {
    let text = "x,y,class\n1,?,a\n2,3,b\nNA,4,a\n,5,b\n6,NaN,a\n7,8,?\n9,1,b\n";
    let with = |missing| table(text, &TableOptions { missing, ..TableOptions::default() });
    let message = with(Missing::Refuse).unwrap_err();
    assert!(message.contains("line 2, column 'y': no number") && message.contains("--missing drop|mean"), "{message}");
    let dropped = with(Missing::Drop).unwrap();
    assert_eq!((reals(&dropped), dropped.lines), (vec![2.0, 3.0, 9.0, 1.0], vec![3, 8]));
    assert_eq!(dropped.notes, ["5 of 7 rows have gaps and are left out"]);
    assert!(with(Missing::Mean).unwrap_err().contains("line 7: no class"));
    let filled = table(&text.replace("7,8,?\n", ""), &TableOptions { missing: Missing::Mean, ..Default::default() });
    assert_eq!(reals(&filled.unwrap()).iter().filter(|value| value.is_nan()).count(), 4);
}

#[test]
fn headings_are_told_from_rows() {
    for (text, names) in [
        ("a,b\n1,x\n2,y\n", "a"),
        (",ax,ay,class\n0,1,2,a\n1,3,4,b\n", "ax ay"),
        ("ax,ay,class,\n1,2,a,\n3,4,b,\n", "ax ay"),
    ] {
        let rows = plain(text);
        assert_eq!((rows.names.join(" "), rows.len()), (names.into(), 2), "{text}");
    }
    assert_eq!(plain("1,2,x\n3,4,y\n").len(), 2);
    for rows in ["0,2,x\n3,4,y\n", "1,2,3,x\n3,4,5,y\n", "0,1\n5,0\n"] {
        assert_eq!(plain(rows).len(), 2);
    }
    for counted in ["0,1,2,label\n5,6,7,x\n", "0,1,label\n5,6,x\n", "0,1,2\n5,6,7\n"] {
        assert!(refused(counted).contains("the first line counts the columns"));
    }
    let without = TableOptions { heading: Some(false), ..TableOptions::default() };
    assert_eq!(table("0,1,2,9\n5,6,7,x\n", &without).unwrap().len(), 2);
    let with = TableOptions { heading: Some(true), ..TableOptions::default() };
    assert_eq!(table("3,1,label\n5,6,x\n", &with).unwrap().names.join(" "), "3 1");
    assert!(refused("a,,b,class\n1,2,3,x\n").contains("column 2 has no name"));
    assert!(refused("?,?,a\n1,2,b\n").contains("line 1, column 1: no number"));
}

#[test]
fn what_is_not_understood_is_refused_with_its_place() {
    for (text, part) in [
        ("", "0 rows"),
        ("a,b\n", "0 rows"),
        ("1,2,a\n1,x,b\n", "line 2, column 2: 'x' is not a number"),
        ("a,b,c\n1,2,u\n1,red,v\n", "line 3, column 2 'b': 'red' is not a number"),
        ("1,2,a\n1,b\n", "line 2: 2 columns, the first line has 3"),
        ("x,y,x,class\n1,2,3,a\n", "columns 1 and 3 are both called 'x'"),
        ("1e39,a\n1,b\n", "'1e39' is larger than any 32-bit number"),
        ("1;1,5;a\n2;2.5;b\n", "line 2 has '2.5' with a decimal point, line 1 '1,5' with a decimal comma"),
        ("5\n6\n", "no column of values is left"),
        ("1.234,5;a\n1,5;b\n", "is not a number"),
    ] {
        let message = refused(text);
        assert!(message.contains("t.csv") && message.contains(part), "{text:?}: {message}");
    }
    let comma = TableOptions { decimal_comma: Some(true), ..TableOptions::default() };
    assert!(table("1,5,a\n", &comma).unwrap_err().contains("save with ;"));
    let zeros = read_table("t", b"1,a\0\n2,b\n", &TableOptions::default()).unwrap_err().to_string();
    assert!(zeros.contains("zero bytes"), "{zeros}");
    let cut = read_table("t", b"\xff\xfe1\0,", &TableOptions::default()).unwrap_err().to_string();
    assert!(cut.contains("cut"), "{cut}");
}

#[test]
fn latin_text_is_read_and_said() {
    let rows = read_table("t", b"L\xe4nge,class\n1,x\n2,y\n", &TableOptions::default()).unwrap();
    assert_eq!((rows.names[0].as_str(), rows.notes.len()), ("L\u{e4}nge", 1));
    assert!(rows.notes[0].contains("Windows-1252"));
}

#[test]
fn a_decimal_comma_is_said() {
    let rows = plain("x;class\n1,5;a\n2;b\n");
    assert_eq!(reals(&rows), [1.5, 2.0]);
    assert!(rows.notes[0].contains("'1,5' in line 2"), "{:?}", rows.notes);
    let said = TableOptions { decimal_comma: Some(true), ..TableOptions::default() };
    assert_eq!(table("x;class\n1,5;a\n", &said).unwrap().notes.len(), 0);
}

#[test]
fn infinities_are_values() {
    assert_eq!(reals(&plain("inf,a\n-inf,b\n")), [f32::INFINITY, f32::NEG_INFINITY]);
}

fn expected(names: &[&str], width: usize, label: Label) -> TableOptions {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    TableOptions {
        expected: Some(Expected { names, width, shape: Shape::flat(width as u32) }),
        label,
        ..TableOptions::default()
    }
}

#[test]
fn columns_of_a_model_are_found_by_name_in_any_order() {
    let text = "ay,activity,ax\n2,walk,1\n4,sit,3\n";
    let rows = table(text, &expected(&["ax", "ay"], 2, Label::Auto)).unwrap();
    assert_eq!((reals(&rows), rows.names.join(" ")), (vec![1.0, 2.0, 3.0, 4.0], "ax ay".into()));
    assert_eq!(classes(&rows), ["walk", "sit"]);
    assert!(rows.notes[0].contains("another order"), "{:?}", rows.notes);
    let unlabelled = table("ax,ay\n1,2\n", &expected(&["ax", "ay"], 2, Label::Auto)).unwrap();
    assert_eq!((unlabelled.labels, unlabelled.notes.len()), (None, 0));
    let message = table(text, &expected(&["ax", "az", "gx"], 3, Label::Auto)).unwrap_err();
    assert!(message.contains("'az', 'gx'") && message.contains("1 'ay', 2 'activity', 3 'ax'"), "{message}");
    let message = table("ax,day,class\n1,mo,a\n", &expected(&["ax"], 1, Label::Auto)).unwrap_err();
    assert!(message.contains("columns 2 'day', 3 'class' are left"), "{message}");
    let named = expected(&["ax"], 1, Label::In(Column("class".into())));
    let rows = table("ax,day,class\n1,mo,a\n", &named).unwrap();
    assert_eq!((classes(&rows), reals(&rows)), (vec!["a"], vec![1.0]));
    assert!(rows.notes[0].contains("2 'day'"), "{:?}", rows.notes);
    let rows = table("ax,day,class\n1,mo,a\n", &expected(&["ax"], 1, Label::Absent)).unwrap();
    assert_eq!((rows.labels.is_none(), reals(&rows)), (true, vec![1.0]));
}

#[test]
fn columns_of_a_model_without_names_are_counted() {
    let rows = table("1,2,a\n3,4,b\n", &expected(&[], 2, Label::Auto)).unwrap();
    assert_eq!((reals(&rows), classes(&rows)), (vec![1.0, 2.0, 3.0, 4.0], vec!["a", "b"]));
    assert_eq!(table("1,2\n3,4\n", &expected(&["x", "y"], 2, Label::Auto)).unwrap().labels, None);
    let rows = table("1,2,a\n3,4,b\n", &expected(&[], 2, Label::Absent)).unwrap();
    assert_eq!((rows.labels.is_none(), rows.notes.len()), (true, 1));
    for width in [1, 4] {
        let message = table("1,2,3\n4,5,6\n", &expected(&[], width, Label::Auto)).unwrap_err();
        assert!(message.contains(&format!("3 columns of values, the model takes {width}")), "{message}");
    }
}

#[test]
fn forms_go_by_the_ending_in_either_case() {
    for name in ["a.csv", "a.CSV", "b.x.tsv", "c.TXT", "d.dat"] {
        assert_eq!(Form::of(name), Some(Form::Table), "{name}");
    }
    assert_eq!((Form::of("a.NPY"), Form::of("a.npz")), (Some(Form::Array), Some(Form::Archive)));
    assert_eq!((Form::of("csv"), Form::of("a.csv.gz")), (None, None));
    let error = check_size("big.csv", 5 << 30).unwrap_err().to_string();
    assert!(error.contains("5368709120 bytes") && error.contains("split the file"), "{error}");
}

proptest! {
    #[test]
    fn tables_of_any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), mean: bool) {
        let missing = if mean { Missing::Mean } else { Missing::Drop };
        read_table("t", &bytes, &TableOptions { missing, ..TableOptions::default() }).and_then(Rows::settled).ok();
    }

    #[test]
    fn tables_of_any_text_never_panic(text in "([-0-9a-c.,;\t\\r\\n\"@?=sep]{0,200})", width in 0usize..4) {
        let options = expected(&["a", "b"][..width.min(2)], width, Label::Auto);
        for options in [options, TableOptions::default()] {
            read_table("t", text.as_bytes(), &options).and_then(Rows::settled).ok();
        }
    }

    /// What is written by any dialect is read back, with the lines that an editor counts.
    #[test]
    fn what_is_written_is_read(
        numbers in proptest::collection::vec(proptest::collection::vec(-1e6f32..1e6, 3), 1..12),
        delimiter in prop_oneof![Just(','), Just(';'), Just('\t')],
        comma: bool,
        newline in prop_oneof![Just("\n"), Just("\r\n"), Just("\r")],
        quoted: bool,
        named: bool,
    ) {
        let comma = comma && delimiter != ',';
        let field = |value: f32| {
            let text = if comma { value.to_string().replace('.', ",") } else { value.to_string() };
            if quoted { format!("\"{text}\"") } else { text }
        };
        let mut text = if named { ["u", "v", "w", "class"].join(&delimiter.to_string()) + newline } else { String::new() };
        for (row, values) in numbers.iter().enumerate() {
            let mut fields: Vec<String> = values.iter().map(|&value| field(value)).collect();
            fields.push(format!("\"c{}{newline}\"", row % 2));
            text += &(fields.join(&delimiter.to_string()) + newline);
        }
        let rows = plain(&text);
        prop_assert_eq!(reals(&rows), numbers.concat());
        prop_assert_eq!(rows.names.len(), if named { 3 } else { 0 });
        let lines: Vec<u32> = (0..numbers.len() as u32).map(|row| u32::from(named) + 1 + 2 * row).collect();
        prop_assert_eq!(rows.lines, lines);
    }
}
