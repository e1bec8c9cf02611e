//! From a source to a graph: every sum of products becomes a layer, all between two of them one step function.
//!
//! A tensor of the source is kept as integers and the chain of nodes that makes its real numbers of them.
//! Where a weighted node, a pool or an addition reads it, the chain is evaluated by the executor itself, by bisection
//! over the integers, so that whatever the nodes do is folded as it is.

mod chain;
mod clamped;
mod coded;
mod describe;
mod finish;
mod imported;
mod levels;
mod line;
mod lowering;
mod nodes;
mod stepped;
mod sums;
mod ties;
mod windows;

use bitfab_graph::Interface;

use crate::input::InputMap;
use crate::{ImportError, Source};
pub use imported::{Folded, Imported, Tie};
use lowering::Lowering;

/// Lowers a source whose input is bytes; what is said of the input goes along.
pub(crate) fn lowered(
    source: Source,
    input: InputMap,
    interface: Interface,
    note: Option<String>,
) -> Result<Imported, ImportError> {
    let mut lowering = Lowering::new(&source, input, interface)?;
    lowering.notes.extend(note);
    for index in 0..source.nodes.len() {
        lowering.node(index)?;
    }
    let imported = lowering.finish()?;
    Ok(Imported { source, ..imported })
}
