//! What the accelerator costs on an FPGA, as text.

use bitfab_sim::synth::{Blocks, Cells, Synthesis};
use serde::Serialize;

use crate::table::{grid, table, thousands};

/// What the accelerator costs on an FPGA.
#[derive(Clone, Debug, Serialize)]
pub struct Resources {
    /// Output channels computed at a time.
    pub lanes: u32,
    /// Clock cycles from result to result.
    pub cycles: u64,
    /// What the tools say.
    pub synthesis: Synthesis,
    /// The cells block by block.
    pub blocks: Blocks,
    /// How the tools were called.
    pub commands: Vec<String>,
}

impl Resources {
    /// Look-up tables for each binary multiply-accumulate that can be done in a cycle.
    pub fn luts_per_mac(&self) -> f64 {
        f64::from(self.synthesis.luts()) / f64::from(self.lanes.max(1) * bitfab_format::WORD_BITS)
    }

    /// Results a second at the median clock.
    pub fn rate(&self) -> Option<f64> {
        Some(self.synthesis.median_mhz()? * 1e6 / self.cycles.max(1) as f64)
    }

    /// The median clock in MHz, or why there is none.
    fn clock(&self) -> String {
        match self.synthesis.median_mhz() {
            _ if self.synthesis.misfit.is_some() => "does not fit".into(),
            Some(mhz) => format!("{mhz:.1}"),
            None => "not placed: no clock".into(),
        }
    }
}

/// Resources and speed, one line a number of lanes.
pub fn resources(all: &[Resources]) -> String {
    let header = [
        "target",
        "lanes",
        "LUTs",
        "logic cells",
        "carry",
        "flip-flops",
        "RAMs",
        "SPRAMs",
        "multipliers",
        "MHz, median",
        "MHz, range",
        "cycles",
        "results/s",
        "LUTs per MAC/cycle",
    ];
    let mut table = table(&header, 1);
    for one in all {
        let (cells, mhz) = (one.synthesis.cells, &one.synthesis.mhz);
        let (low, high) = mhz.iter().fold((f64::MAX, 0f64), |(low, high), &mhz| (low.min(mhz), high.max(mhz)));
        table.add_row([
            one.synthesis.target.name().to_owned(),
            one.lanes.to_string(),
            thousands(one.synthesis.luts().into()),
            one.synthesis
                .logic
                .map_or("-".into(), |[used, of]| format!("{} of {}", thousands(used.into()), thousands(of.into()))),
            thousands(cells.carries.into()),
            thousands(cells.flip_flops.into()),
            cells.rams.to_string(),
            cells.sprams.to_string(),
            cells.multipliers.to_string(),
            one.clock(),
            if mhz.is_empty() { "-".into() } else { format!("{low:.1} to {high:.1}") },
            thousands(one.cycles),
            one.rate().map_or("-".into(), |rate| thousands(rate.round() as u64)),
            format!("{:.2}", one.luts_per_mac()),
        ]);
    }
    table.to_string()
}

/// The cells of one number of lanes block by block, with their sum beside the flattened circuit.
pub fn blocks(of: &Resources) -> String {
    let Blocks { how, blocks, sum, sum_all_luts, .. } = &of.blocks;
    let line = |name: &str, luts: u32, cells: &Cells| {
        let counts = [luts, cells.carries, cells.flip_flops, cells.rams, cells.sprams, cells.multipliers];
        [name.to_owned()].into_iter().chain(counts.map(|count| thousands(count.into()))).collect::<Vec<_>>()
    };
    let flattened = of.synthesis.cells;
    let mut lines: Vec<Vec<String>> =
        blocks.iter().map(|block| line(&block.name, block.all_luts, &block.cells)).collect();
    lines.push(line("sum of the blocks", *sum_all_luts, sum));
    lines.push(line("flattened", flattened.all_luts(of.synthesis.target.family()), &flattened));
    let over = &of.blocks;
    let signed = [over.luts_over_flattened, over.flip_flops_over_flattened, over.rams_over_flattened]
        .map(|by| format!("{by:+}"));
    let [luts, flip_flops, rams] = signed;
    format!(
        "Blocks, {} lanes, before placement:\n{}\n{how}: the sum of the blocks has {luts} look-up tables, {flip_flops} \
         flip-flops and {rams} block RAMs against it",
        of.lanes,
        grid(&["block", "LUTs", "carry", "flip-flops", "RAMs", "SPRAMs", "multipliers"], lines),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use bitfab_sim::synth::{Block, Target};

    fn of(target: Target, mhz: &[f64], misfit: Option<&str>) -> Resources {
        let cells = Cells { luts: 1280, carries: 30, flip_flops: 400, rams: 16, ..Cells::default() };
        let logic = (!mhz.is_empty()).then_some([1300, 5280]);
        let synthesis = Synthesis { target, cells, logic, mhz: mhz.to_vec(), misfit: misfit.map(str::to_owned) };
        let sum = Cells { luts: 1300, ..cells };
        let block = Block { name: "array".into(), cells: sum, all_luts: 1300 };
        let blocks = Blocks {
            how: "As counted".into(),
            blocks: vec![block],
            sum,
            sum_all_luts: 1300,
            luts_over_flattened: 20,
            flip_flops_over_flattened: 0,
            rams_over_flattened: -1,
        };
        Resources { lanes: 8, cycles: 420, synthesis, blocks, commands: Vec::new() }
    }

    #[test]
    fn resources_show_the_median_and_what_does_not_fit() {
        let fits = of(Target::Up5k, &[44.0, 40.0, 42.0], None);
        assert_eq!((fits.luts_per_mac(), fits.rate()), (5.0, Some(100_000.0)));
        let all = [fits, of(Target::Up5k, &[], Some("no BELs")), of(Target::Xc7a35t, &[], None)];
        let text = resources(&all);
        for part in
            ["1,280", "1,300 of 5,280", "42.0", "40.0 to 44.0", "100,000", "does not fit", "not placed: no clock"]
        {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
    }

    #[test]
    fn blocks_are_summed_beside_the_flattened_circuit() {
        let text = blocks(&of(Target::Up5k, &[42.0], None));
        for part in [
            "array",
            "sum of the blocks",
            "flattened",
            "As counted: the sum of the blocks has +20 look-up",
            "+0 flip",
            "-1 block",
        ] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
        assert_eq!(text.matches("1,300").count(), 2, "{text}");
    }
}
