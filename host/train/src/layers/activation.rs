//! Sign and k-bit quantisers with clipped straight-through gradients.

use super::{Batch, Form};
use crate::math::map;
use crate::saved::{Bits, Saved};

/// `x >= 0` is +1, else -1; saves where the gradient passes, `|x| <= 1`.
pub fn sign_forward(x: &Batch) -> (Batch, Saved) {
    let y = map(x.values.len(), |at| if x.values[at] >= 0.0 { 1.0 } else { -1.0 });
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
    let y = map(x.values.len(), |at| level(x.values[at]));
    let mask = Bits::new(&x.values, |value| (-0.5..=top + 0.5).contains(&(value / step)));
    (x.with(y, Form::Levels), Saved::Mask(mask))
}

/// The gradient of `clamp(x / step, -1/2, 2^bits - 1/2)`.
pub fn quantize_backward(dy: &Batch, saved: &Saved, step: f32) -> Vec<f32> {
    masked(dy, saved, 1.0 / step)
}

/// `dy * factor` where the mask is set, else 0.
fn masked(dy: &Batch, saved: &Saved, factor: f32) -> Vec<f32> {
    let mut mask = vec![0.0; dy.values.len()];
    saved.unpack(0, &mut mask);
    map(mask.len(), |at| mask[at] * dy.values[at] * factor)
}
