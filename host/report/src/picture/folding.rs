//! A network before and after it was folded: its nodes on the left, the layers that they became on the right.

use svg::Document;
use svg::node::element::path::Data;
use svg::node::element::{Group, Path};

use super::style::{self, Text, rectangle};
use super::{MARGIN, TOP, WIDTH};
use crate::render::FONT_FAMILY;

/// Height of a box, and of the space below it.
const BOX: f64 = 36.0;
const GAP: f64 = 8.0;
/// Width of the boxes on the left and where those on the right begin.
const LEFT: f64 = 400.0;
const RIGHT: f64 = 620.0;

/// A box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Its name.
    pub title: String,
    /// What it does.
    pub note: String,
}

/// Nodes and layers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folding {
    /// The headline.
    pub title: String,
    /// One line below it.
    pub subtitle: String,
    /// Nodes in their order.
    pub before: Vec<Piece>,
    /// Layers in their order, and which nodes each stands for.
    pub after: Vec<(Piece, Vec<usize>)>,
}

impl Folding {
    /// The picture as SVG; nodes that became no layer are grey.
    pub fn svg(&self) -> String {
        let at = |index: usize| TOP + index as f64 * (BOX + GAP);
        let mut is_used = vec![false; self.before.len()];
        let (mut links, mut layers) = (Group::new(), Group::new());
        let mut free = TOP;
        for (number, (piece, from)) in self.after.iter().enumerate() {
            let from: Vec<usize> = from.iter().copied().filter(|&node| node < self.before.len()).collect();
            let middle = from.iter().map(|&node| at(node)).sum::<f64>() / from.len().max(1) as f64;
            let y = middle.max(free);
            free = y + BOX + GAP;
            let color = style::PARTS[[0, 1, 3][number % 3]];
            for node in from {
                is_used[node] = true;
                links = links.add(link(at(node) + BOX / 2.0, y + BOX / 2.0, color));
            }
            layers = layers.add(boxed(RIGHT, y, WIDTH - MARGIN - RIGHT, piece, color, false));
        }
        let mut nodes = Group::new();
        for (index, piece) in self.before.iter().enumerate() {
            nodes = nodes.add(boxed(MARGIN, at(index), LEFT, piece, style::PARTS[2], !is_used[index]));
        }
        let height = free.max(at(self.before.len())) + MARGIN;
        Document::new()
            .set("viewBox", (0, 0, WIDTH, height))
            .set("width", WIDTH)
            .set("height", height)
            .set("font-family", format!("'{FONT_FAMILY}', Verdana, sans-serif"))
            .add(rectangle(0.0, 0.0, WIDTH, height, style::PAPER))
            .add(Text::new(MARGIN, 58.0, 28.0).bold().draw(&self.title))
            .add(Text::new(MARGIN, 86.0, 15.0).muted().draw(&self.subtitle))
            .add(links)
            .add(nodes)
            .add(layers)
            .to_string()
    }
}

/// A curve from a node to its layer.
fn link(from: f64, to: f64, color: &str) -> Path {
    let (start, end) = (MARGIN + LEFT, RIGHT);
    let half = (start + end) / 2.0;
    let data = Data::new().move_to((start, from)).cubic_curve_to((half, from, half, to, end, to));
    Path::new().set("d", data).set("fill", "none").set("stroke", color).set("stroke-width", 1.5).set("opacity", 0.7)
}

/// A box with a coloured edge, its name and what it does.
fn boxed(x: f64, y: f64, width: f64, piece: &Piece, color: &str, is_grey: bool) -> Group {
    let shade = |text: Text| if is_grey { text.muted() } else { text };
    let room = |size: f64| ((width - 24.0) / (size * 0.62)) as usize;
    Group::new()
        .add(rectangle(x, y, width, BOX, style::FAINT))
        .add(rectangle(x, y, 5.0, BOX, color))
        .add(shade(Text::new(x + 14.0, y + 15.0, 12.0).bold()).draw(&shortened(&piece.title, room(12.0))))
        .add(Text::new(x + 14.0, y + 29.0, 11.0).muted().draw(&shortened(&piece.note, room(11.0))))
}

/// The end of a text that is too long: names differ there.
fn shortened(text: &str, room: usize) -> String {
    let count = text.chars().count();
    if count <= room { text.into() } else { format!("…{}", text.chars().skip(count + 1 - room).collect::<String>()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_layers_and_links_are_drawn() {
        let piece = |title: &str| Piece { title: title.into(), note: "a <note>".into() };
        let picture = Folding {
            title: "Net".into(),
            subtitle: "sub".into(),
            before: vec![piece("conv"), piece("norm"), piece("softmax")],
            after: vec![(piece("layer & one"), vec![7, 0, 1])],
        };
        let svg = picture.svg();
        assert_eq!(svg.matches("<path").count(), 2, "one link a node");
        for text in ["conv", "norm", "softmax", "layer &amp; one", "a &lt;note&gt;"] {
            assert!(svg.contains(text), "{text}");
        }
        crate::png(&svg, 1.0).expect("the picture renders");
        let empty = Folding { before: Vec::new(), after: Vec::new(), ..picture };
        crate::png(&empty.svg(), 1.0).expect("an empty picture renders");
        assert_eq!(shortened("abcdef", 4), "…def");
    }
}
