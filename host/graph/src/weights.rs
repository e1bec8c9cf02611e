//! Real weights, the integers that they stand for, and what may be wrong with them.

use crate::limits::{MAX_EXPONENT, MAX_LEFT_SHIFT, MAX_WEIGHT_BITS, MAX_WEIGHTS};
use serde::{Deserialize, Serialize};

/// Values of one row of a basis chunk, and rows of its square basis.
const SIDE: usize = 3;

/// How real weights become the integers that are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum WeightQuantizer {
    /// `w >= 0` is +1, `w < 0` is -1 (so -0.0 is +1).
    Sign,
    /// Two integers of any sign: `w > 0` (a "one") is `ratio + 2^shift`, anything else is `ratio`.
    SparseBinary {
        /// `-2^shift <= ratio < 2^shift`.
        ratio: i32,
        /// 0 to 15.
        shift: u32,
    },
    /// -1, 0 or +1: the sign of `w`, zero for zero.
    Ternary,
    /// Values are exactly 0 or `+-2^e`, e 0 to 6.
    PowerOfTwo,
    /// `q = clamp(floor(w * 2^(bits - 1)), -2^(bits - 1), 2^(bits - 1) - 1)`, the integer is `2 q + 1`:
    /// odd, at most `2^bits - 1` in magnitude; fewer bits are the leading bits of more.
    Planes {
        /// 1 to 8.
        bits: u32,
    },
    /// Values are integers from `-2^(bits - 1)` to `2^(bits - 1) - 1`.
    Integer {
        /// 2 to 8.
        bits: u32,
    },
    /// A sparse matrix of powers of two times a 3 x 3 basis per chunk.
    ///
    /// `values` are coefficients 0 or `+-2^e` (e 0 to 6), each filter padded to a multiple of 3;
    /// a filter's rows of 3 are cut into chunks of `rows` (the last may be shorter).
    /// Weight `3 r + s` of a filter is `sum_j coefficient[r][j] * basis[j][s]` with the basis of row r's chunk.
    SmartDeal {
        /// Rows of a chunk, at least 1.
        rows: u32,
    },
}

impl WeightQuantizer {
    /// Bits, shift, ratio and rows within their ranges.
    fn check(self) -> Result<(), String> {
        match self {
            Self::SparseBinary { shift, .. } if shift > MAX_LEFT_SHIFT => {
                Err(format!("shift {shift}, allowed is 0 to {MAX_LEFT_SHIFT}"))
            }
            Self::SparseBinary { ratio, shift } if !(-(1 << shift)..1 << shift).contains(&ratio) => {
                Err(format!("ratio {ratio}, allowed is -2^{shift} to 2^{shift} - 1"))
            }
            Self::Planes { bits } if !(1..=MAX_WEIGHT_BITS).contains(&bits) => {
                Err(format!("{bits} planes, allowed are 1 to {MAX_WEIGHT_BITS}"))
            }
            Self::Integer { bits } if !(2..=8).contains(&bits) => Err(format!("{bits} bits, allowed are 2 to 8")),
            Self::SmartDeal { rows: 0 } => Err("chunks of 0 rows, needs at least 1".into()),
            _ => Ok(()),
        }
    }

    /// The grid on which a value has to lie; none if any real is good.
    fn grid(self, value: f32) -> Result<(), String> {
        match self {
            Self::PowerOfTwo | Self::SmartDeal { .. } if !is_power(value) => {
                Err(format!("is {value}, must be 0 or +-2^e with e 0 to {MAX_EXPONENT}"))
            }
            Self::Integer { bits } => {
                let top = 1i32 << (bits - 1);
                let is_in = value.fract() == 0.0 && (-top as f32..top as f32).contains(&value);
                if is_in { Ok(()) } else { Err(format!("is {value}, must be an integer of {bits} bits")) }
            }
            _ => Ok(()),
        }
    }

    /// The integer that one value stands for; for [`SmartDeal`](Self::SmartDeal) that of a coefficient.
    pub fn quantize(self, value: f32) -> i32 {
        match self {
            Self::Sign => 1 - 2 * i32::from(value < 0.0),
            Self::SparseBinary { ratio, shift } => ratio + (i32::from(value > 0.0) << shift),
            Self::Ternary => i32::from(value > 0.0) - i32::from(value < 0.0),
            Self::Planes { bits } => {
                let top = (1i32 << (bits - 1)) as f32;
                2 * (value * top).floor().clamp(-top, top - 1.0) as i32 + 1
            }
            Self::PowerOfTwo | Self::Integer { .. } | Self::SmartDeal { .. } => value as i32,
        }
    }
}

/// Whether the value is 0 or plus or minus a power of two within the allowed exponents.
fn is_power(value: f32) -> bool {
    let size = value.abs();
    size == 0.0 || (0..=MAX_EXPONENT).any(|e| size == (1u32 << e) as f32)
}

/// Real weights and the way to quantise them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Weights {
    /// Finite values in the order of `shape`, last index fastest.
    pub values: Vec<f32>,
    /// Output channels, kernel height, kernel width, input channels of one group.
    /// Dense layers use `[outputs, 1, 1, features]`, features in NHWC order of their input.
    pub shape: [u32; 4],
    /// How they are quantised.
    pub quantizer: WeightQuantizer,
    /// For [`WeightQuantizer::SmartDeal`] nine integers from -128 to 127 a chunk, row-major, chunks of a filter
    /// together; else empty.
    pub basis: Vec<f32>,
}

impl Weights {
    /// Weights without a basis.
    pub fn new(values: Vec<f32>, shape: [u32; 4], quantizer: WeightQuantizer) -> Self {
        Self { values, shape, quantizer, basis: Vec::new() }
    }

    /// Inputs of one output.
    pub fn fan_in(&self) -> usize {
        self.shape[1..].iter().map(|&size| size as usize).product()
    }

    /// Values of one filter: [`fan_in`](Self::fan_in), or that rounded up to rows of 3.
    fn row_values(&self) -> usize {
        match self.quantizer {
            WeightQuantizer::SmartDeal { .. } => self.fan_in().next_multiple_of(SIDE),
            _ => self.fan_in(),
        }
    }

    /// The integer matrix, outputs x fan_in, in the order of `shape`.
    ///
    /// # Panics
    /// If the sizes do not fit each other or the quantiser's numbers are out of range; see [`Graph::check`](crate::Graph::check).
    pub fn quantized(&self) -> Vec<i32> {
        match self.quantizer {
            WeightQuantizer::SmartDeal { rows } => self.rebuilt(rows as usize),
            quantizer => self.values.iter().map(|&value| quantizer.quantize(value)).collect(),
        }
    }

    /// Coefficients times basis.
    fn rebuilt(&self, rows: usize) -> Vec<i32> {
        let (fan_in, width) = (self.fan_in(), self.row_values());
        let chunks = (width / SIDE).div_ceil(rows);
        let mut result = Vec::with_capacity(fan_in * self.shape[0] as usize);
        for (filter, values) in self.values.chunks_exact(width).enumerate() {
            for index in 0..fan_in {
                let (row, column) = (index / SIDE, index % SIDE);
                let basis = &self.basis[(filter * chunks + row / rows) * SIDE * SIDE..];
                let term = |j: usize| values[row * SIDE + j] as i32 * basis[j * SIDE + column] as i32;
                result.push((0..SIDE).map(term).sum());
            }
        }
        result
    }

    /// Every check; gives the largest sum of magnitudes of one filter.
    pub(crate) fn check(&self) -> Result<u64, String> {
        self.quantizer.check()?;
        self.check_sizes()?;
        check_finite("weight", &self.values)?;
        for (at, &value) in self.values.iter().enumerate() {
            self.quantizer.grid(value).map_err(|problem| format!("weight {at} {problem}"))?;
        }
        self.check_basis()?;
        let integers = self.quantized();
        let sums =
            integers.chunks_exact(self.fan_in()).map(|row| row.iter().map(|w| u64::from(w.unsigned_abs())).sum());
        let sums: Vec<u64> = sums.collect();
        if let Some(channel) = sums.iter().position(|&sum| sum == 0).filter(|_| self.may_not_be_dead()) {
            return Err(format!("every weight of output channel {channel} is zero; remove the channel"));
        }
        Ok(sums.into_iter().max().unwrap_or(0))
    }

    /// Whether a filter of zeros is an error.
    fn may_not_be_dead(&self) -> bool {
        use WeightQuantizer::{PowerOfTwo, SmartDeal, Ternary};
        matches!(self.quantizer, Ternary | PowerOfTwo | SmartDeal { .. })
    }

    fn check_sizes(&self) -> Result<(), String> {
        let product = self
            .shape
            .iter()
            .try_fold(1u64, |product, &size| product.checked_mul(u64::from(size)).filter(|&n| n <= MAX_WEIGHTS));
        match product {
            None => return Err(format!("weights {:?} exceed {MAX_WEIGHTS} values", self.shape)),
            Some(0) => return Err(format!("weights {:?} have a zero size", self.shape)),
            Some(_) => {}
        }
        let count = self.row_values() * self.shape[0] as usize;
        if count != self.values.len() {
            let found = self.values.len();
            return Err(format!("has {found} weights, {:?} needs {count}", self.shape));
        }
        Ok(())
    }

    /// Length and range of the basis; a chunk that is used must not be zero.
    fn check_basis(&self) -> Result<(), String> {
        let WeightQuantizer::SmartDeal { rows } = self.quantizer else {
            let has_basis = !self.basis.is_empty();
            return if has_basis { Err("has a basis, only SmartDeal weights have one".into()) } else { Ok(()) };
        };
        let chunks = (self.row_values() / SIDE).div_ceil(rows as usize);
        let (found, need) = (self.basis.len(), chunks * self.shape[0] as usize * SIDE * SIDE);
        if found != need {
            return Err(format!("has {found} basis values, needs {need}: 9 for each of {chunks} chunks a filter"));
        }
        let is_byte = |value: &f32| value.fract() == 0.0 && (-128.0..128.0).contains(value);
        if let Some(at) = self.basis.iter().position(|value| !is_byte(value)) {
            return Err(format!("basis value {at} is {}, must be an integer from -128 to 127", self.basis[at]));
        }
        let filters = self.values.chunks_exact(self.row_values());
        for (channel, (values, basis)) in filters.zip(self.basis.chunks_exact(chunks * SIDE * SIDE)).enumerate() {
            let chunks = values.chunks(rows as usize * SIDE).zip(basis.chunks_exact(SIDE * SIDE));
            for (chunk, (values, basis)) in chunks.enumerate() {
                if basis.iter().all(|&b| b == 0.0) && values.iter().any(|&v| v != 0.0) {
                    return Err(format!("the basis of output channel {channel}, chunk {chunk} is all zero"));
                }
            }
        }
        Ok(())
    }
}

/// Whether all of `values` are numbers; `name` is what they are called in the error.
pub(crate) fn check_finite(name: &str, values: &[f32]) -> Result<(), String> {
    match values.iter().position(|value| !value.is_finite()) {
        Some(at) => Err(format!("{name} {at} is {}, must be finite", values[at])),
        None => Ok(()),
    }
}
