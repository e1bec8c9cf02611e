//! The generator of random models yields valid models of every kind.

use std::collections::BTreeSet;

use bitfab_format::arbitrary::{Random, chain, draft, scored};
use bitfab_format::{Draft, Model, Op, PadValue, Transform};

const OPS: [Op; 5] = [Op::Encode, Op::Dense, Op::Conv2d, Op::MaxPool, Op::SumPool];

#[test]
fn every_draft_is_a_valid_model_and_comes_back_unchanged() {
    for seed in 0..600 {
        for op in OPS {
            let draft = draft(op, &mut Random::new(seed));
            let words = draft.emit();
            let model = Model::new(bytes(&words)).unwrap_or_else(|error| panic!("{op:?}, seed {seed}: {error}"));
            assert_eq!(Draft::from(&model), draft, "{op:?}, seed {seed}");
        }
    }
}

#[test]
fn every_chain_is_a_valid_model() {
    for seed in 0..300 {
        let words = chain(1 + seed as u32 % 6, &mut Random::new(seed)).emit();
        Model::new(bytes(&words)).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    }
}

#[test]
fn drafts_reach_every_combination_that_changes_a_kernel() {
    let mut seen = BTreeSet::new();
    for seed in 0..4000 {
        let words = draft(Op::Conv2d, &mut Random::new(seed)).emit();
        let model = Model::new(bytes(&words)).expect("a valid draft");
        let layer = model.layers().last().expect("a layer");
        let groups = match layer.groups {
            1 => "one",
            n if n == layer.input.shape.channels => "depthwise",
            _ => "some",
        };
        seen.insert(format!("{:?} {:?} {groups}", layer.input.kind, layer.packing()));
        seen.insert(format!("{:?} {:?} {}", layer.packing(), layer.pad_value, layer.needs_mask()));
        if let (PadValue::Level(level), true) = (layer.pad_value, layer.window.is_padded()) {
            let (_, high) = layer.input.kind.range();
            let what = if level == high { "the largest" } else { "some" };
            seen.insert(format!("{what} level outside {:?} {:?}", layer.input.kind, layer.packing()));
        }
        seen.insert(format!("{:?} residual {}", layer.output.kind, layer.residual.is_some()));
    }
    let text = seen.iter().cloned().collect::<Vec<_>>().join("\n");
    // U8 and I8 (patch only), signs and 1 to 4 bits (both packings); groups of one, some, all channels.
    for kind in ["U8", "I8", "Sign", "Unsigned { bits: 1 }", "Unsigned { bits: 4 }"] {
        for groups in ["one", "some", "depthwise"] {
            let is_reached = seen.iter().any(|case| case.starts_with(kind) && case.ends_with(groups));
            assert!(is_reached, "{kind} {groups} is missing from\n{text}");
        }
    }
    for case in ["Tap Zero true", "Patch Zero true", "Tap PlusOne false", "Patch MinusOne false", "Sign Tap some"] {
        assert!(seen.contains(case), "{case} is missing from\n{text}");
    }
    for kind in ["U8 Patch", "I8 Bytes", "Unsigned { bits: 2 } Tap", "Unsigned { bits: 4 } Patch"] {
        for what in ["the largest", "some"] {
            let case = format!("{what} level outside {kind}");
            assert!(seen.contains(&case), "{case} is missing from\n{text}");
        }
    }
    for case in ["I32 residual true", "Sign residual true", "Unsigned { bits: 4 } residual true"] {
        assert!(seen.contains(case), "{case} is missing from\n{text}");
    }
}

#[test]
fn drafts_reach_scores_of_every_size() {
    let mut seen = BTreeSet::new();
    for seed in 0..2000 {
        let words = draft(Op::Dense, &mut Random::new(seed)).emit();
        let model = Model::new(bytes(&words)).expect("a valid draft");
        let layer = model.layers().last().expect("a layer");
        let Transform::Affine { scales } = layer.transform else { continue };
        for scale in scales.iter() {
            let bound = layer.bound();
            let largest = scale.value(bound.low).abs().max(scale.value(bound.high).abs());
            let facts = [
                ("no shift", scale.shift == 0),
                ("a large shift", scale.shift > 40),
                ("a falling class", scale.multiplier < 0),
                ("a product of one", scale.multiplier == 1),
                ("an odd product and a shift, so ties", scale.shift == 1 && scale.multiplier % 2 != 0),
                ("small scores", largest < 1 << 16),
                ("scores beyond 2^30", largest > 1 << 30),
            ];
            seen.extend(facts.iter().filter(|(_, is_so)| *is_so).map(|(fact, _)| *fact));
        }
    }
    assert_eq!(seen.len(), 7, "{seen:?}");
}

#[test]
fn corners_of_scores_are_valid_and_reach_the_ends_of_32_bits() {
    let (mut least, mut most) = (i64::MAX, i64::MIN);
    for (name, draft) in scored() {
        let words = draft.emit();
        let model = Model::new(bytes(&words)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let layer = model.layers().last().expect("a layer");
        let Transform::Affine { scales } = layer.transform else { panic!("{name}: no scaled scores") };
        for scale in scales.iter() {
            let ends = [layer.bound().low, layer.bound().high].map(|end| scale.value(end));
            (least, most) = (least.min(ends[0]).min(ends[1]), most.max(ends[0]).max(ends[1]));
        }
    }
    assert_eq!(most, i64::from(i32::MAX) - 1);
    assert!(least < i64::from(i32::MIN) + (1 << 20), "{least}");
}

fn bytes(words: &[u32]) -> &[u8] {
    bytemuck::cast_slice(words)
}
