//! Horizontal bars of stacked parts.

use svg::node::element::Group;

use super::style::{FAINT, PARTS, Text, rectangle, width};
use crate::table::thousands;

/// Space left of the bars, for labels.
const LEFT: f64 = 132.0;
/// Space right of the bars, for totals.
const RIGHT: f64 = 84.0;
/// Space above the bars, for title, note and legend.
const ABOVE: f64 = 64.0;
/// Height of a bar and its gap.
const STEP: f64 = 26.0;
/// Longest label, in characters.
const LABEL: usize = 16;

/// One bar.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    /// What it stands for.
    pub label: String,
    /// Lengths of its parts, not negative, in the order of [`Bars::parts`].
    pub parts: Vec<f64>,
}

impl Bar {
    fn total(&self) -> f64 {
        self.parts.iter().sum()
    }
}

/// A chart of bars on one scale.
#[derive(Clone, Debug, PartialEq)]
pub struct Bars {
    /// What is shown.
    pub title: String,
    /// The sum, or what the numbers mean.
    pub note: String,
    /// Names of the parts, at most four; a single part needs no legend.
    pub parts: Vec<String>,
    /// The bars from top to bottom.
    pub bars: Vec<Bar>,
}

impl Bars {
    pub(super) fn height(&self) -> f64 {
        ABOVE + STEP * self.bars.len() as f64
    }

    pub(super) fn draw(&self, wide: f64) -> Group {
        let mut group = Group::new()
            .add(Text::new(0.0, 12.0, 15.0).bold().draw(&self.title))
            .add(Text::new(0.0, 32.0, 12.0).muted().draw(&self.note));
        if self.parts.len() > 1 {
            group = group.add(self.legend());
        }
        let longest = self.bars.iter().map(Bar::total).fold(0.0, f64::max).max(f64::MIN_POSITIVE);
        for (index, bar) in self.bars.iter().enumerate() {
            let y = ABOVE + STEP * index as f64;
            group = group.add(draw_bar(bar, y, (wide - LEFT - RIGHT) / longest));
        }
        group
    }

    fn legend(&self) -> Group {
        let mut x = LEFT;
        let mut group = Group::new();
        for (name, color) in self.parts.iter().zip(PARTS) {
            group = group
                .add(rectangle(x, 42.0, 10.0, 10.0, color))
                .add(Text::new(x + 15.0, 51.0, 11.0).muted().draw(name));
            x += 34.0 + width(name, 11.0);
        }
        group
    }
}

fn draw_bar(bar: &Bar, y: f64, scale: f64) -> Group {
    let label = match bar.label.chars().count() {
        0..=LABEL => bar.label.clone(),
        _ => bar.label.chars().take(LABEL - 1).chain(['…']).collect(),
    };
    let mut group = Group::new()
        .add(Text::new(LEFT - 10.0, y + 13.0, 12.0).right().draw(&label))
        .add(rectangle(LEFT, y, 1.0, 18.0, FAINT));
    let mut x = LEFT;
    for (part, color) in bar.parts.iter().zip(PARTS) {
        group = group.add(rectangle(x, y, part * scale, 18.0, color));
        x += part * scale;
    }
    let total = thousands(bar.total().round() as u64);
    group.add(Text::new(x + 8.0, y + 13.0, 12.0).draw(&total))
}
