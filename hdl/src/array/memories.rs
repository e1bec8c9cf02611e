//! The memories: activations, where the bytes of listed words lie, weights, their signs and biases.

use super::Array;
use crate::circuit::{LOADED, Memory, NO_COLLISION, Wire, width};
use crate::loader::Load;
use crate::program::{COLUMNS, Row};
use crate::sequencer::flag;

/// How synthesis is asked to keep contents.
pub(crate) const BLOCK: &str = "rom_style = \"block\"";

/// The activation memory, a copy for each read, and the words that the lanes see.
pub(super) struct Activations<'b> {
    /// Of each copy the memories of its bytes, and the column of each.
    memories: Vec<(Memory<'b>, usize)>,
    pub words: Vec<Wire<'b>>,
    /// The addresses of weights and signs, once the words have been looked up.
    pub w: Wire<'b>,
    s: Wire<'b>,
    pub list_end: Wire<'b>,
}

impl<'b> Activations<'b> {
    pub fn new(array: &Array<'b, '_>, x: Wire<'b>, [w, s]: [Wire<'b>; 2]) -> Self {
        let (c, program, bits) = (array.c, array.program, array.address_bits());
        let s = if program.counts_signs { s } else { w };
        let x = x.bits(0, bits);
        if program.fetch() == 1 {
            // A word that is read is never written in the same cycle.
            let memory = c.ram("ram", NO_COLLISION, program.ram_words, &[8; COLUMNS]);
            let words = vec![forced(array, c.join(&memory.read(x)), 0)];
            let memories = (0..COLUMNS).map(|column| (memory, column)).collect();
            return Self { memories, words, w, s, list_end: c.low() };
        }
        let (list_end, offsets) = lists(array, w);
        let (x, weight_bits) = (c.delay("x_before", x), width(program.weight_addresses.into()));
        let before = |name: &str, address: Wire<'b>| c.delay(name, address.bits(0, weight_bits));
        let w = before("w_before", w);
        let s = if program.counts_signs { before("s_before", s) } else { w };
        let is_listed = array.of.flag("is_listed", |r| r.weights.listed) & !array.flags.at(1, flag::SELECT);
        let mask = is_listed.repeat(bits).named("offset_mask");
        let mut memories = Vec::new();
        let mut bytes = Vec::new();
        for (column, offset) in offsets.into_iter().enumerate() {
            let memory = c.ram(&format!("ram_{column}"), NO_COLLISION, program.ram_words, &[8]);
            let address = x + (offset.resize(bits) & mask);
            bytes.push(memory.read(address.named(format!("read_address_{column}")))[0]);
            memories.push((memory, 0));
        }
        let words = bytes.chunks(COLUMNS).enumerate();
        let words = words.map(|(read, bytes)| forced(array, c.join(bytes), read)).collect();
        Self { memories, words, w, s, list_end }
    }

    /// Stores the bytes of a word that are enabled, in all copies.
    pub fn store(&self, bytes: Wire<'b>, address: Wire<'b>, word: Wire<'b>) {
        for (at, (memory, column)) in self.memories.iter().enumerate() {
            let byte = (at % COLUMNS) as u32;
            memory.write(bytes.bit(byte), address, *column, word.bits(8 * byte, 8));
        }
    }
}

/// What the lanes see of the word of a read: outside the input all zeros or all ones.
fn forced<'b>(array: &Array<'b, '_>, read: Wire<'b>, number: usize) -> Wire<'b> {
    let (c, flags) = (array.c, &array.flags);
    let sees_ones = array.any(|r| r.window.padded) && array.any(|r| r.padding.has_ones());
    let sees_zeros = array.any(|r| r.window.padded && !r.padding.ones);
    let read = read.named(if number == 0 { "read".to_owned() } else { format!("read_{number}") });
    let word = if sees_zeros { read & !flags.early(flag::ZERO).repeat(32) } else { read };
    let tail = array.of.word("tail", 32, |r| r.padding.tail);
    let ones = flags.early(flag::TAIL).mux(tail, c.constant(u32::MAX.into(), 32));
    let word = if sees_ones { flags.early(flag::ONES).mux(ones, word) } else { word };
    let inverts = array.any(|r| r.weights.minus);
    let word = if inverts { word ^ flags.early(flag::INVERT).repeat(32) } else { word };
    word.named(if number == 0 { "word".to_owned() } else { format!("word_{number}") })
}

/// Whether the next address is the last of its list, and where the bytes of its words lie.
fn lists<'b>(array: &Array<'b, '_>, w: Wire<'b>) -> (Wire<'b>, Vec<Wire<'b>>) {
    let program = array.program;
    let columns = program.reads() * COLUMNS;
    let bits = width(program.offsets.iter().copied().max().unwrap_or(0).into());
    let row = |(end, offsets): (&bool, &[u32])| {
        std::iter::once(u64::from(*end)).chain(offsets.iter().map(|offset| u64::from(*offset))).collect::<Vec<_>>()
    };
    let contents = program.ends.iter().zip(program.offsets.chunks(columns)).flat_map(row).collect();
    let widths: Vec<u32> = std::iter::once(1).chain(std::iter::repeat_n(bits, columns)).collect();
    let address = w.bits(0, width(program.ends.len() as u64 - 1));
    let mut read = array.c.rom("lists", BLOCK, &widths, contents).read(address);
    let offsets = read.split_off(1);
    (read[0], offsets)
}

/// What meets in the lanes.
pub(super) struct Operands<'b> {
    /// The word that each lane sees, and of its memories what they hold for it.
    pub words: Vec<Wire<'b>>,
    pub weights: Option<Vec<Wire<'b>>>,
    pub signs: Option<Vec<Wire<'b>>>,
    /// Biases, and above them the bit that complements a count, where any channel does that.
    pub biases: Vec<Wire<'b>>,
}

impl<'b> Operands<'b> {
    pub fn new(array: &Array<'b, '_>, activations: &Activations<'b>, b: Wire<'b>, load: &Load<'b>) -> Self {
        let (c, program, lanes) = (array.c, array.program, array.program.lanes());
        let words = |name: &str, contents: &[u32], address: Wire<'b>| {
            let bits = width((contents.len() / lanes).max(1) as u64 - 1);
            let words = || contents.iter().map(|word| u64::from(*word)).collect();
            let is_filled = program.is_loaded() || (program.is_rebuilt() && name == "weights");
            let memory = || match is_filled {
                true => filled(array, (name, contents), address.bits(0, bits), load),
                false => c.rom(name, BLOCK, &vec![32; lanes], words()).read(address.bits(0, bits)),
            };
            (!contents.is_empty()).then(memory)
        };
        // The address is delayed so that the bias arrives with its flags.
        let address = width((program.biases.len() / lanes) as u64 - 1);
        let delays = 1..program.depth();
        let b = delays.fold(b.bits(0, address), |b, stage| c.delay(&format!("bias_{stage}"), b));
        let (bits, flips) = (program.bias_bits(), program.flips.iter().any(|flip| *flip));
        let value = |(bias, flip): (&i64, &bool)| bias.cast_unsigned() & ((1 << bits) - 1) | u64::from(*flip) << bits;
        let contents = program.biases.iter().zip(&program.flips).map(value).collect();
        Self {
            words: (0..lanes).map(|lane| activations.words[lane / (lanes / program.reads())]).collect(),
            weights: words("weights", &program.weights, activations.w),
            signs: words("signs", &program.signs, activations.s),
            biases: c.rom("biases", BLOCK, &vec![bits + u32::from(flips); lanes], contents).read(b),
        }
    }
}

/// A memory that is filled through the load port or by the rebuilder, and not read meanwhile: it has one address, so that
/// memories with a single port can hold it. Only beside weights that are rebuilt it has contents, those of other layers.
fn filled<'b>(
    array: &Array<'b, '_>,
    (name, words): (&str, &[u32]),
    address: Wire<'b>,
    load: &Load<'b>,
) -> Vec<Wire<'b>> {
    let (c, program) = (array.c, array.program);
    let (columns, depth) = (vec![32; program.lanes()], (words.len() / program.lanes()) as u32);
    let has_contents = program.is_rebuilt() && program.rebuilds.iter().all(|rebuild| rebuild.place != 0);
    let contents = || words.iter().map(|word| u64::from(*word)).collect();
    let memory = match (program.is_loaded(), has_contents) {
        (true, _) => c.ram(name, LOADED, depth, &columns),
        (false, false) => c.ram(name, NO_COLLISION, depth, &columns),
        (false, true) => c.ram_of(name, NO_COLLISION, depth, &columns, contents()),
    };
    let address = load.is_done().mux(address, load.address(address.width())).named(format!("{name}_address"));
    let is_mine = load.is_word() & if name == "signs" { load.is_sign() } else { !load.is_sign() };
    for lane in 0..array.program.lanes() {
        let enable = is_mine & load.lane().is(lane as u64);
        memory.write(enable.named(format!("{name}_write_{lane}")), address, lane, load.word);
    }
    memory.read(address)
}

impl Row {
    /// Whether each lane takes the bit of its own channel, of the input or of a residual.
    pub(super) fn selects(&self) -> bool {
        self.select || self.residual.added
    }
}
