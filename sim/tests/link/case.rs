//! Models behind a link, and hosts that ask them.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use bitfab_format::arbitrary::{self, Random, chain};
use bitfab_format::{Model, Op};
use bitfab_hdl::{
    Link as HdlLink, Options, Program, SequencedEngine, SpiChip, UartChip, Wire as HdlWire, cycles, identity,
};
use bitfab_link::{Accelerator, Identity, Link, LinkError, Patience, SpiWire, UartWire, Wire};
use bitfab_runtime::Inference;
use bitfab_sim::Engine;
use bitfab_sim::chip::{Bench, Flash, SimDelay, SimSpi, SimUart, Unsettled};
use bitfab_sim::software::Reference;
use embedded_hal::delay::DelayNs;

pub const KILOHERTZ: u32 = 12_000;
/// Clocks of a bit on the UART, and of half a bit on SPI.
pub const DIVISOR: u32 = 8;
const HALF: u32 = 4;
/// How long a board keeps its chip in reset, and more.
const REST_US: u32 = 60;
/// More words than any result here has.
const WORDS: usize = 512;

/// Chances of a fault in a byte, of 65,536, by kind: a bit that flips, a byte that is lost, one that comes twice.
#[derive(Clone, Copy, Default)]
pub struct Faults {
    pub flips: u32,
    pub losses: u32,
    pub doubles: u32,
}

/// Faults, and how many there were.
fn faults(chances: Faults, seed: u64, count: &Rc<Cell<u32>>) -> impl FnMut(u8) -> Vec<u8> + use<> {
    let (mut random, count) = (Random::new(seed), Rc::clone(count));
    move |byte| {
        let chance = random.word() & 0xffff;
        let Faults { flips, losses, doubles } = chances;
        let is_fault = chance < flips + losses + doubles;
        count.set(count.get() + u32::from(is_fault));
        match chance {
            _ if !is_fault => vec![byte],
            _ if chance < flips => vec![byte ^ 1 << (random.bits() % 8)],
            _ if chance < flips + losses => Vec::new(),
            _ => vec![byte, byte],
        }
    }
}

pub struct Case {
    words: Vec<u32>,
    pub program: Arc<Program>,
}

impl Case {
    pub fn new(words: Vec<u32>, options: Options) -> Self {
        let program = Arc::new(Program::new(&Model::from_words(&words).unwrap(), &options).unwrap());
        Self { words, program }
    }

    pub fn model(&self) -> Model<'_> {
        Model::from_words(&self.words).unwrap()
    }

    /// Twice the time of an inference.
    fn patience_us(&self) -> u32 {
        let cycles = cycles(&self.model(), &self.program.options).unwrap().latency as u32;
        200 + 2 * cycles * 1000 / KILOHERTZ
    }

    /// The link of its chip; digests are kept where the words of all layers are finished in order.
    pub fn link(&self, wire: HdlWire) -> HdlLink {
        HdlLink { wire, kilohertz: KILOHERTZ, digests: SequencedEngine::with_digests(&self.program).is_ok() }
    }

    /// The engine, and what its chip says of itself.
    fn engine(&self, wire: HdlWire) -> (SequencedEngine, Identity) {
        let engine = SequencedEngine::with_digests(&self.program);
        let identity = identity(&self.model(), &self.program.options, &self.link(wire)).unwrap();
        (engine.unwrap_or_else(|_| SequencedEngine::of(&self.program)), identity)
    }

    fn spi_bench(&self, keeps: bool) -> Bench<SpiChip> {
        let (engine, identity) = self.engine(HdlWire::Spi);
        Bench::new(SpiChip::around(engine, &identity).unwrap(), keeps)
    }

    fn uart_bench(&self, keeps: bool) -> Bench<UartChip> {
        let (engine, identity) = self.engine(HdlWire::Uart { divisor: DIVISOR });
        Bench::new(UartChip::around(engine, &identity, DIVISOR).unwrap(), keeps)
    }

    pub fn spi(&self, chances: Faults, seed: u64, count: &Rc<Cell<u32>>) -> SpiWire<SimSpi, SimDelay<SpiChip>> {
        self.spi_of(self.spi_bench(false), chances, seed, count)
    }

    fn spi_of(
        &self,
        bench: Bench<SpiChip>,
        chances: Faults,
        seed: u64,
        count: &Rc<Cell<u32>>,
    ) -> SpiWire<SimSpi, SimDelay<SpiChip>> {
        // SPI has no bytes that are lost or doubled: its clock is the host's.
        let mut faults = faults(Faults { losses: 0, doubles: 0, ..chances }, seed, count);
        let device = SimSpi::new(bench.clone(), HALF, move |byte| faults(byte)[0]);
        SpiWire::new(
            device,
            SimDelay::new(bench, KILOHERTZ),
            Patience { polls: 100, pause_us: self.patience_us() / 100 },
        )
    }

    pub fn uart(&self, chances: Faults, seed: u64, count: &Rc<Cell<u32>>) -> UartWire<SimUart, SimUart> {
        self.uart_of(self.uart_bench(false), chances, seed, count)
    }

    /// A sound wire to a chip that has a flash.
    pub fn spi_and(&self, flash: Flash) -> SpiWire<SimSpi, SimDelay<SpiChip>> {
        let bench = self.spi_bench(false);
        bench.with(|chip| chip.flash = Some(flash));
        self.spi_of(bench, Faults::default(), 0, &Rc::default())
    }

    /// The same over a UART.
    pub fn uart_and(&self, flash: Flash) -> UartWire<SimUart, SimUart> {
        let bench = self.uart_bench(false);
        bench.with(|chip| chip.flash = Some(flash));
        self.uart_of(bench, Faults::default(), 0, &Rc::default())
    }

    /// A host's end of a UART whose other end is the chip.
    pub fn uart_host(&self) -> SimUart {
        SimUart::new(self.uart_bench(false), (DIVISOR, KILOHERTZ), |byte| vec![byte])
    }

    fn uart_of(
        &self,
        bench: Bench<UartChip>,
        chances: Faults,
        seed: u64,
        count: &Rc<Cell<u32>>,
    ) -> UartWire<SimUart, SimUart> {
        let uart = SimUart::new(bench, (DIVISOR, KILOHERTZ), faults(chances, seed, count));
        UartWire::new(uart.clone(), uart, Patience { polls: self.patience_us() / 2, pause_us: 2 })
    }

    /// So many inferences over a wire; how many were right, and how many were given up.
    pub fn infer<W: Wire<Error = Unsettled>>(&self, wire: W, count: usize, seed: u64) -> (usize, usize) {
        let model = self.model();
        let mut link = Link::new(wire);
        link.session.tries = 16;
        let mut accelerator = Accelerator::<_, WORDS>::new(link, self.model()).expect("a connection");
        let has_digests = accelerator.link().identity().unwrap().has_digests();
        let mut digests = vec![0; if has_digests { model.layer_count() } else { 0 }];
        let mut random = Random::new(seed);
        let (mut right, mut given_up) = (0, 0);
        for _ in 0..count {
            let input: Vec<u8> = (0..model.input_bytes()).map(|_| random.bits() as u8).collect();
            let expected = Reference.run(&model, &[&input], &mut |_| {}).unwrap().remove(0);
            match accelerator.infer(&input, &mut digests) {
                Ok(output) => {
                    assert_eq!(output.words(), expected.output, "a wrong result");
                    assert!(digests.is_empty() || digests == expected.evidence.digests(), "a wrong digest");
                    right += 1;
                }
                Err(LinkError::Corrupt { .. } | LinkError::Silent { .. } | LinkError::Busy { .. }) => given_up += 1,
                Err(error) => panic!("{error}"),
            }
        }
        (right, given_up)
    }

    /// What the pins carry while a driver asks for three inferences over SPI.
    pub fn spi_trace(&self, chances: Faults, seed: u64, count: &Rc<Cell<u32>>) -> Vec<[u32; 2]> {
        let bench = self.spi_bench(true);
        SimDelay::new(bench.clone(), KILOHERTZ).delay_us(REST_US);
        self.infer(self.spi_of(bench.clone(), chances, seed, count), 3, seed);
        bench.with(|chip| chip.trace.take().unwrap())
    }

    /// The same over a UART.
    pub fn uart_trace(&self, chances: Faults, seed: u64, count: &Rc<Cell<u32>>) -> Vec<[u32; 2]> {
        let bench = self.uart_bench(true);
        SimDelay::new(bench.clone(), KILOHERTZ).delay_us(REST_US);
        self.infer(self.uart_of(bench.clone(), chances, seed, count), 3, seed);
        bench.with(|chip| chip.trace.take().unwrap())
    }
}

/// Models of every operation, and chains of several layers.
pub fn cases() -> Vec<Case> {
    let lanes = |at: usize| Options::default().with_lanes([8, 1, 32, 4][at % 4]);
    let ops = [Op::Dense, Op::Conv2d, Op::Encode, Op::MaxPool, Op::SumPool];
    let single = ops.into_iter().enumerate().map(|(at, op)| (at, arbitrary::draft(op, &mut Random::new(at as u64))));
    let chains = (5..9).map(|at| (at, chain(4, &mut Random::new(at as u64))));
    single.chain(chains).map(|(at, draft)| Case::new(draft.emit(), lanes(at))).collect()
}
