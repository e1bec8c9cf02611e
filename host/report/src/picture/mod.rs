//! One page for people: what is confused, where bytes and cycles go, which rows are wrong.
//!
//! A [`Page`] holds values; [`Page::svg`] draws them, [`crate::png`] renders the text.

mod bars;
mod folding;
mod matrix;
mod samples;
mod style;
mod timing;

pub use bars::{Bar, Bars};
pub use folding::{Folding, Piece};
pub use samples::Sample;
pub use timing::{Signal, Timing, Trace, WaveLane, Window};

use svg::Document;
use svg::node::element::Group;

use crate::Confusion;
use crate::render::FONT_FAMILY;
use style::{Text, rectangle, shift};

/// Width of a page in pixels at scale 1.
const WIDTH: f64 = 1200.0;
/// Space around and between panels.
const MARGIN: f64 = 40.0;
/// Where panels start below the title.
const TOP: f64 = 118.0;
/// Side of the confusion matrix with its labels.
const MATRIX: f64 = 520.0;

/// What a page shows.
#[derive(Clone, Debug)]
pub struct Page {
    /// The headline.
    pub title: String,
    /// One line below it.
    pub subtitle: String,
    /// Truth against prediction.
    pub confusion: Confusion,
    /// Bar charts, from top to bottom.
    pub charts: Vec<Bars>,
    /// Rows worth a look, such as the wrong ones.
    pub samples: Vec<Sample>,
    /// What the rows are.
    pub samples_title: String,
}

impl Page {
    /// The page as SVG.
    pub fn svg(&self) -> String {
        let right = MARGIN + MATRIX + MARGIN;
        let mut body = Group::new()
            .add(Text::new(MARGIN, 58.0, 28.0).bold().draw(&self.title))
            .add(Text::new(MARGIN, 86.0, 15.0).muted().draw(&self.subtitle))
            .add(shift(matrix::draw(&self.confusion, MATRIX), MARGIN, TOP));
        let mut bottom = TOP;
        for chart in &self.charts {
            body = body.add(shift(chart.draw(WIDTH - right - MARGIN), right, bottom));
            bottom += chart.height() + 28.0;
        }
        bottom = bottom.max(TOP + matrix::height(&self.confusion, MATRIX) + 28.0);
        if !self.samples.is_empty() {
            let width = WIDTH - 2.0 * MARGIN;
            body = body.add(shift(samples::draw(&self.samples_title, &self.samples, width), MARGIN, bottom));
            bottom += samples::height(&self.samples, width);
        }
        let height = bottom + MARGIN / 2.0;
        let document = Document::new()
            .set("viewBox", (0, 0, WIDTH, height))
            .set("width", WIDTH)
            .set("height", height)
            .set("font-family", format!("'{FONT_FAMILY}', Verdana, sans-serif"))
            .add(rectangle(0.0, 0.0, WIDTH, height, style::PAPER))
            .add(body);
        document.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> Page {
        let bars = vec![
            Bar { label: "hidden <1>".into(), parts: vec![100.0, 20.0] },
            Bar { label: "scores".into(), parts: vec![10.0, 0.0] },
        ];
        Page {
            title: "Title & more".into(),
            subtitle: "sub".into(),
            confusion: Confusion::of(3, [(0, 0), (1, 1), (2, 1)]),
            charts: vec![Bars {
                title: "Where the bytes go".into(),
                note: "130 bytes".into(),
                parts: vec!["weights".into(), "thresholds".into()],
                bars,
            }],
            samples: vec![Sample {
                width: 2,
                height: 2,
                values: vec![0.0, 1.0, 0.5, 0.2],
                caption: "2 seen as 1".into(),
            }],
            samples_title: "Wrong".into(),
        }
    }

    #[test]
    fn a_page_shows_every_label_escaped_and_renders() {
        let svg = page().svg();
        for text in ["Title &amp; more", "hidden &lt;1&gt;", "weights", "2 seen as 1", "130 bytes", "Wrong"] {
            assert!(svg.contains(text), "{text} is missing");
        }
        let png = crate::png(&svg, 1.0).unwrap();
        assert!(png.len() > 5_000, "{} bytes", png.len());
    }

    #[test]
    fn a_page_without_anything_still_renders() {
        let empty = Page { charts: Vec::new(), samples: Vec::new(), confusion: Confusion::of(0, []), ..page() };
        crate::png(&empty.svg(), 1.0).unwrap();
    }
}
