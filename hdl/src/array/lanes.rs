//! The lanes: XNOR, population count, shift, accumulator, threshold counter.

use super::depthwise::Channels;
use super::memories::Operands;
use super::{Array, Flags};
use crate::circuit::{Builder, Wire, width};
use crate::program::{Program, Row};
use crate::sequencer::flag;

/// What the lanes have counted.
pub(super) struct Lanes<'b> {
    /// Accumulators.
    pub sums: Vec<Wire<'b>>,
    /// Plane by plane the outputs of all lanes.
    pub outputs: Vec<Wire<'b>>,
    /// The sum of the window.
    kept: Wire<'b>,
}

/// What all lanes share.
struct Shared<'b, 'a, 'p> {
    c: &'b Builder,
    program: &'p Program,
    flags: &'a Flags<'b>,
    is_masked: Wire<'b>,
    /// The bits of the group's channels, where lanes select.
    group_bits: Option<Wire<'b>>,
    /// The word belongs to the lanes.
    counts: Wire<'b>,
    clear: Wire<'b>,
    /// The sum of the window, where it is added.
    added: Wire<'b>,
}

impl<'b> Lanes<'b> {
    pub fn new(array: &Array<'b, '_>, operands: &Operands<'b>, channels: Option<&Channels<'b>>) -> Self {
        // Rows without weights do not care.
        let masks = array.any(|r| r.weights.masked);
        let is_masked =
            array.of.flag("is_masked", |r| r.weights.masked || masks && (r.pool || r.select || r.depthwise));
        Self::of(array, operands, channels, [is_masked, array.of.flag("is_subtracted", |r| r.sum.subtracts)])
    }

    /// The lanes, with what the row says about them.
    fn of(
        array: &Array<'b, '_>,
        operands: &Operands<'b>,
        channels: Option<&Channels<'b>>,
        [is_masked, is_subtracted]: [Wire<'b>; 2],
    ) -> Self {
        let (c, program, flags) = (array.c, array.program, &array.flags);
        let bits = program.accumulator_bits;
        let shares = array.any(|r| r.sum.shared);
        let keeps = if shares { flags.late(flag::KEEP) } else { c.low() };
        let kept = c.register_if(shares, "kept", bits);
        let shared = Shared {
            c,
            program,
            flags,
            is_masked,
            group_bits: array.any(Row::selects).then(|| group_bits(array)),
            counts: flags.at(program.fetch() - 1 + program.options.pipe.max(1) as usize, flag::RUN)
                & !channels.map_or(c.low(), Channels::is_depthwise),
            clear: (flags.late(flag::DONE) | flags.now(flag::LOAD) | keeps).named("clear"),
            added: (kept & flags.late(flag::ADD).repeat(bits)).named("shared"),
        };
        let taken = |lane: usize| channels.map_or(c.constant(0, bits), |channels| channels.taken(array, lane));
        let lanes: Vec<(Wire<'b>, Vec<Wire<'b>>)> =
            (0..program.lanes()).map(|lane| shared.lane(operands, taken(lane), lane)).collect();
        let first = lanes[0].0;
        c.next(kept, &[(keeps, is_subtracted.mux(c.constant(0, bits) - first, first))]);
        let plane = |plane: u32| {
            let bits: Vec<Wire<'b>> = lanes.iter().map(|(_, outputs)| outputs[plane as usize]).collect();
            c.join(&bits).named(format!("outputs_{plane}"))
        };
        let outputs = (0..program.decided_planes()).map(plane).collect();
        Self { sums: lanes.iter().map(|(sum, _)| *sum).collect(), outputs, kept }
    }
}

/// The bits of the group's channels.
fn group_bits<'b>(array: &Array<'b, '_>) -> Wire<'b> {
    let slot = array.flags.early_field(flag::SLOT, 5);
    let part = |number: u32| slot.is(number.into()).repeat(array.program.options.lanes);
    array.c.join(&(0..array.program.slots()).map(part).collect::<Vec<_>>()).named("group_bits")
}

impl<'b> Shared<'b, '_, '_> {
    /// The accumulator of a lane, and its outputs.
    fn lane(&self, operands: &Operands<'b>, taken: Wire<'b>, lane: usize) -> (Wire<'b>, Vec<Wire<'b>>) {
        let bias = operands.biases[lane];
        let counted = self.count(self.product(operands, lane), lane);
        let own = bias.bits(0, self.program.bias_bits()).extend_signed(self.program.accumulator_bits);
        let sum = self.accumulate(counted, own | taken, lane);
        let reached = (!sum.top()).named(format!("reached_{lane}"));
        (sum, if self.program.decided_planes() == 0 { Vec::new() } else { self.level(bias, reached, lane) })
    }

    /// The bits that are counted: products, or the bit of the lane's own channel.
    fn product(&self, operands: &Operands<'b>, lane: usize) -> Wire<'b> {
        let (c, word, lanes) = (self.c, operands.words[lane], self.program.options.lanes);
        let product = operands.weights.as_ref().map_or(word, |weights| {
            let signed = operands.signs.as_ref().map_or(word, |signs| word ^ signs[lane]);
            self.is_masked.mux(signed & weights[lane], word ^ weights[lane])
        });
        let Some(group_bits) = self.group_bits else { return self.stage(3, "product", product, lane) };
        // One bit in every `lanes` belongs to this lane.
        let own = (0..32 / lanes).fold(0_u64, |own, slot| own | 1 << (slot * lanes + lane as u32));
        let selected = word & group_bits & c.constant(own, 32);
        self.stage(3, "product", self.flags.early(flag::SELECT).mux(selected, product), lane)
    }

    /// A register, where the pipeline has as many.
    fn stage(&self, pipe: u32, name: &str, value: Wire<'b>, lane: usize) -> Wire<'b> {
        let name = format!("{name}_{lane}");
        if self.program.options.pipe >= pipe { self.c.delay(&name, value) } else { value.named(name) }
    }

    /// The population count, with a register in its middle and one behind it.
    fn count(&self, product: Wire<'b>, lane: usize) -> Wire<'b> {
        let c = self.c;
        // Seven bits make three without a loose end; the last four bits are the carries of the final sum.
        let part = |at: u32| self.stage(2, &format!("part_{at}"), product.bits(7 * at, 7).count_ones(), lane);
        let rest = self.stage(2, "rest", product.bits(28, 4), lane);
        let terms: Vec<Wire<'b>> = (0..4).map(part).chain((0..4).map(|bit| rest.bit(bit))).collect();
        let total = c.sum(&terms, 6).named(format!("total_{lane}"));
        self.stage(1, "counted", self.counts.mux(total, c.constant(0, 6)), lane)
    }

    fn accumulate(&self, counted: Wire<'b>, others: Wire<'b>, lane: usize) -> Wire<'b> {
        let (c, flags, bits) = (self.c, self.flags, self.program.accumulator_bits);
        let by = match self.program.max_shift() {
            0 => c.low(),
            most => flags.late_field(flag::SHIFT, width(most.into())),
        };
        let shifted = counted.resize(bits.max(6)).shift_left(by).resize(bits);
        let sum = c.register(&format!("sum_{lane}"), bits);
        let doubles = self.program.rows.iter().any(|r| r.doubles || (r.passes != 0 && !r.depthwise) || r.sum.shared);
        let doubled = c.join(&[c.low(), sum.bits(0, bits - 1)]);
        let old = if doubles { flags.late(flag::DOUBLE).mux(doubled, sum) } else { sum };
        c.next(sum, &[(self.clear, c.constant(0, bits)), (c.high(), old + (shifted | others | self.added))]);
        sum
    }

    /// The outputs of a lane: how many thresholds are reached, complemented where the channel counts downwards.
    fn level(&self, bias: Wire<'b>, reached: Wire<'b>, lane: usize) -> Vec<Wire<'b>> {
        let (c, program) = (self.c, self.program);
        let thresholds = program.rows.iter().map(|row| row.thresholds).max().unwrap_or(0);
        let bits = width(u64::from(thresholds) + 1);
        let before = c.register_if(thresholds != 0, &format!("reached_before_{lane}"), bits);
        let level = (before + reached.extend(bits)).named(format!("level_{lane}"));
        c.next(before, &[(self.clear, c.constant(0, bits)), (self.flags.late(flag::COUNT), level)]);
        let flips = bias.width() > program.bias_bits();
        let flip = if flips { c.delay(&format!("flip_{lane}"), bias.top()) } else { c.low() };
        (0..program.decided_planes()).map(|plane| if plane < bits { level.bit(plane) ^ flip } else { flip }).collect()
    }
}

/// The lanes alone, as a module `lanes` whose memories and flags are inputs: for proofs.
///
/// The flags of stage [`Program::fetch`] belong to `word`, those of the last stage arrive at the accumulators; ports of
/// lanes after the first have its number behind their names.
pub fn lane_verilog(program: &Program) -> String {
    let c = Builder::new("The lanes alone.");
    let array = Array::new(&c, program, c.constant(0, 8));
    let number = |name: &str, lane: usize| if lane == 0 { name.to_owned() } else { format!("{name}_{lane}") };
    let ports = |name: &str, bits: u32| (0..program.lanes()).map(|lane| c.input(&number(name, lane), bits)).collect();
    let flips = program.flips.iter().any(|flip| *flip);
    let words: Vec<Wire<'_>> = ports("word", 32);
    let (weights, signs) = (ports("weights_read", 32), ports("signs_read", 32));
    let operands = Operands {
        words,
        weights: (!program.weights.is_empty()).then_some(weights),
        signs: (!program.signs.is_empty()).then_some(signs),
        biases: ports("biases_read", program.bias_bits() + u32::from(flips)),
    };
    let shares = array.any(|r| r.sum.shared);
    let is_subtracted = if shares { c.input("is_subtracted", 1) } else { c.low() };
    let lanes = Lanes::of(&array, &operands, None, [c.input("is_masked", 1), is_subtracted]);
    lanes.sums.iter().enumerate().for_each(|(lane, sum)| c.output(&number("all_sums", lane), *sum));
    lanes.outputs.iter().enumerate().for_each(|(plane, output)| c.output(&format!("all_outputs_{plane}"), *output));
    if shares {
        c.output("all_kept", lanes.kept);
    }
    c.finish().module("lanes")
}
