//! What of a layer decides how it is computed.

use bitfab_format::{Layer, Op, WORD_BITS, WeightKind};

/// Whether the front gathers the layer's window into a patch.
pub(crate) fn is_patch(layer: &Layer<'_>) -> bool {
    layer.input.kind.is_bytes()
}

/// Whether the weights of `layer` can be rebuilt group by group: each group meets a single window.
pub(crate) fn can_rebuild(layer: &Layer<'_>) -> bool {
    layer.op == Op::Dense && layer.weights.kind() == WeightKind::SmartDeal
}

/// Whether each output channel of `layer` sees the input channel of its own number alone, with `passes` digits a
/// weight, and whether counting all channels of a word at once takes at most half the cycles of counting them in
/// groups of `lanes`.
///
/// Residuals, and taps outside that are true zeros between signs, need the lanes.
pub(crate) fn pays_by_channel(layer: &Layer<'_>, lanes: u32, passes: u32) -> bool {
    let channels = layer.input.shape.channels;
    let is_depthwise = layer.op == Op::Conv2d && layer.groups == channels && layer.output.shape.channels == channels;
    if !is_depthwise || channels == 1 || is_patch(layer) || layer.residual.is_some() || layer.needs_mask() {
        return false;
    }
    let (groups, words) = (channels.div_ceil(lanes), channels.div_ceil(WORD_BITS));
    let (taps, planes) = (layer.window.taps(), layer.input.kind.planes());
    let [groups, words, taps, planes, passes] = [groups, words, taps, planes, passes].map(u64::from);
    // A cycle a plane of a tap, one between planes, and one for each group that the lanes take over.
    2 * (words * (planes * taps + planes - 1) + groups) <= groups * passes * planes * taps
}
