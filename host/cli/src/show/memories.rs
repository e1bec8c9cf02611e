//! The memories of the accelerator beside the bits that the file spends on the same things, and an estimate of its size.

use bitfab::report::table;
use bitfab::sim::synth::{Estimate, Target};
use bitfab::{Compared, Memories, Memory};

/// What is known without synthesis.
fn size(of: &Estimate) -> String {
    let all = Target::Up5k.luts();
    let luts = format!(
        "{} of {}, estimated: at most {} % from what Yosys counted wherever both were compared",
        table::thousands(of.luts.into()),
        table::thousands(all.into()),
        of.luts_within_percent
    );
    table::facts(&[
        ("LUT4", luts),
        ("flip-flops", format!("{}, at most 1 % from Yosys's count", table::thousands(of.flip_flops.into()))),
        ("block RAMs of 4 kbit", format!("{} of {}", of.rams, Target::Up5k.block_rams())),
        ("multiplier blocks", of.multipliers.to_string()),
        ("cycles from result to result", table::thousands(of.cycles)),
    ])
}

/// All tables.
pub fn text(accelerator: &Memories) -> String {
    let line = |memory: &Memory| {
        let numbers = [memory.words, memory.width.into(), memory.bits, memory.bits_read].map(table::thousands);
        [memory.name.clone(), memory.holds.to_owned()].into_iter().chain(numbers).collect()
    };
    let header = ["memory", "holds", "words", "width", "bits", "bits read an inference"];
    let memories = table::grid(&header, accelerator.memories.iter().map(line));
    let line = |one: &Compared| {
        let ratio = one.accelerator_bits as f64 / one.file_bits.max(1) as f64;
        let bits = [one.accelerator_bits, one.file_bits].map(table::thousands);
        let ratio = if one.file_bits == 0 { "-".to_owned() } else { format!("{ratio:.2}x") };
        [one.what.to_owned()].into_iter().chain(bits).chain([ratio]).collect()
    };
    let header = ["bits", "accelerator", "file", "ratio"];
    let compared = table::grid(&header, accelerator.compared.iter().map(line));
    let all = table::thousands(accelerator.memories.iter().map(|memory| memory.bits).sum());
    let read = table::thousands(accelerator.bits_read);
    format!(
        "Memories of the accelerator with {} lanes, {all} bits, of which an inference reads {read}:\n{memories}\n{compared}\n\n\
             On an iCE40 UP5K, without synthesis (`bitfab synth --target up5k` counts and places it):\n{}",
        accelerator.lanes,
        size(&accelerator.estimate)
    )
}
