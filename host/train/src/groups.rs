//! The layers of each method, for what concerns all of them at once.

use crate::config::TrainConfig;
use crate::layers::Learned;
use crate::methods::Method;
use crate::tape::Net;
use crate::weights::Moment;

/// The layers that learn by one method.
#[derive(Clone, Debug)]
struct Group {
    method: &'static dyn Method,
    /// Positions of their latent weights in the parameters, rising.
    weights: Vec<usize>,
}

/// All layers of a network by their methods.
#[derive(Clone, Debug)]
pub(crate) struct Groups(Vec<Group>);

/// Those of `values` that are at `places`, both rising.
fn pick<T>(values: impl Iterator<Item = T>, places: &[usize]) -> Vec<T> {
    values.enumerate().filter(|(at, _)| places.contains(at)).map(|(_, value)| value).collect()
}

impl Groups {
    /// The layers of the network as the configuration has them learn.
    pub(crate) fn new(net: &Net, config: &TrainConfig) -> Self {
        let mut groups: Vec<Group> = Vec::new();
        for stage in &net.stages {
            let Some(Learned { weights, .. }) = stage.step.learned() else { continue };
            let method = config.method_of(&stage.name).method();
            match groups.iter_mut().find(|group| group.method.about().name == method.about().name) {
                Some(group) => group.weights.push(*weights),
                None => groups.push(Group { method, weights: vec![*weights] }),
            }
        }
        Self(groups)
    }

    /// Lets methods add to the gradients; `loss` is the mean of the batch.
    pub(crate) fn before_step(&self, net: &Net, config: &TrainConfig, loss: f64, gradients: &mut [Vec<f32>]) {
        for Group { method, weights } in &self.0 {
            let latent = pick(net.parameters.iter().map(|one| &one.values[..]), weights);
            let mut gradients = pick(gradients.iter_mut().map(|one| &mut one[..]), weights);
            method.before_step(&config.knobs, loss, &latent, &mut gradients);
        }
    }

    /// Lets methods move latent weights.
    pub(crate) fn after_step(&self, net: &mut Net, config: &TrainConfig, moment: Moment) {
        for Group { method, weights } in &self.0 {
            let mut latent = pick(net.parameters.iter_mut().map(|one| &mut one.values[..]), weights);
            method.after_step(&config.knobs, moment, &mut latent);
        }
    }

    /// Whether every layer has the form that the run is to end in, by itself and with the others of its method.
    ///
    /// The network of an epoch before that time is no result, however right its answers are.
    pub(crate) fn is_settled(&self, net: &Net, config: &TrainConfig) -> bool {
        let of_group = |group: &Group| {
            let latent = pick(net.parameters.iter().map(|one| &one.values[..]), &group.weights);
            group.method.is_settled(&config.knobs, &latent)
        };
        self.0.iter().all(of_group) && net.learned().all(|layer| layer.quantizer.rule.is_settled())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bitfab_data::digits;

    fn config(method: &str, layers: &[&str]) -> TrainConfig {
        TrainConfig {
            method: method.parse().unwrap(),
            methods: layers.iter().map(|one| one.parse().unwrap()).collect(),
            arch: "mlp:10,10".parse().unwrap(),
            ..TrainConfig::default()
        }
    }

    #[test]
    fn layers_of_one_method_are_together_whatever_their_bits() {
        let config = config("sbnn", &["dense1=int:4", "scores=int:8"]);
        let net = Net::new(&config, &digits(0).unwrap()).unwrap();
        let groups = Groups::new(&net, &config).0;
        let found: Vec<(&str, &[usize])> =
            groups.iter().map(|one| (one.method.about().name, &one.weights[..])).collect();
        assert_eq!(found, [("int", &[0, 7][..]), ("sbnn", &[3])]);
    }

    #[test]
    fn real_weights_and_too_many_ones_are_no_form_to_end_in() {
        for (method, layers, is_settled_at_first) in [
            ("bnn", &[][..], true),
            ("hq", &[], false),
            ("smart-deal", &[], false),
            ("int:4", &[], true),
            ("sbnn", &[], false),
            ("bnn", &["dense2=hq"], false),
            ("bnn", &["scores=sbnn"], false),
        ] {
            let config = config(method, layers);
            let net = Net::new(&config, &digits(0).unwrap()).unwrap();
            assert_eq!(Groups::new(&net, &config).is_settled(&net, &config), is_settled_at_first, "{method}");
        }
    }
}
