//! Sign and k-bit quantisers with clipped straight-through gradients.

use super::{Batch, Form};
use crate::math::{ELEMENTS, map};
use crate::saved::{Bits, Saved};
use rayon::prelude::*;

/// `x >= 0` is +1, else -1; saves where the gradient passes, `|x| <= 1`.
pub fn sign_forward(x: &Batch) -> (Batch, Saved) {
    let y = map(&x.values, |value| if value >= 0.0 { 1.0 } else { -1.0 });
    let mask = Bits::new(&x.values, |value| value.abs() <= 1.0);
    (x.with(y, Form::Signs), Saved::Mask(mask))
}

/// The gradient of `clamp(x, -1, 1)`.
pub fn sign_backward(dy: &Batch, saved: &Saved) -> Vec<f32> {
    masked(dy, saved, 1.0)
}

/// `clamp(floor(x / step + 1/2), 0, 2^bits - 1)` as whole numbers;
/// saves where the gradient passes, `-1/2 <= x / step <= 2^bits - 1/2`.
pub fn quantize_forward(x: &Batch, bits: u32, step: f32) -> (Batch, Saved) {
    let top = ((1u32 << bits) - 1) as f32;
    let level = |value: f32| (value / step + 0.5).floor().clamp(0.0, top);
    let y = map(&x.values, level);
    let mask = Bits::new(&x.values, |value| (-0.5..=top + 0.5).contains(&(value / step)));
    (x.with(y, if bits > 4 { Form::Octets } else { Form::Levels }), Saved::Mask(mask))
}

/// The gradient of `clamp(x / step, -1/2, 2^bits - 1/2)`.
pub fn quantize_backward(dy: &Batch, saved: &Saved, step: f32) -> Vec<f32> {
    masked(dy, saved, 1.0 / step)
}

/// `max(x, 0)`, for networks of real numbers.
pub fn relu_forward(x: &Batch) -> (Batch, Saved) {
    let mask = Bits::new(&x.values, |value| value > 0.0);
    (x.with(map(&x.values, |value| value.max(0.0)), Form::Reals), Saved::Mask(mask))
}

/// The gradient of `max(x, 0)`.
pub fn relu_backward(dy: &Batch, saved: &Saved) -> Vec<f32> {
    masked(dy, saved, 1.0)
}

/// `dy * factor` where the mask is set, else 0.
fn masked(dy: &Batch, saved: &Saved, factor: f32) -> Vec<f32> {
    let mut dx = saved.to_values(dy.values.len());
    dx.par_chunks_mut(ELEMENTS).zip(dy.values.par_chunks(ELEMENTS)).for_each(|(dx, dy)| {
        for (dx, dy) in dx.iter_mut().zip(dy) {
            *dx *= dy * factor;
        }
    });
    dx
}
