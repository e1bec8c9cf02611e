//! The nodes of a file beside the layers that they became.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;
use bitfab::import::{Imported, SourceNode};
use bitfab::report::picture::{Folding, Piece};

use crate::io::outputs::{self, Product};

/// Whether a picture is one of pixels.
pub fn is_png(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "png")
}

/// Writes the nodes beside the layers as SVG, or as PNG where the name says so.
pub fn draw(file: &Path, imported: &Imported, picture: &Path) -> Result<()> {
    // Nodes of constants alone are folded before anything else.
    let mut constants: BTreeSet<&String> = imported.source.constants.keys().collect();
    let mut nodes: Vec<&SourceNode> = Vec::new();
    for node in &imported.source.nodes {
        if node.op == "Shape" || node.inputs.iter().all(|name| name.is_empty() || constants.contains(name)) {
            constants.extend(&node.outputs);
        } else {
            nodes.push(node);
        }
    }
    let place = |name: &String| nodes.iter().position(|node| node.name == *name);
    let after = imported.folded.iter().map(|one| {
        let piece = Piece { title: one.node.clone(), note: format!("{}; {}", one.what, one.how) };
        (piece, one.from.iter().filter_map(place).collect())
    });
    let folding = Folding {
        title: file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
        subtitle: format!("{} nodes became {} layers; input {}", nodes.len(), imported.folded.len(), imported.input),
        before: nodes.iter().map(|node| Piece { title: node.name.clone(), note: node.op.clone() }).collect(),
        after: after.collect(),
    };
    let svg = folding.svg();
    if is_png(picture) {
        return outputs::write(picture, Product::Png, &bitfab::report::png(&svg, 2.0)?);
    }
    outputs::write(picture, Product::Svg, svg.as_bytes())
}
