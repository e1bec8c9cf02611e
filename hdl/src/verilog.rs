//! The Verilog of an engine.

use std::sync::Arc;

use bitfab_format::Model;
use rust_hdl::prelude::*;

use crate::axis::AxiStream;
use crate::circuit::{Circuit, memory_macros};
use crate::engine::{SequencedEngine, circuits};
use crate::program::Program;
use crate::top::finished;
use crate::{HdlError, Interface, Memories, MemoryFile, Options, Sources, Style};

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
    let prefix = style.name.to_string();
    let placed = |circuit: Circuit| match style.memories {
        Memories::Files => circuit.with_memory_files(&prefix),
        Memories::Inline => circuit,
    };
    let circuits: Vec<_> = circuits(&program).into_iter().map(|(name, circuit)| (name, placed(circuit))).collect();
    let files = circuits.iter().flat_map(|(_, circuit)| circuit.memory_files());
    let memories: Vec<MemoryFile> = files.map(|(name, contents)| MemoryFile { name, contents }).collect();
    let engine = SequencedEngine::join(&program, circuits);
    let printed = match style.interface {
        Interface::Plain => generate_verilog(&engine),
        Interface::AxiStream => generate_verilog(&AxiStream::around(engine)),
    };
    let modules = finished(&printed, &style.name);
    let text = if memories.is_empty() { modules } else { memory_macros(&prefix) + &modules };
    Ok(Sources { name: style.name.clone(), interface: style.interface, is_loaded: program.is_loaded(), text, memories })
}
