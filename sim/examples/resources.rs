//! Prints what the accelerator costs, as Markdown: `cargo run --release -p bitfab-sim --example resources -- up5k 5`.
//!
//! The first argument is the target (`up5k`, `hx8k`, `ecp5-25k`), the second the number of seeds of the placement;
//! a third one restricts the table to one network (`dense`, `codes`, `convolution`, `mnist`),
//! a fourth to one number of lanes.

use bitfab_format::arbitrary::{self, Plan, Random};
use bitfab_format::{Draft, Kind, Model, Op, PadValue, Shape};
use bitfab_hdl::{Options, cycles};
use bitfab_sim::synth::{Synthesis, Target, synthesize_model};

/// A network and the lanes that are worth measuring.
struct Case {
    name: &'static str,
    draft: Draft,
    lanes: &'static [u32],
}

fn cases() -> Vec<Case> {
    let sign = Kind::Sign;
    let head = Plan::dense(10, Kind::I32);
    let build = |shape: Shape, plans: &[Plan]| arbitrary::build(shape, Kind::U8, plans, &mut Random::new(1));
    let codes = Plan { op: Op::Encode, ..Plan::dense(64, sign) };
    let digits = Shape::new(8, 8, 1);
    let pool = Plan::pool(Op::MaxPool, 2, sign);
    let dense = [Plan::dense(128, sign), Plan::dense(64, sign), head];
    let coded = [codes, Plan::dense(128, sign), Plan::dense(64, sign), head];
    let convolution =
        [Plan::same(3, PadValue::Zero, 32, sign), Plan::same(3, PadValue::MinusOne, 32, sign), pool, head];
    let mnist = [Plan::dense(256, sign), Plan::dense(256, sign), Plan::dense(256, sign), head];
    vec![
        Case { name: "dense", draft: build(Shape::vector(64), &dense), lanes: &[1, 2, 4, 8, 16, 32] },
        Case { name: "codes", draft: build(Shape::vector(64), &coded), lanes: &[8] },
        Case { name: "convolution", draft: build(digits, &convolution), lanes: &[8] },
        Case { name: "mnist", draft: build(Shape::new(28, 28, 1), &mnist), lanes: &[8] },
    ]
}

fn row(case: &Case, lanes: u32, synthesis: &Synthesis, interval: u64, useful: f64) -> String {
    let cells = synthesis.cells;
    let clock = match (synthesis.median_mhz(), &synthesis.misfit) {
        (Some(mhz), _) => format!("{mhz:.1}"),
        (None, Some(why)) => format!("not placed: {why}"),
        (None, None) => "not placed".into(),
    };
    let per_mac = f64::from(cells.luts) / f64::from(32 * lanes);
    format!(
        "| {} | {lanes} | {} | {} | {} | {} | {per_mac:.1} | {clock} | {interval} | {useful:.1} % |",
        case.name, cells.luts, cells.carries, cells.flip_flops, cells.rams
    )
}

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |at: usize| arguments.get(at).map(String::as_str);
    let target: Target = argument(0).unwrap_or("up5k").parse().map_err(anyhow::Error::msg)?;
    let seeds: u32 = argument(1).unwrap_or("1").parse()?;
    let only_lanes: Option<u32> = argument(3).map(str::parse).transpose()?;
    println!("| network | lanes | LUT4 | carry | FF | RAM | LUT4 per MAC | MHz | cycles per input | useful |");
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    for case in cases().iter().filter(|case| argument(2).is_none_or(|name| name == case.name)) {
        let words = case.draft.emit();
        let model = Model::new(bytemuck::cast_slice(&words)).map_err(|error| anyhow::anyhow!("{error}"))?;
        for &lanes in case.lanes.iter().filter(|lanes| only_lanes.is_none_or(|only| only == **lanes)) {
            let options = Options::default().with_lanes(lanes);
            let counted = cycles(&model, &options)?;
            let synthesis = synthesize_model(&model, &options, target, seeds)?;
            println!("{}", row(case, lanes, &synthesis, counted.interval, counted.useful_percent()));
        }
    }
    Ok(())
}
