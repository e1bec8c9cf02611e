//! The graph evaluated without rounding: integers as they are, reals as rationals with a bracketed root.
//!
//! A second way to the same truth: the compiler squares, this brackets the square root to 2^-300.

use bitfab_graph::{Graph, Op, PadValue, Tensor, Weights, Window};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{Signed, Zero};

/// The values of one tensor.
#[derive(Clone, Debug)]
pub enum Values {
    /// Bytes, signs, levels, accumulators.
    Integers(Vec<i64>),
    /// Reals.
    Reals(Vec<Real>),
}

/// `a + b * root`, the root of a rational between two rationals that are equal if it is rational itself.
#[derive(Clone, Debug)]
pub struct Real {
    a: BigRational,
    b: BigRational,
    root: [BigRational; 2],
}

fn exact(value: f32) -> BigRational {
    BigRational::from_float(value).expect("finite")
}

fn int(value: i64) -> BigRational {
    BigRational::from_integer(BigInt::from(value))
}

impl Real {
    fn from_int(value: i64) -> Self {
        Self { a: int(value), b: BigRational::zero(), root: [BigRational::zero(), BigRational::zero()] }
    }

    pub fn scale(&self, factor: &BigRational) -> Self {
        Self { a: &self.a * factor, b: &self.b * factor, root: self.root.clone() }
    }

    /// Whether it is at least `step`.
    pub fn reaches(&self, step: &BigRational) -> bool {
        let a = &self.a - step;
        if self.b.is_zero() {
            return !a.is_negative();
        }
        let [one, two] = [&self.root[0], &self.root[1]].map(|root| (&a + &self.b * root).is_negative());
        assert_eq!(one, two, "300 bits do not decide");
        !one
    }
}

/// Two neighbours of `sqrt(v)`, equal if it is rational.
fn bracket(v: &BigRational) -> [BigRational; 2] {
    // sqrt(n / d) = sqrt(n * d) / d, and the root of n * d * 4^300 lies between two neighbouring integers.
    let scaled: BigInt = (v.numer() * v.denom()) << 600usize;
    let low = scaled.sqrt();
    let high = if &low * &low == scaled { low.clone() } else { &low + 1 };
    [low, high].map(|root| BigRational::new(root, v.denom() << 300usize))
}

/// Every tensor of `graph` on `input`.
pub fn evaluate(graph: &Graph, tensors: &[Tensor], input: &[i64]) -> Vec<Values> {
    let mut all = vec![Values::Integers(input.to_vec())];
    for node in &graph.nodes {
        let from = node.inputs[0];
        let next = match (&node.op, &all[from]) {
            (Op::Scale { factors }, values) => {
                let channels = tensors[from].shape.channels as usize;
                let factor = |i: usize| exact(factors[(i % channels).min(factors.len() - 1)]);
                Values::Reals(reals(values).iter().enumerate().map(|(i, x)| x.scale(&factor(i))).collect())
            }
            (Op::Affine { .. }, values) => affine(&node.op, tensors[from], values),
            (Op::BatchNorm { .. }, values) => batch_norm(&node.op, values),
            (Op::Sign, values) => step(values, &[BigRational::zero()], |n| 2 * n - 1),
            (Op::Steps { thresholds, descends, bits }, Values::Integers(values)) => {
                let each = thresholds.len() / descends.len();
                let count = |(at, &acc): (usize, &i64)| {
                    let channel = at % descends.len();
                    let of = &thresholds[channel * each..][..each];
                    let is_reached =
                        |&&t: &&i32| if descends[channel] { acc <= i64::from(t) } else { acc >= i64::from(t) };
                    of.iter().filter(is_reached).count() as i64
                };
                let levels = values.iter().enumerate().map(count);
                Values::Integers(if bits.is_none() { levels.map(|y| 2 * y - 1).collect() } else { levels.collect() })
            }
            (Op::Quantize { bits, step: size }, values) => {
                let half = BigRational::new(1.into(), 2.into());
                let steps: Vec<_> = (1..1 << bits).map(|i| (int(i) - &half) * exact(*size)).collect();
                step(values, &steps, |n| n)
            }
            (op, Values::Integers(values)) => Values::Integers(integers(op, tensors[from], values, node, &all)),
            _ => panic!("integers expected"),
        };
        all.push(next);
    }
    all
}

/// A line of 64-bit floats a channel.
fn affine(op: &Op, input: Tensor, values: &Values) -> Values {
    let Op::Affine { multiplier, offset } = op else { panic!("an affine") };
    let channel = |i: usize| (i % input.shape.channels as usize).min(multiplier.len() - 1);
    let number = |value: f64| BigRational::from_float(value).expect("finite");
    let line = |(i, x): (usize, &Real)| {
        let scaled = x.scale(&number(multiplier[channel(i)]));
        Real { a: &scaled.a + number(offset[channel(i)]), ..scaled }
    };
    Values::Reals(reals(values).iter().enumerate().map(line).collect())
}

fn reals(values: &Values) -> Vec<Real> {
    match values {
        Values::Integers(values) => values.iter().map(|&x| Real::from_int(x)).collect(),
        Values::Reals(values) => values.clone(),
    }
}

/// `gamma (x - mean) / s + beta` with `1 / s = sqrt(1 / v)`: rational part beta, root part gamma (x - mean).
fn batch_norm(op: &Op, values: &Values) -> Values {
    let Op::BatchNorm { gamma, beta, mean, variance, epsilon } = op else { panic!("a batch norm") };
    let roots: Vec<_> = variance.iter().map(|&v| bracket(&(exact(v) + exact(*epsilon)).recip())).collect();
    let one = |(i, x): (usize, &Real)| {
        let c = i % gamma.len();
        assert!(x.b.is_zero(), "one root at a time");
        Real { a: exact(beta[c]), b: exact(gamma[c]) * (&x.a - exact(mean[c])), root: roots[c].clone() }
    };
    Values::Reals(reals(values).iter().enumerate().map(one).collect())
}

fn step(values: &Values, steps: &[BigRational], output: impl Fn(i64) -> i64) -> Values {
    let count = |x: &Real| steps.iter().filter(|step| x.reaches(step)).count() as i64;
    Values::Integers(reals(values).iter().map(|x| output(count(x))).collect())
}

fn integers(op: &Op, input: Tensor, x: &[i64], node: &bitfab_graph::Node, all: &[Values]) -> Vec<i64> {
    match op {
        Op::Encode { thresholds, per_channel } => {
            let n = *per_channel as usize;
            let channels = input.shape.channels as usize;
            let codes = x.iter().enumerate().flat_map(|(i, &x)| {
                thresholds[i % channels * n..][..n].iter().map(move |&t| if x >= i64::from(t) { 1 } else { -1 })
            });
            codes.collect()
        }
        Op::Dense { weights } => {
            let w: Vec<i64> = weights.quantized().into_iter().map(i64::from).collect();
            w.chunks(x.len()).map(|row| row.iter().zip(x).map(|(w, x)| w * x).sum()).collect()
        }
        Op::Conv2d { weights, window, groups } => conv2d(input, x, weights, window, *groups as usize),
        Op::MaxPool { window } => pool(input, x, window, |inside| inside.into_iter().max().expect("a tap inside")),
        Op::SumPool { window } => pool(input, x, window, |inside| inside.into_iter().sum()),
        Op::Add { shift } => {
            let Values::Integers(other) = &all[node.inputs[1]] else { panic!("integers expected") };
            x.iter().zip(other).map(|(x, y)| x + (y << shift)).collect()
        }
        _ => panic!("not an integer operation"),
    }
}

/// Value of `channel` at a padded place.
fn at(input: Tensor, x: &[i64], window: &Window, [row, column]: [usize; 2], channel: usize) -> Option<i64> {
    let row = row.checked_sub(window.padding[0] as usize).filter(|&row| row < input.shape.height as usize)?;
    let column = column.checked_sub(window.padding[1] as usize).filter(|&c| c < input.shape.width as usize)?;
    Some(x[(row * input.shape.width as usize + column) * input.shape.channels as usize + channel])
}

fn places(input: Tensor, window: &Window) -> Vec<[usize; 2]> {
    let [height, width] = window.output(input.shape).expect("fits");
    let [down, right] = window.stride.map(|s| s as usize);
    (0..height as usize).flat_map(|r| (0..width as usize).map(move |c| [r * down, c * right])).collect()
}

fn conv2d(input: Tensor, x: &[i64], weights: &Weights, window: &Window, groups: usize) -> Vec<i64> {
    let w: Vec<i64> = weights.quantized().into_iter().map(i64::from).collect();
    let [outputs, height, width, depth] = weights.shape.map(|n| n as usize);
    let outside = match window.pad_value {
        PadValue::Zero => 0,
        PadValue::MinusOne => -1,
        PadValue::PlusOne => 1,
        PadValue::Level(level) => i64::from(level),
    };
    let mut out = Vec::new();
    for [row, column] in places(input, window) {
        for o in 0..outputs {
            let first = o / (outputs / groups) * depth;
            let mut acc = 0;
            for (i, w) in w[o * height * width * depth..][..height * width * depth].iter().enumerate() {
                let (tap, channel) = (i / depth, first + i % depth);
                let place = [row + tap / width, column + tap % width];
                acc += w * at(input, x, window, place, channel).unwrap_or(outside);
            }
            out.push(acc);
        }
    }
    out
}

fn pool(input: Tensor, x: &[i64], window: &Window, fold: impl Fn(Vec<i64>) -> i64) -> Vec<i64> {
    let [height, width] = window.kernel.map(|k| k as usize);
    let mut out = Vec::new();
    for [row, column] in places(input, window) {
        for channel in 0..input.shape.channels as usize {
            let taps = (0..height * width).map(|tap| [row + tap / width, column + tap % width]);
            out.push(fold(taps.filter_map(|place| at(input, x, window, place, channel)).collect()));
        }
    }
    out
}
