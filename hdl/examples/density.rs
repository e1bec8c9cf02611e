//! Prints cycles against the ones of two-valued weights, as Markdown:
//! `cargo run --release -p bitfab-hdl --example density`.
//!
//! The first table is one layer of 1,024 signs and 256 outputs, the second 784-256-256-10 over bytes;
//! weights are 5 where there is a one, else -3.

use bitfab_format::arbitrary::{self, Plan, Random};
use bitfab_format::{Coder, Draft, DraftWeights, Kind, Layer, Model, Shape};
use bitfab_hdl::{Cycles, HdlError, Options, cycles};

/// Ones among a thousand weights.
const ONES: [i32; 8] = [500, 200, 100, 50, 20, 10, 5, 2];
/// Lanes, and words read in a cycle.
const ENGINES: [(u32, u32); 7] = [(1, 1), (2, 1), (4, 1), (8, 1), (2, 2), (4, 4), (8, 8)];

/// The model of a draft with as many ones in all layers, or its own binary weights for 0.
fn with_ones(draft: Draft, ones: i32) -> Vec<u32> {
    if ones == 0 {
        return draft.emit();
    }
    let mut random = Random::new(3);
    let mut weight = || if random.between(1, 1000) <= ones { 5 } else { -3 };
    let mut fill = |layer: &Layer<'_>| {
        let matrix: Vec<i32> = (0..layer.weight_count()).map(|_| weight()).collect();
        DraftWeights::sparse_binary(layer, &matrix, -3, 3, Coder::Rice)
    };
    arbitrary::refill(draft, &mut fill).emit()
}

/// One line of a table: what `count` makes of the cycles of each engine.
fn line(name: &str, words: &[u32], count: fn(&Cycles) -> u64) -> Result<(), HdlError> {
    let Ok(model) = Model::new(bytemuck::cast_slice(words)) else { return Ok(()) };
    let mut cells = Vec::new();
    for (lanes, reads) in ENGINES {
        let counted = cycles(&model, &Options { lanes, reads, ..Options::default() })?;
        cells.push(count(&counted).to_string());
    }
    println!("| {name} | {} |", cells.join(" | "));
    Ok(())
}

fn table(draft: &Draft, count: fn(&Cycles) -> u64) -> Result<(), HdlError> {
    let names: Vec<String> = ENGINES.iter().map(|(lanes, reads)| format!("{lanes} lanes, reads {reads}")).collect();
    println!("| ones | {} |", names.join(" | "));
    println!("| --- |{}", " --- |".repeat(ENGINES.len()));
    line("binary", &with_ones(draft.clone(), 0), count)?;
    for ones in ONES {
        line(&format!("{:.1} %", f64::from(ones) / 10.0), &with_ones(draft.clone(), ones), count)?;
    }
    println!();
    Ok(())
}

fn main() -> Result<(), HdlError> {
    let sign = Kind::Sign;
    let build =
        |inputs: u32, plans: &[Plan]| arbitrary::build(Shape::vector(inputs), Kind::U8, plans, &mut Random::new(3));
    let one = build(8, &[Plan::dense(1024, sign), Plan::dense(256, sign)]);
    table(&one, |counted| counted.rows[1].iter().sum())?;
    let mnist = build(784, &[Plan::dense(256, sign), Plan::dense(256, sign), Plan::dense(10, Kind::I32)]);
    table(&mnist, |counted| counted.interval)
}
