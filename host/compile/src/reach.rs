//! What the sums of each channel can be: less than the bound of the layer, which is that of its largest row.

use bitfab_format::{Bound, Layer};
use bitfab_graph::Weights;

/// The least and the greatest sum of every channel, by its weights and what it reads.
pub(crate) fn bounds(layer: &Layer<'_>, weights: Option<&Weights>) -> Vec<Bound> {
    let channels = layer.output.shape.channels as usize;
    let Some(weights) = weights else { return vec![layer.bound; channels] };
    let (low, high) = layer.input.kind.range();
    let ends = [i64::from(low), i64::from(high)];
    let added = layer.residual.map_or([0; 2], |residual| {
        let (low, high) = residual.tensor.kind.range();
        [i64::from(low) << residual.shift, i64::from(high) << residual.shift]
    });
    let integers = weights.quantized();
    let reach = |row: &[i32]| {
        let sum = |pick: fn(i64, i64) -> i64| -> i64 {
            row.iter().map(|&w| pick(i64::from(w) * ends[0], i64::from(w) * ends[1])).sum()
        };
        // Taps on the border may add nothing at all.
        let (low, high) = (sum(i64::min).min(0) + added[0], sum(i64::max).max(0) + added[1]);
        let within = |value: i64| value.clamp(layer.bound.low.into(), layer.bound.high.into()) as i32;
        Bound { low: within(low), high: within(high) }
    };
    integers.chunks_exact(weights.fan_in()).map(reach).collect()
}
