//! Integers of a few bits, with activations of eight: what common tools for post-training quantisation make, learned.
//!
//! The grid and the gradient are those of `qnn`.

use super::qnn::Even;
use super::{About, Bits, Demo, Method, Row, Site, Start};

/// The method.
#[derive(Debug)]
pub(super) struct Int;

pub(super) static INT: Int = Int;

static ABOUT: About = About {
    name: "int",
    bits: Some(Bits { from: 2, to: 8, usual: 8 }),
    paper: "as `qnn`",
    weights: "integers of B bits",
    learning: "as `qnn`",
    activation_bits: 8,
    bench: &[Row { bits: 4, ..Row::new("int-4", 15) }],
    demo: Some(Demo {
        kind: "integer",
        help: "Integers of four bits",
        what: "of 4-bit integers and 8-bit activations",
        bits: 4,
        settings: &[],
    }),
    ..About::PLAIN
};

impl Method for Int {
    fn about(&self) -> &About {
        &ABOUT
    }

    fn start(&self, site: &Site<'_>) -> Start {
        Start::new(Even { bits: site.bits })
    }
}
