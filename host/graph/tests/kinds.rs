//! The kinds of weights: their integers, bounds and refusals, and graphs of several precisions.

use bitfab_graph::*;

fn graph(weights: Weights) -> Graph {
    Graph {
        input: Shape::flat(weights.shape[3]),
        input_kind: ByteKind::I8,
        nodes: vec![Node::new("only", 0, Op::Dense { weights })],
        precisions: Vec::new(),
        interface: Default::default(),
    }
}

fn dense(outputs: u32, values: &[f32], quantizer: WeightQuantizer) -> Weights {
    Weights::new(values.to_vec(), [outputs, 1, 1, values.len() as u32 / outputs], quantizer)
}

fn refusal(weights: Weights) -> String {
    let error = graph(weights).check().unwrap_err().to_string();
    assert!(error.contains("'only'"), "{error}");
    error
}

#[test]
fn every_kind_says_which_integers_its_values_stand_for() {
    use WeightQuantizer::*;
    let values = [-1.5, -0.26, -0.0, 0.0, 0.01, 0.5, 3.0];
    let integers = |quantizer| dense(1, &values, quantizer).quantized();
    assert_eq!(integers(Sign), [-1, -1, 1, 1, 1, 1, 1]);
    assert_eq!(integers(SparseBinary { ratio: -5, shift: 4 }), [-5, -5, -5, -5, 11, 11, 11]);
    assert_eq!(integers(Ternary), [-1, -1, 0, 0, 1, 1, 1]);
    assert_eq!(integers(Planes { bits: 1 }), [-1, -1, 1, 1, 1, 1, 1]);
    assert_eq!(integers(Planes { bits: 3 }), [-7, -3, 1, 1, 1, 5, 7]);
    let whole = [-64.0, -1.0, 0.0, 2.0];
    assert_eq!(dense(1, &whole, PowerOfTwo).quantized(), [-64, -1, 0, 2]);
    assert_eq!(dense(1, &whole, Integer { bits: 7 }).quantized(), [-64, -1, 0, 2]);
}

/// Dropping the last bits of the index `q` of more planes gives fewer planes, for every value.
#[test]
fn fewer_planes_are_the_leading_bits_of_more() {
    for step in -600..600 {
        let value = step as f32 / 512.0;
        let index = |bits| (WeightQuantizer::Planes { bits }.quantize(value) - 1) >> 1;
        for bits in 1..8 {
            assert_eq!(index(8) >> (8 - bits), index(bits), "{value} at {bits} bits");
        }
    }
}

/// Two filters of 7 weights: rows of 3 padded to 9, chunks of 2 rows and of the 1 that is left.
fn smart_deal() -> Weights {
    let values = [1., 0., 0., 0., 2., -4., 8., 0., 1., 0., 0., 0., 0., 0., 0., 0., 0., 64.];
    let mut weights = Weights::new(values.to_vec(), [2, 1, 1, 7], WeightQuantizer::SmartDeal { rows: 2 });
    let chunk = |first: i32| (0..9).map(move |i| (first + i) as f32);
    weights.basis = [1, 10, 100, -4].into_iter().flat_map(chunk).collect();
    weights
}

#[test]
fn smart_deal_weights_are_coefficients_times_the_basis_of_their_chunk() {
    let weights = smart_deal();
    // Row 1 of the first filter: 2 * (4, 5, 6) - 4 * (7, 8, 9); row 2 is cut after its first value.
    let expected = [1, 2, 3, -20, -22, -24, 8 * 10 + 16, 0, 0, 0, 0, 0, 0, 64 * 2];
    assert_eq!(weights.quantized(), expected);
    let bound = graph(weights).check().unwrap()[1].kind;
    assert_eq!(bound, Kind::Accumulator { bound: 168 * 128 });
}

#[test]
fn bounds_are_the_largest_row_of_magnitudes_times_the_input() {
    let weights = dense(2, &[1.0, -3.0, 2.0, 0.0, 0.0, -5.0], WeightQuantizer::Integer { bits: 4 });
    assert_eq!(graph(weights).check().unwrap()[1].kind, Kind::Accumulator { bound: 6 * 128 });
    let ones = dense(2, &[0.0, 0.0, 1.0, 0.0], WeightQuantizer::SparseBinary { ratio: -3, shift: 3 });
    assert_eq!(graph(ones).check().unwrap()[1].kind, Kind::Accumulator { bound: 8 * 128 });
}

#[test]
fn values_off_the_grid_and_dead_filters_are_refused_by_name() {
    use WeightQuantizer::*;
    for (weights, part) in [
        (dense(1, &[1.0, 3.0], PowerOfTwo), "weight 1 is 3"),
        (dense(1, &[128.0, 1.0], PowerOfTwo), "weight 0 is 128"),
        (dense(1, &[0.5, 1.0], PowerOfTwo), "weight 0 is 0.5"),
        (dense(1, &[7.0, 8.0], Integer { bits: 4 }), "weight 1 is 8"),
        (dense(1, &[-8.0, 0.25], Integer { bits: 4 }), "weight 1 is 0.25"),
        (dense(1, &[1.0], Integer { bits: 9 }), "9 bits"),
        (dense(1, &[1.0], Integer { bits: 1 }), "1 bits"),
        (dense(1, &[1.0], Planes { bits: 9 }), "9 planes"),
        (dense(1, &[1.0], Planes { bits: 0 }), "0 planes"),
        (dense(1, &[1.0], SparseBinary { ratio: 8, shift: 3 }), "ratio 8"),
        (dense(1, &[1.0], SparseBinary { ratio: -9, shift: 3 }), "ratio -9"),
        (dense(1, &[1.0], SparseBinary { ratio: 0, shift: 16 }), "shift 16"),
        (dense(2, &[1.0, 0.0, 0.0, -0.0], Ternary), "output channel 1 is zero"),
        (dense(2, &[0.0, 0.0, 4.0, 0.0], PowerOfTwo), "output channel 0 is zero"),
        (dense(1, &[1.0, 1.0, 1.0], SmartDeal { rows: 0 }), "chunks of 0 rows"),
    ] {
        let error = refusal(weights);
        assert!(error.contains(part), "'{part}' in '{error}'");
    }
    for quantizer in [SparseBinary { ratio: -8, shift: 3 }, SparseBinary { ratio: 7, shift: 3 }, Integer { bits: 2 }] {
        assert!(graph(dense(2, &[0.0, 0.0, 1.0, 0.0], quantizer)).check().is_ok());
    }
}

#[test]
fn smart_deal_sizes_and_bases_that_cannot_be_are_refused() {
    let refuse = |part: &str, change: &dyn Fn(&mut Weights)| {
        let mut weights = smart_deal();
        change(&mut weights);
        let error = refusal(weights);
        assert!(error.contains(part), "'{part}' in '{error}'");
    };
    refuse("has 17 weights", &|w| w.values.truncate(17));
    refuse("has 27 basis values, needs 36", &|w| w.basis.truncate(27));
    refuse("basis value 3 is 128", &|w| w.basis[3] = 128.0);
    refuse("basis value 3 is 0.5", &|w| w.basis[3] = 0.5);
    refuse("weight 4 is 3", &|w| w.values[4] = 3.0);
    refuse("output channel 0, chunk 1 is all zero", &|w| w.basis[9..18].fill(0.0));
    refuse("output channel 1 is zero", &|w| w.values[17] = 0.0);
    refuse("only SmartDeal", &|w| {
        w.quantizer = WeightQuantizer::Ternary;
        w.values.truncate(14);
    });
    let mut unused = smart_deal();
    unused.basis[18..27].fill(0.0);
    assert!(graph(unused).check().is_ok(), "the chunk has no coefficient");
}

/// Planes of 1, 2 and 4 bits with a norm of their own.
fn several() -> Graph {
    let norm = |mean: f32| Op::BatchNorm {
        gamma: vec![1.0; 2],
        beta: vec![0.0; 2],
        mean: vec![mean; 2],
        variance: vec![1.0; 2],
        epsilon: 0.0,
    };
    let mut graph = graph(dense(2, &[0.3, -0.6, 0.9, -0.1], WeightQuantizer::Planes { bits: 1 }));
    graph.nodes.push(Node::new("norm", 1, norm(1.0)));
    graph.nodes.push(Node::new("sign", 2, Op::Sign));
    graph.precisions =
        [2, 4].map(|planes| Precision { planes, ops: vec![(1, norm(planes as f32))] }).into_iter().collect();
    graph
}

#[test]
fn a_graph_holds_several_precisions_of_the_same_weights() {
    let graph = several();
    graph.check().unwrap();
    assert_eq!(graph.planes(), [1, 2, 4]);
    assert_eq!(Graph::from_bytes(&graph.to_bytes().unwrap()).unwrap(), graph);
    for (planes, weights) in [(1, [1, -1, 1, -1]), (2, [1, -3, 3, -1]), (4, [5, -9, 15, -1])] {
        let one = graph.at(planes).unwrap();
        one.check().unwrap();
        assert_eq!(one.nodes[0].op.weights().unwrap().quantized(), weights);
        assert!(matches!(&one.nodes[1].op, Op::BatchNorm { mean, .. } if mean[0] == planes as f32));
        assert!(one.precisions.is_empty());
    }
    let error = graph.at(3).unwrap_err().to_string();
    assert!(error.contains("3 planes") && error.contains("[1, 2, 4]"), "{error}");
}

#[test]
fn precisions_that_do_not_fit_are_refused() {
    let refuse = |part: &str, change: &dyn Fn(&mut Graph)| {
        let mut graph = several();
        change(&mut graph);
        let error = graph.check().unwrap_err().to_string();
        assert!(error.contains(part), "'{part}' in '{error}'");
        assert!(graph.to_bytes().is_err());
    };
    refuse("must be above 2", &|g| g.precisions[1].planes = 2);
    refuse("must be above 1", &|g| g.precisions[0].planes = 1);
    refuse("at most 8", &|g| g.precisions[1].planes = 9);
    refuse("node 9 cannot become 'batch norm'", &|g| g.precisions[0].ops[0].0 = 9);
    refuse("node 2 cannot become 'batch norm'", &|g| g.precisions[0].ops[0].0 = 2);
    refuse("node 0 cannot become 'dense'", &|g| {
        let weights = g.nodes[0].op.clone();
        g.precisions[0].ops.push((0, weights));
    });
    refuse("gamma has 1", &|g| {
        if let Op::BatchNorm { gamma, .. } = &mut g.precisions[1].ops[0].1 {
            gamma.truncate(1);
        }
    });
    refuse("no layer of the graph has planes", &|g| {
        g.nodes[0].op.weights_mut().unwrap().quantizer = WeightQuantizer::Sign;
    });
    refuse("tensor 3 is 3-bit levels", &|g| {
        g.nodes[2].op = Op::Quantize { bits: 3, step: 1.0 };
        g.precisions[0].ops.push((2, Op::Quantize { bits: 4, step: 1.0 }));
    });
}

/// A correct frame around any payload, so that the checks themselves are tried.
fn framed(payload: &[u8]) -> Vec<u8> {
    let mut bytes = [MAGIC.as_slice(), &[VERSION], payload].concat();
    let sum = crc32fast::hash(&bytes);
    bytes.extend(sum.to_le_bytes());
    bytes
}

/// Every byte of a stored graph, changed in a few ways: what passes is sound at every precision, nothing panics.
#[test]
fn stored_graphs_with_a_changed_byte_are_sound_or_refused() {
    for graph in [several(), graph(smart_deal())] {
        let bytes = graph.to_bytes().unwrap();
        let payload = &bytes[MAGIC.len() + 1..bytes.len() - 4];
        for at in 0..payload.len() {
            for value in [0, 1, 2, 3, 0x7f, 0x80, 0xff, payload[at] ^ 0x40] {
                let mut changed = payload.to_vec();
                changed[at] = value;
                let Ok(found) = Graph::from_bytes(&framed(&changed)) else { continue };
                for planes in found.planes() {
                    assert!(found.at(planes).unwrap().check().is_ok());
                }
            }
        }
    }
}
