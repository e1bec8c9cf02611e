//! Bad input ends in an error with a code and never in a panic.

use std::sync::Mutex;

use bitfab::data::{Reading, Rows, Values};
use bitfab::graph::{ByteKind, Graph, Node, Op, Shape, WeightQuantizer, Weights};
use bitfab::hdl::{Options, Style};
use bitfab::sim::synth::Target;
use bitfab::train::{Silent, TrainConfig};
use bitfab::{Accelerator, EngineName, Error, Inputs, ModelFile, Progress, Share, Windowing, quiet};

/// 2 x 2 bytes to scores; signs where there are none.
fn graph(outputs: u32, ends_in_signs: bool) -> Graph {
    let values = (0..outputs * 4).map(|index| if index % 3 == 0 { 0.5 } else { -0.5 }).collect();
    let weights = Weights::new(values, [outputs, 1, 1, 4], WeightQuantizer::Sign);
    let mut nodes = vec![Node::new("scores", 0, Op::Dense { weights })];
    nodes.extend(ends_in_signs.then(|| Node::new("sign", 1, Op::Sign)));
    let (input, input_kind) = (Shape::new(2, 2, 1), ByteKind::U8);
    Graph { input, input_kind, nodes, precisions: Vec::new(), interface: Default::default() }
}

fn file() -> ModelFile {
    bitfab::compile(&graph(3, false), &Default::default()).unwrap().0
}

/// The code of an error, whose sentence must hold these words.
fn code<T: std::fmt::Debug>(result: Result<T, Error>, words: &str) -> &'static str {
    let error = result.unwrap_err();
    assert!(error.chain().contains(words), "{}", error.chain());
    error.code()
}

#[test]
fn bytes_that_are_no_model_are_refused_wherever_they_are_cut_or_changed() {
    let whole = file().to_bytes();
    for end in 0..whole.len() {
        assert_eq!(code(ModelFile::from_bytes(&whole[..end]), ""), "model", "cut to {end} bytes");
    }
    for more in [0, 0xff] {
        let longer = [&whole[..], &[more; 4]].concat();
        assert_eq!(code(ModelFile::from_bytes(&longer), "longer than its stated length"), "model");
    }
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << bit;
            // What is accepted all the same, such as another weight, must be a model that runs.
            let Ok(file) = ModelFile::from_bytes(&bytes) else { continue };
            let model = file.model().unwrap();
            let row = vec![1; model.input_bytes()];
            let inputs = Inputs::from_bytes("row", &model, &[&row], None).unwrap();
            let mut engine = EngineName::Runtime.create(Accelerator::default()).unwrap();
            bitfab::run(&model, &inputs, &mut *engine, &quiet).unwrap();
        }
    }
}

#[test]
fn rows_that_do_not_fit_are_refused() {
    let file = file();
    let model = file.model().unwrap();
    let of = |rows: &[&[u8]], labels| Inputs::from_bytes("x", &model, rows, labels);
    assert_eq!(code(of(&[], None), "x has no rows"), "rows");
    assert_eq!(code(of(&[&[1, 2, 3, 4], &[1, 2, 3]], None), "row 1 of x has 3 bytes, the model takes 4"), "rows");
    assert_eq!(code(of(&[&[1, 2, 3, 4]], Some(vec![0, 1])), "2 classes for 1 rows"), "rows");
    let takes = bitfab::takes(&model, Some(b"no graph"));
    let rows = Rows::new("y", Shape::flat(5), Values::Bytes(vec![0; 10])).unwrap();
    assert_eq!(code(Inputs::new(rows, &takes, Reading::Values, None), "rows are 1x1x5"), "rows");
    let short: &[&[u8]] = &[&[1, 2]];
    assert_eq!(code(bitfab::reference(&model, short, &quiet), "2 bytes"), "rows");
    assert_eq!(code(bitfab::verilog(&model, &Options::default(), &Style::default(), short), "2 bytes"), "rows");
    assert_eq!(code(bitfab::verilog(&model, &Options::default(), &Style::default(), &[]), "needs a row"), "rows");
}

#[test]
fn classes_are_not_made_up() {
    for (graph, labels, words) in [
        (graph(3, true), Some(vec![0]), "ends in signs"),
        (graph(1, false), Some(vec![0]), "one score"),
        (graph(3, false), None, "have no classes"),
    ] {
        let (file, _) = bitfab::compile(&graph, &Default::default()).unwrap();
        let model = file.model().unwrap();
        let inputs = Inputs::from_bytes("x", &model, &[&[1, 2, 3, 4]], labels).unwrap();
        let found = bitfab::eval(&model, &inputs, EngineName::Runtime, Accelerator::default(), &quiet);
        assert_eq!(code(found, words), "classes");
    }
}

#[test]
fn runs_and_classes_of_something_else_are_refused() {
    let (small, large) = (file(), bitfab::compile(&graph(40, false), &Default::default()).unwrap().0);
    let (small, large) = (small.model().unwrap(), large.model().unwrap());
    let row: &[&[u8]] = &[&[1, 2, 3, 4]];
    let runs = bitfab::reference(&small, row, &quiet).unwrap();
    assert_eq!(code(bitfab::classes(&large, &runs), "3 words of output, the model gives 40"), "rows");
    assert_eq!(code(bitfab::scores(&large, &runs), "another model's"), "rows");
    for label in [4096, usize::MAX] {
        let inputs = Inputs::from_bytes("x", &small, row, Some(vec![label])).unwrap();
        assert_eq!(code(inputs.confusion(&small, &runs), "from 0 to 4095"), "classes");
    }
}

#[test]
fn choices_that_there_are_not_are_named() {
    let file = file();
    let model = file.model().unwrap();
    assert_eq!(code("gpu".parse::<EngineName>(), "no engine `gpu`; there are reference"), "choice");
    let lanes = Options::default().with_lanes(3);
    assert_eq!(code(bitfab::inspect(&model, Some(&lanes)), "3 lanes"), "circuit");
    assert_eq!(code(bitfab::verilog_sources(&model, &lanes, &Style::default()), "3 lanes"), "circuit");
    let inputs = Inputs::from_bytes("x", &model, &[&[1, 2, 3, 4]], None).unwrap();
    let shares: [Share; 2] = [(EngineName::CycleModel, Some(0)), (EngineName::Rtl, Some(9))];
    let wrong = Accelerator { lanes: 5, ..Accelerator::default() };
    let verified = bitfab::verify(&model, &inputs, &shares, wrong, None, &quiet).unwrap();
    assert!(verified.failures.iter().any(|failure| failure.engine == EngineName::Rtl), "{verified:?}");
    let found = bitfab::synth(&model, &Options::default(), Target::Up5k, 0, &quiet);
    assert_eq!(code(found, "at least one"), "choice");
    let windows = Windowing { step: Some(2), ..Windowing::default() };
    assert_eq!(code(bitfab::Known::Digits.read(&[], &windows), "--window"), "choice");
    assert_eq!(code(bitfab::Known::Mnist.read(&[], &Windowing::default()), "0 files"), "rows");
    assert_eq!(code(bitfab::Known::Hapt.read(&[vec![1, 2]], &Windowing::default()), "not gzipped"), "rows");
}

#[test]
fn a_wrong_network_and_wrong_settings_are_refused() {
    let mut wrong = graph(3, false);
    wrong.nodes[0].inputs = vec![7];
    assert_eq!(code(bitfab::compile(&wrong, &Default::default()), "scores"), "compile");
    let data = bitfab::data::digits(0).unwrap();
    let config = TrainConfig { epochs: 0, ..TrainConfig::default() };
    assert_eq!(code(bitfab::train(&config, &data, &mut Silent), "epochs"), "train");
}

#[test]
fn progress_begins_at_nothing_counts_and_ends() {
    let file = file();
    let model = file.model().unwrap();
    let inputs = Inputs::from_bytes("x", &model, &[&[1, 2, 3, 4][..]; 40], None).unwrap();
    let told = Mutex::new(Vec::new());
    let watch = |progress: Progress<'_>| told.lock().unwrap().push(format!("{progress:?}"));
    let mut engine = EngineName::Runtime.create(Accelerator::default()).unwrap();
    bitfab::run(&model, &inputs, &mut *engine, &watch).unwrap();
    let told = told.into_inner().unwrap();
    assert!(told[0].contains("done: 0, of: 40") && told[0].contains("runtime"), "{told:?}");
    assert!(told[told.len() - 2].contains("done: 40, of: 40"), "{told:?}");
    assert_eq!(told[told.len() - 1], "Over");
}
