//! What stands beside the Verilog for the tools around it: figures for Verilog and VHDL, a core of FuseSoC, a timing
//! diagram.

use bitfab_format::Model;
use bitfab_hdl::{Cycles, Options, Sources, TopPort};
use bitfab_report::ModelSummary;

use super::template::{hex, optional};
use super::{DesignFile, DesignKind, timing};
use crate::Result;

const HEADER: &str = include_str!("header.vh");
const COMPONENT: &str = include_str!("component.vhd");
const CORE: &str = include_str!("fusesoc.core");

/// Bits of a word of the result.
const WORD_BITS: u32 = 32;

/// The files; the diagram shows the frame of `input`, `image` is that of weights that are
/// loaded.
pub fn files(
    (model, options): (&Model<'_>, &Options),
    sources: &Sources,
    cycles: &Cycles,
    [input, image]: [&[u8]; 2],
) -> Result<Vec<DesignFile>> {
    let name = &sources.name;
    let fill = |template| fill(template, (model, options), sources, cycles, image.len()).into_bytes();
    let timing = timing::draw((model, options), sources, input)?;
    let mut files = vec![
        DesignFile::new(format!("{name}.vh"), DesignKind::Design, fill(HEADER)),
        DesignFile::new(format!("{name}_component.vhd"), DesignKind::Design, fill(COMPONENT)),
        DesignFile::new(format!("{name}.core"), DesignKind::Design, fill(CORE)),
        DesignFile::new("timing.json", DesignKind::Design, timing::wave_json(&timing)?),
        DesignFile::new("timing.svg", DesignKind::Svg, timing.svg()),
    ];
    if !image.is_empty() {
        files.push(DesignFile::new("weights.hex", DesignKind::Vectors, hex(image)));
        files.push(DesignFile::new("weights.bin", DesignKind::Image, image));
    }
    Ok(files)
}

/// Puts names and figures in the places of a template.
fn fill(
    template: &str,
    (model, options): (&Model<'_>, &Options),
    sources: &Sources,
    cycles: &Cycles,
    image_bytes: usize,
) -> String {
    let summary = ModelSummary::new(model);
    let words = model.output().region.words;
    let name = sources.name.to_string();
    let memories = sources.memories.iter().map(|memory| memory.name.as_str());
    let memories = memories.map(|name| format!("      - {name}: {{file_type: user, copyto: {name}}}\n"));
    let data = sources.ports().find(|port| port.signal == "in_data");
    let values: [(&str, String); 16] = [
        ("NAME", name.clone()),
        ("PREFIX", name.to_ascii_uppercase()),
        ("VERSION", env!("CARGO_PKG_VERSION").into()),
        ("LANES", options.lanes.to_string()),
        ("DATA_BITS", data.map_or(0, |port| port.width).to_string()),
        ("INPUT_BYTES", model.input_bytes().to_string()),
        ("OUTPUT_BYTES", (words * WORD_BITS / 8).to_string()),
        ("OUTPUT_WORDS", words.to_string()),
        ("WORD_BITS", WORD_BITS.to_string()),
        ("IMAGE_BYTES", image_bytes.to_string()),
        ("LATENCY", cycles.latency.to_string()),
        ("INTERVAL", cycles.interval.to_string()),
        ("SHAPE", summary.input.shape_text()),
        ("RESULT", format!("{} {}", summary.output.shape_text(), summary.output.kind)),
        ("MEMORY_FILES", memories.collect()),
        ("VHDL_PORTS", sources.ports().map(vhdl_port).collect::<Vec<_>>().join(";\n")),
    ];
    values
        .iter()
        .fold(optional(template, sources.is_loaded), |text, (place, value)| text.replace(&format!("@{place}@"), value))
}

/// A port in VHDL.
fn vhdl_port(port: TopPort) -> String {
    let direction = if port.is_input { "in " } else { "out" };
    let kind = match port.width {
        1 => "std_logic".into(),
        width => format!("std_logic_vector({} downto 0)", width - 1),
    };
    format!("      {:<18} : {direction} {kind}", port.name)
}
