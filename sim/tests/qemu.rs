//! Firmware in emulators against the runtime on the laptop, and what its instructions cost.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bitfab_format::arbitrary::{Random, chain, draft_of, value};
use bitfab_format::{Coder, Draft, Kind, Model, Op, PadValue, Shape, WeightKind};
use bitfab_sim::engine::{Engine, Run};
use bitfab_sim::qemu::bench::{Encoding, Problem, without_weights};
use bitfab_sim::qemu::{Board, Qemu, QemuError, RunOptions};
use bitfab_sim::software::Runtime;

/// A model file.
fn file(draft: &Draft) -> Vec<u8> {
    draft.emit().iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// A valid model and an image for it.
fn small() -> (Vec<u8>, Vec<u8>) {
    let (_, draft) = models().remove(0);
    let image = vec![3; draft.input.shape.volume() as usize];
    (file(&draft), image)
}

/// Random chains that between them hold every operation; small enough for the smallest board: 16 KiB of RAM, 128 KiB
/// for the model.
fn models() -> Vec<(u64, Draft)> {
    let holds = |draft: &Draft, op| draft.layers.iter().any(|layer| layer.op == op);
    let mut found = Vec::new();
    for seed in 0.. {
        let draft = chain(4, &mut Random::new(seed));
        let all = [Op::Conv2d, Op::Dense, if seed % 2 == 0 { Op::MaxPool } else { Op::SumPool }];
        let raw = draft.layers.last().is_some_and(|layer| layer.output.kind == Kind::I32);
        let is_small = draft.arena_words < 3000 && file(&draft).len() <= 128 << 10;
        if all.iter().all(|&op| holds(&draft, op)) && raw == (found.len() % 2 == 0) && is_small {
            found.push((seed, draft));
        }
        if found.len() == 4 {
            break;
        }
    }
    found
}

fn images(model: &Model<'_>, count: usize, random: &mut Random) -> Vec<Vec<u8>> {
    let mut image = || (0..model.input_bytes()).map(|_| value(model.input().kind, random) as u8).collect();
    (0..count).map(|_| image()).collect()
}

/// One layer of every kind of weights, every coder and every kind of input, of several sizes, with and without a border
/// that holds a level.
fn kinds() -> Vec<(u64, Draft)> {
    let (mut seen, mut found) = (BTreeMap::new(), Vec::new());
    for (kind, seed) in WeightKind::WEIGHTED.into_iter().flat_map(|kind| (0..400).map(move |seed| (kind, seed))) {
        let op = if seed % 2 == 0 { Op::Dense } else { Op::Conv2d };
        let draft = draft_of(op, Some(kind), &mut Random::new(seed));
        let words = draft.emit();
        let Some(layer) = Model::from_words(&words).ok().and_then(|model| model.layers().last()) else { continue };
        let input = std::mem::discriminant(&layer.input.kind);
        // Lists are of one segment, or of a whole one and a shorter one after it.
        let is_long = layer.weights.coder() == Coder::List && layer.fan_in() > 256;
        let is_bordered = matches!(layer.pad_value, PadValue::Level(_)) && layer.window.is_padded();
        let fact = (format!("{kind:?} {:?}", layer.weights.coder()), format!("{input:?}"), is_long, is_bordered);
        let count = seen.entry(fact).or_insert(0);
        if layer.weights.kind() == kind && *count < 1 && layer.plane_macs() < 1_000_000 {
            *count += 1;
            found.push((seed, draft));
        }
    }
    found
}

fn agrees(board: Board, models: Vec<(u64, Draft)>) -> Result<()> {
    let mut qemu = Qemu::new(board)?;
    for (seed, draft) in models {
        let words = draft.emit();
        let model = Model::new(bytemuck::cast_slice(&words)).context("a random model is valid")?;
        let images = images(&model, 3, &mut Random::new(seed));
        let inputs: Vec<&[u8]> = images.iter().map(Vec::as_slice).collect();
        let expected = Runtime.run(&model, &inputs, &mut |_| {})?;
        let found = Engine::run(&mut qemu, &model, &inputs, &mut |_| {})?;
        ensure!(found.len() == expected.len(), "{board}, seed {seed}: {} results", found.len());
        for (expected, found) in expected.iter().zip(&found) {
            let evidence = |run: &Run| (run.evidence.digests(), run.output.clone());
            ensure!(evidence(expected) == evidence(found), "{board}, seed {seed}: {expected:?} is not {found:?}");
            ensure!(found.instructions.is_some_and(|count| count > 100), "{board}: {:?}", found.instructions);
        }
    }
    Ok(())
}

#[test]
fn every_board_computes_what_the_runtime_does() -> Result<()> {
    Board::ALL.into_iter().try_for_each(|board| agrees(board, models()))
}

#[test]
fn every_kind_of_weights_is_the_same_on_every_core() -> Result<()> {
    assert!(kinds().len() >= 75, "{} models", kinds().len());
    Board::of_every_target().try_for_each(|board| agrees(board, kinds()).with_context(|| format!("{board}")))
}

/// What the firmware says about `model` and `image`.
fn refusal(qemu: &Qemu, model: &[u8], image: &[u8]) -> Result<String> {
    match qemu.run(model, &[image], &RunOptions::default()) {
        Err(QemuError::Refused { message, .. }) => Ok(message),
        other => anyhow::bail!("expected a refusal, got {other:?}"),
    }
}

#[test]
fn the_firmware_refuses_what_is_wrong_and_says_what() -> Result<()> {
    let qemu = Qemu::new(Board::M4)?;
    let (model, image) = small();
    let mut damaged = model.clone();
    damaged[70] ^= 4;
    assert!(refusal(&qemu, &damaged, &image)?.contains("CRC-32"));
    assert!(refusal(&qemu, &model[..model.len() - 4], &image)?.contains("model partition: header, byte"));
    assert!(refusal(&qemu, b"not a model!", &image)?.contains("not a bitfab model"));
    let need = format!("takes {} bytes", image.len());
    assert!(refusal(&qemu, &model, &image[1..])?.contains(&need));
    Ok(())
}

#[test]
fn a_model_too_large_for_the_board_is_refused() -> Result<()> {
    let microbit = Qemu::new(Board::Microbit)?;
    let image = Shape::new(16, 16, 3);
    let arena = Problem { input: image, kernel: Some(3), signs: false, ..Problem::dense(1, 64).of_bytes() };
    match arena.measure(&microbit) {
        Err(QemuError::Refused { message, .. }) => assert!(message.contains("arena is too small"), "{message}"),
        other => anyhow::bail!("expected a refusal, got {other:?}"),
    }
    match Problem::dense(1024, 1100).measure(&microbit) {
        Err(QemuError::TooLarge { what: "the model", have: 131_072, .. }) => Ok(()),
        other => anyhow::bail!("expected a refusal, got {other:?}"),
    }
}

#[test]
fn an_emulator_that_does_not_end_in_time_is_stopped() -> Result<()> {
    let (model, image) = small();
    let options = RunOptions { timeout: Duration::from_millis(1), ..RunOptions::default() };
    match Qemu::new(Board::M4)?.run(&model, &[&image], &options) {
        Err(QemuError::Timeout { .. }) => Ok(()),
        other => anyhow::bail!("expected a timeout, got {other:?}"),
    }
}

#[test]
fn images_that_do_not_fit_at_once_are_run_in_parts() -> Result<()> {
    let qemu = Qemu::new(Board::Microbit)?;
    let (model, image) = small();
    let images = vec![&*image; 65_536 / image.len() + 2];
    let options = RunOptions { digests: false, counted: 0, ..RunOptions::default() };
    let inferences = qemu.run(&model, &images, &options)?;
    assert_eq!(inferences.len(), images.len());
    assert!(inferences.iter().all(|inference| *inference == inferences[0]));
    Ok(())
}

#[test]
fn counts_repeat_and_add_up() -> Result<()> {
    let (model, image) = small();
    let qemu = Qemu::new(Board::M4)?;
    let options = RunOptions { counted: 5, ..RunOptions::default() };
    let inferences = qemu.run(&model, &[&image[..]; 5], &options)?;
    let counts: Vec<_> = inferences.iter().filter_map(|inference| inference.counts.as_ref()).collect();
    assert_eq!(counts.len(), 5);
    // Images lie one behind the other, so that every fourth one begins as far from a whole word.
    assert_eq!(counts[0], counts[4], "the same image costs the same");
    let layers: u64 = counts[0].layers.iter().map(|count| count.instructions).sum();
    let rest = counts[0].total.instructions - layers;
    assert_eq!(counts[0].layers.len(), inferences[0].digests.len());
    assert!((1..500).contains(&rest), "{rest} instructions outside of layers");
    assert!((256..8192).contains(&counts[0].stack_bytes), "{} bytes of stack", counts[0].stack_bytes);
    Ok(())
}

/// The messages of a stream of defmt frames.
fn messages(elf: &[u8], frames: &[u8]) -> Result<Vec<String>> {
    let table = defmt_decoder::Table::parse(elf)?.context("the firmware has no defmt table")?;
    let mut decoder = table.new_stream_decoder();
    decoder.received(frames);
    let mut messages = Vec::new();
    loop {
        match decoder.decode() {
            Ok(frame) => messages.push(frame.display_message().to_string()),
            Err(defmt_decoder::DecodeError::UnexpectedEof) => return Ok(messages),
            Err(error) => anyhow::bail!("{error:?} after {messages:?}"),
        }
    }
}

#[test]
fn every_layer_is_logged_through_defmt() -> Result<()> {
    let (model, image) = small();
    let qemu = Qemu::with_defmt()?;
    let frames = qemu.print(&model, &[&image], RunOptions::default().timeout)?;
    let messages = messages(&std::fs::read(qemu.elf())?, &frames)?;
    let words = bitfab_format::align(&model);
    let model = Model::new(bytemuck::cast_slice(&words))?;
    let class = Runtime.run(&model, &[&image], &mut |_| {})?[0].arg_max();
    let mut expected = vec![format!("model of {} layers, arena of {} words", model.layer_count(), model.arena_words())];
    let layers = model.layers().map(|layer| format!("layer {}: {} {:?}", layer.index, layer.name, layer.op));
    expected.extend(layers.chain([format!("image 0: class {class}")]));
    assert_eq!(messages, expected);
    Ok(())
}

/// Instructions for 32 binary multiply-accumulates of 64 more rows of 1024 signs.
fn dot(board: Board) -> Result<f64> {
    let qemu = Qemu::new(board)?;
    let rows = |outputs| Problem { signs: false, ..Problem::dense(1024, outputs) }.measure(&qemu);
    let (few, many) = (rows(64)?, rows(128)?);
    let instructions = many.count.instructions - few.count.instructions;
    Ok(instructions as f64 * 32.0 / (many.macs - few.macs) as f64)
}

#[test]
fn the_dot_product_stays_below_its_ceilings() -> Result<()> {
    for (board, ceiling) in [(Board::M4, 12.0), (Board::M3, 12.0), (Board::M0OnM3, 18.0), (Board::RiscV, 18.0)] {
        let found = dot(board)?;
        ensure!((2.0..=ceiling).contains(&found), "{board}: {found} instructions for 32 MACs, {ceiling} are allowed");
    }
    Ok(())
}

#[test]
fn whole_layers_on_a_cortex_m4_stay_below_their_ceilings() -> Result<()> {
    let qemu = Qemu::new(Board::M4)?;
    let image = Shape::new(8, 8, 64);
    let conv = Problem { input: image, kernel: Some(3), ..Problem::dense(64, 64) };
    let pixels = Problem { input: Shape::vector(784), bytes: true, ..Problem::dense(784, 64) };
    for (problem, ceiling) in [(Problem::dense(1024, 128), 14.0), (pixels, 8.0), (conv, 17.0)] {
        let cost = problem.measure(&qemu)?;
        ensure!(cost.per_word() <= ceiling, "{problem:?}: {} for 32 MACs, {ceiling} allowed", cost.per_word());
        ensure!(cost.stack_bytes <= 4096, "{problem:?}: {} bytes of stack", cost.stack_bytes);
    }
    Ok(())
}

#[test]
fn encodings_and_pools_of_signs_stay_below_their_ceilings() -> Result<()> {
    let image = Shape::new(16, 16, 64);
    for (board, [a_byte, a_word]) in
        [(Board::M4, [9.0, 32.0]), (Board::M0OnM3, [24.0, 40.0]), (Board::RiscV, [16.0, 32.0])]
    {
        let [encoding, pool] = without_weights(&Qemu::new(board)?, image)?.map(|count| count.instructions as f64);
        let (byte, word) = (encoding / f64::from(image.volume()), pool / f64::from(image.pixels() * 2));
        ensure!(byte <= a_byte && word <= a_word, "{board}: {byte} a byte, {word} a word of signs");
    }
    Ok(())
}

#[test]
fn sparse_layers_over_bytes_cost_what_their_ones_cost() -> Result<()> {
    let qemu = Qemu::new(Board::M4)?;
    let dense = Problem::dense(1024, 256).of_bytes();
    let binary = dense.measure(&qemu)?.count.instructions;
    // Ones in a thousand, and what part of the binary layer's instructions they may take at most.
    for (ones, part) in [(50, 3), (10, 8)] {
        let sparse = dense.with(Encoding::sparse(WeightKind::SparseBinary, Coder::List, ones));
        let found = sparse.measure(&qemu)?.count.instructions;
        ensure!(found * part <= binary, "{ones} in a thousand: {found} instructions, {binary} with binary weights");
    }
    Ok(())
}
