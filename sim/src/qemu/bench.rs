//! Layers whose work is known, counted on a board.

use bitfab_format::{
    Bound, Draft, DraftLayer, DraftTensor, DraftTransform, Kind, Op, PadValue, Shape, WORD_BITS, Window,
};

use super::{Count, Options, Qemu, QemuError};

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
}

/// What a layer cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Binary multiply-accumulates, one a plane.
    pub macs: u64,
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
}

impl Problem {
    /// A dense layer of signs, `inputs` to `outputs`.
    pub const fn dense(inputs: u32, outputs: u32) -> Self {
        Self { input: Shape::vector(inputs), bytes: false, kernel: None, outputs, signs: true }
    }

    /// Counts the layer on `qemu`.
    ///
    /// # Errors
    /// As [`Qemu::run`].
    pub fn measure(&self, qemu: &Qemu) -> Result<Cost, QemuError> {
        let model: Vec<u8> = self.draft().emit().iter().flat_map(|word| word.to_le_bytes()).collect();
        let image: Vec<u8> = (0..self.input.volume()).map(|index| noise(index) as u8).collect();
        let options = Options { digests: false, ..Options::default() };
        let inferences = qemu.run(&model, &[&image], &options)?;
        let counts = inferences.first().and_then(|inference| inference.counts.as_ref());
        let counted = counts.and_then(|counts| Some((*counts.layers.last()?, counts.stack_bytes)));
        let (count, stack_bytes) = counted.ok_or_else(|| QemuError::Output {
            board: qemu.board(),
            what: "the layer was not counted",
            line: format!("{inferences:?}"),
        })?;
        Ok(Cost { macs: self.macs(), count, stack_bytes })
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
        let mut draft = Draft { input, arena_words: 0, scale: None, layers: Vec::new() };
        if !self.bytes {
            let output = DraftTensor { kind: Kind::Sign, ..input };
            let thresholds = (0..self.input.channels).map(|channel| noise(channel) as u8).collect();
            let transform = DraftTransform::Encode { per_channel: 1, thresholds };
            draft.layers.push(plain(Op::Encode, Window::unit(), output, transform));
            draft.arena_words = self.input.pixels() * self.input.channel_words();
        }
        let mut layer = self.layer(draft.arena_words);
        layer.input = draft.layers.len() as u16;
        draft.arena_words = layer.output.start + self.output_words() + self.scratch_words();
        draft.layers.push(layer);
        draft
    }

    fn layer(&self, start: u32) -> DraftLayer {
        let op = if self.kernel.is_some() { Op::Conv2d } else { Op::Dense };
        let kind = if self.signs { Kind::Sign } else { Kind::I32 };
        let output = DraftTensor { shape: self.output_shape(), kind, start };
        let mut layer = plain(op, self.window(), output, self.transform());
        let largest = (self.window().taps() * self.input.channels) as i32 * if self.bytes { 255 } else { 1 };
        layer.bound = Bound { low: -largest, high: largest };
        layer.weights = Some(self.weights());
        if self.bytes {
            layer.scratch = start + self.output_words();
        } else if self.kernel.is_some() {
            layer.pad_value = PadValue::MinusOne;
        }
        layer
    }

    fn output_shape(&self) -> Shape {
        match self.kernel {
            None => Shape::vector(self.outputs),
            Some(_) => Shape { channels: self.outputs, ..self.input },
        }
    }

    fn output_words(&self) -> u32 {
        let shape = self.output_shape();
        if self.signs { shape.pixels() * shape.channel_words() } else { shape.volume() }
    }

    fn scratch_words(&self) -> u32 {
        let fan_in = self.window().taps() * self.input.channels;
        if self.bytes { 8 * fan_in.div_ceil(WORD_BITS) } else { 0 }
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

    /// Noise, with zeros past the end of every run (SPEC 6.4).
    fn weights(&self) -> Vec<u32> {
        let taps = self.window().taps();
        let (run, runs) = match self.bytes {
            true => (taps * self.input.channels, self.outputs),
            false => (self.input.channels, taps * self.outputs),
        };
        let words = run.div_ceil(WORD_BITS);
        let bits = |word: u32| (run - word % words * WORD_BITS).min(WORD_BITS);
        (0..runs * words).map(|word| noise(word) & (u32::MAX >> (WORD_BITS - bits(word)))).collect()
    }
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
        weights: None,
        transform,
        bound: Bound::default(),
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

    #[test]
    fn problems_are_valid_models_with_the_stated_work() {
        let image = Shape::new(8, 6, 64);
        for bytes in [false, true] {
            for kernel in [None, Some(1), Some(3)] {
                for (outputs, signs) in [(10, false), (33, true)] {
                    let problem = Problem { input: image, bytes, kernel, outputs, signs };
                    let words = problem.draft().emit();
                    let model = Model::new(bytemuck::cast_slice(&words)).unwrap_or_else(|e| panic!("{problem:?}: {e}"));
                    let last = model.layers().last().unwrap();
                    assert_eq!(last.plane_macs(), problem.macs(), "{problem:?}");
                    assert_eq!((last.output.shape, last.op.is_weighted()), (problem.output_shape(), true));
                }
            }
        }
    }
}
