//! Prints what the accelerator costs, as Markdown: `cargo run --release -p bitfab-sim --example resources -- up5k 5`.
//!
//! The first argument is the target (`up5k`, `hx8k`, `ecp5-25k`; `estimate` for what is known of `up5k` without synthesis),
//! the second the number of seeds of the placement;
//! a third one restricts the table to one network (`dense`, `codes`, `convolution`, `levels`, `borders`, `mnist`, `depthwise`, `pointwise`, `smart-deal mnist`, or a kind of weights),
//! a fourth to one number of lanes, a fifth is the number of words read in a cycle, and `loaded` or `rebuilt` behind
//! that says where the weights come from.

use bitfab_format::arbitrary::{self, Plan, Random};
use bitfab_format::{
    Coder, Draft, DraftTransform, DraftWeights, Kind, Layer, Model, Op, PadValue, Rescale, Shape, WeightKind,
};
use bitfab_hdl::{Options, Weights, cycles};
use bitfab_sim::synth::{Estimate, Family, Synthesis, Target, estimate, synthesize_model};

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
    // Activations of 4 bits, with borders of zeros and with those of signed integers, of which the level 8 is zero.
    let levels = |image, inner| {
        let hidden = Kind::Unsigned { bits: 4 };
        [Plan::same(3, image, 32, hidden), Plan::same(3, inner, 32, sign), pool, head]
    };
    let plain = levels(PadValue::Zero, PadValue::Zero);
    let bordered = levels(PadValue::Level(128), PadValue::Level(8));
    let mnist = [Plan::dense(256, sign), Plan::dense(256, sign), Plan::dense(256, sign), head];
    let mut cases = vec![
        Case { name: "dense", draft: build(Shape::vector(64), &dense), lanes: &[1, 2, 4, 8, 16, 32] },
        Case { name: "codes", draft: build(Shape::vector(64), &coded), lanes: &[8] },
        Case { name: "convolution", draft: build(digits, &convolution), lanes: &[8] },
        Case { name: "levels", draft: build(digits, &plain), lanes: &[8] },
        Case { name: "borders", draft: build(digits, &bordered), lanes: &[8] },
        Case { name: "mnist", draft: build(Shape::new(28, 28, 1), &mnist), lanes: &[2, 8] },
        Case { name: "depthwise", draft: build(digits, &depthwise(true)), lanes: &[8] },
        Case { name: "pointwise", draft: build(digits, &depthwise(false)), lanes: &[8] },
    ];
    cases.extend(kinds());
    cases
}

/// Weights and values of 8 bits, pointwise layers and between them depthwise ones or none.
fn depthwise(is_deep: bool) -> Vec<Plan> {
    let values = Kind::Unsigned { bits: 8 };
    let layer = |side| Plan::same(side, PadValue::Zero, 64, values).with_weights(WeightKind::Integer);
    let pool = Plan::pool(Op::SumPool, 8, values);
    let deep = Plan { groups: 64, ..layer(3) };
    let layers = if is_deep { vec![layer(1), deep, layer(1), deep, layer(1)] } else { vec![layer(1); 3] };
    layers.into_iter().chain([pool, Plan::dense(10, Kind::I32).with_weights(WeightKind::Integer)]).collect()
}

/// One small network, with each kind of weights and output.
fn kinds() -> Vec<Case> {
    let (sign, head) = (Kind::Sign, Plan::dense(10, Kind::I32));
    let build = |shape: Shape, plans: &[Plan]| arbitrary::build(shape, Kind::U8, plans, &mut Random::new(1));
    let values = Kind::Unsigned { bits: 8 };
    // Small enough that no memory is deeper than a block RAM, which would cost multiplexers.
    let shape = |hidden: Kind| build(Shape::vector(64), &[Plan::dense(32, hidden), Plan::dense(32, hidden), head]);
    let kinds: [(&'static str, Kind, Fill); 10] = [
        ("binary", sign, |layer, r| DraftWeights::binary(layer, &sparse(layer, r, 101, |r| r.pick(&[-1, 1])))),
        ("ternary", sign, |layer, r| {
            DraftWeights::ternary(layer, &sparse(layer, r, 30, |r| r.pick(&[-1, 1])), Coder::Trits)
        }),
        ("sparse", sign, |layer, r| sparse_binary(layer, r, 5)),
        ("power", sign, |layer, r| {
            DraftWeights::power_of_two(layer, &sparse(layer, r, 50, |r| r.pick(&[-1, 1]) << r.between(0, 6)))
        }),
        ("planes", sign, |layer, r| {
            DraftWeights::planes(layer, &sparse(layer, r, 101, |r| 2 * r.between(-8, 7) + 1), 4)
        }),
        ("integer", sign, |layer, r| DraftWeights::integer(layer, &sparse(layer, r, 101, |r| r.between(-8, 7)), 4)),
        ("integer-8", sign, |layer, r| {
            DraftWeights::integer(layer, &sparse(layer, r, 101, |r| r.between(-128, 127)), 8)
        }),
        ("smart-deal", sign, smart_deal),
        ("requant", values, |layer, r| DraftWeights::binary(layer, &sparse(layer, r, 101, |r| r.pick(&[-1, 1])))),
        ("integer-8 requant", values, |layer, r| {
            DraftWeights::integer(layer, &sparse(layer, r, 101, |r| r.between(-128, 127)), 8)
        }),
    ];
    let case = |(name, hidden, fill)| Case { name, draft: refill(shape(hidden), fill), lanes: &[8] };
    let wide = || build(Shape::vector(512), &[Plan::dense(32, sign), Plan::dense(32, sign), head]);
    let wide_binary = Case { name: "wide binary", draft: wide(), lanes: &[8] };
    let wide_sparse = Case { name: "wide sparse", draft: refill(wide(), |l, r| sparse_binary(l, r, 1)), lanes: &[8] };
    let [moved, scaled] =
        [("moved scores", [1, 0]), ("scaled scores", [1 << 30, 24])].map(|(name, [factor, shift])| Case {
            name,
            draft: scored(refill(shape(sign), kinds[0].2), factor, shift as u32),
            lanes: &[8],
        });
    kinds.into_iter().map(case).chain([wide_binary, wide_sparse, moved, scaled, smart_deal_pixels()]).collect()
}

/// 784-256-10 over bytes with weights that are worth rebuilding.
fn smart_deal_pixels() -> Case {
    let plans = [Plan::dense(256, Kind::Sign), Plan::dense(10, Kind::I32)];
    let plans = plans.map(|plan| plan.with_weights(WeightKind::SmartDeal));
    let draft = arbitrary::build(Shape::vector(784), Kind::U8, &plans, &mut Random::new(1));
    Case { name: "smart-deal mnist", draft: refill(draft, smart_deal), lanes: &[8] }
}

/// Draws the weights of a layer.
type Fill = fn(&Layer<'_>, &mut Random) -> DraftWeights;

/// A matrix of which `percent` of the weights are drawn and the others are 0.
fn sparse(layer: &Layer<'_>, random: &mut Random, percent: i32, draw: fn(&mut Random) -> i32) -> Vec<i32> {
    (0..layer.weight_count()).map(|_| if random.between(1, 100) <= percent { draw(random) } else { 0 }).collect()
}

/// Ones among weights of -3 that are worth 5.
fn sparse_binary(layer: &Layer<'_>, random: &mut Random, percent: i32) -> DraftWeights {
    let matrix: Vec<i32> = sparse(layer, random, percent, |_| 8).iter().map(|one| one - 3).collect();
    DraftWeights::sparse_binary(layer, &matrix, -3, 3, Coder::Rice)
}

/// Chunks of 192 rows, of which a third is not zero.
fn smart_deal(layer: &Layer<'_>, random: &mut Random) -> DraftWeights {
    let (filters, rows) = (layer.output.shape.channels, layer.fan_in().div_ceil(3));
    let coefficients: Vec<i32> = (0..filters * rows)
        .flat_map(|_| {
            let used = random.once_in(3);
            [0; 3].map(|_| if used { random.pick(&[0, -1, 1]) << random.between(0, 3) } else { 0 })
        })
        .collect();
    let basis: Vec<i8> = (0..filters * rows.div_ceil(192) * 9).map(|_| random.between(1, 15) as i8).collect();
    DraftWeights::smart_deal(layer, &coefficients, &basis, 192)
}

/// The same network with an offset a class, and with factors near `factor` if there is a shift.
fn scored(mut draft: Draft, factor: i32, shift: u32) -> Draft {
    let random = &mut Random::new(3);
    let one = |random: &mut Random| Rescale {
        multiplier: if shift == 0 { 1 } else { random.between(factor, factor / 2 * 3) },
        offset: i64::from(random.between(-99, 99)) << shift,
        shift,
    };
    if let Some(last) = draft.layers.last_mut() {
        let scales = (0..last.output.shape.channels).map(|_| one(random)).collect();
        last.transform = DraftTransform::Affine { scales };
    }
    draft
}

/// The same network with other weights.
fn refill(draft: Draft, fill: Fill) -> Draft {
    let mut random = Random::new(2);
    arbitrary::refill(draft, &mut |layer| fill(layer, &mut random))
}

fn row(case: &Case, lanes: u32, synthesis: &Synthesis, foreseen: &Estimate, useful: f64) -> String {
    let cells = synthesis.cells;
    let clock = match (synthesis.median_mhz(), &synthesis.misfit) {
        (Some(mhz), _) => format!("{mhz:.1}"),
        (None, Some(why)) => format!("not placed: {why}"),
        (None, None) => "not placed".into(),
    };
    let is_ice40 = synthesis.target.family() == Family::Ice40;
    let estimated = if is_ice40 { foreseen.luts.to_string() } else { "-".into() };
    let per_mac = f64::from(synthesis.luts()) / f64::from(32 * lanes);
    format!(
        "| {} | {lanes} | {} | {estimated} | {} | {} | {} | {per_mac:.1} | {clock} | {} | {useful:.1} % |",
        case.name,
        synthesis.luts(),
        cells.carries,
        cells.flip_flops,
        cells.rams,
        foreseen.cycles
    )
}

const HEADER: &str = "\
| network | lanes | LUT4 in all | LUT4 estimated | carry | FF | RAM | LUT4 per MAC | MHz | cycles per input | useful |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |";
const ESTIMATES: &str = "\
| network | lanes | LUT4 | FF | RAM | cycles per input |
| --- | --- | --- | --- | --- | --- |";

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |at: usize| arguments.get(at).map(String::as_str);
    let is_estimate = argument(0) == Some("estimate");
    let target: Target = argument(0).filter(|_| !is_estimate).unwrap_or("up5k").parse().map_err(anyhow::Error::msg)?;
    let seeds: u32 = argument(1).unwrap_or("1").parse()?;
    let only_lanes: Option<u32> = argument(3).map(str::parse).transpose()?;
    let reads: u32 = argument(4).unwrap_or("1").parse()?;
    let named = argument(5).and_then(|name| Weights::ALL.into_iter().find(|weights| weights.name() == name));
    let weights = named.unwrap_or_default();
    println!("{}", if is_estimate { ESTIMATES } else { HEADER });
    for case in cases().iter().filter(|case| argument(2).is_none_or(|name| name == case.name)) {
        let words = case.draft.emit();
        let model = Model::new(bytemuck::cast_slice(&words)).map_err(|error| anyhow::anyhow!("{error}"))?;
        for &lanes in case.lanes.iter().filter(|lanes| only_lanes.is_none_or(|only| only == **lanes)) {
            let options = Options::default().with_lanes(lanes).with_reads(reads).with_weights(weights);
            let foreseen = estimate(&model, &options)?;
            if is_estimate {
                let Estimate { luts, flip_flops, rams, cycles, .. } = foreseen;
                println!("| {} | {lanes} | {luts} | {flip_flops} | {rams} | {cycles} |", case.name);
                continue;
            }
            let counted = cycles(&model, &options)?;
            let synthesis = synthesize_model(&model, &options, target, seeds)?;
            println!("{}", row(case, lanes, &synthesis, &foreseen, counted.useful_percent()));
        }
    }
    Ok(())
}
