//! The confusion matrix: truth in rows, predictions in columns.

use svg::node::element::Group;

use super::style::{FAINT, INK, PAPER, Text, mix, rectangle};
use crate::Confusion;
use crate::table::percent;

/// Space left of the cells, for the names of classes.
const LEFT: f64 = 54.0;
/// Space right of the cells, for the share that was recognised.
const RIGHT: f64 = 66.0;
/// Space above the cells.
const ABOVE: f64 = 64.0;
/// Right answers, from few to all.
const RIGHT_COLORS: [[u8; 3]; 2] = [[0xdc, 0xe8, 0xf8], [0x24, 0x56, 0xa6]];
/// Wrong answers, from one to many.
const WRONG_COLORS: [[u8; 3]; 2] = [[0xfd, 0xea, 0xcb], [0xd9, 0x5f, 0x0e]];
/// Matrices larger than this get no numbers: nobody could read them.
const NUMBERED: usize = 16;

/// Height of the drawing.
pub(super) fn height(matrix: &Confusion, width: f64) -> f64 {
    ABOVE + cell(matrix, width) * matrix.size() as f64 + 12.0
}

fn cell(matrix: &Confusion, width: f64) -> f64 {
    (width - LEFT - RIGHT) / matrix.size().max(1) as f64
}

/// Draws the matrix `width` wide.
pub(super) fn draw(matrix: &Confusion, width: f64) -> Group {
    let size = matrix.size();
    let cell = cell(matrix, width);
    let font = (cell * 0.36).clamp(5.0, 15.0);
    let centre = |index: usize| (index as f64 + 0.5) * cell;
    let mut group = Group::new()
        .add(Text::new(0.0, 12.0, 15.0).bold().draw("What was taken for what"))
        .add(Text::new(0.0, 32.0, 12.0).muted().draw("rows: truth, columns: found"))
        .add(Text::new(width, ABOVE - 7.0, 12.0).right().muted().draw("recognised"));
    for (index, class) in matrix.classes.iter().enumerate() {
        let base = ABOVE + centre(index) + font * 0.36;
        let recall = matrix.recall(index).map_or("-".into(), percent);
        group = group
            .add(Text::new(LEFT + centre(index), ABOVE - 7.0, font.min(13.0)).centred().draw(class))
            .add(Text::new(LEFT - 9.0, base, font.min(13.0)).right().draw(class))
            .add(Text::new(width, base, font.min(12.0)).right().muted().draw(&recall));
    }
    let worst = matrix.worst(1).first().map_or(1, |&(.., count)| count);
    for truth in 0..size {
        for found in 0..size {
            let (x, y) = (LEFT + found as f64 * cell, ABOVE + truth as f64 * cell);
            let (color, text) = shade(matrix, truth, found, worst);
            group = group.add(rectangle(x + 1.0, y + 1.0, cell - 2.0, cell - 2.0, &color).set("rx", cell.min(3.0)));
            let count = matrix.count(truth, found);
            if count > 0 && size <= NUMBERED {
                let place = Text::new(x + cell / 2.0, y + cell / 2.0 + font * 0.36, font).centred().color(text);
                group = group.add(place.draw(&count.to_string()));
            }
        }
    }
    group
}

/// Colour of a cell and of its number: blue by share of the class, orange by count (square root, so that one is seen).
fn shade(matrix: &Confusion, truth: usize, found: usize, worst: u32) -> (String, &'static str) {
    let count = f64::from(matrix.count(truth, found));
    if count == 0.0 {
        return (FAINT.into(), INK);
    }
    if truth == found {
        let share = matrix.recall(truth).unwrap_or(0.0);
        return (mix(RIGHT_COLORS[0], RIGHT_COLORS[1], share.powi(3)), if share > 0.75 { PAPER } else { INK });
    }
    let share = (count / f64::from(worst.max(1))).sqrt();
    (mix(WRONG_COLORS[0], WRONG_COLORS[1], if worst <= 1 { 0.3 } else { share }), INK)
}
