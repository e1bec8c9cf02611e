//! What kernels refuse that were built without some kinds of weights.
//!
//! `cargo test -p bitfab-runtime --no-default-features --test left_out`
#![cfg(not(any(feature = "ternary", feature = "planes", feature = "requant")))]

use bitfab_format::Model;
use bitfab_format::arbitrary::{Random, chain};
use bitfab_runtime::{Machine, RunError, run};

#[test]
fn a_model_that_needs_what_was_left_out_is_refused_by_name_of_its_layer() {
    let (mut refused, mut done) = (0, 0);
    for seed in 0..300 {
        let words = chain(3, &mut Random::new(seed)).emit();
        let model = Model::from_words(&words).unwrap();
        let input = vec![0; model.input_bytes()];
        let mut arena = vec![0; model.arena_words()];
        let lacking = model.layers().find(|layer| !bitfab_kernels::supports(layer)).map(|layer| layer.index);
        let result = run(&model, &input, &mut arena, &mut ()).map(|_| ());
        let expected = lacking.map_or(Ok(()), |layer| Err(RunError::Unsupported { layer }));
        assert_eq!(result, expected);
        assert_eq!(Machine::<65536>::new(model).map(|_| ()), expected);
        if lacking.is_some() { refused += 1 } else { done += 1 }
    }
    assert!(refused > 50 && done > 5, "{refused} refused, {done} run");
}
