//! What the sequencer's Verilog declares: the layer table and the registers, as wide as the model needs.

use crate::program::{Program, Row};
use crate::text::{column, register, width};

/// What the layer table uses.
pub(super) struct Uses {
    pub words: bool,
    pub planes: bool,
    pub kernel_columns: bool,
    pub kernel_rows: bool,
    pub groups: bool,
    pub columns: bool,
    pub rows: bool,
    pub padded: bool,
    pub twice: bool,
    pub border: bool,
    pub residual: bool,
    pub patch: bool,
    pub wait: bool,
    pub raw: bool,
    pub moves: bool,
    pub steps: bool,
    pub slots: bool,
    pub shift: bool,
    pub many: bool,
    pub passes: bool,
    pub shared: bool,
    pub settles: bool,
    pub requant: bool,
    pub emits: bool,
    pub listed: bool,
}

/// Widths in bits.
pub(super) struct Widths {
    pub address: u32,
    pub weights: u32,
    pub biases: u32,
    pub rows: u32,
    pub position: u32,
    pub step: u32,
    pub slot: u32,
    pub shift: u32,
}

impl Uses {
    pub fn new(program: &Program) -> Self {
        let any = |uses: fn(&Row) -> bool| program.rows.iter().any(uses);
        Self {
            words: any(|r| r.words != 0),
            planes: any(|r| r.planes != 0 || r.twice),
            kernel_columns: any(|r| r.kernel_columns != 0),
            kernel_rows: any(|r| r.kernel_rows != 0),
            groups: any(|r| r.groups != 0),
            columns: any(|r| r.columns != 0),
            rows: any(|r| r.rows != 0),
            padded: any(|r| r.padded),
            twice: any(|r| r.twice),
            border: any(|r| r.border != 0),
            residual: any(|r| r.residual),
            patch: any(|r| r.patch),
            wait: any(|r| r.patch || r.send),
            raw: any(|r| r.raw),
            moves: any(|r| r.columns != 0 || r.rows != 0 || r.x_word != 0) || !program.group_steps.is_empty(),
            steps: any(|r| r.thresholds | r.settle | r.r_planes | r.doublings != 0 || r.raw || r.requant),
            slots: program.slots() != 1 && any(|r| !r.pool),
            shift: program.max_shift() != 0,
            many: program.rows.len() > 1,
            passes: any(|r| r.passes != 0),
            shared: any(|r| r.shared),
            settles: any(|r| r.requant || r.affine),
            requant: any(|r| r.requant),
            emits: any(|r| r.raw || r.requant),
            listed: any(|r| r.listed),
        }
    }
}

impl Widths {
    pub fn new(program: &Program) -> Self {
        let most = |of: fn(&Row) -> u32| u64::from(program.rows.iter().map(of).max().unwrap_or(0));
        let reach = most(|r| r.height.max(r.width) + 2 * (r.kernel_rows.max(r.kernel_columns) + 1));
        let steps = most(|r| r.thresholds.max(r.out_planes).max(r.r_planes).max(r.doublings).max(r.settle));
        let lanes =
            if program.rows.iter().any(|r| r.raw || r.requant) { u64::from(program.options.lanes) - 1 } else { 0 };
        Self {
            address: width(u64::from(program.ram_words) - 1),
            weights: width(u64::from(program.weight_addresses)),
            biases: width((program.biases.len() / program.lanes()) as u64),
            rows: width(program.rows.len() as u64 - 1),
            position: width(reach + most(|r| r.stride_down.max(r.stride_right))) + 1,
            step: width(steps.max(lanes)),
            slot: width(u64::from(program.slots()) - 1),
            shift: width(u64::from(program.max_shift())),
        }
    }
}

/// A column of the table: its name in Verilog and what it holds.
type Column = (&'static str, fn(&Row) -> u32);

/// Columns as wide as their largest value.
const COUNTS: [Column; 10] = [
    ("words", |r| r.words),
    ("planes", |r| r.planes),
    ("kernel_columns", |r| r.kernel_columns),
    ("kernel_rows", |r| r.kernel_rows),
    ("groups", |r| r.groups),
    ("columns", |r| r.columns),
    ("rows", |r| r.rows),
    ("thresholds", |r| r.thresholds),
    ("out_planes", |r| r.out_planes),
    ("r_planes", |r| r.r_planes),
];
/// Columns of units that few models use.
const RARE: [Column; 6] = [
    ("passes", |r| r.passes),
    ("is_shared", |r| r.shared as u32),
    ("doublings", |r| r.doublings),
    ("is_requant", |r| r.requant as u32),
    ("settle", |r| r.settle),
    ("is_listed", |r| r.listed as u32),
];
/// Columns of one bit.
const FLAGS: [Column; 10] = [
    ("is_patch", |r| r.patch as u32),
    ("is_pool", |r| r.pool as u32),
    ("is_raw", |r| r.raw as u32),
    ("is_select", |r| r.select as u32),
    ("is_send", |r| r.send as u32),
    ("is_padded", |r| r.padded as u32),
    ("is_ones", |r| r.ones as u32),
    ("is_twice", |r| r.twice as u32),
    ("is_doubling", |r| r.doubles as u32),
    ("is_residual", |r| r.residual as u32),
];
/// Activation addresses and their steps.
const ADDRESSES: [Column; 11] = [
    ("x_base", |r| r.x_base),
    ("x_other", |r| r.x_other),
    ("x_plane", |r| r.x_plane),
    ("x_tap", |r| r.x_tap),
    ("x_line", |r| r.x_line),
    ("x_word", |r| r.x_word),
    ("x_column", |r| r.x_column),
    ("x_row", |r| r.x_row),
    ("r_base", |r| r.r_base),
    ("r_plane", |r| r.r_plane),
    ("r_pixel", |r| r.r_pixel),
];
/// Positions of taps, in pixels.
const POSITIONS: [Column; 6] = [
    ("height", |r| r.height),
    ("width", |r| r.width),
    ("top", |r| 0_u32.wrapping_sub(r.top)),
    ("left", |r| 0_u32.wrapping_sub(r.left)),
    ("stride_down", |r| r.stride_down),
    ("stride_right", |r| r.stride_right),
];

/// The columns of the layer table.
pub(super) fn table(program: &Program, widths: &Widths) -> String {
    let values = |of: fn(&Row) -> u32| program.rows.iter().map(|row| u64::from(of(row))).collect::<Vec<_>>();
    let one = |name: &str, bits: u32, of: fn(&Row) -> u32| column(name, bits, "row", &values(of));
    let all = |columns: &[Column], bits: u32| columns.iter().map(|(name, of)| one(name, bits, *of)).collect::<String>();
    [
        COUNTS.iter().map(|(name, of)| one(name, count(program, *of), *of)).collect(),
        RARE.iter()
            .filter(|(_, of)| most(program, *of) != 0)
            .map(|(name, of)| one(name, count(program, *of), *of))
            .collect(),
        if most(program, |r| r.ratio) == 0 {
            String::new()
        } else {
            one("ratio", most(program, |r| r.doublings) + 1, |r| r.ratio)
        },
        // As many bits as planes can be, so that none is read past its end.
        if most(program, |r| r.border) == 0 { String::new() } else { one("border", 8, |r| r.border) },
        all(&FLAGS, 1),
        all(&ADDRESSES, widths.address),
        all(&POSITIONS, widths.position),
        one("w_base", widths.weights, |r| r.w_base),
        one("w_back", widths.weights, |r| r.w_back),
        one("b_base", widths.biases, |r| r.b_base),
        one("first_shift", widths.shift, |r| r.shift),
        one("r_shift", widths.shift, |r| r.r_shift),
        one("last_lane", width(u64::from(program.options.lanes) - 1), |r| r.last_lane),
    ]
    .concat()
}

/// The largest value of a column.
fn most(program: &Program, of: fn(&Row) -> u32) -> u32 {
    program.rows.iter().map(of).max().unwrap_or(0)
}

/// Bits that hold a count of every row.
fn count(program: &Program, of: fn(&Row) -> u32) -> u32 {
    width(u64::from(most(program, of)))
}

/// The registers.
pub(super) fn registers(program: &Program, uses: &Uses, widths: &Widths) -> String {
    let count = |of: fn(&Row) -> u32| count(program, of);
    let y = widths.position;
    let list = [
        (true, "state", if uses.shared { 4 } else { 3 }),
        (uses.many, "row", widths.rows),
        (uses.patch, "half", 1),
        (uses.shared, "summing", 1),
        (uses.passes, "pass", count(|r| r.passes)),
        (uses.words, "word", count(|r| r.words)),
        (uses.planes, "plane", count(|r| r.planes)),
        (uses.kernel_columns, "kernel_column", count(|r| r.kernel_columns)),
        (uses.kernel_rows, "kernel_row", count(|r| r.kernel_rows)),
        (uses.groups, "group", count(|r| r.groups)),
        (uses.columns, "out_column", count(|r| r.columns)),
        (uses.rows, "out_row", count(|r| r.rows)),
        (uses.slots, "slot", widths.slot),
        (uses.steps, "count", widths.step),
        (uses.shift, "shift", widths.shift),
        (true, "x_now", widths.address),
        (uses.moves, "start", widths.address),
        (true, "w_now", widths.weights),
        (true, "b_now", widths.biases),
        (uses.residual, "r_now", widths.address),
        (uses.padded, "y_row", y),
        (uses.padded, "y_column", y),
        (uses.padded, "y_row_start", y),
        (uses.padded, "y_column_start", y),
    ];
    list.into_iter().map(|(used, name, bits)| register(used, name, bits)).collect()
}
