//! Outputs become words, max-pools run in the same registers; finished words go to the activation memory or the sender.

use super::Array;
use super::emission::Emission;
use super::lanes::Lanes;
use super::memories::Activations;
use super::scaler::Scaler;
use crate::circuit::Wire;
use crate::program::Row;
use crate::sequencer::flag;

/// Finished words.
pub(super) struct Packer<'b> {
    /// The planes of a finished output word are being written.
    writing: Wire<'b>,
    /// A word is finished, its address and the word.
    finished: Wire<'b>,
    address: Wire<'b>,
    word: Wire<'b>,
    /// Groups are on their way to the packer.
    busy: Wire<'b>,
}

/// The lanes, and how their counts leave them.
type Outputs<'a, 'b> = Option<(&'a Lanes<'b>, &'a Emission<'b>)>;

impl<'b> Packer<'b> {
    pub fn new(array: &Array<'b, '_>, word: Wire<'b>, outputs: Outputs<'_, 'b>, scaler: Option<&Scaler<'b>>) -> Self {
        let packed = packed(array, word, outputs, scaler);
        let emission = outputs.map(|(_, emission)| emission);
        let (emit, raw) = emitted(array, emission, scaler);
        let (writing, address, plane) = write(array, emission, emit);
        let packed = if packed.is_empty() { array.c.constant(0, 32) } else { array.c.select(plane, &packed) };
        Self {
            writing,
            finished: (writing | emit).named("finished"),
            address,
            word: emit.mux(raw, packed.named("packed_word")).named("done_word"),
            busy: emission.map_or(array.c.low(), |emission| emission.busy),
        }
    }

    /// Where finished words go: they come first, bytes of patches otherwise; and the array's other outputs.
    pub fn store(&self, array: &Array<'b, '_>, activations: &Activations<'b>) {
        let (c, flags) = (array.c, &array.flags);
        let (valid, byte) = (c.input("byte_valid", 1), c.input("byte_value", 8));
        let (address, position) = (c.input("byte_address", 32), c.input("byte_position", 2));
        let stores = self.finished & !array.is_send;
        let takes = (valid & !self.finished).named("stores_byte");
        let from = c.constant(15, 4).shift_left(position);
        let bytes = stores.mux(c.constant(15, 4), takes.mux(from, c.constant(0, 4))).named("store_bytes");
        let byte_address = address.bits(0, array.address_bits());
        let part = |at: u64| byte & position.is(at).repeat(8);
        let word = c.join(&[part(0), part(1), part(2), part(3)]);
        let (address, word) = match stores.constant() {
            Some(_) => (byte_address, word),
            None => (self.finished.mux(self.address, byte_address), self.finished.mux(self.word, word)),
        };
        activations.store(bytes, address.named("store_address"), word.named("store_data"));
        let stages = 1..=array.program.depth();
        let busy = stages.map(|stage| flags.at(stage, flag::DONE) | flags.at(stage, flag::POOLED));
        c.output("byte_ready", !self.finished);
        c.output("idle", !busy.fold(self.writing | self.busy, |busy, stage| busy | stage));
        c.output("word_finished", self.finished);
        c.output("sends", array.is_send);
        c.output("result", self.word);
        c.trace("W %0d %0d %h", self.finished, &[array.row_index, self.address, self.word]);
    }
}

/// The accumulator of one lane as a word, or a scaled score, and when it is finished.
fn emitted<'b>(
    array: &Array<'b, '_>,
    emission: Option<&Emission<'b>>,
    scaler: Option<&Scaler<'b>>,
) -> (Wire<'b>, Wire<'b>) {
    let c = array.c;
    let scaled = scaler.filter(|_| array.any(|r| r.scaling.affine));
    let Some(emission) = emission.filter(|_| array.any(|r| r.output.raw && !r.scaling.affine)) else {
        return scaled.map_or((c.low(), c.constant(0, 32)), |scaler| (scaler.scored, scaler.score));
    };
    let chosen = emission.count;
    let plain = if chosen.width() >= 32 { chosen.bits(0, 32) } else { chosen.extend_signed(32) }.named("plain");
    let doubled = c.join(&[array.of.flag("is_odd", |r| r.output.odd), plain.bits(0, 31)]);
    let sum = array.of.flag("is_double", |r| r.output.double).mux(doubled, plain).named("sum");
    let emit = array.flags.late(flag::EMIT) & !array.is_affine;
    let (emit, raw) = match scaled {
        Some(scaler) => (emit | scaler.scored, array.is_affine.mux(scaler.score, sum)),
        None => (emit, sum),
    };
    (emit.named("emit"), raw)
}

/// The words of a group's outputs, plane by plane.
fn packed<'b>(
    array: &Array<'b, '_>,
    word: Wire<'b>,
    lanes: Outputs<'_, 'b>,
    scaler: Option<&Scaler<'b>>,
) -> Vec<Wire<'b>> {
    let (c, program) = (array.c, array.program);
    let width = program.options.lanes;
    let part = |plane: u32, slot: u32| c.data(&format!("pack_{plane}_{slot}"), width);
    let parts = |plane: u32| (0..program.slots()).map(|slot| part(plane, slot)).collect();
    let parts: Vec<Vec<Wire<'b>>> = (0..program.packed_planes()).map(parts).collect();
    let words: Vec<Wire<'b>> = (0..).zip(&parts).map(|(at, parts)| c.join(parts).named(format!("pack_{at}"))).collect();
    let pools = if array.any(|r| r.pool) { pool(array, word, &words) } else { Vec::new() };
    for (plane, parts) in parts.iter().enumerate() {
        let decided = lanes.and_then(|(lanes, _)| lanes.outputs.get(plane)).copied();
        let scaled = scaler.and_then(|scaler| scaler.collected.get(plane)).copied();
        let outputs = match (decided, scaled) {
            (Some(decided), Some(scaled)) => Some(array.is_requant.mux(scaled, decided)),
            (decided, scaled) => decided.or(scaled),
        };
        for (number, part) in (0..).zip(parts) {
            let mut rules = Vec::new();
            rules.extend(pools.get(plane).map(|(pools, largest)| (*pools, largest.bits(number * width, width))));
            if let Some((outputs, (_, Emission { group, .. }))) = outputs.zip(lanes) {
                rules.push((group.done & group.slot.is(number.into()), outputs));
                rules.push((group.done & group.slot.is(0), c.constant(0, width)));
            }
            c.next(*part, &rules);
        }
    }
    words
}

/// The running maximum of 32 channels, most significant plane first: when each plane takes it over.
fn pool<'b>(array: &Array<'b, '_>, word: Wire<'b>, packed: &[Wire<'b>]) -> Vec<(Wire<'b>, Wire<'b>)> {
    let (c, flags) = (array.c, &array.flags);
    let planes = array.program.rows.iter().filter(|r| r.pool).map(|r| r.planes + 1).max().unwrap_or(0);
    let (pools, first) = (flags.early(flag::POOL), flags.early(flag::FIRST));
    if planes == 1 {
        return vec![(pools, first.mux(word, packed[0] | word).named("largest"))];
    }
    let plane = flags.early_field(flag::PLANE, 3);
    let old = c.select(plane, &packed[..planes as usize]).named("old");
    let [greater, less] = ["greater", "less"].map(|name| c.register(name, 32));
    let kept = !flags.early(flag::MOST).repeat(32);
    let (above, below) = ((greater & kept).named("above"), (less & kept).named("below"));
    let largest = first.mux(word, (above & word) | (!above & (old | (word & !below)))).named("largest");
    c.next(greater, &[(pools, above | (!below & word & !old))]);
    c.next(less, &[(pools, below | (!above & !word & old))]);
    (0..planes).map(|at| (pools & plane.is(at.into()), largest)).collect()
}

/// The writer of a finished word's planes, the address of the next word, and the plane that is written.
fn write<'b>(array: &Array<'b, '_>, emission: Option<&Emission<'b>>, emit: Wire<'b>) -> (Wire<'b>, Wire<'b>, Wire<'b>) {
    let Array { c, flags, of, .. } = array;
    let bits = array.address_bits();
    let writing = c.register("writing", 1);
    let [write, out] = ["write", "out"].map(|name| c.register(name, bits));
    let plane = c.counter("write_plane", array.program.packed_planes().max(1) - 1);
    let pooled = if array.any(|r| r.pool) { flags.early(flag::POOLED) } else { c.low() };
    // Models of pools alone have no groups of lanes.
    let (flush, last) =
        emission.map_or((c.low(), flags.late(flag::PIXEL)), |Emission { group, .. }| (group.flush, group.pixel));
    let begins = (pooled | flush).named("begin_write");
    let pixel = pooled.mux(flags.early(flag::PIXEL), last);
    let last = plane.same_number(of.count("out_planes", |r| r.output.planes)).named("last_plane");
    c.next(writing, &[(begins, c.high()), (writing, !last)]);
    c.next(plane, &[(writing, plane.next_until(last))]);
    c.next(write, &[(begins, out), (writing, write + of.word("out_plane", bits, |r| r.output.plane))]);
    let step = pixel.mux(of.word("out_pixel", bits, |r: &Row| r.output.pixel), c.constant(1, bits));
    let base = of.word("out_base", bits, |r| r.output.base);
    c.next(out, &[(flags.now(flag::LOAD), base), (begins, out + step), (emit, out.next())]);
    (writing, writing.mux(write, out).named("done_address"), plane)
}
