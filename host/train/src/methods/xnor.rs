//! Signs, alone or times the mean magnitude of their filter (Rastegari et al. 2016).

/// `w >= 0` is +1, else -1.
pub(super) fn signs(weights: &[f32]) -> Vec<f32> {
    weights.iter().map(|&w| sign(w)).collect()
}

pub(super) fn sign(w: f32) -> f32 {
    if w >= 0.0 { 1.0 } else { -1.0 }
}

/// Mean of `|w|`, the best scale for the signs in the sense of least squares; never quite zero.
pub(super) fn mean_size(weights: &[f32]) -> f32 {
    let sum: f64 = weights.iter().map(|w| f64::from(w.abs())).sum();
    ((sum / weights.len() as f64) as f32).max(1e-6)
}

/// The gradient of `a sign(w)` with `a = mean |w|`: straight through the sign within -1 to 1, exact through `a`.
///
/// `dw_i = g_i a [|w_i| <= 1] + sign(w_i) / n * sum_j g_j sign(w_j)`.
pub(super) fn scaled_backward(weights: &[f32], gradient: &mut [f32]) {
    let scale = mean_size(weights);
    let along: f64 = weights.iter().zip(gradient.iter()).map(|(&w, &g)| f64::from(sign(w) * g)).sum();
    let share = (along / weights.len() as f64) as f32;
    for (&w, g) in weights.iter().zip(gradient) {
        *g = if w.abs() <= 1.0 { *g * scale } else { 0.0 } + sign(w) * share;
    }
}

/// Takes the mean off.
pub(super) fn center(weights: &mut [f32]) {
    let mean = weights.iter().map(|&w| f64::from(w)).sum::<f64>() / weights.len() as f64;
    weights.iter_mut().for_each(|w| *w -= mean as f32);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_magnitude_is_the_best_scale_for_signs() {
        let weights = [0.5, -0.25, 0.125, -1.0, 0.0];
        let scale = mean_size(&weights);
        assert_eq!(scale, 0.375);
        let error = |scale: f32| -> f32 { weights.iter().map(|&w| (w - scale * sign(w)).powi(2)).sum() };
        assert!(error(scale) < error(scale + 0.01) && error(scale) < error(scale - 0.01));
    }

    /// Away from 0 the signs are constant, so differences show the part of the gradient through the scale.
    #[test]
    fn the_gradient_through_the_scale_follows_its_differences() {
        let weights = [0.5f32, -0.25, 0.125, -1.5];
        let pull = [1.0f32, -2.0, 0.5, 3.0];
        let loss = |weights: &[f32]| -> f32 {
            let scale = mean_size(weights);
            weights.iter().zip(pull).map(|(&w, p)| scale * sign(w) * p).sum()
        };
        let mut gradient = pull;
        scaled_backward(&weights, &mut gradient);
        for index in 0..4 {
            let mut moved = weights;
            moved[index] += 0.0625;
            let slope = (loss(&moved) - loss(&weights)) / 0.0625;
            let straight = if weights[index].abs() <= 1.0 { pull[index] * mean_size(&weights) } else { 0.0 };
            assert!((gradient[index] - straight - slope).abs() < 1e-5, "{index}");
        }
    }

    #[test]
    fn centred_weights_have_no_mean() {
        let mut weights = [1.0, 2.0, 6.0];
        center(&mut weights);
        assert_eq!(weights, [-2.0, -1.0, 3.0]);
    }
}
