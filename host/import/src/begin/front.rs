//! What a source does with real values before the device's bytes: a line and a quantiser, which become codings.

use std::collections::{BTreeMap, BTreeSet};

use bitfab_graph::{Coding, Interface};

use super::quantiser::{Path, Quantiser};
use crate::input::InputMap;
use crate::layout::input_layout;
use crate::{Array, ImportError, Source, SourceNode, execute};

/// How far a value may lie off a line, as part of the largest: the executor computes in 64 bits.
const OFF: f64 = 1e-9;
/// How far a coding may lie off its line, in bytes: far less than a byte, so that no value gets more than a neighbour.
const MOST_OFF: f64 = 0.25;
/// The most codings of a model file.
const MAX_CODINGS: usize = u16::MAX as usize;

/// The nodes before the bytes, and the codings that stand for them.
#[derive(Clone, Debug)]
pub(crate) struct Front {
    /// The nodes up to the quantiser.
    part: Source,
    /// What the quantiser reads, and what it yields.
    before: String,
    after: String,
    /// The quantiser is none of the file's, but was put there for the device.
    is_ours: bool,
    /// Sizes of the input, and for each of its elements the place in a row.
    dims: Vec<usize>,
    places: Vec<u32>,
    /// For each element of what the quantiser yields its byte.
    bytes: Vec<u32>,
    quantiser: Quantiser,
    /// None of several are equal: one for all, one a channel or one a value.
    pub codings: Vec<Coding>,
    /// How far codings may lie off their lines, in bytes: the share of values that may get a neighbouring byte.
    pub off: f64,
}

/// Why no codings stand for a front.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Unfit {
    /// What the nodes do is none of a coding's lines.
    Nodes(String),
    /// Its steps and its values are too far apart for a coding's fixed-point numbers.
    Steps(String),
}

impl Unfit {
    fn no_line() -> Self {
        Self::Nodes("it is no rising line of the values".into())
    }
}

impl std::fmt::Display for Unfit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (Self::Nodes(why) | Self::Steps(why)) = self;
        f.write_str(why)
    }
}

/// A line an element: what it is worth is `gain * x[from] + offset`.
struct Line {
    gain: f64,
    offset: f64,
    from: usize,
}

impl Front {
    /// The front up to the quantiser at the end of `path`, of which `cut` is the rest; `is_ours` if it was put there.
    ///
    /// # Errors
    /// Why no codings stand for it.
    pub(super) fn new(source: &Source, path: &Path, cut: &Source, is_ours: bool) -> Result<Self, Unfit> {
        let (Some(&last), Some(quantiser)) = (path.nodes.last(), path.quantiser) else {
            return Err(Unfit::Nodes("there is no quantiser".into()));
        };
        let half = half(&source.nodes[last])?;
        let layout =
            |source: &Source| input_layout(source, &source.inputs[0]).map_err(|error| Unfit::Nodes(error.to_string()));
        let (own, rest) = (layout(source)?, layout(cut)?);
        let mut front = Self {
            part: part(source, &path.nodes, last),
            before: source.nodes[last].inputs[0].clone(),
            after: source.nodes[last].outputs[0].clone(),
            is_ours,
            dims: own.dims.to_vec(),
            places: own.places.to_vec(),
            bytes: rest.places.to_vec(),
            quantiser,
            codings: Vec::new(),
            off: 0.0,
        };
        let lines = front.lines()?;
        let mut codings = vec![None; lines.len()];
        for (line, &byte) in lines.iter().zip(&front.bytes) {
            if front.places[line.from] != byte {
                return Err(Unfit::Nodes("a row would have another order behind it than the bytes have".into()));
            }
            let Quantiser { step, zero, range, .. } = quantiser;
            let coding = coding(line.gain / step, line.offset / step + zero as f64 + half, zero, range);
            let (coding, off) = coding.map_err(Unfit::Steps)?;
            front.off = front.off.max(off);
            codings[byte as usize] = Some(coding);
        }
        let codings: Option<Vec<Coding>> = codings.into_iter().collect();
        front.codings =
            shortest(codings.ok_or_else(Unfit::no_line)?, rest.shape.channels as usize).map_err(Unfit::Steps)?;
        Ok(front)
    }

    /// How bytes stand for what the rest of the source is given.
    pub fn map(&self) -> InputMap {
        self.quantiser.results()
    }

    /// What the graph says of it.
    pub fn interface(&self) -> Interface {
        let (low, high) = self.quantiser.range;
        Interface { codings: self.codings.clone(), limits: Some([low as i16, high as i16]), ..Interface::default() }
    }

    /// What the rest of the source is given for a row of real values: as the file's own arithmetic has it.
    ///
    /// # Errors
    /// The node that cannot be computed.
    ///
    /// # Panics
    /// If the row is shorter than the input.
    pub fn given(&self, row: &[f32]) -> Result<Array, ImportError> {
        let mut tensors = self.run(row)?;
        let name = if self.is_ours { &self.before } else { &self.after };
        Ok(tensors.remove(name).unwrap_or_else(|| Array::new([0], Vec::new())))
    }

    /// The integers that the file's own quantiser gives for a row of real values, in the order of the bytes.
    ///
    /// # Errors
    /// As [`given`](Self::given).
    ///
    /// # Panics
    /// As [`given`](Self::given).
    pub fn integers(&self, row: &[f32]) -> Result<Vec<i64>, ImportError> {
        let tensors = self.run(row)?;
        let map = self.map();
        let mut integers = vec![0; self.bytes.len()];
        for (value, &byte) in tensors[&self.after].values.iter().zip(&self.bytes) {
            integers[byte as usize] = (value / map.multiplier).round() as i64 + map.zero;
        }
        Ok(integers)
    }

    fn run(&self, row: &[f32]) -> Result<BTreeMap<String, Array>, ImportError> {
        self.run_on(self.places.iter().map(|&place| f64::from(row[place as usize])).collect())
    }

    fn run_on(&self, values: Vec<f64>) -> Result<BTreeMap<String, Array>, ImportError> {
        let input = self.part.inputs[0].name.clone();
        execute::run(&self.part, &BTreeMap::from([(input, Array::new(self.dims.clone(), values))]))
    }

    /// The line of every element that the quantiser reads.
    fn lines(&self) -> Result<Vec<Line>, Unfit> {
        let count = self.places.len();
        let zeros = self.at(|_| 0.0)?;
        if zeros.len() != count || self.bytes.len() != count {
            return Err(Unfit::Nodes(format!("{} values come of {count}", zeros.len())));
        }
        // Each element's number shows where it went, and fractions whether whole numbers alone go through.
        let (gains, largest) = self.gains(&zeros)?;
        let numbers = self.at(|element| (element + 1) as f64 * largest)?;
        let spread = |element: usize| ((element * 7919 + 1) % 1009) as f64 / 8.0 - 63.0;
        let (probe, far) = (self.at(spread)?, self.at(|element| spread(element) * largest)?);
        let mut lines = Vec::with_capacity(count);
        for element in 0..count {
            let (gain, offset) = (gains[element], zeros[element]);
            let from = ((numbers[element] - offset) / (gain * largest)).round() - 1.0;
            let is_place = (0.0..count as f64).contains(&from);
            let from = if is_place { from as usize } else { 0 };
            let holds = |x: f64, found: f64| {
                (gain * x + offset - found).abs() <= OFF * ((gain * x).abs() + gain + offset.abs())
            };
            let is_line = gain > 0.0
                && holds((from + 1) as f64 * largest, numbers[element])
                && holds(spread(from), probe[element])
                && holds(spread(from) * largest, far[element]);
            lines.push(if is_line { Line { gain, offset, from } } else { return Err(Unfit::no_line()) });
        }
        Ok(lines)
    }

    /// What the quantiser reads where each element of the input has a value.
    fn at(&self, value: impl Fn(usize) -> f64) -> Result<Vec<f64>, Unfit> {
        let values = (0..self.places.len()).map(value).collect();
        let tensors = self.run_on(values).map_err(|error| Unfit::Nodes(error.to_string()))?;
        Ok(tensors.get(&self.before).map_or_else(Vec::new, |array| array.values.clone()))
    }

    /// What a unit of the input adds to each element, and a number beside which all offsets are small: it is taken over
    /// a distance at which the offset takes no digits away. `zeros` are the values at zero.
    fn gains(&self, zeros: &[f64]) -> Result<(Vec<f64>, f64), Unfit> {
        let mut gains = vec![None; zeros.len()];
        // Numbers of 32 bits go to 2^128.
        for exponent in (0..=120).step_by(8) {
            let distance = 2f64.powi(exponent);
            let (below, above) = (self.at(|_| -distance)?, self.at(|_| distance)?);
            for (gain, ((below, above), zero)) in gains.iter_mut().zip(below.iter().zip(&above).zip(zeros)) {
                let rise = above - below;
                if gain.is_none() && rise.abs() >= zero.abs() {
                    *gain = Some(rise / (2.0 * distance));
                }
            }
            if let Some(gains) = gains.iter().copied().collect() {
                return Ok((gains, distance));
            }
        }
        Err(Unfit::no_line())
    }
}

/// What is added before halves are rounded up, so that they are rounded as the quantiser does it.
fn half(quantiser: &SourceNode) -> Result<f64, Unfit> {
    match quantiser.text("rounding_mode").unwrap_or("ROUND").to_ascii_uppercase().as_str() {
        "ROUND" | "HALF_EVEN" | "HALF_UP" | "HALF_DOWN" => Ok(0.0),
        "FLOOR" => Ok(-0.5),
        other => {
            let known = "ROUND, HALF_EVEN, HALF_UP, HALF_DOWN and FLOOR";
            Err(Unfit::Nodes(format!("it rounds by {other}; known are {known}")))
        }
    }
}

/// The coding whose byte is `slope * x + start`, rounded, and how far it may lie off that line, in bytes; `zero` is its
/// base, within `range`.
fn coding(slope: f64, start: f64, zero: i64, (low, high): (i64, i64)) -> Result<(Coding, f64), String> {
    let at = |byte: f64| (byte - start) / slope;
    let (lowest, highest) = (at(low as f64 - 1.0), at(high as f64 + 1.0));
    let base = zero.clamp(low, high);
    let value = at(base as f64);
    let most = lowest.abs().max(highest.abs());
    let coding = Coding::through(value, base as i16, slope, most)?;
    let scale = 2f64.powi(coding.fraction.into());
    let bytes_a_step = slope / scale;
    // The base is rounded to a fixed-point number, and so are values, unless those of 32 bits are among them.
    let base_off = (value * scale - f64::from(coding.zero)).abs() * bytes_a_step;
    let least = if lowest <= 0.0 && highest >= 0.0 { 0.0 } else { lowest.abs().min(highest.abs()) };
    let is_exact = f64::from((least / 2.0) as f32) * f64::from(f32::EPSILON) * scale >= 1.0;
    let off = base_off + if is_exact { 0.0 } else { bytes_a_step / 2.0 };
    if off > MOST_OFF {
        return Err(format!("steps of {:e} are too fine beside values of up to {most:e}", 1.0 / slope));
    }
    Ok((coding, off))
}

/// One coding for all, or one a channel, where that says the same.
fn shortest(mut codings: Vec<Coding>, channels: usize) -> Result<Vec<Coding>, String> {
    let repeats = |every: usize| codings.iter().zip(codings.iter().skip(every)).all(|(a, b)| a == b);
    let length = [1, channels].into_iter().find(|&every| repeats(every)).unwrap_or(codings.len());
    codings.truncate(length);
    if length > MAX_CODINGS {
        return Err(format!("it needs {length} codings, {MAX_CODINGS} are the most"));
    }
    Ok(codings)
}

/// The nodes of a path up to `last` and those whose results they read.
fn part(source: &Source, path: &[usize], last: usize) -> Source {
    let mut wanted: BTreeSet<&String> = source.nodes[last].inputs.iter().collect();
    let mut nodes = vec![source.nodes[last].clone()];
    for index in (0..last).rev() {
        let node = &source.nodes[index];
        if path.contains(&index) || node.outputs.iter().any(|output| wanted.contains(output)) {
            wanted.extend(&node.inputs);
            nodes.push(node.clone());
        }
    }
    nodes.reverse();
    let constants = source.constants.iter().filter(|(name, _)| wanted.contains(name));
    Source {
        inputs: source.inputs.clone(),
        outputs: source.nodes[last].outputs.clone(),
        nodes,
        constants: constants.map(|(name, array)| (name.clone(), array.clone())).collect(),
        channels: source.channels,
        opset: source.opset,
        types: source.types.clone(),
        annotations: BTreeMap::new(),
        worth: BTreeMap::new(),
    }
}
