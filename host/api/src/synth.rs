//! What the accelerator costs on an FPGA and how fast it is, by the tools that would build it.

use bitfab_format::Model;
use bitfab_hdl::{Options, Style};
use bitfab_report::resources::Resources;
use bitfab_sim::synth::{Target, ToolFile, implement};

use crate::progress::Told;
use crate::verilog::verilog_sources;
use crate::{Result, Watch};

/// An accelerator that was synthesised, and placed where the target is.
#[derive(Clone, Debug)]
pub struct Synthesised {
    /// Size and speed, block by block.
    pub resources: Resources,
    /// What the tools read and wrote.
    pub files: Vec<ToolFile>,
}

/// Synthesises the accelerator for `target` and places it so many times; the clock is the median.
///
/// That it does not fit is in the result; [`bitfab_sim::synth::misfit`] knows what cannot before any tool has run.
///
/// # Errors
/// [`Error::Choice`](crate::Error::Choice) of no placements, [`Error::Circuit`](crate::Error::Circuit) where there is no
/// accelerator of these options,
/// [`Error::Engine`](crate::Error::Engine) where a tool is missing or fails.
pub fn synth(
    model: &Model<'_>,
    options: &Options,
    target: Target,
    placements: u32,
    watch: Watch<'_>,
) -> Result<Synthesised> {
    ensure!(placements > 0, Choice, "the clock is a median over placements: try at least one");
    let sources = verilog_sources(model, options, &Style::default())?;
    let placed = if target.is_placed() { format!(", then {placements} placements") } else { String::new() };
    let told = Told::busy(watch, &format!("{} lanes on {}: Yosys{placed}", options.lanes, target.name()));
    let made = implement(sources, target, placements)?;
    drop(told);
    let (lanes, cycles) = (options.lanes, bitfab_hdl::cycles(model, options)?.interval);
    let resources =
        Resources { lanes, cycles, synthesis: made.synthesis, blocks: made.blocks, commands: made.commands };
    Ok(Synthesised { resources, files: made.files })
}
