//! Whether the memories of an accelerator fit an FPGA, before anything is synthesised.

use bitfab_format::Model;
use bitfab_hdl::{MemorySize, Options, Program, Purpose, Weights};

use super::pins::has_pins_to_load;
use super::{Family, Target};

/// Lanes that are tried where others do not fit.
const LANES: [u32; 6] = [1, 2, 4, 8, 16, 32];

/// Words and bits that a block RAM can have.
const ICE40: &[[u64; 2]] = &[[256, 16], [512, 8], [1024, 4], [2048, 2]];
/// Of ECP5, Gowin and Xilinx, of which a pair of 36 kbit counts twice.
const OF_18K: &[[u64; 2]] = &[[512, 36], [1024, 18], [2048, 9], [4096, 4], [8192, 2], [16384, 1]];

/// Words and bits of an SPRAM, and how many the UP5K has.
const SPRAM: (u64, u64) = (16_384, 16);
const SPRAMS: u64 = 4;

/// Block RAMs that the memories of `program` take on `target`: as Yosys maps them, but for small ones that it may turn
/// into logic; words are split by bits and by addresses, and bits that never differ are left out.
pub fn block_rams(program: &Program, target: Target) -> u64 {
    let blocks = |memory: &MemorySize| shape(memory, target).map_or(0, |shape| split(memory, shape));
    program.memories().iter().filter(|memory| is_block(memory, target)).map(blocks).sum()
}

/// How many blocks of so many words and bits hold a memory.
fn split(memory: &MemorySize, [words, bits]: [u64; 2]) -> u64 {
    memory.depth.div_ceil(words) * u64::from(memory.varying).div_ceil(bits)
}

/// Words and bits of the block RAMs that hold a memory: the fewest, where each weighs as much as twice as many bits of the
/// choice between those that are deep one behind the other; Yosys weighs them alike.
pub(super) fn shape(memory: &MemorySize, target: Target) -> Option<[u64; 2]> {
    let (shapes, weight) = if target.family() == Family::Ice40 { (ICE40, 64) } else { (OF_18K, 128) };
    let choice = |shape: &[u64; 2]| (memory.depth.div_ceil(shape[0]) - 1) * u64::from(memory.varying);
    let cost = |shape: &[u64; 2]| (2 * weight * split(memory, *shape) + choice(shape), split(memory, *shape));
    shapes.iter().copied().min_by_key(cost)
}

/// Whether a memory surely becomes block RAM: those with contents are asked to, other weights are as large; iCE40 has nothing
/// else for the others, and the other families may make small memories of look-up tables, 16 to 64 bits of each.
pub(super) fn is_block(memory: &MemorySize, target: Target) -> bool {
    if is_spram(memory, target) {
        return false;
    }
    // Memories of very few bits become look-up tables.
    let is_large = memory.bits() >= 256;
    let is_kept = memory.is_constant || memory.purpose == Purpose::Weights;
    is_large && !memory.is_logic && (is_kept || target.family() == Family::Ice40)
}

/// Whether a memory becomes SPRAM: loaded weights, where there is any.
pub(super) fn is_spram(memory: &MemorySize, target: Target) -> bool {
    target == Target::Up5k && memory.is_loaded
}

/// SPRAMs that the memories of `program` take on `target`.
pub fn sprams(program: &Program, target: Target) -> u64 {
    let memories = program.memories();
    let split = |memory: &MemorySize| memory.depth.div_ceil(SPRAM.0) * u64::from(memory.width).div_ceil(SPRAM.1);
    memories.iter().filter(|memory| is_spram(memory, target)).map(split).sum()
}

/// What the memories of `program` take that `target` has not.
fn shortage(program: &Program, target: Target) -> Option<String> {
    let rams = (block_rams(program, target), u64::from(target.block_rams()), "block RAMs");
    let short = |(needed, there, what): (u64, u64, &str)| {
        (needed > there).then(|| format!("take {needed} {what}, and the device has {there}"))
    };
    short(rams).or_else(|| short((sprams(program, target), SPRAMS, "SPRAMs of 256 kbit")))
}

/// Why the memories of the accelerator for `model` do not fit `target`, by how much, and what would do.
///
/// `None` where they fit as far as is known before synthesis, and where the engine refuses the model anyway.
pub fn misfit(model: &Model<'_>, options: &Options, target: Target) -> Option<String> {
    let short = shortage(&Program::new(model, options).ok()?, target)?;
    let fits = |options: Options, target: Target| {
        let has_pins = options.weights != Weights::Loaded || has_pins_to_load(target);
        has_pins && Program::new(model, &options).is_ok_and(|program| shortage(&program, target).is_none())
    };
    let lanes = LANES.into_iter().filter(|&lanes| lanes != options.lanes && fits(options.with_lanes(lanes), target));
    let lanes: Vec<String> = lanes.map(|lanes| lanes.to_string()).collect();
    let targets = Target::ALL.into_iter().filter(|&other| other != target && fits(*options, other));
    let targets: Vec<&str> = targets.map(Target::name).collect();
    let mut ways = Vec::new();
    if fits(options.with_weights(Weights::Rebuilt), target) {
        ways.push(format!("{} on it with its SmartDeal weights rebuilt", target.name()));
    }
    if !lanes.is_empty() {
        ways.push(format!("{} on it with {} lanes", target.name(), lanes.join(" or ")));
    }
    let loaded = options.with_weights(Weights::Loaded);
    let is_contents = options.weights == Weights::Contents && target == Target::Up5k;
    let loaded = LANES.into_iter().filter(|&lanes| is_contents && fits(loaded.with_lanes(lanes), target));
    let loaded: Vec<String> = loaded.map(|lanes| lanes.to_string()).collect();
    if !loaded.is_empty() {
        let lanes = loaded.join(" or ");
        ways.push(format!("{} on it with {lanes} lanes and its weights in SPRAM (--weights loaded)", target.name()));
    }
    if !targets.is_empty() {
        ways.push(format!("{} with {}", targets.join(", "), options.lanes));
    }
    let way =
        if ways.is_empty() { "no known target has enough".into() } else { format!("enough: {}", ways.join("; ")) };
    Some(format!("its memories {short} ({way})"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bitfab_format::arbitrary::{Plan, Random, build};
    use bitfab_format::{Kind, Shape, WeightKind};

    fn network(inputs: u32, hidden: &[u32]) -> Vec<u32> {
        let plans = hidden.iter().map(|outputs| Plan::dense(*outputs, Kind::Sign)).chain([Plan::dense(10, Kind::I32)]);
        build(Shape::vector(inputs), Kind::U8, &plans.collect::<Vec<_>>(), &mut Random::new(4)).emit()
    }

    #[test]
    fn block_rams_are_those_that_yosys_maps() {
        // What `cargo run --release -p bitfab-sim --example resources` prints for its networks "dense" and "mnist".
        let dense_words = network(64, &[128, 64]);
        let dense = Model::from_words(&dense_words).unwrap();
        for (lanes, ice40) in [(1, 10), (2, 13), (4, 15), (8, 27), (16, 50), (32, 97)] {
            let program = Program::new(&dense, &Options::default().with_lanes(lanes)).unwrap();
            assert_eq!(block_rams(&program, Target::Up5k), ice40, "{lanes} lanes");
        }
        let words = network(784, &[256, 256, 256]);
        let program = Program::new(&Model::from_words(&words).unwrap(), &Options::default()).unwrap();
        assert_eq!((block_rams(&program, Target::Hx8k), block_rams(&program, Target::Ecp5Of25k)), (113, 28));
        // The same with `loaded`: never more than Yosys maps, so that nothing is refused that fits, and little less, as the
        // activations of "mnist" take two blocks, which is not sure, and Yosys stacks loaded words in another way.
        for (words, lanes, mapped) in [(&words, 8, 30), (&words, 2, 27), (&dense_words, 8, 13), (&dense_words, 1, 4)] {
            let options = Options::default().with_lanes(lanes).with_weights(Weights::Loaded);
            let program = Program::new(&Model::from_words(words).unwrap(), &options).unwrap();
            let counted = block_rams(&program, Target::Ecp5Of25k);
            assert!((mapped - 4..=mapped).contains(&counted), "{lanes} lanes: {counted} of {mapped}");
        }
    }

    #[test]
    fn what_cannot_fit_says_by_how_much_and_what_would_do() {
        let words = network(784, &[256, 256, 256]);
        let model = Model::from_words(&words).unwrap();
        let why = misfit(&model, &Options::default(), Target::Up5k).unwrap();
        assert!(why.contains("take 113 block RAMs, and the device has 30"), "{why}");
        assert!(why.contains("up5k on it with 1 or 2 lanes and its weights in SPRAM (--weights loaded)"), "{why}");
        assert!(why.contains("ecp5-12k, ecp5-25k, ecp5-45k, ecp5-85k, gw2ar-18, xc7a35t, xc7a100t with 8"), "{why}");
        assert_eq!(misfit(&model, &Options::default(), Target::Ecp5Of25k), None);
        let why = misfit(&model, &Options::default(), Target::Gw1nr9).unwrap();
        assert!(why.contains("take 28 block RAMs, and the device has 26"), "{why}");
        assert_eq!(misfit(&model, &Options::default(), Target::Xc7a35t), None);
        let words = network(64, &[128, 64]);
        let model = Model::from_words(&words).unwrap();
        let why = misfit(&model, &Options::default().with_lanes(32), Target::Up5k).unwrap();
        assert!(why.contains("up5k on it with 1 or 2 or 4 or 8 lanes"), "{why}");
        let loaded = Options::default().with_weights(Weights::Loaded);
        let words = network(784, &[256, 256, 256]);
        let model = Model::from_words(&words).unwrap();
        let why = misfit(&model, &loaded, Target::Up5k).unwrap();
        assert!(why.contains("take 16 SPRAMs of 256 kbit, and the device has 4"), "{why}");
        assert!(why.contains("up5k on it with 1 or 2 lanes"), "{why}");
        assert!(why.contains("ecp5-12k, ") && !why.contains("gw"), "Gowin's boards lack pins: {why}");
        let words = network(4096, &[4096, 4096]);
        let model = Model::from_words(&words).unwrap();
        let why = misfit(&model, &Options::default(), Target::Ecp5Of85k).unwrap();
        assert!(why.contains("no known target has enough"), "{why}");
    }

    #[test]
    fn rebuilding_is_offered_where_it_is_enough_and_nowhere_else() {
        let (mut offered, options) = ([0, 0], Options::default().with_lanes(2));
        for seed in 0..12 {
            let plans = [64, 10].map(|outputs| Plan::dense(outputs, Kind::I32).with_weights(WeightKind::SmartDeal));
            let plans = [Plan { kind: Kind::Sign, ..plans[0] }, plans[1]];
            let words =
                build(Shape::vector(if seed % 2 == 0 { 100 } else { 400 }), Kind::U8, &plans, &mut Random::new(seed))
                    .emit();
            let model = Model::from_words(&words).unwrap();
            let Some(why) = misfit(&model, &options, Target::Up5k) else { continue };
            let rebuilt = options.with_weights(Weights::Rebuilt);
            let is_enough = misfit(&model, &rebuilt, Target::Up5k).is_none();
            assert_eq!(why.contains("up5k on it with its SmartDeal weights rebuilt"), is_enough, "seed {seed}: {why}");
            offered[usize::from(is_enough)] += 1;
        }
        assert!(offered.iter().all(|count| *count != 0), "{offered:?}");
    }
}
