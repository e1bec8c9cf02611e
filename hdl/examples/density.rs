//! Prints the cycles of a layer of two-valued weights against its ones, as Markdown:
//! `cargo run --release -p bitfab-hdl --example density`.
//!
//! The layer has 1,024 signs and 256 outputs; its weights are 5 where there is a one, else -3.

use bitfab_format::arbitrary::{self, Plan, Random};
use bitfab_format::{Bound, Coder, DraftWeights, Kind, Layer, Model, Shape};
use bitfab_hdl::{HdlError, Options, Program, cycles};

const INPUTS: usize = 1024;
const OUTPUTS: usize = 256;
/// Ones among a thousand weights.
const ONES: [i32; 8] = [500, 200, 100, 50, 20, 10, 5, 2];
/// Lanes, and words read in a cycle.
const ENGINES: [(u32, u32); 7] = [(1, 1), (2, 1), (4, 1), (8, 1), (2, 2), (4, 4), (8, 8)];

/// A model whose second layer has so many ones.
fn model(ones: i32) -> Vec<u32> {
    let mut random = Random::new(3);
    let plans = [Plan::dense(INPUTS as u32, Kind::Sign), Plan::dense(OUTPUTS as u32, Kind::Sign)];
    let mut draft = arbitrary::build(Shape::vector(8), Kind::U8, &plans, &mut random);
    let words = draft.emit();
    let (Ok(model), Some(last)) = (Model::new(bytemuck::cast_slice(&words)), draft.layers.last_mut()) else {
        return words;
    };
    let matrix: Vec<i32> =
        (0..INPUTS * OUTPUTS).map(|_| if random.between(1, 1000) <= ones { 5 } else { -3 }).collect();
    if let Some(layer) = model.layer(1) {
        last.weights = DraftWeights::alpha_beta(&layer, &matrix, -3, 3, Coder::Rice);
        if let Some(weights) = last.weights.view() {
            let (low, high) = Layer { weights, ..layer }.implied_bound();
            last.bound = Bound { low: low as i32, high: high as i32 };
        }
    }
    // Weights that are not bits meet a window of bytes.
    last.scratch = draft.arena_words;
    draft.arena_words += INPUTS as u32 / 4;
    draft.emit()
}

fn main() -> Result<(), HdlError> {
    let names: Vec<String> = ENGINES.iter().map(|(lanes, reads)| format!("{lanes} lanes, {reads} reads")).collect();
    println!("| ones | {} |", names.join(" | "));
    println!("| --- |{}", " --- |".repeat(ENGINES.len()));
    for ones in ONES {
        let words = model(ones);
        let Ok(model) = Model::new(bytemuck::cast_slice(&words)) else { continue };
        let mut cells = Vec::new();
        for (lanes, reads) in ENGINES {
            let options = Options { lanes, reads, ..Options::default() };
            let taken: u64 = cycles(&model, &options)?.rows[1].iter().sum();
            let is_listed = Program::new(&model, &options)?.rows[1].listed;
            cells.push(format!("{taken}{}", if is_listed { "" } else { " (all words)" }));
        }
        println!("| {:.1} % | {} |", f64::from(ones) / 10.0, cells.join(" | "));
    }
    Ok(())
}
