//! The sequencer in Verilog; only loops and conditions that the model uses are written.

use std::fmt::Write;

use super::layout::{Uses, Widths, registers, table};
use crate::program::Program;
use crate::text::{when, wire};

/// The body of the sequencer's module.
pub(crate) fn text(program: &Program) -> String {
    let (uses, widths) = (Uses::new(program), Widths::new(program));
    let mut text = table(program, &widths);
    text.push_str(&registers(program, &uses, &widths));
    text.push_str(&conditions(program, &uses));
    text.push_str(&addresses(program, &uses, &widths));
    text.push_str("always @(posedge clock) begin\n  case (state)\n");
    text.push_str(&load(&uses));
    text.push_str(&run(&uses));
    text.push_str(&ends(program, &uses));
    text.push_str(&leave(program, &uses));
    text.push_str("  endcase\nend\n");
    text.push_str(&outputs(&uses));
    text
}

fn conditions(program: &Program, uses: &Uses) -> String {
    let plane = if uses.twice { "is_twice ? (!outside || plane[0]) : (plane == planes)" } else { "plane == planes" };
    let word = if uses.listed { "is_listed ? (list_end && (word != 0)) : (word == words)" } else { "word == words" };
    let slot = format!("(is_pool || (slot == {}) || group_end)", program.slots() - 1);
    [
        wire("outside", uses.padded, "is_padded && ((y_row >= height) || (y_column >= width))", 0),
        wire("word_last", uses.words, word, 1),
        wire("plane_last", uses.planes, plane, 1),
        wire("column_last", uses.kernel_columns, "kernel_column == kernel_columns", 1),
        wire("row_last", uses.kernel_rows, "kernel_row == kernel_rows", 1),
        wire("group_end", uses.groups, "group == groups", 1),
        wire("group_last", true, if uses.shared { "!summing && group_end" } else { "group_end" }, 1),
        wire("out_column_last", uses.columns, "out_column == columns", 1),
        wire("out_row_last", uses.rows, "out_row == rows", 1),
        wire("word_end", true, &slot, 1),
        wire("tap_end", true, "word_last && plane_last", 1),
        wire("window_end", true, "tap_end && column_last && row_last", 1),
        wire("pass_last", uses.passes, if uses.shared { "summing || (pass == passes)" } else { "pass == passes" }, 1),
        wire("settled", true, settled(uses), 1),
        wire("leaving", true, "(state == 3'd6) && settled", 1),
    ]
    .concat()
}

/// The last cycle of the end of a group.
fn settled(uses: &Uses) -> &'static str {
    match (uses.shared, uses.settles) {
        (true, true) => "summing || (count == settle)",
        (true, false) => "summing || !is_pool || (count == out_planes)",
        (false, true) => "count == settle",
        (false, false) => "!is_pool || (count == out_planes)",
    }
}

/// Steps of the activation address.
fn addresses(program: &Program, uses: &Uses, widths: &Widths) -> String {
    let bits = widths.address;
    let stays = match (uses.twice, uses.listed) {
        (true, true) => "(is_listed || (is_twice && plane[0]))",
        (true, false) => "(is_twice && plane[0])",
        (false, true) => "is_listed",
        (false, false) => "",
    };
    let again = if stays.is_empty() { format!("{bits}'d1") } else { format!("{stays} ? {bits}'d0 : {bits}'d1") };
    let next_plane = if uses.twice { format!("is_twice ? {bits}'d0 : x_plane") } else { "x_plane".to_owned() };
    let links = [
        (uses.words, "!word_last", again),
        (uses.planes, "!plane_last", next_plane),
        (uses.kernel_columns, "!column_last", "x_tap".to_owned()),
        (uses.kernel_rows, "!row_last", "x_line".to_owned()),
    ];
    let used: Vec<_> = links.into_iter().filter(|(used, ..)| *used).collect();
    let mut text = format!("wire [{}:0] x_step = ", bits - 1);
    for (at, (_, condition, step)) in used.iter().enumerate() {
        // The end of the window sets the address anyway, so the last link needs no condition.
        let _ =
            if at + 1 == used.len() { write!(text, "({step})") } else { write!(text, "({condition}) ? ({step}) : ") };
    }
    text.push_str(when(used.is_empty(), "0"));
    text.push_str(";\n");
    text.push_str(&starts(program, uses, bits));
    text
}

/// Steps of the window's start.
fn starts(program: &Program, uses: &Uses, bits: u32) -> String {
    let mut text = String::new();
    let top = bits - 1;
    if uses.moves {
        let _ = write!(text, "reg [{top}:0] group_step;\nalways @(*) case (b_now)\n");
        for (address, step) in &program.group_steps {
            let _ = writeln!(text, "  {address}: group_step = {bits}'d{};", u64::from(*step) & ((1 << bits) - 1));
        }
        let _ = write!(
            text,
            "  default: group_step = {bits}'d0;\nendcase\nwire [{top}:0] hop = word_end ? x_word : {bits}'d0;\n"
        );
        let _ = writeln!(
            text,
            "wire [{top}:0] start_step = !group_last ? (group_step + hop) : (out_column_last ? x_row : x_column);"
        );
        let _ = writeln!(text, "wire [{top}:0] first = (is_patch && half) ? x_other : x_base;");
        let _ = writeln!(
            text,
            "wire [{top}:0] next = (is_patch && group_last) ? (half ? x_base : x_other) : (start + start_step);"
        );
    } else {
        let _ = writeln!(text, "wire [{top}:0] first = (is_patch && half) ? x_other : x_base;");
        let _ = writeln!(text, "wire [{top}:0] next = (is_patch && (half ^ group_last)) ? x_other : x_base;");
    }
    text
}

fn load(uses: &Uses) -> String {
    [
        "    3'd0: begin\n      x_now <= first;\n      w_now <= w_base;\n      b_now <= b_base;\n",
        when(uses.moves, "      start <= first;\n"),
        when(uses.residual, "      r_now <= r_base;\n"),
        when(uses.shift, "      shift <= first_shift;\n"),
        when(
            uses.padded,
            "      y_row <= top;\n      y_column <= left;\n      y_row_start <= top;\n      y_column_start <= left;\n",
        ),
        when(uses.shared, "      summing <= is_shared;\n"),
        "      state <= (is_patch || is_send) ? 3'd1 : 3'd2;\n    end\n",
        when(uses.wait, "    3'd1: if ((patch_ready || !is_patch) && (room || !is_send)) state <= 3'd2;\n"),
    ]
    .concat()
}

/// The next address of the activation memory, while the window is walked.
fn next_word(uses: &Uses) -> String {
    let begin = if uses.moves { "start" } else { "first" };
    let own = when(uses.shared, " && !summing");
    let mut text = String::from("      x_now <= ");
    if uses.passes {
        let _ = write!(text, "(window_end && !pass_last) ? {begin} : ");
    }
    if uses.residual {
        let _ = write!(text, "(window_end && is_residual{own}) ? r_now : ");
    }
    text + "(x_now + x_step);\n"
}

fn run(uses: &Uses) -> String {
    let own = when(uses.shared, " && !summing");
    let shift = format!(
        "      if (word_last) shift <= !plane_last ? (shift + 1'd1) : \
         ((window_end && pass_last && is_residual{own}) ? r_shift : first_shift);\n"
    );
    let next = format!(
        "      if (window_end && pass_last) state <= {}(is_residual ? 3'd3 : (is_pool ? 3'd6 : 3'd4));\n    end\n",
        when(uses.shared, "summing ? 4'd6 : is_shared ? 4'd8 : ")
    );
    [
        "    3'd2: begin\n",
        &next_word(uses),
        if uses.listed {
            "      w_now <= (word_last && !plane_last) ? (w_now - word) : (w_now + 1'd1);\n"
        } else {
            "      w_now <= w_now + ((word_last && !plane_last) ? w_back : 1'd1);\n"
        },
        when(uses.passes, "      if (window_end) pass <= pass_last ? 0 : (pass + 1'd1);\n"),
        when(uses.words, "      word <= word_last ? 0 : (word + 1'd1);\n"),
        when(uses.planes, "      if (word_last) plane <= plane_last ? 0 : (plane + 1'd1);\n"),
        when(uses.shift, &shift),
        when(uses.kernel_columns, "      if (tap_end) kernel_column <= column_last ? 0 : (kernel_column + 1'd1);\n"),
        when(uses.kernel_rows, "      if (tap_end && column_last) kernel_row <= row_last ? 0 : (kernel_row + 1'd1);\n"),
        when(
            uses.padded,
            "      if (tap_end) y_column <= column_last ? y_column_start : (y_column + 1'd1);\n      \
             if (tap_end && column_last) y_row <= row_last ? y_row_start : (y_row + 1'd1);\n",
        ),
        &next,
    ]
    .concat()
}

/// Residual, biases and emission.
fn ends(program: &Program, uses: &Uses) -> String {
    let count = |last: &str, next: &str| {
        if uses.steps {
            let condition = format!("count == {last}");
            format!("      if ({condition}) state <= {next};\n      count <= ({condition}) ? 0 : (count + 1'd1);\n")
        } else {
            format!("      state <= {next};\n")
        }
    };
    let mut text = String::new();
    if uses.residual {
        let shift = when(uses.shift, "      shift <= shift + 1'd1;\n");
        let _ = write!(
            text,
            "    3'd3: begin\n      x_now <= x_now + r_plane;\n{shift}{}    end\n",
            count("r_planes", "3'd4")
        );
    }
    if uses.shared {
        let next = "(is_residual ? 3'd3 : 3'd4)";
        let _ = write!(text, "    4'd8: begin\n{}    end\n", count("doublings", next));
    }
    let next = match (uses.raw, uses.requant) {
        (true, true) => "(is_raw || is_requant) ? 3'd5 : 3'd6",
        (true, false) => "is_raw ? 3'd5 : 3'd6",
        (false, true) => "is_requant ? 3'd5 : 3'd6",
        (false, false) => "3'd6",
    };
    let _ = write!(text, "    3'd4: begin\n      b_now <= b_now + 1'd1;\n{}    end\n", count("thresholds", next));
    if uses.emits {
        let part = if uses.requant { "group_last && is_raw" } else { "group_last" };
        let last = format!("(({part}) ? last_lane : {})", program.options.lanes - 1);
        let _ = write!(text, "    3'd5: begin\n{}    end\n", count(&last, "3'd6"));
    }
    text
}

/// The end of a group, a pixel, a layer.
fn leave(program: &Program, uses: &Uses) -> String {
    let last = program.rows.len() - 1;
    let drain = format!(
        "    3'd7: if (idle) begin\n      row <= (row == {last}) ? 0 : (row + 1'd1);\n      state <= 3'd0;\n    end\n"
    );
    let padded = "        if (group_last) begin\n          y_column_start <= out_column_last ? left : (y_column_start + stride_right);\n          \
                  y_column <= out_column_last ? left : (y_column_start + stride_right);\n          \
                  if (out_column_last) begin\n            y_row_start <= y_row_start + stride_down;\n            \
                  y_row <= y_row_start + stride_down;\n          end else y_row <= y_row_start;\n        end\n";
    // The sum of the window goes before the first group, and nothing else moves on.
    let summed = "      if (summing) begin\n        x_now <= start;\n        summing <= 0;\n        state <= 4'd2;\n      end else ";
    let summed = if uses.moves { summed.to_owned() } else { summed.replace("start", "first") };
    [
        "    3'd6: begin\n",
        if uses.shared { &summed } else { "      " },
        "if (leaving) begin\n        x_now <= next;\n",
        when(uses.shared, "        if (group_last) summing <= is_shared;\n"),
        "        if (group_last) begin\n          w_now <= w_base;\n          b_now <= b_base;\n        end\n",
        when(uses.steps, "        count <= 0;\n"),
        when(uses.shift, "        shift <= first_shift;\n"),
        when(uses.moves, "        start <= next;\n"),
        when(uses.slots, "        slot <= word_end ? 0 : (slot + 1'd1);\n"),
        when(uses.groups, "        group <= group_last ? 0 : (group + 1'd1);\n"),
        when(uses.patch, "        if (is_patch && group_last) half <= !half;\n"),
        when(uses.columns, "        if (group_last) out_column <= out_column_last ? 0 : (out_column + 1'd1);\n"),
        when(uses.rows, "        if (group_last && out_column_last) out_row <= out_row_last ? 0 : (out_row + 1'd1);\n"),
        when(
            uses.residual,
            "        if (group_last) r_now <= r_now + r_pixel;\n        else if (word_end) r_now <= r_now + 1'd1;\n",
        ),
        when(uses.padded, padded),
        "        state <= (group_last && out_column_last && out_row_last) ? 3'd7 :\n          \
         ((is_send || (is_patch && group_last)) ? 3'd1 : 3'd2);\n      end",
        when(uses.steps, "\n      else count <= count + 1'd1;"),
        "\n    end\n",
        if uses.many { &drain } else { "    3'd7: if (idle) state <= 3'd0;\n" },
    ]
    .concat()
}

/// The flags of an issue, from bit 15 down, and when they are set.
const FLAGS: [(&str, &str); 15] = [
    ("load", "state == 3'd0"),
    ("pooled", "finishing && is_pool && (count == 0)"),
    ("most", "running && is_pool && (plane == 0)"),
    ("first_tap", "running && is_pool && (kernel_column == 0) && (kernel_row == 0)"),
    ("pooling", "running && is_pool"),
    ("emit", "state == 3'd5"),
    ("pixel", "finishing && group_last"),
    ("flush", "finishing && !is_pool && settled && word_end && !is_raw"),
    ("done", "finishing && !is_pool && settled"),
    ("counting", "(state == 3'd4) && (count != 0)"),
    ("tail", "running && word_last"),
    ("force_ones", "running && outside && ones"),
    ("force_zero", "running && outside && !ones"),
    ("select", "(state == 3'd3) || (running && is_select)"),
    ("multiply", "(state == 3'd3) || (running && !is_pool)"),
];

/// The flags above bit 14: they depend on more of the model.
fn rare_flags(uses: &Uses) -> String {
    let fresh = "(plane == 0) && (kernel_column == 0) && (kernel_row == 0)";
    let plane = "(is_doubling && (plane != 0))";
    let double = match (uses.passes, uses.shared) {
        (false, false) => "running && is_doubling && (plane != 0) && (word == 0)".to_owned(),
        (false, true) => format!("(state == 4'd8) || (running && (word == 0) && {plane})"),
        (true, shared) => format!(
            "{}(running && (word == 0) && ({plane} || ((pass != 0) && {fresh})))",
            when(shared, "(state == 4'd8) || ")
        ),
    };
    [
        wire("double_flag", true, &double, 0),
        wire("keep_flag", uses.shared, "finishing && summing", 0),
        wire("add_flag", uses.shared, "(state == 4'd8) && ratio[count]", 0),
    ]
    .concat()
}

fn outputs(uses: &Uses) -> String {
    let slot = if uses.emits { "(state == 3'd5) ? {5'd0, count} : {5'd0, slot}" } else { "{5'd0, slot}" };
    let mut text = String::from("wire running = state == 3'd2;\nwire finishing = state == 3'd6;\nwire ones = ");
    text.push_str("is_ones");
    text.push_str(when(uses.twice, " || (is_twice && plane[0])"));
    text.push_str(when(uses.border, " || border[plane]"));
    let _ = write!(text, ";\nwire [9:0] slot_flags = {slot};\n");
    text.push_str(if uses.twice {
        // Outside the input a tap is worth half of one inside.
        "wire [9:0] half_shift = {5'd0, first_shift} - 10'd1;\n\
         wire [9:0] shift_flags = (is_twice && outside && running) ? half_shift : {5'd0, shift};\n"
    } else {
        "wire [9:0] shift_flags = {5'd0, shift};\n"
    });
    text.push_str("wire [9:0] plane_flags = {8'd0, planes} - {8'd0, plane};\n");
    text.push_str(&rare_flags(uses));
    for (name, expression) in FLAGS {
        let expression = match (uses.shared, name) {
            (true, "done" | "flush") => format!("{expression} && !summing"),
            _ => expression.to_owned(),
        };
        let _ = writeln!(text, "wire {name}_flag = {expression};");
    }
    let names = FLAGS.map(|(name, _)| format!("{name}_flag")).join(", ");
    let _ = writeln!(
        text,
        "always @(*) flags = {{1'd0, plane_flags[2:0], shift_flags[4:0], slot_flags[4:0], \
         add_flag, keep_flag, double_flag, {names}}};"
    );
    text.push_str("always @(*) x = x_now;\nalways @(*) w = w_now;\nalways @(*) b = (state == 3'd4) ? b_now : 0;\n");
    text.push_str(if uses.many { "always @(*) row_index = row;\n" } else { "initial row_index = 0;\n" });
    text.push_str("always @(*) release_patch = leaving && is_patch && group_last;\n");
    text
}
