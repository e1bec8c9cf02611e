//! Small pictures of rows, side by side.

use svg::node::element::Group;

use super::style::{Text, mix, rectangle};

/// Side of one picture.
const SIDE: f64 = 72.0;
/// From one picture to the next.
const STEP: f64 = 94.0;
/// Height of a line of pictures with captions.
const LINE: f64 = 112.0;
/// Space above the pictures.
const ABOVE: f64 = 28.0;
/// Lines at most.
const LINES: usize = 2;

/// A row of a data set as a grey picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Blackness from 0 to 1, row by row; what is missing is white.
    pub values: Vec<f64>,
    /// A few words below it.
    pub caption: String,
}

fn per_line(width: f64) -> usize {
    ((width + STEP - SIDE) / STEP).floor().max(1.0) as usize
}

/// Height of the drawing.
pub(super) fn height(samples: &[Sample], width: f64) -> f64 {
    ABOVE + LINE * samples.len().div_ceil(per_line(width)).min(LINES) as f64
}

/// Draws as many pictures as fit.
pub(super) fn draw(title: &str, samples: &[Sample], width: f64) -> Group {
    let per_line = per_line(width);
    let mut group = Group::new().add(Text::new(0.0, 12.0, 15.0).bold().draw(title));
    for (index, sample) in samples.iter().take(per_line * LINES).enumerate() {
        let (x, y) = ((index % per_line) as f64 * STEP, ABOVE + (index / per_line) as f64 * LINE);
        group = group
            .add(picture(sample, x, y))
            .add(Text::new(x + SIDE / 2.0, y + SIDE + 17.0, 11.0).centred().draw(&sample.caption));
    }
    group
}

fn picture(sample: &Sample, x: f64, y: f64) -> Group {
    let dot = SIDE / sample.width.max(sample.height).max(1) as f64;
    let mut group = Group::new()
        .set("shape-rendering", "crispEdges")
        .add(rectangle(x - 1.0, y - 1.0, SIDE + 2.0, SIDE + 2.0, "#d5dbe3"))
        .add(rectangle(x, y, SIDE, SIDE, "#ffffff"));
    for (index, &value) in sample.values.iter().take(sample.width * sample.height).enumerate() {
        if value > 0.0 {
            let (row, column) = ((index / sample.width) as f64, (index % sample.width) as f64);
            let color = mix([0xff; 3], [0x1c, 0x24, 0x30], value);
            group = group.add(rectangle(x + column * dot, y + row * dot, dot, dot, &color));
        }
    }
    group
}
