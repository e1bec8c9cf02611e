//! The engine as a circuit: four blocks and their wires.

use std::sync::Arc;

use bitfab_format::Model;
use rust_hdl::prelude::*;

use crate::array::{self, ArrayBlock};
use crate::circuit::{Circuit, Mutant};
use crate::front::{self, FrontBlock};
use crate::link::digests::{self, DigestsBlock};
use crate::loader::{self, LoaderBlock};
use crate::machine::Written;
use crate::program::Program;
use crate::rebuilder::{self, RebuilderBlock};
use crate::sender::{self, SenderBlock};
use crate::sequencer::{self, SequencerBlock};
use crate::{HdlError, LoadPorts, Options, Ports, Stimulus, StreamByte};

/// Rounds of updates in which the wires must settle; the four blocks need fewer than ten.
const SETTLE: usize = 100;

/// The accelerator: raw bytes of the input in, bytes of the result out.
#[derive(LogicBlock)]
pub struct SequencedEngine {
    /// Clock; everything happens at its rising edge.
    pub clock: Signal<In, Clock>,
    /// Returns every register to its start at the next edge.
    pub reset: Signal<In, Bit>,
    /// A byte of the input.
    pub in_data: Signal<In, Bits<8>>,
    /// It is valid.
    pub in_valid: Signal<In, Bit>,
    /// It is the last of its frame.
    pub in_last: Signal<In, Bit>,
    /// It is taken at the next edge.
    pub in_ready: Signal<Out, Bit>,
    /// The last frame had a wrong length and was dropped.
    pub frame_error: Signal<Out, Bit>,
    /// A byte of the result.
    pub out_data: Signal<Out, Bits<8>>,
    /// It is valid.
    pub out_valid: Signal<Out, Bit>,
    /// It is the last of its result.
    pub out_last: Signal<Out, Bit>,
    /// It is taken at the next edge.
    pub out_ready: Signal<In, Bit>,
    /// The load port, where weights are loaded: a byte of their image.
    pub load_data: Vec<Signal<In, Bits<8>>>,
    /// It is valid.
    pub load_valid: Vec<Signal<In, Bit>>,
    /// It is the last one.
    pub load_last: Vec<Signal<In, Bit>>,
    /// It is taken at the next edge.
    pub load_ready: Vec<Signal<Out, Bit>>,
    /// The image has come, and its CRC was right.
    pub loaded: Vec<Signal<Out, Bit>>,
    /// The load was too short, too long or damaged.
    pub load_error: Vec<Signal<Out, Bit>>,
    /// Which byte of the digests is read, where they are kept.
    pub(crate) digest_index: Vec<Signal<In, Bits<16>>>,
    /// That byte.
    pub(crate) digest_data: Vec<Signal<Out, Bits<16>>>,
    /// One where digests are kept.
    digests: Vec<DigestsBlock>,
    front: FrontBlock,
    /// One where weights are loaded.
    loader: Vec<LoaderBlock>,
    /// One where they are not.
    _not_loaded: Vec<()>,
    /// One where weights are rebuilt.
    rebuilder: Vec<RebuilderBlock>,
    /// One where they are not.
    _not_rebuilt: Vec<()>,
    /// One where they are neither.
    _contents: Vec<()>,
    sequencer: SequencerBlock,
    array: ArrayBlock,
    sender: SenderBlock,
    _program: Arc<Program>,
}

impl Logic for SequencedEngine {
    #[hdl_gen]
    fn update(&mut self) {
        self.front.clock.next = self.clock.val();
        self.sequencer.clock.next = self.clock.val();
        self.array.clock.next = self.clock.val();
        self.sender.clock.next = self.clock.val();
        self.front.reset.next = self.reset.val();
        self.sequencer.reset.next = self.reset.val();
        self.array.reset.next = self.reset.val();
        self.sender.reset.next = self.reset.val();
        // The input becomes patches.
        self.front.in_data.next = self.in_data.val();
        self.front.in_last.next = self.in_last.val();
        self.frame_error.next = self.front.frame_error.val();
        self.array.byte_valid.next = self.front.byte_valid.val();
        self.array.byte_address.next = self.front.byte_address.val();
        self.array.byte_value.next = self.front.byte_value.val();
        self.array.byte_position.next = self.front.byte_position.val();
        self.front.byte_ready.next = self.array.byte_ready.val();
        // The sequencer drives the array.
        self.sequencer.patch_ready.next = self.front.patch_ready.val();
        self.sequencer.idle.next = self.array.idle.val();
        self.sequencer.list_end.next = self.array.list_end.val();
        self.sequencer.room.next = self.sender.room.val();
        self.front.release_patch.next = self.sequencer.release_patch.val();
        self.array.row_index.next = self.sequencer.row_index.val();
        self.array.x.next = self.sequencer.x.val();
        self.array.w.next = self.sequencer.w.val();
        self.array.s.next = self.sequencer.s.val();
        self.array.b.next = self.sequencer.b.val();
        self.array.flags.next = self.sequencer.flags.val();
        // Weights are the contents of their memories, or they are loaded before any frame, or rebuilt before each group.
        for _i in 0..self._contents.len() {
            self.array.load_word.next = 0.into();
            self.array.load_place.next = 0.into();
        }
        for _i in 0..self._not_loaded.len() {
            self.front.in_valid.next = self.in_valid.val();
            self.in_ready.next = self.front.in_ready.val();
        }
        for _i in 0..self._not_rebuilt.len() {
            // Weights are there at once.
            self.sequencer.rebuilt.next = self.sequencer.rebuild.val();
        }
        for i in 0..self.rebuilder.len() {
            self.rebuilder[i].clock.next = self.clock.val();
            self.rebuilder[i].reset.next = self.reset.val();
            self.rebuilder[i].row_index.next = self.sequencer.row_index.val();
            self.rebuilder[i].flags.next = self.sequencer.flags.val();
            self.rebuilder[i].rebuild.next = self.sequencer.rebuild.val();
            self.sequencer.rebuilt.next = self.rebuilder[i].rebuilt.val();
            self.array.load_word.next = self.rebuilder[i].word.val();
            self.array.load_place.next = self.rebuilder[i].word_place.val();
        }
        for i in 0..self.loader.len() {
            self.loader[i].clock.next = self.clock.val();
            self.loader[i].reset.next = self.reset.val();
            self.loader[i].load_valid.next = self.load_valid[i].val();
            self.loader[i].load_data.next = self.load_data[i].val();
            self.loader[i].load_last.next = self.load_last[i].val();
            self.load_ready[i].next = self.loader[i].load_ready.val();
            self.loaded[i].next = self.loader[i].loaded.val();
            self.load_error[i].next = self.loader[i].load_error.val();
            self.array.load_word.next = self.loader[i].word.val();
            self.array.load_place.next = self.loader[i].word_place.val();
            self.front.in_valid.next = self.in_valid.val() & self.loader[i].loaded.val();
            self.in_ready.next = self.front.in_ready.val() & self.loader[i].loaded.val();
        }
        for i in 0..self.digests.len() {
            self.digests[i].clock.next = self.clock.val();
            self.digests[i].reset.next = self.reset.val();
            self.digests[i].finished.next = self.array.word_finished.val();
            self.digests[i].word.next = self.array.result.val();
            self.digests[i].row_index.next = self.sequencer.row_index.val();
            self.digests[i].digest_index.next = self.digest_index[i].val();
            self.digest_data[i].next = self.digests[i].digest_data.val();
        }
        // The result leaves.
        self.sender.word_finished.next = self.array.word_finished.val();
        self.sender.sends.next = self.array.sends.val();
        self.sender.result.next = self.array.result.val();
        self.out_data.next = self.sender.out_data.val();
        self.out_valid.next = self.sender.out_valid.val();
        self.out_last.next = self.sender.out_last.val();
        self.sender.out_ready.next = self.out_ready.val();
    }
}

impl SequencedEngine {
    /// The engine for `model`, connected and settled, as after configuration of the FPGA.
    ///
    /// # Errors
    /// [`HdlError`] where the model or the options do not fit.
    pub fn new(model: &Model<'_>, options: &Options) -> Result<Self, HdlError> {
        Ok(Self::of(&Arc::new(Program::new(model, options)?)))
    }

    /// The engine for a program that has been planned.
    pub fn of(program: &Arc<Program>) -> Self {
        Self::join(program, circuits(program))
    }

    /// The engine for a program that has been planned, which keeps the digest of every layer's output.
    ///
    /// # Errors
    /// [`HdlError::Digests`] where a layer's words are finished in another order than they lie in.
    pub fn with_digests(program: &Arc<Program>) -> Result<Self, HdlError> {
        let mut circuits = circuits(program);
        circuits.push(("digests", digests::circuit(program)?));
        Ok(Self::join(program, circuits))
    }

    /// Whether digests are kept.
    pub fn has_digests(&self) -> bool {
        !self.digests.is_empty()
    }

    /// Each engine with one mistake, in one operator, choice or condition of one block, and what the mistake is.
    pub fn mutants(program: &Arc<Program>) -> impl Iterator<Item = (String, Self)> {
        let all = circuits(program);
        let mutants = move |(at, (block, circuit)): (usize, (&'static str, Circuit))| {
            let mutants: Vec<Mutant> = circuit.mutants().collect();
            mutants.into_iter().map(move |mutant| (at, format!("{block}, {}", mutant.what), mutant.circuit))
        };
        let program = Arc::clone(program);
        all.clone().into_iter().enumerate().flat_map(mutants).map(move |(at, what, circuit)| {
            let mut circuits = all.clone();
            circuits[at].1 = circuit;
            (what, Self::join(&program, circuits))
        })
    }

    /// # Panics
    /// If a block is missing.
    pub(crate) fn join(program: &Arc<Program>, circuits: Vec<(&'static str, Circuit)>) -> Self {
        let [loads, rebuilds] = [program.is_loaded(), program.is_rebuilt()].map(usize::from);
        let mut circuits = circuits.into_iter().map(|(_, circuit)| circuit);
        let digests = circuits.len().saturating_sub(4 + loads + rebuilds);
        let mut next = || circuits.next().expect("an engine has four blocks, and its own origin of weights");
        let mut engine = Self {
            clock: Signal::default(),
            reset: Signal::default(),
            in_data: Signal::default(),
            in_valid: Signal::default(),
            in_last: Signal::default(),
            in_ready: Signal::default(),
            frame_error: Signal::default(),
            out_data: Signal::default(),
            out_valid: Signal::default(),
            out_last: Signal::default(),
            out_ready: Signal::default(),
            load_data: signals(loads),
            load_valid: signals(loads),
            load_last: signals(loads),
            load_ready: signals(loads),
            loaded: signals(loads),
            load_error: signals(loads),
            digest_index: signals(digests),
            digest_data: signals(digests),
            front: FrontBlock::of(next()),
            sequencer: SequencerBlock::of(next()),
            array: ArrayBlock::of(next()),
            sender: SenderBlock::of(next()),
            loader: (0..loads).map(|_| LoaderBlock::of(next())).collect(),
            rebuilder: (0..rebuilds).map(|_| RebuilderBlock::of(next())).collect(),
            digests: (0..digests).map(|_| DigestsBlock::of(next())).collect(),
            _not_loaded: vec![(); 1 - loads],
            _not_rebuilt: vec![(); 1 - rebuilds],
            _contents: vec![(); 1 - loads - rebuilds],
            _program: Arc::clone(program),
        };
        engine.connect_all();
        engine
    }

    /// What it executes.
    pub fn program(&self) -> &Arc<Program> {
        &self._program
    }

    /// Sets the inputs and lets the wires settle: the clock is low, the ports show what the next edge will see.
    ///
    /// # Errors
    /// [`HdlError::Loop`] if they do not settle.
    pub fn offer(&mut self, stimulus: Stimulus) -> Result<Ports, HdlError> {
        let input = stimulus.input;
        self.reset.next = stimulus.reset;
        self.in_valid.next = input.is_some();
        self.in_data.next = u64::from(input.map_or(0, |byte| byte.value)).into();
        self.in_last.next = input.is_some_and(|byte| byte.last);
        self.out_ready.next = stimulus.out_ready;
        self.offer_load(stimulus.load);
        self.level(false)?;
        let offered = StreamByte { value: self.out_data.val().to_u8(), last: self.out_last.val() };
        Ok(Ports {
            in_ready: self.in_ready.val(),
            out: self.out_valid.val().then_some(offered),
            frame_error: self.frame_error.val(),
            load: self.load_ports(),
        })
    }

    fn offer_load(&mut self, byte: Option<StreamByte>) {
        for i in 0..self.loader.len() {
            self.load_valid[i].next = byte.is_some();
            self.load_data[i].next = u64::from(byte.map_or(0, |byte| byte.value)).into();
            self.load_last[i].next = byte.is_some_and(|byte| byte.last);
        }
    }

    fn load_ports(&self) -> Option<LoadPorts> {
        let (ready, loaded, error) = (self.load_ready.first()?, self.loaded.first()?, self.load_error.first()?);
        Some(LoadPorts { ready: ready.val(), loaded: loaded.val(), error: error.val() })
    }

    /// Whether every register that a reset returns to its start is there; data and memories do not count.
    pub fn is_at_start(&self) -> bool {
        let (front, sequencer) = (self.front.is_at_start(), self.sequencer.is_at_start());
        front
            && sequencer
            && self.loader.iter().all(LoaderBlock::is_at_start)
            && self.rebuilder.iter().all(RebuilderBlock::is_at_start)
            && self.digests.iter().all(DigestsBlock::is_at_start)
            && self.array.is_at_start()
            && self.sender.is_at_start()
    }

    /// One rising edge; returns the output word that it finished.
    ///
    /// # Errors
    /// [`HdlError::Loop`] if the wires do not settle.
    pub fn tick(&mut self) -> Result<Option<Written>, HdlError> {
        self.level(true)?;
        Ok(self.written())
    }

    /// The output word that the last edge finished.
    pub(crate) fn written(&self) -> Option<Written> {
        self.array.written().map(|[row, address, word]| Written { row: row as usize, address, word })
    }

    fn level(&mut self, clk: bool) -> Result<(), HdlError> {
        self.clock.next = Clock { clk };
        settle(self)
    }
}

/// Lets the wires of a circuit settle.
pub(crate) fn settle(top: &mut impl Block) -> Result<(), HdlError> {
    if simulate(top, SETTLE) { Ok(()) } else { Err(HdlError::Loop) }
}

/// The blocks: front, sequencer, array and sender, and the loader or the rebuilder where weights are loaded or rebuilt.
pub(crate) fn circuits(program: &Program) -> Vec<(&'static str, Circuit)> {
    let mut circuits = vec![
        ("front", front::circuit(program)),
        ("sequencer", sequencer::circuit(program)),
        ("array", array::circuit(program)),
        ("sender", sender::circuit(program)),
    ];
    circuits.extend(program.is_loaded().then(|| ("loader", loader::circuit(program))));
    circuits.extend(program.is_rebuilt().then(|| ("rebuilder", rebuilder::circuit(program))));
    circuits
}

/// So many ports.
pub(crate) fn signals<S: Default>(count: usize) -> Vec<S> {
    std::iter::repeat_with(S::default).take(count).collect()
}
