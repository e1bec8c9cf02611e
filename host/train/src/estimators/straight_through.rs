//! The clipped straight-through estimator (Hubara et al. 2016, arXiv 1602.02830): `g_x = g_y [low <= x <= high]`.

use super::{Estimator, Line};
use crate::batch::Batch;
use crate::codecs::{Bits, Saved};
use crate::math::ELEMENTS;
use rayon::prelude::*;

/// The gradient of the line: its slope between its ends, nothing beyond them. Saves one bit a value.
#[derive(Clone, Copy, Debug)]
pub struct StraightThrough;

impl Estimator for StraightThrough {
    fn name(&self) -> &'static str {
        "straight-through"
    }

    fn save(&self, x: &[f32], Line { step, low, high }: Line) -> Saved {
        // Exact, because steps are powers of two.
        let (low, high) = (low * step, high * step);
        Saved::Mask(Bits::new(x, move |value| (low..=high).contains(&value)))
    }

    fn backward(&self, dy: &Batch, saved: &Saved, line: Line) -> Vec<f32> {
        masked(dy, saved, 1.0 / line.step)
    }
}

/// `dy * factor` where the mask is set, else 0.
pub(crate) fn masked(dy: &Batch, saved: &Saved, factor: f32) -> Vec<f32> {
    let mut dx = saved.to_values(dy.values.len());
    dx.par_chunks_mut(ELEMENTS).zip(dy.values.par_chunks(ELEMENTS)).for_each(|(dx, dy)| {
        for (dx, dy) in dx.iter_mut().zip(dy) {
            *dx *= dy * factor;
        }
    });
    dx
}
