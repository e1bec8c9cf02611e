//! The integer units in which the lanes count, and the biases that turn counts into decisions.
//!
//! A lane only adds up `popcount(x ^ v) << shift` with `v` the inverted weights (NUMERICS.md, 3.4 and 3.6).
//! That sum `I` relates to the accumulator by `acc = unit * I + offset(channel)`;
//! `acc >= t` becomes `I + floor((offset - t) / unit) >= 0`, the sign bit.

use bitfab_format::{Kind, Layer, Op, Transform, Weights};

/// How a layer's counts relate to its accumulators.
#[derive(Clone, Debug)]
pub(crate) struct Units {
    /// What one count is worth: 2 between signs, else 1.
    pub unit: i64,
    /// Left shift of the first plane of the window.
    pub shift: u32,
    /// Left shift of the first plane of the residual.
    pub r_shift: u32,
    /// Largest possible count.
    pub span: i64,
}

impl Units {
    pub fn new(layer: &Layer<'_>) -> Self {
        let is_sign = layer.input.kind == Kind::Sign;
        let fine_residual = layer.residual.is_some_and(|r| r.tensor.kind != Kind::Sign && r.shift == 0);
        let halves = is_sign && !(layer.op.is_weighted() && layer.needs_mask()) && !fine_residual;
        let unit = if halves { 2 } else { 1 };
        let (low, high) = layer.input.kind.range();
        let scale = i64::from(high) - i64::from(low);
        let window = if is_sign { 2 / unit * i64::from(layer.fan_in()) } else { scale * i64::from(layer.fan_in()) };
        let (r_shift, r_span) = match layer.residual {
            None => (0, 0),
            Some(r) if r.tensor.kind == Kind::Sign => {
                let shift = r.shift + u32::from(!halves);
                (shift, 1_i64 << shift)
            }
            Some(r) => {
                let shift = r.shift - u32::from(halves);
                (shift, i64::from(r.tensor.kind.range().1) << shift)
            }
        };
        Self { unit, shift: u32::from(is_sign && !halves), r_shift, span: window + r_span }
    }

    /// `acc - unit * I` for a channel with `negative` weights of -1.
    pub fn offset(&self, layer: &Layer<'_>, negative: u32) -> i64 {
        let (fan_in, negative) = (i64::from(layer.fan_in()), i64::from(negative));
        let window = match (layer.op, layer.input.kind) {
            (_, Kind::Sign) => -fan_in,
            (Op::Dense | Op::Conv2d, Kind::I8) => -255 * negative - 128 * (fan_in - 2 * negative),
            (Op::Dense | Op::Conv2d, kind) => -i64::from(kind.range().1) * negative,
            _ => 0,
        };
        let residual = match layer.residual {
            Some(r) if r.tensor.kind == Kind::Sign => -(1_i64 << r.shift),
            _ => 0,
        };
        window + residual
    }
}

/// What the lanes do with one output channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Channel {
    /// Whether the weights are negated, so that `acc <= t` becomes `acc >= -t`.
    pub negate: bool,
    /// Whether the count of thresholds is complemented (a direction that weights cannot take).
    pub flip: bool,
    /// What is added before each look at the sign bit; the first includes the offset.
    pub biases: Vec<i64>,
    /// Smallest and largest value of the lane when the sign bit is looked at or sent.
    pub range: (i64, i64),
}

impl Channel {
    /// The channel that always yields 0: lanes past the last channel.
    pub fn none(units: &Units, thresholds: usize) -> Self {
        let low = -(units.span + 1);
        let mut biases = vec![0; thresholds];
        biases[0] = low;
        Self { negate: false, flip: false, biases, range: (low, -1) }
    }

    /// Output channel `o` of `layer`.
    pub fn new(layer: &Layer<'_>, units: &Units, o: u32) -> Self {
        let negative = negatives(layer, o);
        let Transform::Thresholds { per_channel, values, directions } = layer.transform else {
            let bias = units.offset(layer, negative).div_euclid(units.unit);
            return Self { negate: false, flip: false, biases: vec![bias], range: (bias, bias + units.span) };
        };
        let start = (o * per_channel) as usize;
        let thresholds = &values[start..start + per_channel as usize];
        let down = directions[(o / 32) as usize] >> (o % 32) & 1 == 1;
        let negate = down && layer.op.is_weighted() && layer.residual.is_none();
        let (low, high) = (i64::from(layer.bound.low), i64::from(layer.bound.high));
        let clamp = |t: i64| t.clamp(low, high + 1);
        let thresholds: Vec<i64> = match (down, negate) {
            (true, true) => thresholds.iter().rev().map(|&t| (-i64::from(t)).clamp(-high, 1 - low)).collect(),
            (true, false) => thresholds.iter().map(|&t| clamp(i64::from(t) + 1)).collect(),
            _ => thresholds.iter().map(|&t| clamp(i64::from(t))).collect(),
        };
        let negative = if negate { layer.fan_in() - negative } else { negative };
        let offset = units.offset(layer, negative);
        let levels: Vec<i64> = thresholds.iter().map(|t| (offset - t).div_euclid(units.unit)).collect();
        let steps = levels.windows(2).map(|pair| pair[1] - pair[0]);
        let biases: Vec<i64> = levels.iter().take(1).copied().chain(steps).collect();
        let least = levels.last().copied().unwrap_or(0);
        let most = levels.first().copied().unwrap_or(0) + units.span;
        Self { negate, flip: down && !negate, biases, range: (least, most) }
    }
}

/// Weights of -1 of output channel `o`.
fn negatives(layer: &Layer<'_>, o: u32) -> u32 {
    match layer.weights {
        Weights::None => 0,
        Weights::Binary(rows) => {
            let words = layer.row_words() as usize;
            let row = &rows[o as usize * words..(o as usize + 1) * words];
            layer.fan_in() - row.iter().map(|word| word.count_ones()).sum::<u32>()
        }
    }
}
