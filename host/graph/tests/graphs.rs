//! What a graph accepts, what it refuses and how it says so, and its bytes.

use bitfab_graph::*;
use proptest::prelude::*;

fn weights(shape: [u32; 4]) -> Weights {
    let count = shape.iter().product::<u32>() as usize;
    let values = (0..count).map(|i| if i % 3 == 0 { -0.25 } else { 0.5 }).collect();
    Weights::new(values, shape, WeightQuantizer::Sign)
}

fn norm(channels: usize) -> Op {
    let values = |value: f32| vec![value; channels];
    Op::BatchNorm { gamma: values(-1.5), beta: values(0.5), mean: values(3.0), variance: values(2.0), epsilon: 1e-5 }
}

/// Every operation once: two branches, both quantisers, a residual.
fn sample() -> Graph {
    let same = Window::same(3, PadValue::MinusOne);
    let ops = [
        Op::Conv2d { weights: weights([8, 3, 3, 2]), window: Window::same(3, PadValue::Zero), groups: 1 },
        Op::Scale { factors: vec![1.0 / 256.0] },
        norm(8),
        Op::Sign,
        Op::MaxPool { window: Window::valid(2, 2) },
        Op::Conv2d { weights: weights([8, 3, 3, 4]), window: same, groups: 2 },
        Op::Add { shift: 3 },
        norm(8),
        Op::Quantize { bits: 2, step: 0.5 },
        Op::SumPool { window: Window { kernel: [3, 2], ..Window::valid(1, 1) } },
        norm(8),
        Op::Sign,
        Op::Dense { weights: weights([3, 1, 1, 16]) },
    ];
    let mut nodes: Vec<Node> =
        ops.into_iter().enumerate().map(|(index, op)| Node::new(format!("n{index}"), index, op)).collect();
    nodes[6].inputs = vec![6, 5];
    Graph {
        input: Shape::new(6, 6, 2),
        input_kind: ByteKind::U8,
        nodes,
        precisions: Vec::new(),
        interface: Default::default(),
    }
}

#[test]
fn shapes_and_kinds_follow_every_operation() {
    let tensors = sample().check().unwrap();
    let found: Vec<String> = tensors.iter().map(|t| format!("{} {}", t.shape, t.kind)).collect();
    assert_eq!(
        found,
        [
            "6x6x2 u8 bytes",
            "6x6x8 accumulators up to 4590",
            "6x6x8 reals",
            "6x6x8 reals",
            "6x6x8 signs",
            "3x3x8 signs",
            "3x3x8 accumulators up to 36",
            "3x3x8 accumulators up to 44",
            "3x3x8 reals",
            "3x3x8 2-bit levels",
            "1x2x8 accumulators up to 18",
            "1x2x8 reals",
            "1x2x8 signs",
            "1x1x3 accumulators up to 16",
        ]
    );
}

#[test]
fn thermometers_multiply_channels() {
    let thermometer = |thresholds, per_channel| Graph {
        input: Shape::new(4, 1, 2),
        input_kind: ByteKind::I8,
        nodes: vec![Node::new("code", 0, Op::Encode { thresholds, per_channel })],
        precisions: Vec::new(),
        interface: Default::default(),
    };
    let tensors = thermometer(vec![-128, 0, 256, -1, -1, 5], 3).check().unwrap();
    assert_eq!(tensors[1], Tensor { shape: Shape::new(4, 1, 6), kind: Kind::Sign });
    for (thresholds, per_channel) in [(vec![1; 5], 3), (vec![], 0), (vec![2, 1, 1, 1, 1, 1], 3), (vec![257; 6], 3)] {
        assert!(thermometer(thresholds, per_channel).check().is_err());
    }
}

/// The sample with one node changed must be refused at that node with words about it.
fn refuse(index: usize, part: &str, change: impl Fn(&mut Node)) {
    let mut graph = sample();
    change(&mut graph.nodes[index]);
    let error = graph.check().expect_err(part);
    assert!(matches!(error, GraphError::Node { index: found, .. } if found == index), "{error}");
    let text = error.to_string();
    assert!(text.contains(part), "expected '{part}' in '{text}'");
    assert!(graph.to_bytes().is_err());
}

#[test]
fn each_wrong_node_is_named() {
    refuse(3, "same name", |n| n.name = "n1".into());
    refuse(3, "name is empty", |n| n.name.clear());
    refuse(3, "reads tensor 4", |n| n.inputs = vec![4]);
    refuse(3, "has 0 inputs", |n| n.inputs.clear());
    refuse(6, "has 1 inputs", |n| n.inputs = vec![6]);
    refuse(6, "shapes must be equal", |n| n.inputs = vec![6, 4]);
    refuse(6, "needs accumulators", |n| n.inputs = vec![5, 6]);
    refuse(6, "shift 16", |n| n.op = Op::Add { shift: 16 });
    refuse(4, "needs signs or levels", |n| n.inputs = vec![3]);
    refuse(5, "needs bytes, signs or levels", |n| n.inputs = vec![3]);
    refuse(1, "2 factors", |n| n.op = Op::Scale { factors: vec![1.0; 2] });
    refuse(1, "factor 0 is NaN", |n| n.op = Op::Scale { factors: vec![f32::NAN] });
    refuse(2, "gamma has 7", |n| n.op = norm(7));
    refuse(8, "9 bits", |n| n.op = Op::Quantize { bits: 9, step: 1.0 });
    refuse(8, "step is 0", |n| n.op = Op::Quantize { bits: 1, step: 0.0 });
    refuse(12, "needs [outputs, 1, 1, 16]", |n| n.op = Op::Dense { weights: weights([3, 1, 1, 15]) });
    refuse(12, "zero size", |n| n.op = Op::Dense { weights: weights([0, 1, 1, 16]) });
    refuse(12, "has 47 weights", |n| edit(n, |w| w.values.truncate(47)));
    refuse(12, "weight 5 is inf", |n| edit(n, |w| w.values[5] = f32::INFINITY));
    refuse(12, "exceed", |n| edit(n, |w| w.shape[0] = u32::MAX));
    refuse(4, "does not fit", |n| n.op = Op::MaxPool { window: Window::valid(7, 1) });
    refuse(4, "does not fit", |n| n.op = Op::MaxPool { window: Window::valid(2, 0) });
    refuse(4, "smallest value", |n| n.op = Op::MaxPool { window: Window::same(3, PadValue::Zero) });
    refuse(0, "on u8 bytes", |n| edit_window(n, |w, _| w.pad_value = PadValue::PlusOne));
    refuse(0, "on u8 bytes", |n| edit_window(n, |w, _| w.pad_value = PadValue::Level(256)));
    refuse(0, "on u8 bytes", |n| edit_window(n, |w, _| w.pad_value = PadValue::Level(-1)));
    refuse(0, "does not fit", |n| edit_window(n, |w, _| w.padding[2] = 3));
    refuse(5, "3 groups", |n| edit_window(n, |_, groups| *groups = 3));
    refuse(5, "0 groups", |n| edit_window(n, |_, groups| *groups = 0));
    refuse(5, "needs [outputs, 2, 3, 4]", |n| edit_window(n, |w, _| w.kernel = [2, 3]));
}

#[test]
fn wrong_steps_are_named() {
    let steps = |count: usize, directions: usize, bits| Op::Steps {
        thresholds: (0..count as i32).collect(),
        descends: vec![false; directions],
        bits,
    };
    refuse(1, "has 7 thresholds", |n| n.op = steps(7, 1, Some(2)));
    refuse(1, "9 bits", |n| n.op = steps(511, 1, Some(9)));
    refuse(1, "thresholds of channel 0 fall", |n| {
        n.op = steps(8, 8, None);
        let Op::Steps { thresholds, descends, bits } = &mut n.op else { return };
        (*thresholds, *descends, *bits) = ([3, 2, 1].repeat(8), vec![false; 8], Some(2));
    });
}

fn edit(node: &mut Node, change: impl Fn(&mut Weights)) {
    match &mut node.op {
        Op::Dense { weights } => change(weights),
        other => panic!("{}", other.label()),
    }
}

fn edit_window(node: &mut Node, change: impl Fn(&mut Window, &mut u32)) {
    match &mut node.op {
        Op::Conv2d { window, groups, .. } => change(window, groups),
        other => panic!("{}", other.label()),
    }
}

#[test]
fn variances_must_leave_something_to_divide_by() {
    let with = |variance: f32, epsilon: f32| {
        let mut graph = sample();
        if let Op::BatchNorm { variance: all, epsilon: e, .. } = &mut graph.nodes[2].op {
            (all[3], *e) = (variance, epsilon);
        }
        graph.check()
    };
    assert!(with(0.0, 1e-5).is_ok());
    for (variance, epsilon) in [(0.0, 0.0), (-1e-6, 1e-5), (1.0, -1e-9), (f32::NAN, 1.0), (1.0, f32::INFINITY)] {
        assert!(with(variance, epsilon).is_err(), "{variance} {epsilon}");
    }
}

#[test]
fn frames_that_cannot_be_are_refused() {
    let mut graph = sample();
    graph.input.width = 0;
    assert!(matches!(graph.check(), Err(GraphError::Input { .. })));
    graph.input = Shape::new(u32::MAX, u32::MAX, u32::MAX);
    assert!(matches!(graph.check(), Err(GraphError::Input { .. })));
    graph = sample();
    graph.nodes.clear();
    assert!(matches!(graph.check(), Err(GraphError::NodeCount { count: 0, .. })));
    graph = sample();
    graph.nodes[10].inputs = vec![9];
    assert!(graph.check().is_err(), "reads levels");
    graph = sample();
    graph.nodes.push(Node::new("loose", 12, Op::Dense { weights: weights([1, 1, 1, 16]) }));
    let text = graph.check().unwrap_err().to_string();
    assert!(text.contains("'n12'") && text.contains("nobody reads"), "{text}");
}

#[test]
fn accumulators_beyond_32_bits_are_refused() {
    let shape = [1, 1, 1, 1 << 23];
    let wide = Weights::new(vec![1.0; 1 << 23], shape, WeightQuantizer::Sign);
    let graph = |channels| Graph {
        input: Shape::flat(channels),
        input_kind: ByteKind::U8,
        nodes: vec![Node::new("wide", 0, Op::Dense { weights: wide.clone() })],
        precisions: Vec::new(),
        interface: Default::default(),
    };
    let bound = graph(1 << 23).check().unwrap()[1].kind;
    assert_eq!(bound, Kind::Accumulator { bound: 255 << 23 });
    let mut graph = graph(1 << 24);
    if let Op::Dense { weights } = &mut graph.nodes[0].op {
        *weights = Weights { values: vec![1.0; 1 << 24], shape: [1, 1, 1, 1 << 24], ..weights.clone() };
    }
    assert!(graph.check().unwrap_err().to_string().contains("2^31"));
}

#[test]
fn zero_and_negative_zero_are_plus_one() {
    let quantizer = WeightQuantizer::Sign;
    assert_eq!([0.0, -0.0, 1e-40, -1e-40].map(|w| quantizer.quantize(w)), [1, 1, 1, -1]);
}

#[test]
fn bytes_give_the_graph_back_and_nothing_else_passes() {
    let graph = sample();
    let bytes = graph.to_bytes().unwrap();
    assert_eq!(Graph::from_bytes(&bytes).unwrap(), graph);
    for end in 0..bytes.len() {
        assert!(Graph::from_bytes(&bytes[..end]).is_err(), "{end} bytes");
    }
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << (at % 8);
        assert!(Graph::from_bytes(&flipped).is_err(), "byte {at}");
    }
    assert_eq!(Graph::from_bytes(b"PK"), Err(GraphError::Magic));
    let mut other = bytes.clone();
    other[7] = 9;
    assert_eq!(Graph::from_bytes(&other), Err(GraphError::Version { found: 9, supported: VERSION }));
}

/// A payload with a correct frame, so that the decoder itself is tried.
fn framed(payload: &[u8]) -> Vec<u8> {
    let mut bytes = [MAGIC.as_slice(), &[VERSION], payload].concat();
    let sum = crc32fast::hash(&bytes);
    bytes.extend(sum.to_le_bytes());
    bytes
}

proptest! {
    #[test]
    fn any_payload_gives_a_graph_or_an_error(payload in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(graph) = Graph::from_bytes(&framed(&payload)) {
            prop_assert!(graph.check().is_ok());
        }
    }

    #[test]
    fn a_changed_payload_gives_a_sound_graph_or_an_error(at in any::<prop::sample::Index>(), value: u8) {
        let bytes = sample().to_bytes().unwrap();
        let mut payload = bytes[8..bytes.len() - 4].to_vec();
        let at = at.index(payload.len());
        payload[at] = value;
        if let Ok(graph) = Graph::from_bytes(&framed(&payload)) {
            prop_assert!(graph.check().is_ok());
        }
    }

    #[test]
    fn windows_give_as_many_positions_as_can_be_counted(
        size in 1u32..12, kernel in 1u32..6, stride in 1u32..4, before in 0u32..4, after in 0u32..4,
    ) {
        let window = Window { kernel: [kernel; 2], stride: [stride; 2], padding: [before, before, after, after],
            pad_value: PadValue::Zero };
        let fits = (0..).map(|i| i * stride).take_while(|start| start + kernel <= size + before + after).count();
        let expected = (fits > 0 && before < kernel && after < kernel).then_some([fits as u32; 2]);
        prop_assert_eq!(window.output(Shape::new(size, size, 1)), expected);
    }
}

#[test]
fn what_is_said_of_the_input_must_fit_it() {
    let coding = Coding { fraction: 8, zero: 0, multiplier: 1, shift: 8, base: 0, count: None };
    let said = |edit: &dyn Fn(&mut Interface)| {
        let mut graph = sample();
        edit(&mut graph.interface);
        graph.check().map(|_| ()).map_err(|error| error.to_string())
    };
    let outputs = sample().check().unwrap().last().unwrap().shape.channels as usize;
    said(&|i| i.codings = vec![coding]).unwrap();
    said(&|i| i.codings = vec![coding; 2]).unwrap();
    said(&|i| i.codings = vec![coding; 72]).unwrap();
    let classes = |count: usize| -> Vec<String> { (0..count).map(|at| format!("class {at}")).collect() };
    said(&|i| i.classes = classes(outputs)).unwrap();
    said(&|i| i.learned = vec![1, 2, 9]).unwrap();
    let wrong: [&dyn Fn(&mut Interface); 11] = [
        &|i| i.codings = vec![coding; 3],
        &|i| i.names = vec!["x".into()],
        &|i| i.units = vec!["g".into(); 3],
        &|i| i.classes = classes(outputs + 1),
        &|i| i.classes = vec!["a".into(); outputs],
        &|i| i.classes = [&classes(outputs - 1)[..], &[String::new()]].concat(),
        &|i| i.names = vec!["x".into(), "y\0".into()],
        &|i| i.limits = Some([-1, 255]),
        &|i| i.codings = vec![Coding { multiplier: 1 << 30, ..coding }],
        &|i| i.codings = vec![Coding { base: 256, ..coding }],
        &|i| i.learned = vec![2, 2],
    ];
    for (index, edit) in wrong.into_iter().enumerate() {
        assert!(said(edit).unwrap_err().contains("interface"), "{index}");
    }
}
