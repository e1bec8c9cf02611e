//! Dense layers: `y = x W^T`.

use super::{Batch, Form};
use crate::codecs::Saved;
use crate::math::{product, view, view_mut};
use bitfab_graph::Shape;

/// `y[n, o] = sum_i x[n, i] * w[o, i]`; `weights` is outputs x features.
pub fn dense_forward(x: &Batch, weights: &[f32], outputs: usize) -> Batch {
    let (count, features) = (x.count, x.width());
    let mut y = vec![0.0; count * outputs];
    product(view(&x.values, count, features), view(weights, outputs, features).t(), view_mut(&mut y, count, outputs));
    Batch { values: y, count, shape: Shape::flat(outputs as u32), form: Form::Reals }
}

/// Gradients of the weights and, if asked for, of the input: `dW = dY^T X`, `dX = dY W`.
pub fn dense_backward(
    dy: &Batch,
    weights: &[f32],
    saved: &Saved,
    features: usize,
    want_input: bool,
) -> (Vec<f32>, Option<Vec<f32>>) {
    let (count, outputs) = (dy.count, dy.width());
    let mut x = saved.to_values(count * features);
    let gradient = view(&dy.values, count, outputs);
    let mut dw = vec![0.0; outputs * features];
    product(gradient.t(), view(&x, count, features), view_mut(&mut dw, outputs, features));
    let dx = want_input.then(|| {
        product(gradient, view(weights, outputs, features), view_mut(&mut x, count, features));
        x
    });
    (dw, dx)
}
