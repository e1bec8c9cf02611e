//! Prints what layers cost on every emulated core, in instructions for 32 binary multiply-accumulates.
//!
//! `cargo run --release --package bitfab-sim --example instructions`
#![forbid(unsafe_code)]

use anyhow::{Context, Result};
use bitfab_format::Shape;
use bitfab_sim::qemu::bench::{Cost, Problem};
use bitfab_sim::qemu::{Board, Qemu};

fn main() -> Result<()> {
    let image = Shape::new(8, 8, 32);
    let conv = Problem { input: image, bytes: false, kernel: Some(3), outputs: 32, signs: true };
    let problems = [
        ("dense 1024-128", Problem::dense(1024, 128)),
        ("dense 64-64", Problem::dense(64, 64)),
        ("dense 784x8-64", Problem { input: Shape::vector(784), bytes: true, ..Problem::dense(784, 64) }),
        ("conv 3x3 32-32", conv),
        ("conv 3x3 64-64", Problem { input: Shape { channels: 64, ..image }, outputs: 64, ..conv }),
        ("conv 3x3 3x8-32", Problem { input: Shape { channels: 3, ..image }, bytes: true, ..conv }),
    ];
    print!("{:12} {:>10}", "core", "dot 1024");
    problems.iter().for_each(|(name, _)| print!(" {name:>15}"));
    println!(" {:>6}", "stack");
    for board in Board::ALL.into_iter().filter(|board| *board != Board::Microbit) {
        let qemu = Qemu::new(board).context(board)?;
        print!("{:12} {:10.2}", board.core(), dot(&qemu)?);
        let mut stack = 0;
        for (name, problem) in problems {
            let cost = problem.measure(&qemu).context(name)?;
            print!(" {:15.2}", cost.per_word());
            stack = stack.max(cost.stack_bytes);
        }
        println!(" {stack:6}");
    }
    Ok(())
}

/// The dot product alone: what 64 more rows of 1024 signs cost.
fn dot(qemu: &Qemu) -> Result<f64> {
    let [few, many] = [64, 128].map(|outputs| Problem { signs: false, ..Problem::dense(1024, outputs) }.measure(qemu));
    let (few, many): (Cost, Cost) = (few?, many?);
    let instructions = many.count.instructions - few.count.instructions;
    Ok(instructions as f64 * 32.0 / (many.macs - few.macs) as f64)
}
