//! Writes a starting corpus: small valid models of every operation.

use std::path::Path;

use bitfab_format::Op;
use bitfab_format::arbitrary::{Random, chain, draft};

fn main() -> std::io::Result<()> {
    let directory = std::env::args().nth(1).unwrap_or_else(|| "corpus".into());
    std::fs::create_dir_all(&directory)?;
    for seed in 0..60 {
        let mut random = Random::new(seed);
        let op = [Op::Encode, Op::Dense, Op::Conv2d, Op::MaxPool, Op::SumPool][seed as usize % 5];
        let draft = if seed < 40 { draft(op, &mut random) } else { chain(3, &mut random) };
        let mut bytes = vec![0];
        bytes.extend(draft.emit().iter().flat_map(|word| word.to_le_bytes()));
        std::fs::write(Path::new(&directory).join(format!("seed{seed}")), bytes)?;
    }
    Ok(())
}
