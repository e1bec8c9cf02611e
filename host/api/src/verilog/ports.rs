//! What the README of an accelerator says about its ports.

use bitfab_hdl::{Interface, Sources, TopPort};

/// What AXI4-Stream leaves open.
const AXI_STREAM: &str = "
Both streams are AXI4-Stream, a byte wide, without `tkeep`, `tstrb`, `tid`, `tdest` and `tuser`: every byte counts, and \
`tlast` ends a frame.
No output depends on an input but through a register; `m_axis_tvalid` never waits for `m_axis_tready`, and what is \
offered stays as it is until it is taken.
";

/// Fills the places of ports in a template.
pub fn fill(template: &str, sources: &Sources) -> String {
    let row = |port: TopPort| {
        let direction = if port.is_input { "in" } else { "out" };
        let about = if port.is_inverted { format!("low {}", port.about) } else { port.about.into() };
        format!("| `{}` | {direction} | {} | {about} |", port.name, port.width)
    };
    let table = sources.ports().map(row).collect::<Vec<_>>().join("\n");
    let (standard, idle) = match sources.interface {
        Interface::Plain => ("", "0"),
        Interface::AxiStream => (AXI_STREAM, "1"),
    };
    let text = template.replace("@PORTS@", &table).replace("@STANDARD@\n", standard).replace("@IDLE@", idle);
    sources.ports().fold(text, |text, port| text.replace(&format!("@{}@", port.signal), port.name))
}
