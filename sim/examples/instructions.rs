//! Prints what layers cost on emulated cores, in instructions that were executed, not cycles.
//!
//! `cargo run --release --package bitfab-sim --example instructions`: binary layers on every core.
//! `... --example instructions -- kinds`: one multiply-accumulate of every kind of weights.
//! `... --example instructions -- sparse`: sparse layers beside dense ones, by density.
//! `... --example instructions -- cheap`: encodings and max-pools of signs.
#![forbid(unsafe_code)]

use anyhow::{Context, Result, bail};
use bitfab_format::{Coder, Shape, WeightKind};
use bitfab_sim::qemu::bench::{Cost, Encoding, Problem, without_weights};
use bitfab_sim::qemu::{Board, Count, Qemu};

fn main() -> Result<()> {
    match std::env::args().nth(1).as_deref() {
        None => binary(),
        Some("kinds") => kinds(),
        Some("sparse") => sparse(),
        Some("cheap") => cheap(),
        Some(other) => bail!("no table `{other}`: there are `kinds`, `sparse` and `cheap`"),
    }
}

/// Instructions for 32 binary multiply-accumulates.
fn binary() -> Result<()> {
    let image = Shape::new(8, 8, 32);
    let conv = Problem { input: image, kernel: Some(3), ..Problem::dense(32, 32) };
    let problems = [
        ("dense 1024-128", Problem::dense(1024, 128)),
        ("dense 64-64", Problem::dense(64, 64)),
        ("dense 784x8-64", Problem::dense(784, 64).of_bytes()),
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

/// Instructions for a byte of an encoding, and for 32 signs of the input of a 2 x 2 max-pool.
fn cheap() -> Result<()> {
    println!("| core | encode 784 bytes a pixel | encode 16x16x32 | pool 16x16x32 | pool 16x16x128 |");
    println!("| --- |{}", " ---: |".repeat(4));
    for board in [Board::M0OnM3, Board::M3, Board::M4, Board::RiscV] {
        let qemu = Qemu::new(board)?;
        let cost = |shape: Shape| without_weights(&qemu, shape);
        let instructions = |count: Count| count.instructions as f64;
        let [image, wide] = [32, 128].map(|channels| Shape::new(16, 16, channels));
        let words = |shape: Shape| f64::from(shape.pixels() * shape.channel_words());
        println!(
            "| {} | {:.2} | {:.2} | {:.2} | {:.2} |",
            board.core(),
            instructions(cost(Shape::new(2, 2, 784))?[0]) / 3136.0,
            instructions(cost(image)?[0]) / 8192.0,
            instructions(cost(image)?[1]) / words(image),
            instructions(cost(wide)?[1]) / words(wide),
        );
    }
    Ok(())
}

/// Instructions for one weight of a dense layer of 768 inputs and 64 outputs.
fn kinds() -> Result<()> {
    let sparse = Encoding::sparse;
    let (two, three) = (WeightKind::SparseBinary, WeightKind::Ternary);
    let encodings = [
        ("binary", Encoding::BINARY),
        ("sparse-binary, bitmap", sparse(two, Coder::Bitmap, 50)),
        ("sparse-binary 5 %, rice", sparse(two, Coder::Rice, 50)),
        ("sparse-binary 5 %, list", sparse(two, Coder::List, 50)),
        ("ternary, bitmap", sparse(three, Coder::Bitmap, 100)),
        ("ternary, trits", sparse(three, Coder::Trits, 100)),
        ("ternary 10 %, rice", sparse(three, Coder::Rice, 100)),
        ("ternary 10 %, list", sparse(three, Coder::List, 100)),
        ("power-of-two", Encoding::dense(WeightKind::PowerOfTwo, 0)),
        ("2 planes", Encoding::dense(WeightKind::Planes, 2)),
        ("4 planes", Encoding::dense(WeightKind::Planes, 4)),
        ("integer, 4 bits", Encoding::dense(WeightKind::Integer, 4)),
        ("integer, 8 bits", Encoding::dense(WeightKind::Integer, 8)),
        ("SmartDeal, all", Encoding::dense(WeightKind::SmartDeal, 0)),
        ("SmartDeal, 20 %", sparse(WeightKind::SmartDeal, Coder::Plain, 200)),
    ];
    let boards = [Board::M0OnM3, Board::M4, Board::RiscV];
    println!("| weights, dense 768-64 | bits | {} |", header(&boards).join(" | "));
    println!("| --- | ---: |{}", " ---: |".repeat(2 * boards.len()));
    let qemus: Vec<Qemu> = boards.into_iter().map(Qemu::new).collect::<Result<_, _>>()?;
    for (name, encoding) in encodings {
        let mut bits = 0.0;
        let mut cells = Vec::new();
        for qemu in &qemus {
            for problem in [Problem::dense(768, 64), Problem::dense(768, 64).of_bytes()] {
                let cost = problem.with(encoding).measure(qemu).context(name)?;
                bits = cost.weight_bits;
                cells.push(format!("{:.3}", cost.per_weight()));
            }
        }
        println!("| {name} | {bits:.2} | {} |", cells.join(" | "));
    }
    Ok(())
}

fn header(boards: &[Board]) -> Vec<String> {
    boards.iter().flat_map(|board| ["signs", "bytes"].map(|input| format!("{}, {input}", board.core()))).collect()
}

/// Sparse-binary dense layers on a Cortex-M4, as parts of the binary layer on the same input.
fn sparse() -> Result<()> {
    let qemu = Qemu::new(Board::M4)?;
    for (input, problem) in [("signs", Problem::dense(1024, 256)), ("bytes", Problem::dense(1024, 256).of_bytes())] {
        let dense = problem.measure(&qemu)?.count.instructions;
        println!("dense 1024-256 over {input}: {dense} instructions with binary weights; with sparse ones:\n");
        println!("| ones | list | of binary | bits | rice | of binary | bits |");
        println!("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
        let mut rows = Vec::new();
        for ones in [5, 10, 20, 50, 100, 200] {
            let costs = [Coder::List, Coder::Rice]
                .map(|coder| problem.with(Encoding::sparse(WeightKind::SparseBinary, coder, ones)).measure(&qemu));
            let [list, rice] = costs;
            let costs = [list?, rice?];
            let cells = costs.map(|cost| {
                let part = cost.count.instructions as f64 / dense as f64;
                format!("{} | {part:.3} | {:.2}", cost.count.instructions, cost.weight_bits)
            });
            println!("| {:.1} % | {} |", f64::from(ones) / 10.0, cells.join(" | "));
            rows.push((f64::from(ones) / 10.0, costs.map(|cost| cost.count.instructions as f64)));
        }
        for (index, coder) in ["list", "rice"].into_iter().enumerate() {
            println!("\nbreak-even with {coder}: {:.1} % ones", break_even(&rows, index, dense as f64));
        }
        println!();
    }
    Ok(())
}

/// The density at which a sparse layer costs what the dense one does, on the line through the first and the last row.
fn break_even(rows: &[(f64, [f64; 2])], index: usize, dense: f64) -> f64 {
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return f64::NAN };
    let slope = (last.1[index] - first.1[index]) / (last.0 - first.0);
    first.0 + (dense - first.1[index]) / slope
}
