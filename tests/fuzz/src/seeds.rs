//! Writes a starting corpus: small valid models of every operation, every kind of weights, coders
//! of values and every corner of scores.

use std::path::Path;

use bitfab_format::arbitrary::{Random, chain, draft, draft_of, interface, layered, scored};
use bitfab_format::{Op, WeightKind};

fn main() -> std::io::Result<()> {
    let directory = std::env::args().nth(1).unwrap_or_else(|| "corpus".into());
    std::fs::create_dir_all(&directory)?;
    for seed in 0..60 {
        let mut random = Random::new(seed);
        let op = [Op::Encode, Op::Dense, Op::Conv2d, Op::MaxPool, Op::SumPool][seed as usize % 5];
        let draft = if seed < 40 { draft(op, &mut random) } else { chain(3, &mut random) };
        write(&directory, &format!("seed{seed}"), 0, &draft.emit())?;
    }
    for seed in 0..40 {
        let mut random = Random::new(seed);
        let mut draft = chain(2, &mut random);
        draft.interface = interface(&draft, &mut random);
        write(&directory, &format!("named{seed}"), 0, &draft.emit())?;
    }
    for seed in 0..70 {
        let mut random = Random::new(seed);
        let kind = WeightKind::WEIGHTED[seed as usize % WeightKind::WEIGHTED.len()];
        let draft = draft_of(Op::Dense, Some(kind), &mut random);
        write(&directory, &format!("kind{seed}"), 0, &draft.emit())?;
        if kind == WeightKind::Planes {
            write(&directory, &format!("layered{seed}"), 2, &layered(&draft))?;
        }
    }
    for (at, (_, draft)) in scored().iter().enumerate() {
        write(&directory, &format!("scored{at}"), 0, &draft.emit())?;
    }
    Ok(())
}

/// Writes one input: what to repair, then the words.
fn write(directory: &str, name: &str, repair: u8, words: &[u32]) -> std::io::Result<()> {
    let mut bytes = vec![repair];
    bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
    std::fs::write(Path::new(directory).join(name), bytes)
}
