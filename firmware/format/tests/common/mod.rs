//! What several tests of the format begin with.

use bitfab_format::{Draft, DraftLayer, DraftTensor, DraftTransform, DraftWeights, Kind, Op, PadValue, Shape, Window};

/// 300 bytes to 3 scores, with weights still to come.
pub fn frame() -> Draft {
    let layer = DraftLayer {
        name: "dense".into(),
        op: Op::Dense,
        input: 0,
        residual: None,
        window: Window::whole(Shape::vector(300)),
        pad_value: PadValue::Zero,
        groups: 1,
        output: DraftTensor { shape: Shape::vector(3), kind: Kind::I32, start: 0 },
        scratch: 3,
        weights: DraftWeights::default(),
        transform: DraftTransform::Raw,
    };
    let input = DraftTensor { shape: Shape::vector(300), kind: Kind::U8, start: 0 };
    Draft { input, arena_words: 83, scale: None, interface: Default::default(), layers: vec![layer] }
}
