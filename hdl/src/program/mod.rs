//! From a model to the contents of the engine: the layer table, the memories and their sizes.

mod depthwise;
mod digits;
mod image;
mod jobs;
mod lanes;
mod place;
mod rebuild;
pub mod row;
mod scales;
mod suits;
mod table;
mod units;

use bitfab_format::{Kind, Layer, Model, Op, Tensor, Transform, WORD_BITS};

pub use jobs::Job;
pub use rebuild::Rebuild;
pub(crate) use rebuild::{BASIS_PIECES, PIECE};
pub use row::Row;

use crate::{HdlError, Options, Weights};
use jobs::byte_offset;
pub(crate) use lanes::COLUMNS;
use lanes::Plan;

/// Most words of the activation memory, and most addresses of the weights.
const MAX_WORDS: u64 = 1 << 22;
/// Widest accumulator.
const MAX_ACCUMULATOR: u32 = 40;
/// Deepest buffer of results that is spent on speed alone.
const MAX_BUFFER: u32 = 512;

/// Everything that makes the engine execute one model: contents, not structure.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Program {
    /// What the user chose.
    pub options: Options,
    /// The layer table, in the order of execution.
    pub rows: Vec<Row>,
    /// What the front makes of the input's bytes.
    pub jobs: Vec<Job>,
    /// Digits of weights, address by address, in it lane by lane: those that are not zero, or of rows that are not masked
    /// those that are negative.
    pub weights: Vec<u32>,
    /// Negative digits of rows with signs, in the same way.
    pub signs: Vec<u32>,
    /// Whether signs have an address of their own; else they lie at the first addresses of the weights.
    pub counts_signs: bool,
    /// Where the words of listed rows lie, for the first addresses of the weights: in each read by read, byte by byte.
    pub offsets: Vec<u32>,
    /// Whether the next address is the last of its pass, for the same addresses.
    pub ends: Vec<bool>,
    /// SmartDeal weights that are rebuilt, layer by layer in pieces of four bits.
    pub streams: Vec<u8>,
    /// How the weights of each row are rebuilt, what rows without such weights have does not matter; empty where there are
    /// none.
    pub rebuilds: Vec<Rebuild>,
    /// Biases: address by address, in it lane by lane; address 0 is all zero.
    pub biases: Vec<i64>,
    /// Whether the channel complements its count; beside the last bias of a channel.
    pub flips: Vec<bool>,
    /// Factors and addends of scaled outputs, one a channel, dummies up to whole groups of lanes included.
    pub scales: Vec<(i64, i128)>,
    /// Weights of depthwise layers: address by address, in it channel by channel of a word.
    pub channel_weights: Vec<i64>,
    /// Bits of what a channel of a depthwise layer counts.
    pub channel_bits: u32,
    /// Bits of a scaled sum before it is shifted.
    pub scale_bits: u32,
    /// Addresses of weights, or of the weights of depthwise layers where they are more.
    pub weight_addresses: u32,
    /// Step of the window's start after the group that ends before this bias address, where it is not regular.
    pub group_steps: Vec<(u32, u32)>,
    /// Thresholds of the encodings.
    pub thresholds: Vec<u8>,
    /// What is added without carry to each byte of the input and to each encoding threshold.
    pub byte_offset: u8,
    /// Bytes of one frame.
    pub input_bytes: u32,
    /// Words of one result.
    pub output_words: u32,
    /// Whether the frame goes straight into the patch; else it is stored first.
    pub direct: bool,
    /// Bits of an accumulator.
    pub accumulator_bits: u32,
    /// Words of the activation memory.
    pub ram_words: u32,
    /// Words that wait to be sent.
    pub buffer_words: u32,
}

impl Program {
    /// Plans the engine for `model`.
    ///
    /// # Errors
    /// [`HdlError`] for options out of range and for models that are too large.
    pub fn new(model: &Model<'_>, options: &Options) -> Result<Self, HdlError> {
        let options = options.check()?;
        let layers: Vec<Layer<'_>> = model.layers().collect();
        let last = layers.len() - 1; // a checked model has at least one layer
        let copies = needs_copy(&layers[last]);
        let stored = layers.iter().enumerate().filter(|(at, _)| *at != last || copies);
        let arena = stored.map(|(_, layer)| layer.output.region.end()).max().unwrap_or(0);
        let mut program = Self {
            options,
            biases: vec![0; options.lanes as usize],
            flips: vec![false; options.lanes as usize],
            channel_bits: 2,
            scale_bits: 1,
            byte_offset: byte_offset(model.input().kind),
            input_bytes: model.input().shape.volume(),
            output_words: layers[last].output.region.words,
            accumulator_bits: 2,
            ..Self::default()
        };
        program.check_sizes(&layers)?;
        program.add_jobs(&layers, arena)?;
        program.add_layers(&layers, copies)?;
        program.size_buffer();
        match options.weights {
            Weights::Loaded if program.weights.is_empty() => Err(HdlError::NothingToLoad),
            Weights::Rebuilt if !program.is_rebuilt() => Err(HdlError::NothingToRebuild),
            _ => Ok(program),
        }
    }

    /// Whether the weights are loaded after configuration.
    pub fn is_loaded(&self) -> bool {
        self.options.weights == Weights::Loaded
    }

    /// Lanes, as an index.
    pub(crate) fn lanes(&self) -> usize {
        self.options.lanes as usize
    }

    /// Cycles from an issue to its word: one more where the word must be looked up.
    pub fn fetch(&self) -> usize {
        if self.ends.is_empty() { 1 } else { 2 }
    }

    /// Cycles from an issue to its effect on the accumulators.
    pub fn depth(&self) -> usize {
        self.fetch() + self.options.pipe as usize
    }

    /// Words read in a cycle.
    pub(crate) fn reads(&self) -> usize {
        if self.ends.is_empty() { 1 } else { self.options.reads as usize }
    }

    /// Groups of lanes in a word.
    pub(crate) fn slots(&self) -> u32 {
        WORD_BITS / self.options.lanes
    }

    /// Words that one group can send.
    pub(crate) fn burst(&self) -> u32 {
        self.options.lanes.max(4)
    }

    /// Bits of a bias: no more than the largest one needs.
    pub fn bias_bits(&self) -> u32 {
        self.biases.iter().map(|bias| signed_bits(*bias)).max().unwrap_or(1)
    }

    /// Planes that the packer holds.
    pub(crate) fn packed_planes(&self) -> u32 {
        self.rows.iter().filter(|row| !row.output.raw).map(|row| row.output.planes + 1).max().unwrap_or(0)
    }

    /// Planes that the lanes themselves decide about.
    pub(crate) fn decided_planes(&self) -> u32 {
        let decides = |row: &&Row| !row.output.raw && !row.pool && !row.scaling.requant;
        self.rows.iter().filter(decides).map(|row| row.output.planes + 1).max().unwrap_or(0)
    }

    /// Planes of requantised outputs.
    pub(crate) fn scaled_planes(&self) -> u32 {
        self.rows.iter().filter(|row| row.scaling.requant).map(|row| row.output.planes + 1).max().unwrap_or(0)
    }

    /// Largest left shift of a count.
    pub fn max_shift(&self) -> u32 {
        let window =
            |row: &Row| if row.pool || row.padding.twice || row.doubles { row.shift } else { row.shift + row.planes };
        let residual = |row: &Row| if row.residual.added { row.residual.shift + row.residual.planes } else { 0 };
        self.rows.iter().map(|row| window(row).max(residual(row))).max().unwrap_or(0)
    }

    /// The step of the window's start that belongs to bias address `b`.
    pub(crate) fn group_step(&self, b: u32) -> u32 {
        let found = self.group_steps.binary_search_by_key(&b, |(address, _)| *address);
        found.map_or(0, |at| self.group_steps[at].1)
    }

    fn check_sizes(&self, layers: &[Layer<'_>]) -> Result<(), HdlError> {
        let lanes = u64::from(self.options.lanes);
        let (mut weights, mut biases) = (0_u64, 0_u64);
        for layer in layers {
            let groups = u64::from(layer.output.shape.channels).div_ceil(lanes);
            if layer.op.is_weighted() {
                let taps = u64::from(layer.window.taps());
                let channels = layer.input.shape.channels;
                // As if all weights had as many digits as the largest one that the kind allows.
                let passes = u64::from(32 - layer.weights.largest().leading_zeros()).max(1);
                weights += (groups * passes + 1)
                    * match suits::is_patch(layer) {
                        true => (taps * u64::from(channels)).div_ceil(u64::from(WORD_BITS)),
                        false => taps * u64::from(channels.div_ceil(WORD_BITS)),
                    };
            }
            biases += groups * 15;
        }
        limit("weight memory", weights, MAX_WORDS)?;
        limit("bias memory", biases, MAX_WORDS)?;
        limit("byte memory", 2 * u64::from(self.input_bytes), MAX_WORDS)
    }

    fn add_jobs(&mut self, layers: &[Layer<'_>], arena: u32) -> Result<(), HdlError> {
        let mut end = arena;
        limit("activation memory", u64::from(end), MAX_WORDS)?;
        for layer in layers.iter().filter(|layer| layer.input.kind.is_bytes()) {
            let mut job = Job::new(layer, end);
            if let Transform::Encode { thresholds, .. } = layer.transform {
                job.t_base = self.thresholds.len() as u32;
                self.thresholds.extend(thresholds.iter().map(|t| t ^ self.byte_offset));
            }
            let need = u64::from(end) + 2 * u64::from(job.patch_words());
            limit("activation memory", need, MAX_WORDS)?;
            end += 2 * job.patch_words();
            self.jobs.push(job);
        }
        let [job] = self.jobs.as_slice() else {
            self.ram_words = end;
            return Ok(());
        };
        self.direct = job.window.output == [0; 2] && job.window.kernel[0] == 0 && !job.window.padded;
        self.direct &= (job.window.kernel[1] + 1) * (job.channels + 1) == self.input_bytes;
        self.ram_words = end;
        Ok(())
    }

    fn add_layers(&mut self, layers: &[Layer<'_>], copies: bool) -> Result<(), HdlError> {
        let lanes = self.options.lanes;
        let plans: Vec<Plan> = layers.iter().map(|layer| Plan::new(layer, &self.options)).collect();
        let bases = self.place_weights(&plans);
        let mut jobs = 0;
        for (at, layer) in layers.iter().enumerate() {
            let Plan { digits, units, image, .. } = &plans[at];
            let bias_base = self.place_biases(image, layer.index)?;
            let mut row = match layer.op {
                Op::Encode => table::encode(layer),
                Op::MaxPool => table::max_pool(layer),
                Op::SumPool => table::sum_pool(layer, units, digits, lanes),
                Op::Dense | Op::Conv2d => table::weighted(layer, units, digits, image, lanes),
            };
            ((row.weights.base, row.weights.sign_base), row.bias_base) = (bases[at], bias_base);
            self.place_channel_weights(&mut row, layer, digits, units);
            if let Some(scales) = scales::of(layer) {
                (row.scaling.base, row.scaling.shift) = self.place_scales(image, scales::shift(&scales));
            }
            row.output.send = at + 1 == layers.len() && !copies;
            row.output.base = if row.output.send { 0 } else { row.output.base }; // words that are sent have no address
            if row.patch {
                (row.input.base, row.input.other) = (self.jobs[jobs].base, self.jobs[jobs].other);
                jobs += 1;
            }
            self.place_steps(&mut row, &image.starts);
            self.rows.push(row);
        }
        self.double_planes();
        self.address_signs();
        if copies {
            let output = layers[layers.len() - 1].output;
            self.rows.push(table::copy_out(layers.len() as u16 - 1, output.region));
        }
        self.add_rebuilds(layers, &plans);
        Ok(())
    }

    /// Replaces the shifter by doubling accumulators, where all layers can do with that.
    fn double_planes(&mut self) {
        let before = self.rows.clone();
        for row in self.rows.iter_mut().filter(|row| row.is_one_tap() && row.planes != 0) {
            row.doubles = true;
            // A listed row does not move from word to word.
            let walked = if row.weights.listed { 0 } else { row.words };
            let plane = row.input.plane.wrapping_add(walked);
            for base in [&mut row.input.base, &mut row.input.other] {
                *base = base.wrapping_add(row.planes * plane);
            }
            row.input.plane = 0_u32.wrapping_sub(plane + walked);
        }
        if self.max_shift() != 0 {
            self.rows = before;
        }
    }

    /// How the window's start moves from group to group: not at all, with the output word, or by a table.
    fn place_steps(&mut self, row: &mut Row, starts: &[u32]) {
        let steps: Vec<u32> = starts.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])).collect();
        let (Some(first), Some(last)) = (starts.first(), starts.last()) else { return };
        row.input.base = row.input.base.wrapping_add(*first);
        row.input.column = row.input.column.wrapping_sub(last - first);
        row.input.row = row.input.row.wrapping_sub(last - first);
        if steps.iter().all(|step| *step == 0) {
            return;
        }
        let slots = self.slots();
        let regular = |(at, step): (usize, &u32)| *step == u32::from((at as u32 + 1).is_multiple_of(slots));
        if steps.iter().enumerate().all(regular) {
            row.input.word = 1;
            return;
        }
        let per_group = row.thresholds + 1;
        let address = |at: usize| row.bias_base + (at as u32 + 1) * per_group;
        self.group_steps.extend(steps.iter().enumerate().filter(|(_, s)| **s != 0).map(|(at, s)| (address(at), *s)));
    }

    fn size_buffer(&mut self) {
        let frames = (2 * u64::from(self.output_words)).next_power_of_two().min(u64::from(MAX_BUFFER)) as u32;
        self.buffer_words = frames.max(4 * self.burst());
    }
}

/// Whether the result is computed in another order than it is sent: several planes of several words.
fn needs_copy(layer: &Layer<'_>) -> bool {
    let Tensor { kind, shape, .. } = layer.output;
    kind != Kind::I32 && kind.planes() > 1 && shape.channel_words() > 1
}

/// Bits that hold `value` in two's complement.
pub(crate) fn signed_bits(value: i64) -> u32 {
    64 - (value ^ (value >> 63)).leading_zeros() + 1
}

fn limit(memory: &'static str, need: u64, limit: u64) -> Result<(), HdlError> {
    if need > limit { Err(HdlError::TooLarge { memory, need, limit }) } else { Ok(()) }
}
