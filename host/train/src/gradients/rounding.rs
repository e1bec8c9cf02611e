//! Gradients of few bits, rounded at random so that their mean stays (Hubara et al. 2018).

use crate::random::{Purpose, stream, symmetric};

/// How gradients are rounded in one step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Noise {
    /// 2 to 8.
    pub(crate) bits: u32,
    pub(crate) seed: u64,
    /// Number of the step.
    pub(crate) step: u64,
}

impl Noise {
    /// Rounds to `2^bits - 1` even levels between minus and plus the largest magnitude; `place` tells draws apart.
    pub(crate) fn round(self, place: usize, values: &mut [f32]) {
        let largest = values.iter().fold(0.0f32, |largest, v| largest.max(v.abs()));
        if largest == 0.0 || !largest.is_finite() {
            return;
        }
        let unit = largest / ((1u32 << (self.bits - 1)) - 1) as f32;
        let mut rng = stream(self.seed, Purpose::Gradient, self.step, place as u64);
        for value in values {
            let draw = 0.5 + 0.5 * symmetric(&mut rng);
            *value = (*value / unit + draw).floor() * unit;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradients_are_on_a_grid_with_the_same_mean() {
        let noise = Noise { bits: 6, seed: 1, step: 9 };
        let mut values = vec![0.3f32; 20_000];
        values[0] = -31.0;
        let mut again = values.clone();
        noise.round(2, &mut values);
        assert!(values[1..].iter().all(|&v| v == 0.0 || v == 1.0) && values[0] == -31.0);
        let mean = values[1..].iter().sum::<f32>() / 19_999.0;
        assert!((mean - 0.3).abs() < 0.02, "{mean}");
        noise.round(2, &mut again);
        assert_eq!(again, values);
        noise.round(3, &mut [0.0; 4]);
    }
}
