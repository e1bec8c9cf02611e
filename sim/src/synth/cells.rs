//! Counts of cells, of a whole circuit and block by block.

use serde::Serialize;

use super::{Family, Target};

/// Cells of a synthesised circuit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Cells {
    /// Look-up tables of up to four inputs, on Xilinx six, without those that carry cells of ECP5 and Gowin take, and without
    /// [`Cells::memory_luts`].
    pub luts: u32,
    /// Carry cells: a bit each on iCE40 and Gowin, two on ECP5, four on Xilinx.
    pub carries: u32,
    /// Flip-flops.
    pub flip_flops: u32,
    /// Block RAMs: 4 kbit on iCE40, 18 kbit elsewhere.
    pub rams: u32,
    /// Look-up tables that small memories and shift registers take.
    pub memory_luts: u32,
    /// Multiplier blocks.
    pub multipliers: u32,
    /// Single-port RAMs of 256 kbit, of the UP5K alone.
    pub sprams: u32,
}

impl Cells {
    /// Look-up tables in all, as far as they are known before placement: each carry cell of ECP5 takes two, of Gowin one; on
    /// the other families those of carry cells are counted already.
    pub fn all_luts(&self, family: Family) -> u32 {
        let of_carries = match family {
            Family::Ice40 | Family::Xilinx7 => 0,
            Family::Ecp5 => 2 * self.carries,
            Family::Gowin => self.carries,
        };
        self.luts + of_carries + self.memory_luts
    }
}

impl std::iter::Sum for Cells {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, one| Self {
            luts: sum.luts + one.luts,
            carries: sum.carries + one.carries,
            flip_flops: sum.flip_flops + one.flip_flops,
            rams: sum.rams + one.rams,
            memory_luts: sum.memory_luts + one.memory_luts,
            multipliers: sum.multipliers + one.multipliers,
            sprams: sum.sprams + one.sprams,
        })
    }
}

/// Cells of one block of the accelerator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Block {
    /// Its module in the Verilog, without the name of the top module.
    pub name: String,
    /// Its cells.
    #[serde(flatten)]
    pub cells: Cells,
    /// Its look-up tables in all, before placement ([`Cells::all_luts`]).
    pub all_luts: u32,
}

/// Cells block by block, from a synthesis that keeps the blocks apart.
///
/// They are not those of the circuit that is placed: synthesis that flattens shares and drops logic across blocks, so that
/// none of its look-up tables belongs to one block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Blocks {
    /// How the figures were got.
    pub how: String,
    /// The blocks that have cells, in the order of the Verilog.
    pub blocks: Vec<Block>,
    /// The sum of all blocks.
    pub sum: Cells,
    /// Look-up tables of all blocks, before placement.
    pub sum_all_luts: u32,
    /// By how many look-up tables that is more than those of the flattened circuit, before placement.
    pub luts_over_flattened: i64,
    /// By how many flip-flops the sum is more than those of the flattened circuit.
    pub flip_flops_over_flattened: i64,
    /// By how many block RAMs the sum is more than those of the flattened circuit.
    pub rams_over_flattened: i64,
}

impl Blocks {
    /// The blocks beside the flattened circuit.
    pub(super) fn new(how: String, blocks: Vec<(String, Cells)>, flattened: Cells, target: Target) -> Self {
        let family = target.family();
        let used = blocks.into_iter().filter(|(_, cells)| *cells != Cells::default());
        let blocks: Vec<Block> =
            used.map(|(name, cells)| Block { name, cells, all_luts: cells.all_luts(family) }).collect();
        let sum: Cells = blocks.iter().map(|block| block.cells).sum();
        let over = |of: fn(&Cells) -> u32| i64::from(of(&sum)) - i64::from(of(&flattened));
        let luts = [sum, flattened].map(|cells| i64::from(cells.all_luts(family)));
        Self {
            how,
            sum,
            sum_all_luts: sum.all_luts(family),
            luts_over_flattened: luts[0] - luts[1],
            flip_flops_over_flattened: over(|cells| cells.flip_flops),
            rams_over_flattened: over(|cells| cells.rams),
            blocks,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_summed_and_set_beside_the_flattened_circuit() {
        let cells = |luts, carries| Cells { luts, carries, flip_flops: 5, rams: 1, memory_luts: 8, ..Cells::default() };
        let blocks = vec![
            ("front".to_owned(), cells(100, 3)),
            ("top".to_owned(), Cells::default()),
            ("array".to_owned(), cells(50, 2)),
        ];
        let blocks = Blocks::new("as told".into(), blocks, cells(170, 4), Target::Ecp5Of25k);
        assert_eq!(blocks.blocks.iter().map(|block| block.name.as_str()).collect::<Vec<_>>(), ["front", "array"]);
        assert_eq!(
            blocks.sum,
            Cells { luts: 150, carries: 5, flip_flops: 10, rams: 2, memory_luts: 16, ..Cells::default() }
        );
        assert_eq!(blocks.blocks[0].all_luts, 114);
        assert_eq!((blocks.sum_all_luts, blocks.luts_over_flattened), (176, -10));
        assert_eq!((blocks.flip_flops_over_flattened, blocks.rams_over_flattened), (5, 1));
    }

    #[test]
    fn look_up_tables_of_carries_count_where_yosys_counts_them_apart() {
        let cells = Cells { luts: 100, carries: 30, memory_luts: 8, ..Cells::default() };
        let all = [Family::Ice40, Family::Ecp5, Family::Gowin, Family::Xilinx7].map(|family| cells.all_luts(family));
        assert_eq!(all, [108, 168, 138, 108]);
    }
}
