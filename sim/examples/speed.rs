//! Prints how fast the accelerator is simulated: `cargo run --release -p bitfab-sim --example speed`.
//!
//! The network is 784-256-256-256-10 over bytes, with random weights, on 8 lanes.

use std::time::Instant;

use bitfab_format::arbitrary::{self, Plan, Random};
use bitfab_format::{Kind, Model, Shape};
use bitfab_hdl::{Options, cycles};
use bitfab_sim::engine::Engine;
use bitfab_sim::replay::{Replay, Simulator};
use bitfab_sim::rtl::{CycleModel, RustHdl, Stalls};

fn main() -> anyhow::Result<()> {
    let sign = Kind::Sign;
    let plans = [Plan::dense(256, sign), Plan::dense(256, sign), Plan::dense(256, sign), Plan::dense(10, Kind::I32)];
    let words = arbitrary::build(Shape::new(28, 28, 1), Kind::U8, &plans, &mut Random::new(1)).emit();
    let model = Model::new(bytemuck::cast_slice(&words)).map_err(|error| anyhow::anyhow!("{error}"))?;
    let (options, stalls) = (Options::default(), Stalls::default());
    let interval = cycles(&model, &options)?.interval;
    let mut random = Random::new(2);
    let mut run = |engine: &mut dyn Engine, count: usize| -> anyhow::Result<()> {
        let inputs: Vec<Vec<u8>> = (0..count).map(|_| (0..784).map(|_| random.word() as u8).collect()).collect();
        let inputs: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
        let started = Instant::now();
        engine.run(&model, &inputs, &mut |_| {})?;
        let seconds = started.elapsed().as_secs_f64();
        let rate = (count as u64 * interval) as f64 / seconds / 1000.0;
        println!("{}: {count} images, {:.4} s an image, {rate:.0} k cycles/s", engine.name(), seconds / count as f64);
        Ok(())
    };
    run(&mut CycleModel { options, stalls }, 200)?;
    run(&mut RustHdl { options, stalls }, 50)?;
    run(&mut Replay { simulator: Simulator::Icarus, options, stalls }, 2)?;
    run(&mut Replay { simulator: Simulator::Verilator, options, stalls }, 100)?;
    Ok(())
}
