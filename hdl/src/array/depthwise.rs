//! The channels of depthwise layers: each bit of a word of activations adds the weight of its own channel.

use super::Array;
use super::memories::{Activations, BLOCK};
use crate::circuit::{Wire, width};
use crate::program::Row;
use crate::sequencer::flag;

/// What the channels of a word have counted.
pub(super) struct Channels<'b> {
    sums: Vec<Wire<'b>>,
    is_depthwise: Wire<'b>,
}

impl<'b> Channels<'b> {
    /// The channels, where a row of the model uses them.
    pub fn new(array: &Array<'b, '_>, activations: &Activations<'b>) -> Option<Self> {
        if !array.any(|r| r.depthwise) {
            return None;
        }
        let (c, program, bits) = (array.c, array.program, array.program.channel_bits);
        let is_depthwise = array.of.flag("is_depthwise", |r: &Row| r.depthwise);
        let weight_bits = program.channel_weight_bits();
        let contents: Vec<u64> =
            program.channel_weights.iter().map(|w| w.cast_unsigned() & ((1 << weight_bits) - 1)).collect();
        let memory = c.rom("channel_weights", BLOCK, &[weight_bits; 32], contents);
        let address = width(program.channel_weights.len() as u64 / 32 - 1);
        let (mut word, mut weights) = (activations.words[0], memory.read(activations.w.bits(0, address)));
        if program.channel_delay() == 1 {
            word = c.delay("channel_bits", word);
            weights = weights.iter().enumerate().map(|(at, w)| c.delay(&format!("channel_weight_{at}"), *w)).collect();
        }
        let stage = program.fetch() + program.channel_delay();
        let when = |flag: u32, name: &str| (array.flags.at(stage, flag) & is_depthwise).named(name);
        let (counts, doubles) = (when(flag::RUN, "channels_count"), when(flag::DOUBLE, "channels_double"));
        let clears = when(flag::KEEP, "channels_clear");
        let one = |(at, weight): (usize, &Wire<'b>)| {
            let sum = c.register(&format!("channel_{at}"), bits);
            let own = weight.extend_signed(bits.max(weight_bits)).bits(0, bits) & word.bit(at as u32).repeat(bits);
            let more = doubles.mux(sum, own);
            c.next(sum, &[(clears, c.constant(0, bits)), (counts | doubles, sum + more)]);
            sum
        };
        let sums = weights.iter().take(program.channels()).enumerate().map(one).collect();
        Some(Self { sums, is_depthwise })
    }

    /// Whether the lanes count nothing themselves.
    pub fn is_depthwise(&self) -> Wire<'b> {
        self.is_depthwise
    }

    /// What `lane` takes: the count of its channel in the group, where it is told to.
    pub fn taken(&self, array: &Array<'b, '_>, lane: usize) -> Wire<'b> {
        let (c, program) = (array.c, array.program);
        let (bits, own) = (program.accumulator_bits, program.channel_bits);
        let sum = |slot: usize| self.sums.get(slot * program.lanes() + lane).copied().unwrap_or(c.constant(0, own));
        let slots = program.slots() as usize;
        let sums: Vec<Wire<'b>> = (0..slots).map(sum).collect();
        let slot = array.flags.late_field(flag::SLOT, width(slots as u64 - 1));
        let sum = c.select(slot, &sums).named(format!("taken_{lane}"));
        let takes = array.flags.late(flag::ADD) & self.is_depthwise;
        sum.extend_signed(own.max(bits)).bits(0, bits) & takes.repeat(bits)
    }
}
