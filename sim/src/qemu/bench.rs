//! Layers whose work is known, counted on a board.

use bitfab_format::{
    Coder, Draft, DraftLayer, DraftTensor, DraftTransform, DraftWeights, Kind, Layer, Op, PadValue, Region, Shape,
    Tensor, Transform, WORD_BITS, WeightKind, Weights, Window,
};

use super::{Count, Qemu, QemuError, RunOptions};

/// How the weights of a layer are stored, and how many of them are not the common value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoding {
    /// The kind.
    pub kind: WeightKind,
    /// The coder of a sparse kind.
    pub coder: Coder,
    /// Planes, or bits of an integer.
    pub bits: u32,
    /// Ones, weights that are not zero, or coefficients that are not zero, in a thousand.
    pub ones: u32,
}

impl Encoding {
    /// Binary weights.
    pub const BINARY: Self = Self::dense(WeightKind::Binary, 1);

    /// Weights of a kind that has no rare ones, of `bits` bits.
    pub const fn dense(kind: WeightKind, bits: u32) -> Self {
        Self { kind, coder: Coder::Plain, bits, ones: 1000 }
    }

    /// Weights of a sparse kind, of which `ones` in a thousand are ones.
    pub const fn sparse(kind: WeightKind, coder: Coder, ones: u32) -> Self {
        Self { kind, coder, bits: 0, ones }
    }

    /// Weights for `layer`: noise.
    fn draw(&self, layer: &Layer<'_>) -> DraftWeights {
        let count = layer.weight_count() as u32;
        let is_one = |index: u32| (noise(index) >> 8) % 1000 < self.ones;
        let sparse = |value: &dyn Fn(u32) -> i32| -> Vec<i32> {
            (0..count).map(|index| if is_one(index) { value(noise(index + count) >> 4) } else { 0 }).collect()
        };
        // Sign and exponent.
        let power = |word: u32| (1 - 2 * (word >> 8 & 1) as i32) << (word % 7);
        let bits = self.bits;
        match self.kind {
            WeightKind::None => DraftWeights::default(),
            WeightKind::Binary => DraftWeights::binary(layer, &sparse(&|word| word as i32 % 2)),
            WeightKind::SparseBinary => {
                let matrix: Vec<i32> = sparse(&|_| 8).iter().map(|one| one - 1).collect();
                DraftWeights::sparse_binary(layer, &matrix, -1, 3, self.coder)
            }
            WeightKind::Ternary => DraftWeights::ternary(layer, &sparse(&|word| 1 - 2 * (word as i32 % 2)), self.coder),
            WeightKind::PowerOfTwo => DraftWeights::power_of_two(layer, &sparse(&power)),
            WeightKind::Planes => {
                let odd = |word: u32| 2 * (word % (1 << bits)) as i32 - (1 << bits) + 1;
                DraftWeights::planes(layer, &sparse(&odd), bits)
            }
            WeightKind::Integer => {
                let centred = |word: u32| (word % (1 << bits)) as i32 - (1 << (bits - 1));
                DraftWeights::integer(layer, &sparse(&centred), bits)
            }
            WeightKind::SmartDeal => {
                let rows = layer.fan_in().div_ceil(3);
                let coefficients = rows * 3 * layer.output.shape.channels;
                let coefficient = |index: u32| if is_one(index) { power(noise(index + count) >> 4) } else { 0 };
                let chunks = rows.div_ceil(CHUNK) * layer.output.shape.channels;
                let basis: Vec<i8> = (0..chunks * 9).map(|index| (noise(index) as i8 / 8) | 1).collect();
                let coefficients: Vec<i32> = (0..coefficients).map(coefficient).collect();
                DraftWeights::smart_deal(layer, &coefficients, &basis, CHUNK as u8)
            }
        }
    }
}

/// Rows of a chunk of SmartDeal weights.
const CHUNK: u32 = 64;

/// A layer to count; its input has the same height and width as its output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Shape of its input.
    pub input: Shape,
    /// Whether it sees bytes (8 planes) rather than signs.
    pub bytes: bool,
    /// Odd side of the kernel; `None` for a dense layer.
    pub kernel: Option<u32>,
    /// Output channels.
    pub outputs: u32,
    /// Whether accumulators are compared with thresholds and packed, rather than stored.
    pub signs: bool,
    /// Its weights.
    pub weights: Encoding,
}

/// What a layer cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// Binary multiply-accumulates, one a plane.
    pub macs: u64,
    /// Multiply-accumulates, one a weight.
    pub weight_macs: u64,
    /// Bits of the section of weights for each weight.
    pub weight_bits: f64,
    /// What was executed.
    pub count: Count,
    /// Bytes of stack of the whole inference, callers included.
    pub stack_bytes: u32,
}

impl Cost {
    /// Instructions for 32 binary multiply-accumulates.
    pub fn per_word(&self) -> f64 {
        self.count.instructions as f64 * f64::from(WORD_BITS) / self.macs as f64
    }

    /// Instructions for one weight and one value, however many bits either has and whether or not it is zero.
    pub fn per_weight(&self) -> f64 {
        self.count.instructions as f64 / self.weight_macs as f64
    }
}

impl Problem {
    /// A dense layer of signs, `inputs` to `outputs`.
    pub const fn dense(inputs: u32, outputs: u32) -> Self {
        Self {
            input: Shape::vector(inputs),
            bytes: false,
            kernel: None,
            outputs,
            signs: true,
            weights: Encoding::BINARY,
        }
    }

    /// The same layer with other weights.
    #[must_use]
    pub const fn with(self, weights: Encoding) -> Self {
        Self { weights, ..self }
    }

    /// The same layer over bytes.
    #[must_use]
    pub const fn of_bytes(self) -> Self {
        Self { bytes: true, ..self }
    }

    /// Counts the layer on `qemu`.
    ///
    /// # Errors
    /// As [`Qemu::run`].
    pub fn measure(&self, qemu: &Qemu) -> Result<Cost, QemuError> {
        let draft = self.draft();
        let words = draft.layers.last().map_or(0, |layer| layer.weights.words.len());
        let (counts, stack_bytes) = counted(qemu, &draft)?;
        let count = *counts.last().ok_or_else(|| uncounted(qemu))?;
        let weight_macs = self.macs() / if self.bytes { 8 } else { 1 };
        let weights = u64::from(self.window().taps() * self.input.channels * self.outputs);
        let weight_bits = words as f64 * f64::from(WORD_BITS) / weights as f64;
        Ok(Cost { macs: self.macs(), weight_macs, weight_bits, count, stack_bytes })
    }

    fn window(&self) -> Window {
        match self.kernel {
            None => Window::whole(self.input),
            Some(side) => Window { kernel: [side; 2], stride: [1; 2], padding: [side / 2; 4] },
        }
    }

    fn macs(&self) -> u64 {
        let pixels = if self.kernel.is_some() { self.input.pixels() } else { 1 };
        let fan_in = u64::from(self.window().taps() * self.input.channels);
        fan_in * u64::from(pixels * self.outputs) * if self.bytes { 8 } else { 1 }
    }

    /// The model: an encoding where the layer sees signs, then the layer.
    fn draft(&self) -> Draft {
        let input = DraftTensor { shape: self.input, kind: Kind::U8, start: 0 };
        let mut draft = match self.bytes {
            true => Draft { input, arena_words: 0, scale: None, interface: Default::default(), layers: Vec::new() },
            false => encoding(self.input),
        };
        let layer = self.layer(draft.layers.len() as u16, &mut draft.arena_words);
        draft.layers.push(layer);
        draft
    }

    /// The layer as number `index`, which begins in the arena at `end` and moves it to its own end.
    fn layer(&self, index: u16, end: &mut u32) -> DraftLayer {
        let op = if self.kernel.is_some() { Op::Conv2d } else { Op::Dense };
        let input = if self.bytes { Kind::U8 } else { Kind::Sign };
        let kind = if self.signs { Kind::Sign } else { Kind::I32 };
        let output = DraftTensor { shape: self.output_shape(), kind, start: *end };
        let mut draft = plain(op, self.window(), output, self.transform());
        if !self.bytes && self.kernel.is_some() {
            draft.pad_value = PadValue::MinusOne;
        }
        let mut view = view(&draft, tensor(self.input, input, 0), index);
        let weights = self.weights.draw(&view);
        view.weights = weights.view().unwrap_or(Weights::None);
        draft.input = index;
        *end += view.output.region.words;
        if view.scratch_words() != 0 {
            draft.scratch = *end;
            *end += view.scratch_words();
        }
        draft.weights = weights;
        draft
    }

    fn output_shape(&self) -> Shape {
        match self.kernel {
            None => Shape::vector(self.outputs),
            Some(_) => Shape { channels: self.outputs, ..self.input },
        }
    }

    fn transform(&self) -> DraftTransform {
        if !self.signs {
            return DraftTransform::Raw;
        }
        let values = (0..self.outputs).map(|channel| noise(channel) as i32 % 8).collect();
        let bits = |word: u32| (self.outputs - word * WORD_BITS).min(WORD_BITS);
        let directions = |word| noise(word) & (u32::MAX >> (WORD_BITS - bits(word)));
        let words = 0..self.outputs.div_ceil(WORD_BITS);
        DraftTransform::Thresholds { values, directions: words.map(directions).collect() }
    }
}

/// Counts what has no weights: the encoding of bytes of this shape as signs, and a max-pool of 2 x 2 of these.
///
/// # Errors
/// As [`Qemu::run`].
pub fn without_weights(qemu: &Qemu, input: Shape) -> Result<[Count; 2], QemuError> {
    let mut draft = encoding(input);
    let window = Window { kernel: [2; 2], stride: [2; 2], padding: [0; 4] };
    let shape = Shape { height: input.height / 2, width: input.width / 2, ..input };
    let output = DraftTensor { shape, kind: Kind::Sign, start: draft.arena_words };
    draft.arena_words += tensor(shape, Kind::Sign, 0).region.words;
    draft.layers.push(DraftLayer { input: 1, ..plain(Op::MaxPool, window, output, DraftTransform::None) });
    let (counts, _) = counted(qemu, &draft)?;
    let layers = |counts: &[Count]| Some([*counts.first()?, *counts.get(1)?]);
    layers(&counts).ok_or_else(|| uncounted(qemu))
}

/// A model that only compares bytes with a threshold each.
fn encoding(shape: Shape) -> Draft {
    let input = DraftTensor { shape, kind: Kind::U8, start: 0 };
    let thresholds = (0..shape.channels).map(|channel| noise(channel) as u8).collect();
    let transform = DraftTransform::Encode { per_channel: 1, thresholds };
    let layer = plain(Op::Encode, Window::unit(), DraftTensor { kind: Kind::Sign, ..input }, transform);
    let arena_words = shape.pixels() * shape.channel_words();
    Draft { input, arena_words, scale: None, interface: Default::default(), layers: vec![layer] }
}

/// Runs a draft on noise: what each layer took, and bytes of stack.
fn counted(qemu: &Qemu, draft: &Draft) -> Result<(Vec<Count>, u32), QemuError> {
    let model: Vec<u8> = draft.emit().iter().flat_map(|word| word.to_le_bytes()).collect();
    let image: Vec<u8> = (0..draft.input.shape.volume()).map(|index| noise(index) as u8).collect();
    let options = RunOptions { digests: false, ..RunOptions::default() };
    let inference = qemu.run(&model, &[&image], &options)?.into_iter().next();
    let counts = inference.and_then(|inference| inference.counts).ok_or_else(|| uncounted(qemu))?;
    Ok((counts.layers, counts.stack_bytes))
}

fn uncounted(qemu: &Qemu) -> QemuError {
    QemuError::Output { board: qemu.board(), what: "the layer was not counted", line: String::new() }
}

/// The layer that a draft describes, without weights and transform: for its derived sizes.
fn view<'a>(draft: &DraftLayer, input: Tensor, index: u16) -> Layer<'a> {
    Layer {
        index,
        name: "",
        op: draft.op,
        input_index: index,
        input,
        output: tensor(draft.output.shape, draft.output.kind, draft.output.start),
        residual: None,
        window: draft.window,
        pad_value: draft.pad_value,
        groups: draft.groups,
        weights: Weights::None,
        transform: Transform::None,
        scratch: Region::default(),
    }
}

/// A tensor in the arena, or the model's input.
const fn tensor(shape: Shape, kind: Kind, start: u32) -> Tensor {
    let words = match kind {
        Kind::U8 | Kind::I8 => 0,
        Kind::I32 => shape.volume(),
        Kind::Sign | Kind::Unsigned { .. } => shape.pixels() * shape.channel_words() * kind.planes(),
    };
    Tensor { shape, kind, region: Region { start, words } }
}

/// A layer without weights, the first of its model.
fn plain(op: Op, window: Window, output: DraftTensor, transform: DraftTransform) -> DraftLayer {
    DraftLayer {
        name: op.name().into(),
        op,
        input: 0,
        residual: None,
        window,
        pad_value: PadValue::Zero,
        groups: 1,
        output,
        scratch: 0,
        weights: DraftWeights::default(),
        transform,
    }
}

/// The same well-mixed word for the same index, always.
fn noise(index: u32) -> u32 {
    let mixed = index.wrapping_add(1).wrapping_mul(0x9e37_79b1);
    (mixed ^ mixed >> 15).wrapping_mul(0x85eb_ca77) >> 1
}

#[cfg(test)]
mod tests {
    use bitfab_format::Model;

    use super::*;

    /// One of each kind and coder.
    fn encodings() -> Vec<Encoding> {
        let sparse = [WeightKind::SparseBinary, WeightKind::Ternary]
            .into_iter()
            .flat_map(|kind| [Coder::Bitmap, Coder::Rice, Coder::List].map(|coder| Encoding::sparse(kind, coder, 50)));
        let dense = [
            Encoding::BINARY,
            Encoding::sparse(WeightKind::Ternary, Coder::Trits, 500),
            Encoding::dense(WeightKind::PowerOfTwo, 0),
            Encoding::dense(WeightKind::Planes, 3),
            Encoding::dense(WeightKind::Integer, 5),
            Encoding::dense(WeightKind::SmartDeal, 0),
        ];
        sparse.chain(dense).collect()
    }

    #[test]
    fn problems_are_valid_models_with_the_stated_work() {
        let image = Shape::new(8, 6, 64);
        for (bytes, weights) in
            [false, true].into_iter().flat_map(|bytes| encodings().into_iter().map(move |w| (bytes, w)))
        {
            for kernel in [None, Some(1), Some(3)] {
                for (outputs, signs) in [(10, false), (33, true)] {
                    let problem = Problem { input: image, bytes, kernel, outputs, signs, weights };
                    let words = problem.draft().emit();
                    let model = Model::new(bytemuck::cast_slice(&words)).unwrap_or_else(|e| panic!("{problem:?}: {e}"));
                    let last = model.layers().last().unwrap();
                    assert_eq!(last.plane_macs(), problem.macs(), "{problem:?}");
                    assert_eq!((last.output.shape, last.op.is_weighted()), (problem.output_shape(), true));
                    assert_eq!(last.weights.kind(), weights.kind);
                }
            }
        }
    }
}
