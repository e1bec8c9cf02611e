//! The reads of the activation memory in Verilog: the words that the lanes see, and where the bytes of listed ones lie.

use std::fmt::Write;

use super::text::{Uses, late, read_only};
use crate::program::{COLUMNS, Program};
use crate::sequencer::flag;
use crate::text::{digits, width};

/// The activation memory, a copy for each read, and the words that the lanes see.
pub(super) fn activations(program: &Program, uses: &Uses) -> String {
    let top = program.ram_words - 1;
    let last = width(u64::from(top)) - 1;
    let mut text = lookup(program);
    let _ = writeln!(text, "wire [3:0] store_bytes;\nwire [{last}:0] store_address;\nwire [31:0] store_data;");
    if program.fetch() == 1 {
        text.push_str(&plain(program, uses));
        return text;
    }
    for read in 0..program.reads() {
        // The first one has no number, as most engines have no other.
        let number = if read == 0 { String::new() } else { format!("_{read}") };
        for column in read * COLUMNS..(read + 1) * COLUMNS {
            text.push_str(&byte_column(program, column));
        }
        let columns: Vec<String> =
            (read * COLUMNS..(read + 1) * COLUMNS).rev().map(|column| format!("byte_{column}")).collect();
        let _ = writeln!(
            text,
            "wire [31:0] read{number} = {{{}}};\nwire [31:0] word{number} = {};",
            columns.join(", "),
            forced(program, uses, &format!("read{number}"))
        );
    }
    if program.reads() > 1 {
        let names: Vec<String> = (1..program.reads()).rev().map(|read| format!("word_{read}")).collect();
        let _ = writeln!(text, "wire [{}:0] words = {{{}, word}};", 32 * program.reads() - 1, names.join(", "));
    }
    text
}

/// One memory of words.
fn plain(program: &Program, uses: &Uses) -> String {
    let top = program.ram_words - 1;
    let last = width(u64::from(top)) - 1;
    let mut text = format!(
        "(* no_rw_check *) reg [31:0] ram [0:{top}];\nreg [31:0] read;\n\
         always @(posedge clock) begin\n  read <= ram[x[{last}:0]];\n"
    );
    for byte in 0..4 {
        let (low, high) = (8 * byte, 8 * byte + 7);
        let _ =
            writeln!(text, "  if (store_bytes[{byte}]) ram[store_address][{high}:{low}] <= store_data[{high}:{low}];");
    }
    let _ = writeln!(text, "end\nwire [31:0] word = {};", forced(program, uses, "read"));
    text
}

/// A memory of one byte of each word, with an address of its own.
fn byte_column(program: &Program, column: usize) -> String {
    let top = program.ram_words - 1;
    let last = width(u64::from(top)) - 1;
    let byte = column % COLUMNS;
    let (low, high) = (8 * byte, 8 * byte + 7);
    format!(
        "(* no_rw_check *) reg [7:0] ram_{column} [0:{top}];\nreg [7:0] byte_{column};\n\
         wire [{last}:0] read_address_{column} = x_before + (offset_{column} & offset_mask);\n\
         always @(posedge clock) begin\n  byte_{column} <= ram_{column}[read_address_{column}];\n  \
         if (store_bytes[{byte}]) ram_{column}[store_address] <= store_data[{high}:{low}];\nend\n"
    )
}

/// What the lanes see of the word that was read.
fn forced(program: &Program, uses: &Uses, read: &str) -> String {
    let stage = program.fetch();
    let zero = late(stage, flag::ZERO);
    let (ones, tail) = (late(stage, flag::ONES), late(stage, flag::TAIL));
    let word = if uses.zero { format!("({read} & ~{{32{{{zero}}}}})") } else { read.to_owned() };
    if uses.ones { format!("{ones} ? ({tail} ? tail : 32'hffffffff) : {word}") } else { word }
}

/// Where the words of listed rows lie: read a cycle before the words themselves.
fn lookup(program: &Program) -> String {
    if program.fetch() == 1 {
        return "initial list_end = 0;\n".to_owned();
    }
    let columns = program.reads() * COLUMNS;
    let bits = width(u64::from(program.offsets.iter().copied().max().unwrap_or(0)));
    let row = |(end, offsets): (&bool, &[u32])| {
        let fields = offsets.iter().map(|offset| (u64::from(*offset), bits));
        digits(&std::iter::once((u64::from(*end), 1)).chain(fields).collect::<Vec<_>>())
    };
    let rows: Vec<String> = program.ends.iter().zip(program.offsets.chunks(columns)).map(row).collect();
    let last = width(rows.len() as u64 - 1) - 1;
    let total = 1 + bits * columns as u32;
    let address = width(u64::from(program.ram_words) - 1);
    let weights = width(u64::from(program.weight_addresses)) - 1;
    let mut text = read_only("lists", total, &rows, &format!("w[{last}:0]"));
    let _ = write!(
        text,
        "reg [{}:0] x_before = 0;\nalways @(posedge clock) x_before <= x[{0}:0];\n\
         reg [{weights}:0] w_before = 0;\nalways @(posedge clock) w_before <= w[{weights}:0];\n\
         always @(*) list_end = lists_read[0];\nwire [{0}:0] offset_mask = {{{address}{{is_listed && !{1}}}}};\n",
        address - 1,
        late(1, flag::SELECT),
    );
    for column in 0..columns {
        let low = 1 + bits * column as u32;
        let _ = writeln!(text, "wire [{}:0] offset_{column} = lists_read[{}:{low}];", address - 1, low + bits - 1);
    }
    text
}
