//! Small models for tests.

use bitfab_compile::CompileOptions;
use bitfab_graph::{ByteKind, Graph, Node, Op, Shape, WeightQuantizer, Weights};

use crate::ModelFile;

/// A network of 2 x 2 bytes, 5 hidden signs and 3 scores.
pub fn small_graph() -> Graph {
    let weights = |outputs: u32, inputs: u32| {
        let value = |index: u32| if index.wrapping_mul(2_654_435_761) >> 30 & 1 == 0 { 0.5 } else { -0.5 };
        let values = (0..outputs * inputs).map(value).collect();
        Weights::new(values, [outputs, 1, 1, inputs], WeightQuantizer::Sign)
    };
    Graph {
        input: Shape::new(2, 2, 1),
        input_kind: ByteKind::U8,
        nodes: vec![
            Node::new("hidden", 0, Op::Dense { weights: weights(5, 4) }),
            Node::new("sign", 1, Op::Sign),
            Node::new("scores", 2, Op::Dense { weights: weights(3, 5) }),
        ],
        precisions: Vec::new(),
        interface: Default::default(),
    }
}

/// The same network's model file.
pub fn small_model() -> ModelFile {
    crate::compile(&small_graph(), &CompileOptions::default()).unwrap().0
}
