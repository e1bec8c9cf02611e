//! The front in Verilog: the square of eight bytes that turns bytes into planes, or collects codes.

use std::fmt::Write;

use super::source_text;
use crate::program::{Job, Program};
use crate::text::{column, memory, register, when, width};

/// The body of the front's module.
pub(crate) fn text(program: &Program) -> String {
    let encodes = program.jobs.iter().any(|job| job.encode);
    let mut text = table(program);
    text.push_str(&registers(program, encodes));
    text.push_str(&source_text::text(program));
    text.push_str(&square(program, encodes));
    text.push_str(&places(program, encodes));
    text
}

fn table(program: &Program) -> String {
    type Field = (&'static str, u32, fn(&Job) -> u32);
    let address = width(u64::from(program.ram_words) - 1);
    let most = |of: fn(&Job) -> u32| width(u64::from(program.jobs.iter().map(of).max().unwrap_or(0)));
    let thresholds = width(program.thresholds.len() as u64);
    let fields: [Field; 6] = [
        ("is_encode", 1, |j| j.encode.into()),
        ("base", address, |j| j.base),
        ("other", address, |j| j.other),
        ("words", address, |j| j.words),
        ("thresholds", most(|j| j.thresholds), |j| j.thresholds),
        ("t_base", thresholds, |j| j.t_base),
    ];
    let values = |of: fn(&Job) -> u32| program.jobs.iter().map(|job| u64::from(of(job))).collect::<Vec<_>>();
    let mut text: String = fields.iter().map(|(name, bits, of)| column(name, *bits, "job", &values(*of))).collect();
    // Where the thresholds of the job after this one start.
    let mut next = values(|j| j.t_base);
    next.rotate_left(1);
    text.push_str(&column("t_base_next", thresholds, "job", &next));
    text
}

fn registers(program: &Program, encodes: bool) -> String {
    let address = width(u64::from(program.ram_words) - 1);
    let most = |of: fn(&Job) -> u32| width(u64::from(program.jobs.iter().map(of).max().unwrap_or(0)));
    let patches = program.jobs.iter().any(|job| !job.encode);
    let list = [
        (program.jobs.len() > 1, "job", width(program.jobs.len() as u64 - 1)),
        (true, "half", 1),
        (true, "complete", 2),
        (true, "filled", 3),
        (true, "draining", 1),
        (patches, "plane", 3),
        (true, "patch_end", 1),
        (program.jobs.len() > 1, "job_end", 1),
        (true, "address", address),
        (true, "first", address),
        (true, "position", 2),
        (encodes, "threshold", most(|j| j.thresholds)),
        (encodes, "t_address", width(program.thresholds.len() as u64)),
        (encodes, "warm", 1),
        (encodes, "word_end", 1),
        // Inverted, because registers start at 0.
        (true, "begun", 1),
    ];
    list.into_iter().map(|(used, name, bits)| register(used, name, bits)).collect()
}

/// Filling and reading the square.
fn square(program: &Program, encodes: bool) -> String {
    let mut text = String::new();
    if encodes {
        let contents: Vec<String> = program.thresholds.iter().map(|t| format!("{t:02x}")).collect();
        text.push_str(&memory("limits", 8, &contents));
        text.push_str("reg [7:0] limit;\nalways @(posedge clock) limit <= limits[t_next];\n");
    }
    let warm = when(encodes, " && warm");
    let _ = write!(
        text,
        "assign works = !draining{warm} && !(!begun && complete[1]);\n\
         wire threshold_last = !is_encode || (threshold == thresholds);\n\
         assign frees = works && threshold_last;\n\
         wire fills = item_valid && works;\n\
         wire pixel_end = threshold_last && item_tap_end && is_encode;\n\
         wire fill_end = threshold_last && item_patch_end;\n\
         wire full = (filled == 3'd7) || pixel_end || fill_end;\n\
         wire drained = is_encode || (plane == 3'd7);\n\
         wire stored = draining && byte_ready;\n\
         wire position_last = (position == 2'd3) || word_end;\n",
    );
    let row = if encodes { "is_encode ? {7'd0, item_value >= limit} : item_value" } else { "item_value" };
    let _ = writeln!(text, "wire [7:0] row = {row};");
    for at in 0..8 {
        let _ = writeln!(text, "reg [7:0] square_{at};\nalways @(posedge clock) if (fills)");
        let _ = writeln!(text, "  if (filled == 3'd{at}) square_{at} <= row;");
        text.push_str(&when(at != 0, "  else if (filled == 3'd0) square_# <= 0;\n").replace('#', &at.to_string()));
    }
    let bits: Vec<String> = (0..8).rev().map(|at| format!("square_{at}[plane]")).collect();
    let _ = writeln!(text, "always @(*) byte_value = {{{}}};", bits.join(", "));
    text.push_str("always @(*) byte_valid = draining;\nalways @(*) byte_position = position;\n");
    text.push_str("always @(*) byte_address = address;\nalways @(*) patch_ready = complete != 2'd0;\n");
    text
}

/// Where the bytes go, and how many patches are complete.
fn places(program: &Program, encodes: bool) -> String {
    let many = program.jobs.len() > 1;
    let patches = program.jobs.iter().any(|job| !job.encode);
    let last = program.jobs.len() - 1;
    let address = width(u64::from(program.ram_words) - 1);
    let thresholds = width(program.thresholds.len() as u64);
    let mut text = format!("wire [{}:0] first_now = begun ? first : (half ? other : base);\n", address - 1);
    if encodes {
        let _ = writeln!(
            text,
            "wire [{0}:0] t_next = !fills ? t_address : ((threshold_last && item_tap_end) ? \
             (item_job_end ? t_base_next : t_base) : (is_encode ? (t_address + 1'd1) : t_address));",
            thresholds - 1
        );
    }
    let _ = write!(
        text,
        "wire completes = stored && drained && patch_end;\nalways @(posedge clock) begin\n{}  \
         if (fills) begin\n    filled <= full ? 3'd0 : (filled + 3'd1);\n    begun <= 1;\n    first <= first_now;\n    \
         if (!begun) position <= 2'd0;\n    address <= first_now;\n    draining <= full;\n    patch_end <= fill_end;\n{}{}  \
         end else if (stored) begin\n    if (drained) begin\n      draining <= 0;\n      first <= first + position_last;\n      \
         position <= word_end ? 2'd0 : (position + 2'd1);\n      if (patch_end) begin\n        begun <= 0;\n        half <= !half;\n{}      \
         end\n    end\n{}  end\n  complete <= (complete + completes) - release_patch;\nend\n",
        when(encodes, "  warm <= 1;\n  t_address <= t_next;\n"),
        when(many, "    job_end <= threshold_last && item_job_end;\n"),
        when(
            encodes,
            "    word_end <= pixel_end;\n    if (is_encode) threshold <= threshold_last ? 0 : (threshold + 1'd1);\n"
        ),
        if many { format!("        if (job_end) job <= (job == {last}) ? 0 : (job + 1'd1);\n") } else { String::new() },
        when(patches, "    plane <= drained ? 3'd0 : (plane + 3'd1);\n    if (!drained) address <= address + words;\n"),
    );
    text
}
