//! Random valid models for tests of every engine: a seed in, a [`Draft`] out.
//!
//! Shapes are small enough for the slowest simulator, yet reach odd channels, uneven padding, every group layout,
//! several pieces of a window and every transform.

use alloc::string::String;
use alloc::vec::Vec;

mod interface;
mod scores;
mod transform;
mod weights;
mod windows;

pub use interface::interface;
pub use scores::scored;

use crate::{
    Draft, DraftLayer, DraftTensor, DraftWeights, Kind, Layer, Model, Op, PadValue, Region, Residual, Shape, Tensor,
    Transform, WeightKind, Weights, Window,
};

/// A small seeded generator of numbers (SplitMix64); the same on every machine and for ever.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The sequence of `seed`.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 random bits.
    pub const fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A random word.
    pub const fn word(&mut self) -> u32 {
        (self.bits() >> 32) as u32
    }

    /// A number of `low..=high`.
    pub const fn between(&mut self, low: i32, high: i32) -> i32 {
        let span = (high as i64 - low as i64 + 1) as u64;
        (low as i64 + (self.bits() % span) as i64) as i32
    }

    /// True once in `n` times.
    pub const fn once_in(&mut self, n: u32) -> bool {
        self.word().is_multiple_of(n)
    }

    /// One of `choices`, which must not be empty.
    pub const fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[(self.bits() % choices.len() as u64) as usize]
    }

    /// A number of `low..=high` as a size.
    const fn size(&mut self, low: u32, high: u32) -> u32 {
        self.between(low as i32, high as i32) as u32
    }
}

/// A random model whose *last* layer does `op`; layers before it only make its input and its residual.
///
/// The input of the last layer is the model's input, or a tensor that one layer made of it.
pub fn draft(op: Op, random: &mut Random) -> Draft {
    draft_of(op, None, random)
}

/// As [`draft`], with weights of `kind` alone, if one is given.
pub fn draft_of(op: Op, kind: Option<WeightKind>, random: &mut Random) -> Draft {
    let mut builder = Builder::new(op, random);
    builder.kind = kind;
    let takes_bytes = matches!(op, Op::Encode) || (matches!(op, Op::Dense | Op::Conv2d) && random.once_in(4));
    let input = if takes_bytes { 0 } else { builder.packed_input(random) };
    builder.layer(op, input, true, random);
    builder.finish()
}

/// A random chain of `depth` or a few more layers, with residuals; every tensor has its own place in the arena.
pub fn chain(depth: u32, random: &mut Random) -> Draft {
    let mut builder = Builder::new(Op::Conv2d, random);
    let mut last = if random.once_in(2) { builder.packed_input(random) } else { 0 };
    for left in (0..depth).rev() {
        let ops: &[Op] = match builder.tensor(last).kind.is_bytes() {
            true => &[Op::Encode, Op::Dense, Op::Conv2d, Op::Conv2d],
            false => &[Op::Dense, Op::Conv2d, Op::Conv2d, Op::MaxPool, Op::SumPool],
        };
        last = builder.layer(random.pick(ops), last, left == 0, random);
    }
    builder.finish()
}

/// One layer of [`build`]: everything but weights and thresholds, which are random.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// What it does.
    pub op: Op,
    /// Its window; that of an encoding is 1 x 1, that of a dense layer the whole input, whatever is stated.
    pub window: Window,
    /// What a convolution sees outside.
    pub pad_value: PadValue,
    /// Groups of a convolution.
    pub groups: u32,
    /// Output channels; a pool keeps those of its input.
    pub outputs: u32,
    /// Output kind; a max-pool keeps that of its input.
    pub kind: Kind,
    /// The kind of its weights; pools and encodings have none, whatever is stated.
    pub weights: WeightKind,
}

impl Plan {
    /// A dense layer.
    pub const fn dense(outputs: u32, kind: Kind) -> Self {
        let (window, pad_value, weights) = (Window::unit(), PadValue::Zero, WeightKind::Binary);
        Self { op: Op::Dense, window, pad_value, groups: 1, outputs, kind, weights }
    }

    /// A convolution of stride 1 and one group that pads all sides with `pad_value`, so that the size stays.
    pub const fn same(side: u32, pad_value: PadValue, outputs: u32, kind: Kind) -> Self {
        let (before, after) = ((side - 1) / 2, side / 2);
        let window = Window { kernel: [side; 2], stride: [1; 2], padding: [before, before, after, after] };
        Self { op: Op::Conv2d, window, pad_value, groups: 1, outputs, kind, weights: WeightKind::Binary }
    }

    /// A pool without padding, as large as its steps.
    pub const fn pool(op: Op, side: u32, kind: Kind) -> Self {
        let window = Window { kernel: [side; 2], stride: [side; 2], padding: [0; 4] };
        Self { op, window, pad_value: PadValue::Zero, groups: 1, outputs: 0, kind, weights: WeightKind::None }
    }

    /// The same layer with weights of another kind.
    #[must_use]
    pub const fn with_weights(self, weights: WeightKind) -> Self {
        Self { weights, ..self }
    }
}

/// A chain of planned layers with random weights and thresholds: models of known shapes, for measuring.
///
/// Plans that contradict the format yield a draft that [`crate::Model::new`] refuses.
pub fn build(input: Shape, kind: Kind, plans: &[Plan], random: &mut Random) -> Draft {
    let tensor = DraftTensor { shape: input, kind, start: 0 };
    let mut builder =
        Builder { tensors: [tensor].into(), layers: Vec::new(), arena_words: 0, kind: None, scales_scores: false };
    for plan in plans {
        let index = builder.layers.len() as u16;
        let from = builder.tensor(index);
        let window = match plan.op {
            Op::Encode => Window::unit(),
            Op::Dense => Window::whole(from.shape),
            _ => plan.window,
        };
        let outputs = if matches!(plan.op, Op::MaxPool | Op::SumPool) { from.shape.channels } else { plan.outputs };
        let kind = if plan.op == Op::MaxPool { from.kind } else { plan.kind };
        let [height, width] = window.output(from.shape).unwrap_or([1, 1]);
        let mut layer = builder.view(plan.op, index, window, Shape::new(height, width, outputs), kind);
        (layer.groups, layer.pad_value) = (plan.groups, plan.pad_value);
        builder.kind = Some(plan.weights);
        builder.push(&layer, random);
    }
    builder.finish()
}

/// The same network with other weights, layer by layer; places follow them.
///
/// Thresholds stay as they are. A draft that the format refuses comes back unchanged.
pub fn refill(mut draft: Draft, fill: &mut dyn FnMut(&Layer<'_>) -> DraftWeights) -> Draft {
    let words = draft.emit();
    let Ok(model) = Model::from_words(&words) else { return draft };
    let mut end = 0;
    for (layer, drafted) in model.layers().zip(&mut draft.layers) {
        drafted.weights = fill(&layer);
        let Some(weights) = drafted.weights.view() else { continue };
        let layer = Layer { weights, ..layer };
        // Windows of bytes need other scratch than windows of bits.
        drafted.output.start = end;
        end += layer.output.region.words;
        drafted.scratch = if layer.scratch_words() == 0 { 0 } else { end };
        end += layer.scratch_words();
    }
    draft.arena_words = end;
    draft
}

/// The file of a draft whose layers of planes keep one plane in the base, and all their planes in a block behind it.
pub fn layered(draft: &Draft) -> Vec<u32> {
    let mut base = draft.clone();
    for layer in base.layers.iter_mut().filter(|layer| layer.weights.kind == WeightKind::Planes) {
        let bits = layer.weights.bits.max(1);
        layer.weights.words.truncate(layer.weights.words.len() / usize::from(bits));
        layer.weights.bits = 1;
    }
    [base.emit(), draft.extension(1)].concat()
}

/// A random value of `kind`, at times one of its extremes.
pub fn value(kind: Kind, random: &mut Random) -> i32 {
    let (low, high) = kind.range();
    match (kind, random.word() % 16) {
        (Kind::Sign, _) => random.pick(&[-1, 1]),
        (_, 0) => low,
        (_, 1) => high,
        _ => random.between(low, high),
    }
}

struct Builder {
    tensors: Vec<DraftTensor>,
    layers: Vec<DraftLayer>,
    arena_words: u32,
    /// The kind of all weights; `None` draws one for each layer.
    kind: Option<WeightKind>,
    /// Whether scores may have a scale and an offset a class; else they are accumulators.
    scales_scores: bool,
}

impl Builder {
    fn new(op: Op, random: &mut Random) -> Self {
        let side = |random: &mut Random| random.pick(&[1, 2, 3, 4, 5, 6, 7, 9]);
        let (height, width) = (side(random), side(random));
        let few = matches!(op, Op::Encode) || random.once_in(2);
        let channels = if few { random.size(1, 6) } else { channels(random) };
        let shape = Shape::new(height, width, channels);
        let kind = random.pick(&[Kind::U8, Kind::I8]);
        let tensors = [DraftTensor { shape, kind, start: 0 }].into();
        Self { tensors, layers: Vec::new(), arena_words: 0, kind: None, scales_scores: true }
    }

    /// The kind of the next layer's weights: mostly binary, or the kind that is asked for.
    fn weight_kind(&self, random: &mut Random) -> WeightKind {
        let any = [WeightKind::Binary, WeightKind::Binary].into_iter().chain(WeightKind::WEIGHTED).collect::<Vec<_>>();
        self.kind.unwrap_or_else(|| random.pick(&any))
    }

    fn tensor(&self, index: u16) -> DraftTensor {
        self.tensors[usize::from(index)]
    }

    fn finish(self) -> Draft {
        Draft {
            input: self.tensors[0],
            arena_words: self.arena_words,
            scale: None,
            interface: Default::default(),
            layers: self.layers,
        }
    }

    /// A packed tensor of the input's height and width, made by a convolution of 1 x 1.
    fn packed_input(&mut self, random: &mut Random) -> u16 {
        let shape = self.tensor(0).shape;
        let shape = Shape::new(shape.height, shape.width, channels(random));
        self.weighted(Op::Conv2d, 0, Window::unit(), shape, packed_kind(random), random)
    }

    /// A layer of random weights, thresholds and nothing else.
    fn weighted(&mut self, op: Op, input: u16, window: Window, shape: Shape, kind: Kind, random: &mut Random) -> u16 {
        let layer = self.view(op, input, window, shape, kind);
        self.push(&layer, random)
    }

    /// A random layer over tensor `input`; returns its output's index.
    fn layer(&mut self, op: Op, input: u16, is_last: bool, random: &mut Random) -> u16 {
        let from = self.tensor(input);
        let window = match op {
            Op::Encode => Window::unit(),
            Op::Dense => Window::whole(from.shape),
            _ => {
                let may_pad = op != Op::SumPool && !random.once_in(3);
                windows::window(from.shape, may_pad, random)
            }
        };
        let groups = if op == Op::Conv2d { windows::groups(from.shape.channels, random) } else { 1 };
        let outputs = match op {
            Op::Encode => from.shape.channels * random.size(1, 12),
            Op::Dense | Op::Conv2d if groups == 1 => random.pick(&[1, 2, 5, 10, 31, 32, 33, 47, 64, 70]),
            Op::Dense | Op::Conv2d => groups * random.pick(&[1, 1, 2, 3]),
            Op::MaxPool | Op::SumPool => from.shape.channels,
        };
        let kind = match op {
            Op::Encode => Kind::Sign,
            Op::MaxPool => from.kind,
            _ if is_last && random.once_in(4) => Kind::I32,
            _ => packed_kind(random),
        };
        let [height, width] = window.output(from.shape).unwrap_or([1, 1]);
        let shape = Shape::new(height, width, outputs);
        let with_residual = !matches!(op, Op::Encode | Op::MaxPool) && random.once_in(3);
        let residual = with_residual.then(|| {
            let op = if op == Op::Dense { Op::Dense } else { Op::Conv2d };
            let index = self.weighted(op, input, window, shape, packed_kind(random), random);
            Residual { index, tensor: place(self.tensor(index)), shift: random.size(0, 5) }
        });
        let mut layer = self.view(op, input, window, shape, kind);
        (layer.groups, layer.residual) = (groups, residual);
        if op == Op::Conv2d {
            layer.pad_value = windows::pad_value(from.kind, random);
        }
        self.push(&layer, random)
    }

    /// A layer without sections, for its derived sizes.
    fn view(&self, op: Op, input: u16, window: Window, shape: Shape, kind: Kind) -> Layer<'static> {
        Layer {
            index: self.layers.len() as u16,
            name: "",
            op,
            input_index: input,
            input: place(self.tensor(input)),
            output: place(DraftTensor { shape, kind, start: 0 }),
            residual: None,
            window,
            pad_value: PadValue::Zero,
            groups: 1,
            weights: Weights::None,
            transform: Transform::None,
            scratch: Region::default(),
        }
    }

    /// Draws weights and thresholds, places output and scratch, and returns the output's index.
    fn push(&mut self, layer: &Layer<'_>, random: &mut Random) -> u16 {
        let kind = if layer.op.is_weighted() { self.weight_kind(random) } else { WeightKind::None };
        let mut weights = weights::draw(kind, layer, random);
        let limit = i64::from(i32::MAX) - 1;
        let (low, high) = Layer { weights: weights.view().unwrap_or(Weights::None), ..*layer }.implied_bound();
        if low < -limit || high > limit {
            // Weights that could leave 32 bits are drawn again as the smallest ones.
            weights = weights::draw(WeightKind::Binary, layer, random);
        }
        let layer = &Layer { weights: weights.view().unwrap_or(Weights::None), ..*layer };
        let start = self.arena_words;
        let output = DraftTensor { shape: layer.output.shape, kind: layer.output.kind, start };
        let end = start + place(output).region.words;
        self.arena_words = end + layer.scratch_words();
        let scratch = if layer.scratch_words() == 0 { 0 } else { end };
        let transform = transform::draw(layer, layer.bound(), self.scales_scores, random);
        self.layers.push(DraftLayer {
            name: String::from(layer.op.name()),
            op: layer.op,
            input: layer.input_index,
            residual: layer.residual.map(|from| (from.index, from.shift as u8)),
            window: layer.window,
            pad_value: layer.pad_value,
            groups: layer.groups,
            output,
            scratch,
            transform,
            weights: weights.clone(),
        });
        self.tensors.push(output);
        self.layers.len() as u16
    }
}

/// The tensor that a draft describes.
fn place(tensor: DraftTensor) -> Tensor {
    let DraftTensor { shape, kind, start } = tensor;
    let mut tensor = Tensor { shape, kind, region: Region { start, words: 0 } };
    // The region of one that is not valid stays empty.
    let _ = tensor.place(start);
    tensor
}

fn channels(random: &mut Random) -> u32 {
    match random.word() % 16 {
        0 => random.size(130, 420),
        1..4 => random.pick(&[31, 32, 33, 64, 95, 96, 128]),
        4..8 => random.size(1, 8),
        8..12 => random.pick(&[4, 12, 24, 36, 48, 60]),
        _ => random.size(1, 100),
    }
}

fn packed_kind(random: &mut Random) -> Kind {
    let bits = if random.once_in(3) { random.size(5, 8) } else { random.size(1, 4) } as u8;
    random.pick(&[Kind::Sign, Kind::Sign, Kind::Unsigned { bits }])
}
