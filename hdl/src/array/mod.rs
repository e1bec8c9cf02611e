//! The array: activation memory, weights, lanes, packer (the datapath).

mod depthwise;
mod emission;
mod lanes;
mod memories;
mod packer;
mod scaler;

use rust_hdl::prelude::*;

use crate::circuit::{Builder, Circuit, Rows, Wire, block, width};
use crate::loader::Load;
use crate::program::{Program, Row};
use depthwise::Channels;
use emission::Emission;
use lanes::Lanes;
pub use lanes::lane_verilog;
pub(crate) use memories::BLOCK;
use memories::{Activations, Operands};
use packer::Packer;
use scaler::Scaler;

block! {
    /// Memories, lanes and packer; `bitfab_hdl::SequencedEngine` connects it.
    ArrayBlock {
        /// Row of the layer table.
        pub row_index: Signal<In, Bits<8>>,
        /// Word of the activation memory.
        pub x: Signal<In, Bits<32>>,
        /// Address of weights.
        pub w: Signal<In, Bits<32>>,
        /// Address of signs.
        pub s: Signal<In, Bits<32>>,
        /// Address of biases.
        pub b: Signal<In, Bits<32>>,
        /// What to do with them.
        pub flags: Signal<In, Bits<32>>,
        /// A word that is loaded.
        pub load_word: Signal<In, Bits<32>>,
        /// Where it belongs, as `loader::place` writes it.
        pub load_place: Signal<In, Bits<32>>,
        /// A byte of a patch is offered.
        pub byte_valid: Signal<In, Bit>,
        /// Its word.
        pub byte_address: Signal<In, Bits<32>>,
        /// The byte.
        pub byte_value: Signal<In, Bits<8>>,
        /// Its position in the word.
        pub byte_position: Signal<In, Bits<2>>,
        /// It is stored.
        pub byte_ready: Signal<Out, Bit>,
        /// Nothing is on its way.
        pub idle: Signal<Out, Bit>,
        /// The word after the last one that was issued is the last of its list.
        pub list_end: Signal<Out, Bit>,
        /// A word is finished.
        pub word_finished: Signal<Out, Bit>,
        /// The words of this row go to the sender.
        pub sends: Signal<Out, Bit>,
        /// The word.
        pub result: Signal<Out, Bits<32>>,
    }
}

impl ArrayBlock {
    /// The row, address and word that the last edge finished, if it did.
    pub(crate) fn written(&self) -> Option<[u32; 3]> {
        let traced = self._simulation.traced();
        traced.first_chunk().map(|traced| traced.map(|value| value as u32))
    }
}

/// The flags of an issue on their way: now, at the words of the activation memory, and at the accumulators.
pub(super) struct Flags<'b> {
    stages: Vec<Wire<'b>>,
    fetch: usize,
}

impl<'b> Flags<'b> {
    fn new(c: &'b Builder, program: &Program) -> Self {
        let mut stages = vec![c.input("flags", 32)];
        for stage in 1..=program.depth() {
            stages.push(c.delay(&format!("flags_{stage}"), stages[stage - 1]));
        }
        Self { stages, fetch: program.fetch() }
    }

    /// A flag after `stage` cycles.
    fn at(&self, stage: usize, flag: u32) -> Wire<'b> {
        self.stages[stage].bit(flag.trailing_zeros())
    }

    fn now(&self, flag: u32) -> Wire<'b> {
        self.at(0, flag)
    }

    fn early(&self, flag: u32) -> Wire<'b> {
        self.at(self.fetch, flag)
    }

    fn late(&self, flag: u32) -> Wire<'b> {
        self.at(self.stages.len() - 1, flag)
    }

    fn early_field(&self, place: u32, bits: u32) -> Wire<'b> {
        self.stages[self.fetch].bits(place, bits)
    }

    fn late_field(&self, place: u32, bits: u32) -> Wire<'b> {
        self.stages[self.stages.len() - 1].bits(place, bits)
    }
}

/// What the parts of the array share.
pub(super) struct Array<'b, 'p> {
    c: &'b Builder,
    program: &'p Program,
    row_index: Wire<'b>,
    of: Rows<'b, 'p, Row>,
    flags: Flags<'b>,
    is_requant: Wire<'b>,
    is_affine: Wire<'b>,
    is_send: Wire<'b>,
}

impl<'b, 'p> Array<'b, 'p> {
    fn new(c: &'b Builder, program: &'p Program, row_index: Wire<'b>) -> Self {
        let of = Rows::new(c, row_index.bits(0, width(program.rows.len() as u64 - 1)), &program.rows);
        Self {
            c,
            program,
            row_index,
            flags: Flags::new(c, program),
            is_requant: of.flag("is_requant", |r| r.scaling.requant),
            is_affine: of.flag("is_affine", |r| r.scaling.affine),
            is_send: of.flag("is_send", |r| r.output.send),
            of,
        }
    }

    /// Whether any row is as asked.
    fn any(&self, uses: fn(&Row) -> bool) -> bool {
        self.program.rows.iter().any(uses)
    }

    /// Bits of an address of the activation memory.
    fn address_bits(&self) -> u32 {
        width(u64::from(self.program.ram_words) - 1)
    }
}

/// The array of `program`.
pub(crate) fn circuit(program: &Program) -> Circuit {
    let c = Builder::new("The array: a word of activations meets a word of weights in every lane.");
    c.reset();
    let array = Array::new(&c, program, c.input("row_index", 8));
    let [x, w, s, b] = ["x", "w", "s", "b"].map(|name| c.input(name, 32));
    let load = Load { word: c.input("load_word", 32), place: c.input("load_place", 32) };
    let activations = Activations::new(&array, x, [w, s]);
    c.output("list_end", activations.list_end);
    // Models of pools alone have no lanes.
    let lanes = array.any(|r| !r.pool).then(|| {
        let operands = Operands::new(&array, &activations, b, &load);
        Lanes::new(&array, &operands, Channels::new(&array, &activations).as_ref())
    });
    let emission = lanes.as_ref().map(|lanes| Emission::new(&array, lanes));
    let scaler = emission.as_ref().filter(|_| array.any(Row::is_scaled)).map(|emission| Scaler::new(&array, emission));
    let outputs = lanes.as_ref().zip(emission.as_ref());
    let packer = Packer::new(&array, activations.words[0], outputs, scaler.as_ref());
    packer.store(&array, &activations);
    c.finish()
}
