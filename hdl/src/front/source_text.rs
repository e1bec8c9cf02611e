//! The source of the front in Verilog: the stream itself, or the stored frame read window by window.

use std::fmt::Write;

use crate::program::{Job, Program};
use crate::text::{column, register, when, width, wire};

/// What the walk over windows uses.
struct Uses {
    many: bool,
    channels: bool,
    kernel_columns: bool,
    kernel_rows: bool,
    columns: bool,
    rows: bool,
    padded: bool,
    /// Jobs see different bytes outside the input.
    borders: bool,
}

impl Uses {
    fn new(program: &Program) -> Self {
        let any = |uses: fn(&Job) -> bool| program.jobs.iter().any(uses);
        Self {
            many: program.jobs.len() > 1,
            channels: any(|j| j.channels != 0),
            kernel_columns: any(|j| j.kernel_columns != 0),
            kernel_rows: any(|j| j.kernel_rows != 0),
            columns: any(|j| j.columns != 0),
            rows: any(|j| j.rows != 0),
            padded: any(|j| j.padded),
            borders: borders(program).any(|border| Some(border) != borders(program).next()),
        }
    }
}

/// What bytes outside the input are, of those jobs that see any.
fn borders(program: &Program) -> impl Iterator<Item = u8> {
    program.jobs.iter().filter(|job| job.padded).map(|job| job.border)
}

/// Widths in bits: byte addresses and positions.
fn widths(program: &Program) -> (u32, u32) {
    let most = |of: fn(&Job) -> u32| u64::from(program.jobs.iter().map(of).max().unwrap_or(0));
    let reach = most(|j| j.height.max(j.width) + 2 * (j.kernel_rows.max(j.kernel_columns) + 1));
    let position = width(reach + most(|j| j.stride_down.max(j.stride_right))) + 1;
    (width(2 * u64::from(program.input_bytes) - 1), position)
}

/// Declares `item_*`, `works` and `frees`, and drives `in_ready`.
pub(super) fn text(program: &Program) -> String {
    let uses = Uses::new(program);
    let mut text = String::from("wire works;\nwire frees;\n");
    text.push_str(&table(program, &uses));
    text.push_str(&registers(program, &uses));
    text.push_str(
        &[
            wire("channel_last", uses.channels, "channel == channels", 1),
            wire("column_last", uses.kernel_columns, "kernel_column == kernel_columns", 1),
            wire("row_last", uses.kernel_rows, "kernel_row == kernel_rows", 1),
            wire("out_column_last", uses.columns, "out_column == columns", 1),
            wire("out_row_last", uses.rows, "out_row == rows", 1),
            wire("window_end", true, "channel_last && column_last && row_last", 1),
            wire("walk_end", true, "window_end && out_column_last && out_row_last", 1),
        ]
        .concat(),
    );
    if program.direct {
        direct(program, &uses, &mut text)
    } else {
        stored(program, &uses, &mut text)
    }
    text
}

/// What a byte outside is, in Verilog: a constant where all jobs agree.
fn border(program: &Program, uses: &Uses) -> String {
    let constant = borders(program).next().unwrap_or(program.byte_offset);
    if uses.borders { "item_border".to_owned() } else { format!("8'd{constant}") }
}

fn table(program: &Program, uses: &Uses) -> String {
    type Field = (&'static str, u32, fn(&Job) -> u32);
    let count = |of: fn(&Job) -> u32| width(u64::from(program.jobs.iter().map(of).max().unwrap_or(0)));
    let (address, position) = widths(program);
    let fields: [Field; 15] = [
        ("channels", count(|j| j.channels), |j| j.channels),
        ("kernel_columns", count(|j| j.kernel_columns), |j| j.kernel_columns),
        ("kernel_rows", count(|j| j.kernel_rows), |j| j.kernel_rows),
        ("columns", count(|j| j.columns), |j| j.columns),
        ("rows", count(|j| j.rows), |j| j.rows),
        ("is_padded", 1, |j| j.padded.into()),
        ("height", position, |j| j.height),
        ("width", position, |j| j.width),
        ("left", position, |j| 0_u32.wrapping_sub(j.left)),
        ("stride_down", position, |j| j.stride_down),
        ("stride_right", position, |j| j.stride_right),
        ("line", address, |j| j.line),
        ("column_step", address, |j| j.column),
        ("row_step", address, |j| j.row),
        ("top", position, |j| 0_u32.wrapping_sub(j.top)),
    ];
    let values = |of: fn(&Job) -> u32| program.jobs.iter().map(|job| u64::from(of(job))).collect::<Vec<_>>();
    let mut text: String =
        fields.iter().map(|(name, bits, of)| column(name, *bits, "walk_job", &values(*of))).collect();
    if uses.borders {
        text.push_str(&column("border", 8, "walk_job", &values(|j| j.border.into())));
        text.push_str("reg [7:0] item_border = 0;\n");
    }
    let mut add = |name: &str, bits: u32, of: fn(&Job) -> u32| {
        // At the end of a job the walk is set to the start of the next.
        let mut next = values(of);
        text.push_str(&column(name, bits, "walk_job", &next));
        next.rotate_left(1);
        text.push_str(&column(&format!("{name}_next"), bits, "walk_job", &next));
    };
    add("origin", address, |j| j.start);
    add("origin_top", position, |j| 0_u32.wrapping_sub(j.top));
    add("origin_left", position, |j| 0_u32.wrapping_sub(j.left));
    text
}

fn registers(program: &Program, uses: &Uses) -> String {
    let count = |of: fn(&Job) -> u32| width(u64::from(program.jobs.iter().map(of).max().unwrap_or(0)));
    let (address, position) = widths(program);
    let list = [
        (uses.many, "walk_job", width(program.jobs.len() as u64 - 1)),
        (uses.channels, "channel", count(|j| j.channels)),
        (uses.kernel_columns, "kernel_column", count(|j| j.kernel_columns)),
        (uses.kernel_rows, "kernel_row", count(|j| j.kernel_rows)),
        (uses.columns, "out_column", count(|j| j.columns)),
        (uses.rows, "out_row", count(|j| j.rows)),
        (!program.direct, "from", address),
        (!program.direct, "start", address),
        (uses.padded, "y_row", position),
        (uses.padded, "y_column", position),
        (uses.padded, "y_row_start", position),
        (uses.padded, "y_column_start", position),
    ];
    list.into_iter().map(|(used, name, bits)| register(used, name, bits)).collect()
}

/// The counters, which both sources need.
fn counters(uses: &Uses) -> String {
    [
        when(uses.channels, "    channel <= channel_last ? 0 : (channel + 1'd1);\n"),
        when(uses.kernel_columns, "    if (channel_last) kernel_column <= column_last ? 0 : (kernel_column + 1'd1);\n"),
        when(
            uses.kernel_rows,
            "    if (channel_last && column_last) kernel_row <= row_last ? 0 : (kernel_row + 1'd1);\n",
        ),
        when(uses.columns, "    if (window_end) out_column <= out_column_last ? 0 : (out_column + 1'd1);\n"),
        when(uses.rows, "    if (window_end && out_column_last) out_row <= out_row_last ? 0 : (out_row + 1'd1);\n"),
    ]
    .concat()
}

/// The stream goes straight on.
fn direct(program: &Program, uses: &Uses, text: &mut String) {
    let _ = write!(
        text,
        "wire item_valid = in_valid;\nwire [7:0] item_value = in_data ^ 8'd{};\nwire item_tap_end = channel_last;\n\
         wire item_patch_end = window_end;\nwire item_job_end = walk_end;\nalways @(*) in_ready = frees;\n\
         always @(posedge clock) if (in_valid && frees) begin\n{}end\n",
        program.byte_offset,
        counters(uses)
    );
}

/// Frames are stored, two of them, and read window by window.
fn stored(program: &Program, uses: &Uses, text: &mut String) {
    let (address, position) = widths(program);
    let (bytes, offset, last) = (program.input_bytes, program.byte_offset, address - 1);
    let jobs = program.jobs.len() - 1;
    let index = width(u64::from(bytes) - 1);
    let border = border(program, uses);
    let _ = write!(
        text,
        "reg [7:0] bytes [0:{top}];\nreg write_half = 0;\nreg [{i}:0] arrived = 0;\nreg [1:0] frames = 0;\nreg read_half = 0;\n\
         reg walking = 0;\nreg item_valid = 0;\nreg item_outside = 0;\nreg item_tap_end = 0;\nreg item_patch_end = 0;\n\
         reg item_job_end = 0;\nreg [7:0] item_byte;\n\
         wire takes = in_valid && !frames[1];\nwire frame_stored = takes && (arrived == {index}'d{most});\n\
         wire reads = walking && (frames != 2'd0) && (!item_valid || frees);\n\
         wire frame_done = reads && walk_end && (walk_job == {jobs});\n\
         wire [7:0] item_value = item_outside ? {border} : item_byte;\n\
         wire next_half = read_half ^ frame_done;\nwire [{last}:0] home = next_half ? {address}'d{bytes} : {address}'d0;\n\
         wire [{last}:0] start_next = !walking ? (home + origin) : (walk_end ? (home + origin_next) : \
         (start + (out_column_last ? row_step : column_step)));\n\
         wire [{last}:0] into = (write_half ? {address}'d{bytes} : {address}'d0) + arrived;\n",
        top = 2 * bytes - 1,
        i = index - 1,
        most = bytes - 1,
    );
    text.push_str(&wire("outside", uses.padded, "is_padded && ((y_row >= height) || (y_column >= width))", 0));
    if uses.padded {
        let y = position - 1;
        let _ = write!(
            text,
            "wire [{y}:0] y_column_next = !walking ? origin_left : (walk_end ? origin_left_next : \
             (out_column_last ? left : (y_column_start + stride_right)));\n\
             wire [{y}:0] y_row_next = !walking ? origin_top : (walk_end ? origin_top_next : \
             (out_column_last ? (y_row_start + stride_down) : y_row_start));\n",
        );
    }
    text.push_str("always @(posedge clock) begin\n  if (takes) bytes[into] <= in_data");
    let _ = writeln!(text, " ^ 8'd{offset};\n  if (reads) item_byte <= bytes[from];\nend");
    text.push_str(&stored_edges(uses, jobs));
}

fn stored_edges(uses: &Uses, jobs: usize) -> String {
    let walk_job = format!("    if (walk_end) walk_job <= (walk_job == {jobs}) ? 0 : (walk_job + 1'd1);\n");
    let padded = "    if (channel_last) y_column <= y_column + 1'd1;\n    \
                  if (channel_last && column_last) begin\n      y_column <= y_column_start;\n      y_row <= y_row + 1'd1;\n    end\n";
    let restart = "  if (!walking || (reads && window_end)) begin\n    from <= start_next;\n    start <= start_next;\n";
    let restart_padded = "    y_column <= y_column_next;\n    y_row <= y_row_next;\n    \
                          y_column_start <= y_column_next;\n    y_row_start <= y_row_next;\n";
    [
        "always @(posedge clock) begin\n  walking <= 1;\n  \
         if (takes) begin\n    arrived <= frame_stored ? 0 : (arrived + 1'd1);\n    write_half <= write_half ^ frame_stored;\n  end\n  \
         frames <= (frames + frame_stored) - frame_done;\n  item_valid <= reads || (item_valid && !frees);\n  \
         read_half <= next_half;\n  \
         if (reads) begin\n    item_outside <= outside;\n    item_tap_end <= channel_last;\n    \
         item_patch_end <= window_end;\n    item_job_end <= walk_end;\n    \
         from <= from + ((channel_last && column_last) ? line : 1'd1);\n",
        &counters(uses),
        when(uses.padded, padded),
        when(uses.borders, "    item_border <= border;\n"),
        when(uses.many, &walk_job),
        "  end\n",
        restart,
        when(uses.padded, restart_padded),
        "  end\nend\nalways @(*) in_ready = !frames[1];\n",
    ]
    .concat()
}
