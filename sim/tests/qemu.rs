//! Firmware in emulators against the runtime on the laptop, and what its instructions cost.
#![forbid(unsafe_code)]

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bitfab_format::arbitrary::{Random, chain, value};
use bitfab_format::{Draft, Kind, Model, Op};
use bitfab_sim::engine::{Engine, Run};
use bitfab_sim::qemu::{Board, Options, Qemu, QemuError};
use bitfab_sim::software::Runtime;

/// A model file, aligned.
fn file(draft: &Draft) -> Vec<u8> {
    draft.emit().iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// Random chains that between them hold every operation; small enough for 16 KiB of RAM.
fn models() -> Vec<(u64, Draft)> {
    let holds = |draft: &Draft, op| draft.layers.iter().any(|layer| layer.op == op);
    let mut found = Vec::new();
    for seed in 0.. {
        let draft = chain(4, &mut Random::new(seed));
        let all = [Op::Conv2d, Op::Dense, if seed % 2 == 0 { Op::MaxPool } else { Op::SumPool }];
        let raw = draft.layers.last().is_some_and(|layer| layer.output.kind == Kind::I32);
        if all.iter().all(|&op| holds(&draft, op)) && raw == (found.len() % 2 == 0) && draft.arena_words < 3000 {
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

fn agrees(board: Board) -> Result<()> {
    let mut qemu = Qemu::new(board)?;
    for (seed, draft) in models() {
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
    Board::ALL.into_iter().try_for_each(agrees)
}
