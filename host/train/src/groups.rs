//! The global constraint on the number of ones, and the rules' own part in each step.

use crate::config::TrainConfig;
use crate::net::{Net, Step};
use crate::rules::{AlphaBeta, Moment, Rule};

/// The penalty aims a little below the constraint, so that the end of a run lies below it.
const MARGIN: f32 = 0.97;
/// A smaller excess counts as none.
const SLIGHT: f32 = 1e-4;

/// The share of the loss for a constraint, for runs of some ten epochs (three to five times the paper's).
fn penalty(config: &TrainConfig) -> f32 {
    match config.ones {
        _ if config.penalty > 0.0 => config.penalty,
        ones if ones >= 0.2 => 0.1,
        ones if ones > 0.07 => 0.2,
        ones if ones > 0.03 => 0.3,
        _ => 0.4,
    }
}

/// Adds the gradient of `lambda max(r - goal, 0)`, `r` the share of ones over all layers of two values and
/// `lambda = gamma loss / (excess (1 - gamma))`, so that the penalty is the share gamma of the whole.
///
/// The number of ones is `sum (sgn(w) + 1) / 2` with the gradient of the identity in place of the sign's.
pub(crate) fn penalise(net: &Net, config: &TrainConfig, loss: f64, gradients: &mut [Vec<f32>]) {
    let layers: Vec<usize> = alpha_beta(net).collect();
    let count = |at: &usize| net.parameters[*at].values.len();
    let total: usize = layers.iter().map(count).sum();
    let ones: usize = layers.iter().map(|&at| AlphaBeta::ones(&net.parameters[at].values)).sum();
    let excess = ones as f32 / total.max(1) as f32 - config.ones * MARGIN;
    if excess <= SLIGHT || config.ones >= 0.5 {
        return;
    }
    let gamma = penalty(config);
    let lambda = gamma * loss as f32 / (excess * (1.0 - gamma));
    let slope = lambda * 0.5 / total as f32;
    for at in layers {
        gradients[at].iter_mut().for_each(|gradient| *gradient += slope);
    }
}

/// The cap on the number of ones starts to fall here: the penalty alone, a share of a loss that goes to nothing, is too
/// slow for runs of some ten epochs.
const CAPPED: f32 = 0.05;
/// From here on the cap is the constraint itself.
const TIGHT: f32 = 0.6;
/// Steps between two checks of the cap.
const EVERY: u64 = 10;

/// Flips the smallest weights among the ones while there are more than the cap: it falls from one half to the
/// constraint, fast at first.
///
/// Which ones remain is the closed form for their number: the largest.
pub(crate) fn cap(net: &mut Net, config: &TrainConfig, moment: Moment) {
    let progress = moment.progress();
    let is_due = moment.step.is_multiple_of(EVERY) || moment.step == moment.steps;
    if config.ones >= 0.5 || progress < CAPPED || !is_due {
        return;
    }
    let layers: Vec<usize> = alpha_beta(net).collect();
    let total: usize = layers.iter().map(|&at| net.parameters[at].values.len()).sum();
    let part = ((progress - CAPPED) / (TIGHT - CAPPED)).min(1.0);
    let most = (total as f32 * (config.ones + (0.5 - config.ones) * (1.0 - part).powi(3))) as usize;
    let positive = layers.iter().flat_map(|&at| &net.parameters[at].values).filter(|w| **w > 0.0);
    let mut ones: Vec<f32> = positive.copied().collect();
    if ones.len() <= most {
        return;
    }
    let surplus = ones.len() - most;
    let (_, limit, _) = ones.select_nth_unstable_by(surplus - 1, f32::total_cmp);
    let limit = *limit;
    for at in layers {
        net.parameters[at].values.iter_mut().filter(|w| **w > 0.0 && **w <= limit).for_each(|w| *w = -*w);
    }
}

/// Whether every layer has the form that the run is to end in: no more ones or real weights than the end may have.
///
/// The network of an epoch before that time is no result, however right its answers are.
pub(crate) fn is_settled(net: &Net, config: &TrainConfig) -> bool {
    let layers: Vec<&[f32]> = alpha_beta(net).map(|at| &net.parameters[at].values[..]).collect();
    let total: usize = layers.iter().map(|values| values.len()).sum();
    let ones: usize = layers.iter().map(|values| AlphaBeta::ones(values)).sum();
    let is_sparse = config.ones >= 0.5 || ones <= (total as f32 * config.ones) as usize;
    is_sparse
        && net.stages.iter().all(|stage| match &stage.step {
            Step::Weighted { quantizer, .. } => quantizer.rule.is_settled(),
            _ => true,
        })
}

/// The latent weights of every layer of two values.
fn alpha_beta(net: &Net) -> impl Iterator<Item = usize> {
    net.stages.iter().filter_map(|stage| match &stage.step {
        Step::Weighted { quantizer, weights, .. } if matches!(quantizer.rule, Rule::AlphaBeta(_)) => Some(*weights),
        _ => None,
    })
}

impl Net {
    /// Number of weights of all layers.
    pub fn weight_count(&self) -> u64 {
        let layers = self.stages.iter().map(|stage| match &stage.step {
            Step::Weighted { weights, .. } => self.parameters[*weights].values.len() as u64,
            _ => 0,
        });
        layers.sum()
    }

    /// How near ternary filters are to their ternary points: the least layer's mean cosine over its filters, of the
    /// weights that are left; none without ternary layers.
    pub fn ternary_cosine(&self) -> Option<f64> {
        let layers = self.stages.iter().filter_map(|stage| match &stage.step {
            Step::Weighted { quantizer, weights, .. } => match &quantizer.rule {
                Rule::Ternary(rule) => Some(rule.cosine(&self.parameters[*weights].values, quantizer.fan_in)),
                _ => None,
            },
            _ => None,
        });
        layers.min_by(f64::total_cmp)
    }

    /// Lets rules see the gradient before the step; some move their weights themselves.
    pub(crate) fn observe(&mut self, gradients: &mut [Vec<f32>], share: f32) {
        for stage in &mut self.stages {
            if let Step::Weighted { quantizer, weights, .. } = &mut stage.step {
                quantizer.observe(&mut self.parameters[*weights].values, &mut gradients[*weights], share);
            }
        }
    }

    /// Lets rules move on after the step; gives the parameters whose numbers got another meaning.
    pub(crate) fn follow(&mut self, moment: Moment) -> Vec<usize> {
        let mut restarted = Vec::new();
        for stage in &mut self.stages {
            let Step::Weighted { quantizer, weights, extra, .. } = &mut stage.step else { continue };
            let mut more = extra.map(|at| std::mem::take(&mut self.parameters[at].values)).unwrap_or_default();
            let is_new = quantizer.follow(&mut self.parameters[*weights].values, &mut more, moment);
            if let Some(at) = *extra {
                self.parameters[at].values = more;
            }
            if is_new {
                restarted.extend(std::iter::once(*weights).chain(*extra));
            }
        }
        restarted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bitfab_data::digits;

    /// A small network of two layers with the given share of ones.
    fn net(config: &TrainConfig, share: f32) -> Net {
        let mut net = Net::new(config, &digits(0).unwrap()).unwrap();
        for at in alpha_beta(&net).collect::<Vec<_>>() {
            let values = &mut net.parameters[at].values;
            let count = (share * values.len() as f32) as usize;
            for (index, value) in values.iter_mut().enumerate() {
                *value = if index < count { 1e-3 * (1 + index) as f32 } else { -0.5 };
            }
        }
        net
    }

    fn config(ones: f32) -> TrainConfig {
        TrainConfig { method: crate::Method::Sbnn, arch: "mlp:10".parse().unwrap(), ones, ..TrainConfig::default() }
    }

    /// `lambda h` is the share gamma of `loss + lambda h`, and its slope along every weight is half of lambda / n.
    #[test]
    fn the_penalty_is_its_share_of_the_loss_while_there_are_too_many_ones() {
        let config = TrainConfig { penalty: 0.25, ..config(0.1) };
        let net = net(&config, 0.3);
        let layers: Vec<usize> = alpha_beta(&net).collect();
        let mut gradients: Vec<Vec<f32>> = net.parameters.iter().map(|p| vec![0.0; p.values.len()]).collect();
        penalise(&net, &config, 0.6, &mut gradients);
        let total = 64 * 10 + 10 * 10;
        let excess = (192 + 30) as f32 / total as f32 - 0.097;
        let lambda = gradients[layers[0]][0] * 2.0 * total as f32;
        assert!((lambda * excess / (0.6 + lambda * excess) - 0.25).abs() < 1e-4, "{lambda}");
        for (at, gradient) in gradients.iter().enumerate() {
            let expected = if layers.contains(&at) { gradients[layers[0]][0] } else { 0.0 };
            assert!(gradient.iter().all(|&g| g == expected));
        }
        let few = self::net(&config, 0.05);
        let mut none: Vec<Vec<f32>> = few.parameters.iter().map(|p| vec![0.0; p.values.len()]).collect();
        penalise(&few, &config, 0.6, &mut none);
        assert!(none.iter().flatten().all(|&g| g == 0.0));
    }

    #[test]
    fn too_many_ones_or_real_weights_are_no_form_to_end_in() {
        let config = config(0.1);
        assert!(!is_settled(&net(&config, 0.11), &config));
        assert!(is_settled(&net(&config, 0.1), &config));
        assert!(is_settled(&net(&config, 0.3), &TrainConfig { ones: 0.5, ..config.clone() }));
        for (method, is_settled_at_first) in [("bnn", true), ("hq", false), ("smart-deal", false), ("int:4", true)] {
            let config = TrainConfig { method: method.parse().unwrap(), ..config.clone() };
            let net = Net::new(&config, &digits(0).unwrap()).unwrap();
            assert_eq!(is_settled(&net, &config), is_settled_at_first, "{method}");
        }
    }

    #[test]
    fn the_cap_flips_the_smallest_ones_and_no_more() {
        let config = config(0.1);
        let before = net(&config, 0.3);
        let mut after = before.clone();
        cap(&mut after, &config, Moment { step: 4, steps: 100, epoch: 10 });
        assert_eq!(after, before, "not yet");
        cap(&mut after, &config, Moment { step: 100, steps: 100, epoch: 10 });
        let values =
            |net: &Net| -> Vec<f32> { alpha_beta(net).flat_map(|at| net.parameters[at].values.clone()).collect() };
        let ones = AlphaBeta::ones(&values(&after));
        assert!((70..=74).contains(&ones), "{ones}");
        let kept = values(&after).into_iter().filter(|w| *w > 0.0).fold(f32::INFINITY, f32::min);
        for (old, new) in values(&before).into_iter().zip(values(&after)) {
            assert!(if old > 0.0 && old < kept { new == -old } else { new == old });
        }
    }
}
