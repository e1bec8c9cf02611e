//! Colours and small pieces of all panels.

use svg::node::element::{self, Group, Rectangle};

/// The page.
pub(super) const PAPER: &str = "#ffffff";
/// Text.
pub(super) const INK: &str = "#1c2430";
/// Text of second rank.
pub(super) const MUTED: &str = "#667085";
/// Grids and empty cells.
pub(super) const FAINT: &str = "#f1f4f8";
/// Parts of a bar, in order; told apart by lightness too, for eyes and printers without colour.
pub(super) const PARTS: [&str; 4] = ["#2456a6", "#f0a030", "#b9c3d0", "#58a890"];

/// A piece of text with its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text {
    x: f64,
    y: f64,
    size: f64,
    anchor: &'static str,
    weight: u32,
    color: &'static str,
}

impl Text {
    /// Text whose base line starts at `x`, `y`.
    pub(super) const fn new(x: f64, y: f64, size: f64) -> Self {
        Self { x, y, size, anchor: "start", weight: 400, color: INK }
    }

    /// Ends at `x` instead.
    pub(super) const fn right(self) -> Self {
        Self { anchor: "end", ..self }
    }

    /// Has its middle at `x` instead.
    pub(super) const fn centred(self) -> Self {
        Self { anchor: "middle", ..self }
    }

    /// In bold.
    pub(super) const fn bold(self) -> Self {
        Self { weight: 700, ..self }
    }

    /// In the colour of second rank.
    pub(super) const fn muted(self) -> Self {
        self.color(MUTED)
    }

    /// In a colour.
    pub(super) const fn color(self, color: &'static str) -> Self {
        Self { color, ..self }
    }

    /// The element.
    pub(super) fn draw(self, text: &str) -> element::Text {
        element::Text::new(text)
            .set("x", self.x)
            .set("y", self.y)
            .set("font-size", self.size)
            .set("text-anchor", self.anchor)
            .set("font-weight", self.weight)
            .set("fill", self.color)
    }
}

/// A filled rectangle.
pub(super) fn rectangle(x: f64, y: f64, width: f64, height: f64, color: &str) -> Rectangle {
    Rectangle::new().set("x", x).set("y", y).set("width", width).set("height", height).set("fill", color)
}

/// A group moved to a place.
pub(super) fn shift(group: Group, x: f64, y: f64) -> Group {
    Group::new().set("transform", format!("translate({x:.2} {y:.2})")).add(group)
}

/// A colour between two, `share` from 0 to 1.
pub(super) fn mix(from: [u8; 3], to: [u8; 3], share: f64) -> String {
    let mixed = from.iter().zip(to).map(|(&from, to)| {
        let (from, to) = (f64::from(from), f64::from(to));
        (from + (to - from) * share.clamp(0.0, 1.0)).round() as u8
    });
    mixed.fold("#".to_owned(), |text, part| text + &format!("{part:02x}"))
}

/// A width that holds `text` in DejaVu Sans: an estimate from above, as fonts are not measured here.
pub(super) fn width(text: &str, size: f64) -> f64 {
    text.chars().count() as f64 * size * 0.66
}
