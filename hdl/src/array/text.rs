//! The array in Verilog; only units that the model uses are written.

use std::fmt::Write;

use super::lane_text::{Lane, lanes_text};
use super::reads_text::activations;
use super::scaler_text;
use crate::program::{Program, Row};
use crate::sequencer::flag;
use crate::text::{column, digits, memory, when, width};

/// What the layer table uses of the array.
pub(super) struct Uses {
    pub pool: bool,
    pub pool_planes: u32,
    pub lanes: bool,
    pub zero: bool,
    pub ones: bool,
    pub raw: bool,
    pub store: bool,
    pub requant: bool,
    pub affine: bool,
}

impl Uses {
    pub fn new(program: &Program) -> Self {
        let any = |uses: fn(&Row) -> bool| program.rows.iter().any(uses);
        let ones = any(|r| r.ones || r.twice || r.border != 0);
        Self {
            pool: any(|r| r.pool),
            pool_planes: program.rows.iter().filter(|r| r.pool).map(|r| r.planes + 1).max().unwrap_or(0),
            lanes: any(|r| !r.pool),
            zero: any(|r| r.padded && !r.ones),
            ones: ones && any(|r| r.padded),
            raw: any(|r| r.raw && !r.affine),
            store: any(|r| !r.send),
            requant: any(|r| r.requant),
            affine: any(|r| r.affine),
        }
    }
}

/// Bits of a plane's number.
fn plane_bits(program: &Program) -> u32 {
    width(u64::from(program.packed_planes().max(4)) - 1)
}

/// The expression for `bit` of the flags after `stage` cycles.
pub(super) fn late(stage: usize, bit: u32) -> String {
    format!("flags_{stage}[{}]", bit.trailing_zeros())
}

/// The body of the array's module.
pub(crate) fn text(program: &Program) -> String {
    let uses = Uses::new(program);
    let depth = program.depth();
    let mut text = table(program);
    text.push_str(&delays(depth));
    text.push_str(&activations(program, &uses));
    if uses.lanes {
        text.push_str(&memories(program));
        text.push_str(&lanes_text(program, &Lane::new(program)));
    }
    text.push_str(&chosen(program, &uses));
    if uses.requant || uses.affine {
        text.push_str(&scaler_text::text(program));
    }
    text.push_str(&raw(program, &uses));
    text.push_str(&packer(program, &uses));
    text.push_str(&writer(program, &uses));
    text.push_str(&store(program, &uses));
    text
}

fn table(program: &Program) -> String {
    type Field = (&'static str, u32, fn(&Row) -> u32);
    let address = width(u64::from(program.ram_words) - 1);
    let fields: [Field; 9] = [
        ("is_masked", 1, |r| r.masked.into()),
        ("is_double", 1, |r| r.double.into()),
        ("is_odd", 1, |r| r.odd.into()),
        ("is_send", 1, |r| r.send.into()),
        ("tail", 32, |r| r.tail),
        ("out_base", address, |r| r.out_base),
        ("out_planes", plane_bits(program), |r| r.out_planes),
        ("out_plane", address, |r| r.out_plane),
        ("out_pixel", address, |r| r.out_pixel),
    ];
    let values = |of: fn(&Row) -> u32| program.rows.iter().map(|row| u64::from(of(row))).collect::<Vec<_>>();
    let mut text: String =
        fields.iter().map(|(name, bits, of)| column(name, *bits, "row_index", &values(*of))).collect();
    if program.rows.iter().any(|row| row.shared) {
        text.push_str(&column("is_subtracted", 1, "row_index", &values(|r| r.subtracts.into())));
    }
    if program.rows.iter().any(|row| row.listed) {
        text.push_str(&column("is_listed", 1, "row_index", &values(|r| r.listed.into())));
    }
    if program.rows.iter().any(|row| row.requant) {
        text.push_str(&column("is_requant", 1, "row_index", &values(|r| r.requant.into())));
    }
    if program.rows.iter().any(|row| row.affine) {
        text.push_str(&column("is_affine", 1, "row_index", &values(|r| r.affine.into())));
    }
    text
}

/// The flags of the last cycles.
pub(super) fn delays(depth: usize) -> String {
    let mut text = String::from("wire [31:0] flags_0 = flags;\n");
    for stage in 1..=depth {
        let _ = writeln!(text, "reg [31:0] flags_{stage} = 0;");
        let _ = writeln!(text, "always @(posedge clock) flags_{stage} <= flags_{};", stage - 1);
    }
    text
}

/// A memory with a registered read, one column a lane.
pub(super) fn read_only(name: &str, bits: u32, contents: &[String], read: &str) -> String {
    let declared = memory(name, bits, contents);
    format!("{declared}reg [{}:0] {name}_read;\nalways @(posedge clock) {name}_read <= {name}[{read}];\n", bits - 1)
}

/// Weights, masks and biases.
fn memories(program: &Program) -> String {
    let lanes = program.lanes();
    let mut text = String::new();
    for (name, contents) in [("weights", &program.weights), ("masks", &program.masks)] {
        if contents.is_empty() {
            continue;
        }
        let row = |row: &[u32]| digits(&row.iter().map(|&word| (u64::from(word), 32)).collect::<Vec<_>>());
        let rows: Vec<String> = contents.chunks(lanes).map(row).collect();
        let address = if program.fetch() == 1 { "w" } else { "w_before" };
        let read = format!("{address}[{}:0]", width(rows.len() as u64 - 1) - 1);
        text.push_str(&read_only(name, 32 * lanes as u32, &rows, &read));
    }
    text.push_str(&biases(program));
    text
}

/// Biases, and the bit that complements a count beside them.
fn biases(program: &Program) -> String {
    let lane = Lane::new(program);
    let lanes = program.lanes();
    let row = |(biases, flips): (&[i64], &[bool])| {
        let field = |(bias, flip): (&i64, &bool)| {
            let bits = (*bias as u64) & ((1 << lane.bits) - 1);
            (bits | u64::from(*flip && lane.flips) << lane.bits, lane.bits + u32::from(lane.flips))
        };
        digits(&biases.iter().zip(flips).map(field).collect::<Vec<_>>())
    };
    let rows: Vec<String> = program.biases.chunks(lanes).zip(program.flips.chunks(lanes)).map(row).collect();
    // The address is delayed so that the bias arrives with its flags.
    let last = width(rows.len() as u64 - 1) - 1;
    let mut text = format!("wire [{last}:0] bias_0 = b[{last}:0];\n");
    for stage in 1..program.depth() {
        let before = stage - 1;
        let _ =
            writeln!(text, "reg [{last}:0] bias_{stage} = 0;\nalways @(posedge clock) bias_{stage} <= bias_{before};");
    }
    let bits = (lane.bits + u32::from(lane.flips)) * lanes as u32;
    text + &read_only("biases", bits, &rows, &format!("bias_{}", program.depth() - 1))
}

/// The accumulator of the lane that is emitted.
fn chosen(program: &Program, uses: &Uses) -> String {
    if !uses.raw && !uses.requant && !uses.affine {
        return String::new();
    }
    let depth = program.depth();
    let bits = program.accumulator_bits;
    let low = flag::SLOT;
    let mut text = format!("reg [{}:0] chosen;\nalways @(*) case (flags_{depth}[{}:{low}])\n", bits - 1, low + 4);
    for lane in 1..program.lanes() {
        let _ = writeln!(text, "  {lane}: chosen = sums[{} +: {bits}];", lane as u32 * bits);
    }
    let _ = writeln!(text, "  default: chosen = sums[0 +: {bits}];\nendcase");
    text
}

/// The score that is stored or sent, and when.
fn raw(program: &Program, uses: &Uses) -> String {
    let emit = late(program.depth(), flag::EMIT);
    let plain = match uses.requant || uses.affine {
        true => format!("({emit} && !{})", scaler_text::is_scaled(program)),
        false => emit,
    };
    let scaled = if uses.requant { "(stages[2] && is_affine)" } else { "stages[2]" };
    let (emit, score) = match (uses.raw, uses.affine) {
        (true, true) => (format!("{plain} || {scaled}"), "is_affine ? score : sum"),
        (true, false) => (plain, "sum"),
        (false, true) => (scaled.to_owned(), "score"),
        (false, false) => ("1'b0".to_owned(), "32'd0"),
    };
    let mut text = if uses.raw { sum(program) } else { String::new() };
    let _ = writeln!(text, "wire emit = {emit};\nwire [31:0] raw = {score};");
    text
}

/// The chosen accumulator as a word.
fn sum(program: &Program) -> String {
    let bits = program.accumulator_bits;
    let extended = if bits >= 32 {
        "chosen[31:0]".to_owned()
    } else {
        format!("{{{{{}{{chosen[{}]}}}}, chosen}}", 32 - bits, bits - 1)
    };
    format!("wire [31:0] plain = {extended};\nwire [31:0] sum = is_double ? {{plain[30:0], is_odd}} : plain;\n")
}

/// Outputs of groups become words; max-pools run in the same registers.
fn packer(program: &Program, uses: &Uses) -> String {
    let depth = program.depth();
    let (slots, lanes, low) = (program.slots(), program.options.lanes, flag::SLOT);
    let mut text = String::new();
    let stage = program.fetch();
    text.push_str(&pool(uses, stage));
    for plane in 0..program.packed_planes() {
        let outputs = match (plane < program.decided_planes(), plane < program.scaled_planes()) {
            (true, true) => format!("(is_requant ? collected_{plane} : outputs_{plane})"),
            (false, true) => format!("collected_{plane}"),
            _ => format!("outputs_{plane}"),
        };
        let _ = writeln!(text, "reg [31:0] pack_{plane};\nalways @(posedge clock) begin");
        if plane < program.decided_planes().max(program.scaled_planes()) {
            let _ = writeln!(text, "  if ({}) begin", late(depth, flag::DONE));
            for slot in 0..slots {
                let here = format!("flags_{depth}[{}:{low}] == 5'd{slot}", low + 4);
                let (part, first) = (
                    format!("pack_{plane}[{} +: {lanes}]", slot * lanes),
                    format!("flags_{depth}[{}:{low}] == 5'd0", low + 4),
                );
                let _ = writeln!(text, "    if ({here}) {part} <= {outputs};");
                let _ = writeln!(text, "{}", when(slot != 0, &format!("    else if ({first}) {part} <= 0;")));
            }
            text.push_str("  end\n");
        }
        if uses.pool && plane < uses.pool_planes {
            let plane_bits = format!("flags_{stage}[{}:{}]", flag::PLANE + 2, flag::PLANE);
            let this = if uses.pool_planes > 1 { format!(" && ({plane_bits} == 3'd{plane})") } else { String::new() };
            let _ = writeln!(text, "  if ({}{this}) pack_{plane} <= largest;", late(stage, flag::POOL));
        }
        text.push_str("end\n");
    }
    text
}

/// The running maximum of 32 channels.
fn pool(uses: &Uses, stage: usize) -> String {
    if !uses.pool {
        return String::new();
    }
    let (first, most) = (late(stage, flag::FIRST), late(stage, flag::MOST));
    if uses.pool_planes == 1 {
        return format!("wire [31:0] largest = {first} ? word : (pack_0 | word);\n");
    }
    let (low, high) = (flag::PLANE, flag::PLANE + 2);
    let mut text = String::from("reg [31:0] old;\nreg [31:0] greater;\nreg [31:0] less;\n");
    let _ = writeln!(text, "always @(*) case (flags_{stage}[{high}:{low}])");
    for plane in 1..uses.pool_planes {
        let _ = writeln!(text, "  {plane}: old = pack_{plane};");
    }
    let _ = writeln!(text, "  default: old = pack_0;\nendcase");
    let _ = writeln!(
        text,
        "wire [31:0] above = greater & ~{{32{{{most}}}}};\nwire [31:0] below = less & ~{{32{{{most}}}}};"
    );
    let _ =
        writeln!(text, "wire [31:0] largest = {first} ? word : ((above & word) | (~above & (old | (word & ~below))));");
    let _ = writeln!(text, "always @(posedge clock) if ({}) begin", late(stage, flag::POOL));
    text.push_str("  greater <= above | (~below & word & ~old);\n  less <= below | (~above & ~word & old);\nend\n");
    text
}

/// Simulators print every finished word.
const TRACE: &str = "`ifdef BITFAB_TRACE
always @(posedge clock) if (finished) $display(\"W %0d %0d %h\", row_index, done_address, done_word);
`endif
";

/// Finished words and their addresses.
fn writer(program: &Program, uses: &Uses) -> String {
    let depth = program.depth();
    let last = width(u64::from(program.ram_words) - 1) - 1;
    let stage = program.fetch();
    let pooled = if uses.pool { late(stage, flag::POOLED) } else { "1'b0".to_owned() };
    let flush = if uses.lanes { late(depth, flag::FLUSH) } else { "1'b0".to_owned() };
    let plane = plane_bits(program);
    let mut text = format!(
        "reg writing = 0;\nreg [{}:0] write_plane = 0;\nreg [{last}:0] write;\nreg [{last}:0] out;\n\
         wire pooled = {pooled};\nwire begin_write = pooled || {flush};\n\
         wire pixel = pooled ? {} : {};\nwire last_plane = write_plane == out_planes;\n",
        plane - 1,
        late(stage, flag::PIXEL),
        late(depth, flag::PIXEL),
    );
    text.push_str("wire finished = writing || emit;\nreg [31:0] packed_word;\nalways @(*) case (write_plane)\n");
    for plane in 1..program.packed_planes() {
        let _ = writeln!(text, "  {plane}: packed_word = pack_{plane};");
    }
    let first = if program.packed_planes() == 0 { "32'd0" } else { "pack_0" };
    let _ = writeln!(text, "  default: packed_word = {first};\nendcase");
    text.push_str("wire [31:0] done_word = emit ? raw : packed_word;\n");
    let _ = writeln!(text, "wire [{last}:0] done_address = writing ? write : out;");
    let _ = write!(
        text,
        "always @(posedge clock) begin\n  \
         if (begin_write) writing <= 1;\n  else if (writing) writing <= !last_plane;\n  \
         if (writing) write_plane <= last_plane ? {plane}'d0 : (write_plane + {plane}'d1);\n  \
         if (begin_write) write <= out;\n  else if (writing) write <= write + out_plane;\n  \
         if ({}) out <= out_base;\n  else if (begin_write) out <= out + (pixel ? out_pixel : 1'd1);\n  \
         else if (emit) out <= out + 1'd1;\nend\n",
        late(0, flag::LOAD)
    );
    text
}

/// The write port of the activation memory: finished words first, bytes of patches otherwise; and the array's outputs.
fn store(program: &Program, uses: &Uses) -> String {
    let depth = program.depth();
    let last = width(u64::from(program.ram_words) - 1) - 1;
    let mut text = String::new();
    let stores = if uses.store { "finished && !is_send" } else { "1'b0" };
    let _ = write!(
        text,
        "wire stores = {stores};\nwire stores_byte = byte_valid && byte_ready;\n\
         assign store_bytes = stores ? 4'd15 : (stores_byte ? (4'd15 << byte_position) : 4'd0);\n\
         assign store_address = {};\n",
        if uses.store {
            format!("finished ? done_address : byte_address[{last}:0]")
        } else {
            format!("byte_address[{last}:0]")
        },
    );
    for byte in 0..4 {
        let (low, high) = (8 * byte, 8 * byte + 7);
        let own = format!("(byte_value & {{8{{byte_position == 2'd{byte}}}}})");
        let data = if uses.store { format!("finished ? done_word[{high}:{low}] : {own}") } else { own };
        let _ = writeln!(text, "assign store_data[{high}:{low}] = {data};");
    }
    text.push_str("always @(*) byte_ready = !finished;\n");
    let busy: Vec<String> =
        (1..=depth).flat_map(|stage| [late(stage, flag::DONE), late(stage, flag::POOLED)]).collect();
    let _ = writeln!(text, "always @(*) idle = !(writing || {});", busy.join(" || "));
    text.push_str("always @(*) result_valid = finished && is_send;\nalways @(*) result = done_word;\n");
    text.push_str(TRACE);
    text
}
