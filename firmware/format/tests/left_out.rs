//! What a reader without the feature `kinds` refuses, and how.
//!
//! `cargo test -p bitfab-format --no-default-features --test left_out`
#![cfg(not(feature = "kinds"))]

use bitfab_format::arbitrary::{Random, draft_of};
use bitfab_format::{DraftTransform, Model, Op, Reason, WeightKind};

#[test]
fn what_was_left_out_is_refused_by_name_and_binary_models_are_read() {
    let (mut refused, mut read) = (0, 0);
    for seed in 0..300 {
        // The writer cannot look at other kinds either, so that their code is put into the record of a binary model.
        let mut draft = draft_of(Op::Dense, Some(WeightKind::Binary), &mut Random::new(seed));
        let is_scaled = |transform: &DraftTransform| {
            matches!(transform, DraftTransform::Requant { .. } | DraftTransform::Affine { .. })
        };
        let is_binary = !draft.layers.iter().any(|layer| is_scaled(&layer.transform));
        let result = Model::from_words(&draft.emit()).map(|_| ());
        assert_eq!(result.map_err(|error| error.reason), if is_binary { Ok(()) } else { Err(Reason::LeftOut) });
        if is_binary {
            read += 1
        } else {
            refused += 1
        }
        for kind in [WeightKind::SparseBinary, WeightKind::Ternary, WeightKind::Planes, WeightKind::SmartDeal] {
            draft.layers[0].weights.kind = kind;
            assert_eq!(Model::from_words(&draft.emit()).unwrap_err().reason, Reason::LeftOut);
        }
    }
    assert!(refused > 20 && read > 20, "{refused} refused, {read} read");
}
