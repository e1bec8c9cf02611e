//! The Verilog of an engine.

use std::sync::Arc;

use bitfab_format::Model;
use rust_hdl::prelude::*;

use crate::axis::AxiStream;
use crate::circuit::{Circuit, memory_macros};
use crate::engine::{SequencedEngine, circuits};
use crate::link::{SpiChip, UartChip, digests, identity};
use crate::program::Program;
use crate::top::finished;
use crate::{Chip, HdlError, Interface, Link, Memories, MemoryFile, Options, Sources, Style, Wire};

/// The Verilog of the engine for `model`: one file, the top module has the default name of
/// [`ModuleName`](crate::ModuleName).
///
/// # Errors
/// [`HdlError`] where the model or the options do not fit.
pub fn verilog(model: &Model<'_>, options: &Options) -> Result<String, HdlError> {
    let style = Style { memories: Memories::Inline, ..Style::default() };
    Ok(sources(model, options, &style)?.text)
}

/// The Verilog of the engine for `model`, always from a fresh instance, and the contents of its memories.
///
/// # Errors
/// As [`verilog`].
pub fn sources(model: &Model<'_>, options: &Options, style: &Style) -> Result<Sources, HdlError> {
    let program = Arc::new(Program::new(model, options)?);
    let top = |engine| match style.interface {
        Interface::Plain => Ok(generate_verilog(&engine)),
        Interface::AxiStream => Ok(generate_verilog(&AxiStream::around(engine))),
    };
    let (text, memories) = printed(&program, None, style, top)?;
    Ok(Sources { name: style.name.clone(), interface: style.interface, is_loaded: program.is_loaded(), text, memories })
}

/// The Verilog of the engine for `model` behind the wires of a board, under the name and with the memories of `style`.
///
/// # Errors
/// As [`verilog`], and where the link cannot carry the model.
pub fn chip(model: &Model<'_>, options: &Options, link: &Link, style: &Style) -> Result<Chip, HdlError> {
    let program = Arc::new(Program::new(model, options)?);
    let identity = identity(model, options, link)?;
    let digests = link.digests.then(|| Ok(("digests", digests::circuit(&program)?))).transpose()?;
    let top = |engine| {
        Ok(match link.wire {
            Wire::Spi => generate_verilog(&SpiChip::around(engine, &identity)?),
            Wire::Uart { divisor } => generate_verilog(&UartChip::around(engine, &identity, divisor)?),
        })
    };
    let (text, memories) = printed(&program, digests, style, top)?;
    let weights = program.is_loaded().then(|| program.image());
    Ok(Chip { name: style.name.clone(), identity, text, memories, weights })
}

/// The text of a top module around the engine, and the contents of its memories.
fn printed(
    program: &Arc<Program>,
    more: Option<(&'static str, Circuit)>,
    style: &Style,
    top: impl FnOnce(SequencedEngine) -> Result<String, HdlError>,
) -> Result<(String, Vec<MemoryFile>), HdlError> {
    let prefix = style.name.to_string();
    let placed = |circuit: Circuit| match style.memories {
        Memories::Files => circuit.with_memory_files(&prefix),
        Memories::Inline => circuit,
    };
    let circuits: Vec<_> =
        circuits(program).into_iter().chain(more).map(|(name, circuit)| (name, placed(circuit))).collect();
    let files = circuits.iter().flat_map(|(_, circuit)| circuit.memory_files());
    let memories: Vec<MemoryFile> = files.map(|(name, contents)| MemoryFile { name, contents }).collect();
    let modules = finished(&top(SequencedEngine::join(program, circuits))?, &style.name);
    let text = if memories.is_empty() { modules } else { memory_macros(&prefix) + &modules };
    Ok((text, memories))
}
