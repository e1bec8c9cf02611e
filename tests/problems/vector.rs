//! One golden vector: a model file, rows, and what every tensor must be; as text beside the `.bfab`.

use std::fmt::Write;

use anyhow::{Context, Result, bail, ensure};
use bitfab_format::Model;
use bitfab_sim::{CodedRow, Engine, Run};

/// The values of one row, as an engine takes them.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Bytes of the input.
    Bytes(Vec<u8>),
    /// Real values, which the model's coder turns into bytes.
    Real(Vec<f32>),
    /// Raw counts of a sensor.
    Counts(Vec<i16>),
}

/// One row, and what must become of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub values: Values,
    /// Of values that are no bytes: what they are coded to.
    pub coded: Option<CodedRow>,
    /// The digest of every layer's output.
    pub digests: Vec<u32>,
}

/// What `engine` makes of rows, those of one kind of values in one call: an engine may take long to begin.
pub fn answers(rows: Vec<Values>, engine: &mut dyn Engine, model: &Model<'_>) -> Result<Vec<Row>> {
    let mut runs: Vec<Run> = Vec::with_capacity(rows.len());
    for chunk in rows.chunk_by(|a, b| std::mem::discriminant(a) == std::mem::discriminant(b)) {
        runs.extend(run(chunk, engine, model)?);
    }
    ensure!(runs.len() == rows.len(), "an engine gives a run for each row");
    let row = |(values, run): (Values, Run)| Row { values, coded: run.coded, digests: run.evidence.digests() };
    Ok(rows.into_iter().zip(runs).map(row).collect())
}

/// Runs rows of one kind.
fn run(rows: &[Values], engine: &mut dyn Engine, model: &Model<'_>) -> Result<Vec<Run>> {
    let (mut bytes, mut reals, mut counts) = (Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        match row {
            Values::Bytes(row) => bytes.push(row.as_slice()),
            Values::Real(row) => reals.push(row.as_slice()),
            Values::Counts(row) => counts.push(row.as_slice()),
        }
    }
    let rows = match rows.first() {
        Some(Values::Real(_)) => reals.as_slice().into(),
        Some(Values::Counts(_)) => counts.as_slice().into(),
        _ => bytes.as_slice().into(),
    };
    Ok(engine.run_rows(model, rows, &mut |_| ())?)
}

/// Hexadecimal numbers of `digits` digits each.
fn hex(numbers: impl Iterator<Item = u32>, digits: usize) -> String {
    numbers.fold(String::new(), |mut text, number| {
        let _ = write!(text, " {number:0digits$x}"); // a String takes everything
        text
    })
}

/// The rows as text: a line of values, a line of what they are coded to if they are, a line of digests.
pub fn text(rows: &[Row]) -> String {
    let line = |row: &Row| {
        let values = match &row.values {
            Values::Bytes(bytes) => format!("bytes{}", hex(bytes.iter().map(|byte| u32::from(*byte)), 2)),
            Values::Real(values) => format!("real{}", hex(values.iter().map(|value| value.to_bits()), 8)),
            Values::Counts(counts) => format!("counts{}", hex(counts.iter().map(|c| u32::from(c.cast_unsigned())), 4)),
        };
        let coded = row.coded.map(|coded| format!("coded {:08x} {:x}\n", coded.digest, coded.clamped));
        format!("{values}\n{}tensors{}\n", coded.unwrap_or_default(), hex(row.digests.iter().copied(), 8))
    };
    rows.iter().map(line).collect()
}

/// The rows of a text.
pub fn parse(text: &str) -> Result<Vec<Row>> {
    let mut rows: Vec<Row> = Vec::new();
    for line in text.lines() {
        let (word, rest) = line.split_once(' ').with_context(|| format!("`{line}` has no values"))?;
        let numbers: Result<Vec<u32>, _> = rest.split(' ').map(|number| u32::from_str_radix(number, 16)).collect();
        let numbers = numbers.with_context(|| format!("`{line}`"))?;
        let values = match word {
            "bytes" => Values::Bytes(numbers.iter().map(|number| *number as u8).collect()),
            "real" => Values::Real(numbers.iter().map(|number| f32::from_bits(*number)).collect()),
            "counts" => Values::Counts(numbers.iter().map(|number| (*number as u16).cast_signed()).collect()),
            _ => {
                let row = rows.last_mut().with_context(|| format!("`{line}` belongs to no row"))?;
                match (word, numbers.as_slice()) {
                    ("coded", &[digest, clamped]) => row.coded = Some(CodedRow { digest, clamped: clamped as usize }),
                    ("tensors", digests) => row.digests = digests.to_vec(),
                    _ => bail!("`{line}` is not understood"),
                }
                continue;
            }
        };
        rows.push(Row { values, coded: None, digests: Vec::new() });
    }
    Ok(rows)
}
