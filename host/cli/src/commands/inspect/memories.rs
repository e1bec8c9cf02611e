//! The memories of the accelerator beside the bits that the file spends on the same things, and an estimate of its size.

use anyhow::{Context, Result};
use bitfab::format::Model;
use bitfab::hdl::{Options, Program, Purpose, Weights};
use bitfab::report::{ModelSummary, table};
use bitfab::sim::synth::{Estimate, Target, estimate};
use serde::Serialize;

/// A memory of the accelerator.
#[derive(Serialize)]
struct Memory {
    name: String,
    holds: &'static str,
    words: u64,
    width: u32,
    bits: u64,
    /// Bits that an inference reads.
    bits_read: u64,
}

/// The same things in the accelerator and in the file.
#[derive(Serialize)]
struct Compared {
    what: &'static str,
    accelerator_bits: u64,
    file_bits: u64,
}

/// What an accelerator keeps.
#[derive(Serialize)]
pub struct Memories {
    lanes: u32,
    memories: Vec<Memory>,
    compared: [Compared; 2],
    bits_read: u64,
    /// Size and speed as they are known without synthesis.
    estimate: Estimate,
}

impl Memories {
    /// The memories of the accelerator for `model` with so many lanes, and weights from there.
    pub fn new(model: &Model<'_>, summary: &ModelSummary, (lanes, weights): (u32, Weights)) -> Result<Self> {
        let options = Options::default().with_lanes(lanes).with_weights(weights);
        let sizes = Program::new(model, &options)?.memories();
        let reads = bitfab::hdl::cycles(model, &options)?.reads;
        let bits =
            |purpose| sizes.iter().filter(|size| size.purpose == purpose).map(bitfab::hdl::MemorySize::bits).sum();
        let [weights, thresholds, _] = summary.shares();
        let compared = [
            Compared { what: "weights", accelerator_bits: bits(Purpose::Weights), file_bits: 8 * weights },
            Compared { what: "thresholds", accelerator_bits: bits(Purpose::Thresholds), file_bits: 8 * thresholds },
        ];
        let memory = |size: &bitfab::hdl::MemorySize| {
            let read = reads.of(&size.name).with_context(|| format!("nothing counts the reads of `{}`", size.name))?;
            Ok(Memory {
                name: size.name.clone(),
                holds: holds(size.purpose),
                words: size.depth,
                width: size.width,
                bits: size.bits(),
                bits_read: read * u64::from(size.width),
            })
        };
        let memories: Vec<Memory> = sizes.iter().map(memory).collect::<Result<_>>()?;
        let bits_read = memories.iter().map(|memory| memory.bits_read).sum();
        Ok(Self { lanes, bits_read, memories, compared, estimate: estimate(model, &options)? })
    }

    /// What is known without synthesis.
    fn size(&self) -> String {
        let of = &self.estimate;
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
    pub fn text(&self) -> String {
        let line = |memory: &Memory| {
            let numbers = [memory.words, memory.width.into(), memory.bits, memory.bits_read].map(table::thousands);
            [memory.name.clone(), memory.holds.to_owned()].into_iter().chain(numbers).collect()
        };
        let header = ["memory", "holds", "words", "width", "bits", "bits read an inference"];
        let memories = table::grid(&header, self.memories.iter().map(line));
        let line = |one: &Compared| {
            let ratio = one.accelerator_bits as f64 / one.file_bits.max(1) as f64;
            let bits = [one.accelerator_bits, one.file_bits].map(table::thousands);
            let ratio = if one.file_bits == 0 { "-".to_owned() } else { format!("{ratio:.2}x") };
            [one.what.to_owned()].into_iter().chain(bits).chain([ratio]).collect()
        };
        let header = ["bits", "accelerator", "file", "ratio"];
        let compared = table::grid(&header, self.compared.iter().map(line));
        let all = table::thousands(self.memories.iter().map(|memory| memory.bits).sum());
        let read = table::thousands(self.bits_read);
        format!(
            "Memories of the accelerator with {} lanes, {all} bits, of which an inference reads {read}:\n{memories}\n{compared}\n\n\
             On an iCE40 UP5K, without synthesis (`bitfab synth --target up5k` counts and places it):\n{}",
            self.lanes,
            self.size()
        )
    }
}

fn holds(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Activations => "activations",
        Purpose::Weights => "weights",
        Purpose::Thresholds => "thresholds",
        Purpose::Input => "input",
        Purpose::Result => "result",
    }
}
