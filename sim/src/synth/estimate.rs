//! What the accelerator takes of an iCE40, without synthesis.

use bitfab_format::Model;
use bitfab_hdl::circuit::{LogicCells, Placement};
use bitfab_hdl::{MemorySize, Options, Program};
use serde::Serialize;

use super::Target;
use super::fit::{block_rams, is_block, is_spram, shape, sprams};
use crate::error::SimError;
use crate::rtl::unsupported;

/// The largest difference to Yosys's look-up tables that was seen (`resources -- up5k`), rounded up.
pub const LUTS_WITHIN_PERCENT: u32 = 10;
/// Of so many tables of the cover synthesis saves one, as it restructures logic. Chosen by the rows of `resources -- up5k`:
/// covers alone differ from Yosys's counts by -0.6 to +10.9 per cent, and less one in 50 by -2.6 to +8.8.
const SAVES_ONE_OF: u32 = 50;

/// Size and speed of an accelerator on an iCE40 UP5K as they are known without synthesis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Estimate {
    /// Look-up tables of four inputs, by covering the circuits' logic, less one in 50: an estimate.
    pub luts: u32,
    /// By how many per cent [`Estimate::luts`] differs from Yosys's count at most, as measured ([`LUTS_WITHIN_PERCENT`]).
    pub luts_within_percent: u32,
    /// Flip-flops, as the circuits describe them: at most one per cent from Yosys's count, which moves some into multiplier
    /// blocks and does not see of a few that they never change.
    pub flip_flops: u32,
    /// Block RAMs of 4 kbit, those that Yosys maps in all networks that were compared but one, whose lists of SmartDeal digits
    /// on two lanes take one less than is counted here.
    pub rams: u32,
    /// Single-port RAMs of 256 kbit.
    pub sprams: u32,
    /// Multiplier blocks of 16 by 16 bits.
    pub multipliers: u32,
    /// Clock cycles from result to result, exactly.
    pub cycles: u64,
}

/// The estimate for the accelerator of `model` on [`Target::Up5k`]; other iCE40 differ in multipliers alone.
///
/// # Errors
/// [`SimError::Unsupported`] for a model or options that the engine refuses.
pub fn estimate(model: &Model<'_>, options: &Options) -> Result<Estimate, SimError> {
    let refused = |error| unsupported("the estimate", &error);
    let program = Program::new(model, options).map_err(refused)?;
    let cycles = bitfab_hdl::cycles(model, options).map_err(refused)?.interval;
    let LogicCells { luts, flip_flops, multipliers } = program.logic(placement);
    let luts = luts - luts / SAVES_ONE_OF;
    let rams = block_rams(&program, Target::Up5k) as u32;
    let sprams = sprams(&program, Target::Up5k) as u32;
    Ok(Estimate { luts, luts_within_percent: LUTS_WITHIN_PERCENT, flip_flops, rams, sprams, multipliers, cycles })
}

/// Where Yosys puts a memory.
fn placement(memory: &MemorySize) -> Placement {
    match shape(memory, Target::Up5k) {
        _ if is_spram(memory, Target::Up5k) => Placement::Blocks(1),
        Some([words, _]) if is_block(memory, Target::Up5k) => Placement::Blocks(memory.depth.div_ceil(words)),
        _ => Placement::Logic,
    }
}
