//! Links only if no panic path is left: its panic handler calls a symbol that does not exist.
//!
//! It reaches everything that firmware may call; what it computes does not matter, it is never run.
//! Built for several targets and at every optimisation level (profiles `proof-*`).
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

#[path = "../../peripherals.rs"]
mod peripherals;

use core::fmt;
use core::hint::black_box;
use core::num::NonZeroU32;

use bitfab_board_platform as platform;
use bitfab_link::server::{Server, Slip};
use bitfab_link::{Accelerator, Link, Patience, SpiWire, UartWire, Wire};
use bitfab_runtime::{Checked, Digests, Inference, Machine, Model, ModelFile, Output, run, run_counts, run_real};
use bitfab_selftest::{Health, SelfTest, Sensor};
use panic_never as _;
use peripherals::Peripheral;

#[cfg(target_arch = "arm")]
use {cortex_m as _, cortex_m_rt::entry};
#[cfg(target_arch = "riscv32")]
use {riscv as _, riscv_rt::entry};

/// Bytes of an input.
const BYTES: usize = 16;

#[entry]
fn main() -> ! {
    black_box(reach_all());
    #[cfg(feature = "planted")]
    black_box(platform::images()[black_box(3)]);
    loop {
        core::hint::spin_loop();
    }
}

/// Calls every public operation on data that the compiler cannot know.
fn reach_all() -> Option<usize> {
    let model = Model::at_start(black_box(platform::model())).ok()?;
    let image = black_box(platform::images());
    let arena = platform::take_arena()?;
    inspect(&model);
    let mut digests = Digests::<32>::new();
    keep(&run(&model, image, arena, &mut digests).ok()?);
    black_box((digests.as_slice(), digests.missed()));
    digests.clear();
    keep(&run(&model, image, arena, &mut ()).ok()?);
    let mut both = Checked::<_, _, 32>::new(
        Machine::<64>::new(model).ok()?,
        Machine::<64>::new(model).ok()?,
        black_box(NonZeroU32::MIN),
    )
    .ok()?;
    let mut words = black_box([0; 32]);
    keep(&both.infer(image, words.get_mut(..model.layer_count())?).ok()?);
    black_box(words);
    black_box(reach_link(SpiWire::new(Peripheral, Peripheral, Patience::default()), model, image));
    black_box(reach_link(UartWire::new(Peripheral, Peripheral, Patience::default()), model, image));
    black_box(reach_server(Machine::<64>::new(model).ok()?));
    black_box(reach_self_test(SpiWire::new(Peripheral, Peripheral, Patience::default())));
    reach_rows(model, image, arena)
}

/// An accelerator behind a wire: the bare driver, and the engine over it.
fn reach_link<W: Wire>(wire: W, model: Model<'static>, image: &[u8]) -> Option<()> {
    let mut link = Link::new(wire);
    link.session.tries = black_box(3);
    black_box((link.identify().ok(), link.connect(black_box(7)).is_ok(), link.drain().is_ok()));
    let (mut output, mut digests) = (black_box([0; 32]), black_box([0; 32]));
    let room = output.get_mut(..black_box(9))?;
    black_box((link.infer(image, room).is_ok(), link.digests(digests.get_mut(..black_box(8))?).is_ok()));
    let mut engine = Accelerator::<_, 16>::new(link, model).ok()?;
    let mut words = black_box([0; 32]);
    keep(&engine.infer(image, words.get_mut(..black_box(2))?).ok()?);
    black_box((engine.link().identity(), engine.link().session.counts, words));
    Some(())
}

/// What every board checks and tells.
fn reach_self_test<W: Wire>(wire: W) -> bool
where
    W::Error: fmt::Debug,
{
    const MODEL: ModelFile = bitfab_runtime::model!("../../../../tests/vectors/chain_of_2.bfab");
    static INPUTS: [u8; 500] = [7; 500];
    static DIGESTS: [[u32; 3]; 2] = [[1; 3]; 2];
    let (inputs, digests) = (&INPUTS, &DIGESTS);
    let test = black_box(SelfTest::<3, 64, 16, 256> { board: "none", model: MODEL, inputs, digests, rounds: 5 });
    let health = test.check(wire, &mut Nobody);
    match black_box(health) {
        Health::Well => true,
        Health::Ill => test.sense::<225, _>(health, &mut Peripheral, &mut Peripheral, black_box, Ok(Peripheral)),
        health => test.serve(health, &mut Peripheral, &mut Peripheral, black_box),
    }
}

impl Sensor for Peripheral {
    type Error = fmt::Error;

    const COUNTS: usize = 5;

    fn sample(&mut self, counts: &mut [i16]) -> Result<bool, fmt::Error> {
        black_box(counts);
        black_box(Ok(true))
    }
}

/// Listens to what is told.
struct Nobody;

impl fmt::Write for Nobody {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if black_box(text).is_empty() { Err(fmt::Error) } else { Ok(()) }
    }
}

/// The other side of a link, in software.
fn reach_server(engine: Machine<'static, 64>) -> Option<()> {
    let (mut frame, mut digests) = ([0; 64], [0; 4]);
    let mut slip = Slip::new(Server::new(engine, frame.get_mut(..black_box(60))?, &mut digests).ok()?);
    for _ in 0..black_box(100) {
        slip.push(black_box(7));
        black_box(slip.pull());
    }
    slip.damaged();
    slip.server.restart();
    black_box((slip.server.take_failure(), slip.server.identity_mut()));
    black_box(slip.server.answer());
    Some(())
}

/// Real values and raw counts, in the caller's memory and in a machine.
fn reach_rows(model: Model<'static>, image: &[u8], arena: &mut [u32]) -> Option<usize> {
    let (reals, counts) = (black_box([1.5f32; BYTES]), black_box([-7i16; BYTES]));
    let (values, numbers) = (reals.get(..image.len())?, counts.get(..image.len())?);
    let bytes = &mut black_box([0; BYTES]);
    keep(&run_real(&model, values, bytes, arena, &mut ()).ok()?);
    keep(&run_counts(&model, numbers, bytes, arena, &mut ()).ok()?);
    let mut machine = Machine::<64, BYTES>::new(model).ok()?;
    keep(&machine.run(image).ok()?);
    keep(&machine.run_real(values).ok()?);
    let output = machine.run_counts(numbers).ok()?;
    keep(&output);
    Some(output.arg_max())
}

/// Looks at every layer.
fn inspect(model: &Model<'_>) {
    for layer in model.layers() {
        black_box((layer.fan_in(), layer.row_words(), layer.scratch_words(), layer.plane_macs(), layer.weights));
        black_box((layer.name, layer.op.name(), layer.weights.name()));
    }
    black_box((model.with_planes(black_box(2)).layer_count(), model.precisions().count()));
    black_box((model.layer(black_box(1)), model.output_scale(), model.words().len()));
    let (interface, at) = (model.interface(), black_box(3));
    black_box((interface.coding(at), interface.limits(), interface.name(at), interface.unit(at), interface.class(at)));
    black_box((interface.learned_rows(), interface.fingerprints()));
}

/// Looks at every part of an output.
fn keep(output: &Output<'_>) {
    output.scores().for_each(|score| {
        black_box(score);
    });
    black_box((output.tensor(), output.words(), output.arg_max(), output.real_score(black_box(2))));
    black_box((output.value(black_box(3)), output.clamped(), output.class(), output.class_name()));
}
