//! Cross-entropy of the softmax of scaled scores.

use super::Batch;

/// Loss, hits and gradient of one batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Loss {
    /// Sum over the samples, in nats.
    pub sum: f64,
    /// Samples whose largest score (the first on ties) is their class.
    pub correct: u32,
    /// Gradient of the mean loss with respect to the unscaled scores.
    pub gradient: Vec<f32>,
}

/// Mean cross-entropy of `softmax(scores * scale)` against the labels.
///
/// With `smoothing` s the target is `1 - s` on the class plus `s / classes` everywhere.
pub fn cross_entropy(scores: &Batch, labels: &[u8], scale: f32, smoothing: f32) -> Loss {
    weighted_cross_entropy(scores, labels, scale, smoothing, None)
}

/// As [`cross_entropy()`], each sample's loss times the factor of its class where there are factors.
///
/// The mean is over the samples, not over their factors.
///
/// # Panics
/// If a label has no factor.
pub fn weighted_cross_entropy(
    scores: &Batch,
    labels: &[u8],
    scale: f32,
    smoothing: f32,
    factors: Option<&[f32]>,
) -> Loss {
    let classes = scores.width();
    let mut loss = Loss { sum: 0.0, correct: 0, gradient: Vec::with_capacity(scores.values.len()) };
    let (scale64, share) = (f64::from(scale), f64::from(smoothing) / classes as f64);
    for (row, &label) in scores.values.chunks_exact(classes).zip(labels) {
        let best = arg_max(row);
        let factor = factors.map_or(1.0, |factors| f64::from(factors[usize::from(label)]));
        loss.correct += u32::from(best == usize::from(label));
        let top = f64::from(row[best]);
        let shifted: Vec<f64> = row.iter().map(|&v| (f64::from(v) - top) * scale64).collect();
        let total: f64 = shifted.iter().map(|v| v.exp()).sum();
        for (class, value) in shifted.iter().enumerate() {
            let hit = f64::from(u8::from(class == usize::from(label)));
            let target = hit * (1.0 - f64::from(smoothing)) + share;
            loss.sum += factor * target * (total.ln() - value);
            let gradient = factor * (value.exp() / total - target) * scale64 / scores.count as f64;
            loss.gradient.push(gradient as f32);
        }
    }
    loss
}

/// Index of the largest value, the lowest index on ties; 0 for none.
pub fn arg_max(values: &[f32]) -> usize {
    let mut best = 0;
    for (index, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = index;
        }
    }
    best
}
