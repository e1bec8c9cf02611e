//! The array as the cycle model has it.

use std::sync::Arc;

use super::depthwise::Channels;
use super::front::Byte;
use super::lanes::{Lanes, Operands};
use super::scaler::Scaler;
use crate::program::{COLUMNS, Program, Row};
use crate::sequencer::{Issue, flag};

/// A word that has been stored, as simulators trace it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Store {
    /// Its address.
    pub address: u32,
    /// The word.
    pub word: u32,
}

/// The array.
#[derive(Clone, Debug)]
pub(crate) struct Array {
    program: Arc<Program>,
    lanes: Lanes,
    channels: Channels,
    scaler: Scaler,
    ram: Vec<u32>,
    /// Digits of weights and their signs.
    weights: Vec<u32>,
    signs: Vec<u32>,
    /// The words that were read; one is enough for rows that are not listed.
    x: Vec<u32>,
    /// The issue before: where words must be looked up, its word is read now.
    before: Issue,
    /// The addresses of the weights and of the signs that were read.
    w: u32,
    s: u32,
    /// The address of the biases that were read.
    b: u32,
    /// Addresses of biases on their way.
    b_delay: Vec<u32>,
    /// Flags on their way; the first belong to `x`, the last arrive at the accumulators.
    delay: Vec<u32>,
    pack: [u32; 8],
    greater: u32,
    less: u32,
    /// Next output word.
    out: u32,
    /// The planes of a finished output word are being written.
    writing: bool,
    write_plane: u32,
    write: u32,
}

impl Array {
    pub fn new(program: Arc<Program>) -> Self {
        Self {
            lanes: Lanes::new(&program),
            channels: Channels::default(),
            scaler: Scaler::new(&program),
            ram: vec![0; program.ram_words as usize],
            weights: initial(&program, &program.weights),
            signs: initial(&program, &program.signs),
            x: vec![0; program.reads()],
            before: Issue::default(),
            w: 0,
            s: 0,
            b: 0,
            b_delay: vec![0; program.depth() - 1],
            delay: vec![0; program.depth()],
            pack: [0; 8],
            greater: 0,
            less: 0,
            out: 0,
            writing: false,
            write_plane: 0,
            write: 0,
            program,
        }
    }

    /// Stores a word of the image: those of the weights come first.
    pub fn load(&mut self, number: usize, word: u32) {
        let weights = self.weights.len();
        let place = if number < weights { &mut self.weights[number] } else { &mut self.signs[number - weights] };
        *place = word;
    }

    fn late(&self) -> u32 {
        self.delay.last().copied().unwrap_or(0)
    }

    /// Whether everything that was issued has been written.
    pub fn idle(&self) -> bool {
        // The last thing that is issued for a layer is one of these two.
        let issued = self.delay.iter().any(|flags| flags & (flag::DONE | flag::POOLED) != 0);
        !self.writing && !issued && !self.scaler.is_busy()
    }

    /// Whether the word after the last one that was issued is the last of its list.
    pub fn list_end(&self) -> bool {
        self.program.ends.get(self.before.w as usize).copied().unwrap_or(false)
    }

    /// Whether a byte of a patch is stored in this cycle, while `row` is executed.
    pub fn takes_byte(&self, row: usize) -> bool {
        !self.writing && !self.emits(&self.program.rows[row])
    }

    /// Whether a score is stored or sent in this cycle: an accumulator as it is, or scaled.
    fn emits(&self, row: &Row) -> bool {
        self.scaler.score(row).is_some() || (self.late() & flag::EMIT != 0 && !row.is_scaled())
    }

    /// The word that goes to the sender in this cycle.
    pub fn result(&self, row: usize) -> Option<u32> {
        self.output(&self.program.rows[row]).filter(|_| self.program.rows[row].output.send)
    }

    /// The word that is finished in this cycle.
    fn output(&self, row: &Row) -> Option<u32> {
        if self.writing {
            Some(self.pack[self.write_plane as usize])
        } else if self.emits(row) {
            let lane = self.late() >> flag::SLOT & 31;
            let score = self.scaler.score(row);
            Some(score.unwrap_or_else(|| self.lanes.raw(lane as usize, row.output.double, row.output.odd)))
        } else {
            None
        }
    }

    /// One rising edge of the clock; returns the output word that it stores.
    pub fn step(&mut self, row: usize, issue: Issue, byte: Option<Byte>) -> Option<Store> {
        let program = Arc::clone(&self.program);
        let row = &program.rows[row];
        let store = self.store(row, byte);
        let (early, late) = (self.delay[program.fetch() - 1], self.late());
        let x: Vec<u32> = self.x.iter().map(|x| forced(*x, early, row)).collect();
        self.advance_outputs(row, issue, early, late);
        self.pack_lanes(row, late);
        self.pool(early, x[0]);
        self.scaler.step(row, issue, late, &self.lanes);
        self.step_lanes(row, issue, early, late, &x);
        self.channels.step(&program, row, &self.delay, (x[0], self.w));
        self.read(row, issue);
        if let Some(store) = store
            && !row.output.send
        {
            self.ram[store.address as usize] = store.word;
        }
        store
    }

    /// The write port: finished words first, bytes of patches otherwise.
    fn store(&mut self, row: &Row, byte: Option<Byte>) -> Option<Store> {
        if let Some(word) = self.output(row) {
            let address = if self.writing { self.write } else { self.out };
            return Some(Store { address, word });
        }
        if let Some(Byte { address, value, position }) = byte {
            let below = (1_u32 << (8 * position)) - 1;
            let word = &mut self.ram[address as usize];
            *word = *word & below | u32::from(value) << (8 * position);
        }
        None
    }

    /// Addresses of output words and the writer of their planes.
    fn advance_outputs(&mut self, row: &Row, issue: Issue, early: u32, late: u32) {
        let (pooled, emits) = (early & flag::POOLED != 0, self.emits(row));
        let group = self.finished_group(row, late);
        let pixel = if pooled { early } else { group } & flag::PIXEL != 0;
        let start = pooled || group & flag::FLUSH != 0;
        if self.writing {
            self.writing = self.write_plane != row.output.planes;
            self.write_plane = if self.writing { self.write_plane + 1 } else { 0 };
            self.write = self.write.wrapping_add(row.output.plane);
        }
        if start {
            (self.writing, self.write) = (true, self.out);
        }
        if issue.flags & flag::LOAD != 0 {
            self.out = row.output.base;
        } else if start {
            self.out = self.out.wrapping_add(if pixel { row.output.pixel } else { 1 });
        } else if emits {
            self.out = self.out.wrapping_add(1);
        }
    }

    /// The flags of the group whose outputs are ready: that of the lanes, or the one that has been requantised.
    fn finished_group(&self, row: &Row, late: u32) -> u32 {
        if row.scaling.requant { self.scaler.collected().unwrap_or(0) } else { late }
    }

    /// Puts the outputs of a group of lanes into their slot.
    fn pack_lanes(&mut self, row: &Row, late: u32) {
        let group = self.finished_group(row, late);
        if group & flag::DONE == 0 {
            return;
        }
        let (slot, lanes) = (group >> flag::SLOT & 31, self.program.options.lanes);
        for plane in 0..self.program.packed_planes() {
            let outputs = if row.scaling.requant { self.scaler.outputs(plane) } else { self.lanes.outputs(plane) };
            let bits = outputs << (slot * lanes);
            let kept = if slot == 0 { 0 } else { self.pack[plane as usize] };
            let place = u32::MAX >> (32 - lanes) << (slot * lanes);
            self.pack[plane as usize] = kept & !place | bits;
        }
    }

    /// The running maximum of 32 channels, most significant plane first.
    fn pool(&mut self, early: u32, x: u32) {
        if early & flag::POOL == 0 {
            return;
        }
        let place = (early >> flag::PLANE & 7) as usize;
        let (greater, less) = if early & flag::MOST != 0 { (0, 0) } else { (self.greater, self.less) };
        let old = self.pack[place];
        let new = greater & x | !greater & (old | x & !less);
        self.pack[place] = if early & flag::FIRST != 0 { x } else { new };
        self.greater = greater | !less & x & !old;
        self.less = less | !greater & !x & old;
    }

    fn step_lanes(&mut self, row: &Row, issue: Issue, early: u32, late: u32, x: &[u32]) {
        if issue.flags & flag::LOAD != 0 {
            // The sequencer loads a row only when nothing is on its way.
            self.lanes.clear();
            return;
        }
        let lanes = self.program.lanes();
        let column = |address: u32| address as usize * lanes..(address as usize + 1) * lanes;
        let signs = if row.weights.signed { self.signs.get(column(self.s)) } else { None };
        let select = early & flag::SELECT != 0;
        let operands = (early & flag::RUN != 0 && !row.depthwise).then(|| Operands {
            x,
            weights: self.weights.get(column(self.w)).unwrap_or(&[]),
            signs: signs.unwrap_or(&[]),
            masked: row.weights.masked,
            inverts: early & flag::INVERT != 0,
            select: select.then_some((early >> flag::SLOT & 31) * lanes as u32),
        });
        let at = column(self.b);
        let mut added = self.program.biases[at.clone()].to_vec();
        let mut late = late;
        if row.depthwise && late & flag::ADD != 0 {
            late &= !flag::ADD;
            let taken = self.channels.taken((late >> flag::SLOT & 31) as usize * lanes, lanes);
            added.iter_mut().zip(taken).for_each(|(sum, taken)| *sum += taken);
        }
        self.lanes.step((late, row.sum.subtracts), &added, &self.program.flips[at], operands);
    }

    /// The memories' registers and the delays.
    fn read(&mut self, row: &Row, issue: Issue) {
        let program = Arc::clone(&self.program);
        let is_looked_up = program.fetch() == 2;
        let now = if is_looked_up { self.before } else { issue };
        let by_list = is_looked_up && row.weights.listed && self.delay[0] & flag::SELECT == 0;
        let ram = |address: u32| self.ram.get(address as usize).copied().unwrap_or(0);
        for (read, x) in self.x.iter_mut().enumerate() {
            if !by_list {
                *x = ram(now.x);
                continue;
            }
            // Each byte of a listed word has its own place.
            let first = (now.w as usize * program.reads() + read) * COLUMNS;
            let offset = |column| program.offsets.get(first + column).copied().unwrap_or(0);
            let byte = |column| ram(now.x.wrapping_add(offset(column))) & 0xff_u32 << (8 * column);
            *x = (0..COLUMNS).fold(0, |word, column| word | byte(column));
        }
        self.w = now.w;
        self.s = if program.counts_signs { now.s } else { now.w };
        self.before = issue;
        let arrived = self.b_delay.iter_mut().fold(issue.b, |value, stage| std::mem::replace(stage, value));
        self.b = arrived;
        self.delay.rotate_right(1);
        self.delay[0] = issue.flags & !flag::LOAD;
    }
}

/// What a memory of weights holds after configuration.
fn initial(program: &Program, contents: &[u32]) -> Vec<u32> {
    if program.is_loaded() { vec![0; contents.len()] } else { contents.to_vec() }
}

/// The word as the lanes see it.
fn forced(x: u32, early: u32, row: &Row) -> u32 {
    if early & flag::ZERO != 0 {
        0
    } else if early & flag::ONES != 0 {
        if early & flag::TAIL != 0 { row.padding.tail } else { u32::MAX }
    } else {
        x
    }
}
