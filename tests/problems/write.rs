//! Writes the golden vectors anew: `cargo run --release -p bitfab-tests --example golden`.
//!
//! Needed only where the format itself changes on purpose; the reference says what is right.

#[path = "vector.rs"]
mod vector;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use bitfab_format::arbitrary::{self, Random, chain, draft, draft_of, scored};
use bitfab_format::{Draft, Kind, Model, Op, TransformKind, WeightKind};
use bitfab_sim::software::Reference;
use vector::Values;

const OPS: [Op; 5] = [Op::Encode, Op::Dense, Op::Conv2d, Op::MaxPool, Op::SumPool];
/// Rows of a model, of each kind of values that it takes.
const ROWS: usize = 3;
/// Larger files show nothing more.
const WORDS: usize = 700;

/// The first of many random drafts that is small and wanted.
fn first(make: impl Fn(&mut Random) -> Draft, wanted: impl Fn(&Model<'_>) -> bool) -> Option<Draft> {
    (0..5_000).map(|seed| make(&mut Random::new(seed))).find(|draft| {
        let words = draft.emit();
        words.len() <= WORDS && Model::from_words(&words).is_ok_and(|model| wanted(&model))
    })
}

/// A name and a file of every operation, kind of weights, transform, corner of scores and interface.
fn files() -> Vec<(String, Vec<u32>)> {
    let mut files = Vec::new();
    let mut add = |name: String, draft: Option<Draft>| files.extend(draft.map(|draft| (name, draft.emit())));
    for op in OPS {
        add(format!("{op:?}"), first(|random| draft(op, random), |_| true));
        for kind in WeightKind::WEIGHTED {
            let name = format!("{op:?} {}", kind.name());
            add(name, first(|random| draft_of(op, Some(kind), random), |model| has_kind(model, kind)));
        }
        for transform in [TransformKind::Raw, TransformKind::Thresholds, TransformKind::Requant, TransformKind::Affine]
        {
            let is_last = |model: &Model<'_>| model.layers().last().is_some_and(|l| l.transform.kind() == transform);
            add(format!("{op:?} {transform:?}"), first(|random| draft(op, random), is_last));
        }
    }
    for depth in 2..6 {
        add(format!("chain of {depth}"), first(|random| chain(depth, random), |model| model.layer_count() > 1));
    }
    for (at, (name, draft)) in scored().into_iter().enumerate() {
        add(format!("scores {at} {name}"), Some(draft));
    }
    for seed in 0..8 {
        add(format!("interface {seed}"), first(|random| with_interface(seed, random), |_| true));
    }
    let layered = first(
        |random| draft_of(Op::Dense, Some(WeightKind::Planes), random),
        |model| model.layers().any(|layer| layer.weights.name() == "planes"),
    );
    files.extend(layered.map(|draft| ("layered".to_owned(), arbitrary::layered(&draft))));
    files
}

fn has_kind(model: &Model<'_>, kind: WeightKind) -> bool {
    model.layers().last().is_some_and(|layer| layer.weights.kind() == kind)
}

/// A chain with names, codings and classes.
fn with_interface(seed: u64, random: &mut Random) -> Draft {
    let mut draft = chain(2, random);
    draft.interface = arbitrary::interface(&draft, &mut Random::new(seed));
    draft
}

/// Random rows of every kind of values that `model` takes.
fn rows(model: &Model<'_>, random: &mut Random) -> Vec<Values> {
    let bytes = model.input_bytes();
    let mut rows: Vec<Values> =
        (0..ROWS).map(|_| Values::Bytes((0..bytes).map(|_| random.word() as u8).collect())).collect();
    if model.interface().codings() != 0 {
        let real = |random: &mut Random| random.between(-1_000_000, 1_000_000) as f32 / 4096.0;
        rows.extend((0..ROWS).map(|_| Values::Real((0..bytes).map(|_| real(random)).collect())));
        rows.extend((0..ROWS).map(|_| Values::Counts((0..bytes).map(|_| random.word() as i16).collect())));
    } else if model.input().kind == Kind::U8 {
        rows.push(Values::Real((0..bytes).map(|_| random.between(0, 255) as f32).collect()));
    }
    rows
}

fn main() -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors");
    fs::create_dir_all(&folder)?;
    for (at, (name, words)) in files().into_iter().enumerate() {
        let name = name.to_lowercase().replace([' ', '-'], "_");
        let model = Model::from_words(&words).with_context(|| name.clone())?;
        let rows = rows(&model, &mut Random::new(at as u64));
        let rows = vector::answers(rows, &mut Reference, &model).with_context(|| name.clone())?;
        let text = vector::text(&rows);
        ensure!(vector::parse(&text)? == rows, "{name}: the rows are not what their text says");
        fs::write(folder.join(format!("{name}.txt")), text)?;
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        fs::write(folder.join(format!("{name}.bfab")), bytes)?;
    }
    Ok(())
}
