//! Rows of real values and raw counts: what emulated cores code them to, and what the laptop does.
#![forbid(unsafe_code)]

use anyhow::{Context, Result, bail, ensure};
use bitfab_format::arbitrary::{Random, chain, interface};
use bitfab_format::{CodingError, Draft, DraftInterface, Kind, Model};
use bitfab_sim::engine::code;
use bitfab_sim::qemu::{Board, Qemu, QemuError, RunOptions, Scores};
use bitfab_sim::rtl::CycleModel;
use bitfab_sim::software::{Reference, Runtime};
use bitfab_sim::{Engine, Rows, Run, SimError};

/// Cores of each kind: without multiplication of 64 bits or floating point, with both, and another instruction set.
const BOARDS: [Board; 5] = [Board::M0OnM3, Board::Microbit, Board::M3, Board::M4, Board::RiscV];
/// Rows of each model.
const ROWS: usize = 12;

/// Small models with any interface, the same on every run.
fn models() -> Vec<(Draft, Random)> {
    let mut found = Vec::new();
    for seed in 0.. {
        let mut random = Random::new(seed);
        let mut draft = chain(2, &mut random);
        let volume = draft.input.shape.volume();
        let words = draft.emit().len();
        if draft.arena_words + volume.div_ceil(4) < 3000 && words < 8000 && (9..800).contains(&volume) {
            draft.interface = interface(&draft, &mut random);
            found.push((draft, random));
        }
        if found.len() == 20 {
            break;
        }
    }
    found
}

/// Any 32 bits that are a number, a number that the coder of `model` hardly limits, or one of the odd ones.
fn real(model: &Model<'_>, index: usize, random: &mut Random) -> f32 {
    let odd = [0.0, -0.0, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN, f32::MIN_POSITIVE, f32::from_bits(1)];
    let Some(coding) = model.interface().coding(index) else {
        let (low, high) = model.input().kind.range();
        return random.between(low, high) as f32;
    };
    match random.word() % 8 {
        0 => random.pick(&odd),
        1 => f32::from_bits(random.word() & 0x807f_ffff),
        2 | 3 => Some(f32::from_bits(random.word())).filter(|value| !value.is_nan()).unwrap_or(1.0),
        _ => {
            let step = 2f64.powi(coding.shift.into()) / f64::from(coding.multiplier.max(1));
            let level = f64::from(random.between(-300, 300)) + f64::from(random.between(-8, 8)) / 8.0;
            ((f64::from(coding.zero) + level * step) * 2f64.powi((-coding.fraction).into())) as f32
        }
    }
}

/// Any count, or a byte where there is no coder.
fn count(model: &Model<'_>, index: usize, random: &mut Random) -> i16 {
    let (low, high) = model.input().kind.range();
    match model.interface().coding(index) {
        None => random.between(low, high) as i16,
        Some(_) if random.once_in(2) => random.between(-300, 300) as i16,
        Some(_) => random.word() as i16,
    }
}

fn rows<T>(model: &Model<'_>, random: &mut Random, one: fn(&Model<'_>, usize, &mut Random) -> T) -> Vec<Vec<T>> {
    let row = |_| (0..model.input_bytes()).map(|index| one(model, index, random)).collect();
    (0..ROWS).map(row).collect()
}

/// Calls `each` for every model with rows of real values and with rows of counts; returns the number of values.
fn each(mut each: impl FnMut(&Model<'_>, Rows<'_>) -> Result<()>) -> Result<usize> {
    let mut values = 0;
    for (draft, mut random) in models() {
        let words = draft.emit();
        let model = Model::from_words(&words)?;
        let (reals, counts) = (rows(&model, &mut random, real), rows(&model, &mut random, count));
        let reals: Vec<&[f32]> = reals.iter().map(Vec::as_slice).collect();
        let counts: Vec<&[i16]> = counts.iter().map(Vec::as_slice).collect();
        each(&model, Rows::from(&reals)).with_context(|| format!("real values, {:?}", draft.interface))?;
        each(&model, Rows::from(&counts)).with_context(|| format!("counts, {:?}", draft.interface))?;
        values += 2 * ROWS * model.input_bytes();
    }
    Ok(values)
}

fn evidence(runs: &[Run]) -> Vec<(Option<bitfab_sim::CodedRow>, Vec<u32>, Vec<u32>)> {
    runs.iter().map(|run| (run.coded, run.evidence.digests(), run.output.clone())).collect()
}

#[test]
fn every_core_codes_as_the_laptop_does() -> Result<()> {
    for board in BOARDS {
        let mut qemu = Qemu::new(board)?;
        let values = each(|model, rows| {
            let expected = Runtime.run_rows(model, rows, &mut |_| ())?;
            let found = qemu.run_rows(model, rows, &mut |_| ())?;
            ensure!(evidence(&expected) == evidence(&found), "{board}: {expected:?} is not {found:?}");
            Ok(())
        })?;
        ensure!(values > 10_000, "{values} values");
    }
    Ok(())
}

#[test]
fn engines_that_take_bytes_get_those_of_the_laptop() -> Result<()> {
    let (mut moved, mut bytes) = (0, [0usize; 256]);
    each(|model, rows| {
        let runs = Runtime.run_rows(model, rows, &mut |_| ())?;
        ensure!(evidence(&runs) == evidence(&Reference.run_rows(model, rows, &mut |_| ())?));
        moved += runs.iter().filter_map(|run| run.coded).map(|coded| coded.clamped).sum::<usize>();
        code(model, rows)?.iter().flat_map(|(row, _)| row).for_each(|&byte| bytes[usize::from(byte)] += 1);
        match CycleModel::default().run_rows(model, rows, &mut |_| ()) {
            Ok(found) => ensure!(evidence(&runs) == evidence(&found), "the accelerator"),
            Err(SimError::Unsupported { .. }) => {}
            Err(error) => bail!(error),
        }
        Ok(())
    })?;
    // The values would prove little if all were limited.
    ensure!(moved > 5000 && bytes.iter().all(|&count| count > 20), "{moved} moved, {bytes:?}");
    Ok(())
}

/// A model with one coder, or none.
fn one_coder(has_coder: bool) -> Result<Vec<u32>> {
    let is_fit = |draft: &Draft| {
        let ends_in_scores = draft.layers.last().is_some_and(|last| last.output.kind == Kind::I32);
        ends_in_scores && draft.input.kind == Kind::U8 && draft.interface.codings.len() == usize::from(has_coder)
    };
    let drafts = models().into_iter().map(|(mut draft, _)| {
        draft.interface.codings.truncate(1);
        if !has_coder {
            draft.interface = DraftInterface::default();
        }
        draft
    });
    Ok(drafts.into_iter().find(is_fit).context("no such model")?.emit())
}

#[test]
fn what_is_no_number_is_refused_by_name_on_the_laptop_and_on_the_core() -> Result<()> {
    let qemu = Qemu::new(Board::M4)?;
    for (has_coder, value, says) in [(true, f32::NAN, "not a number"), (false, 0.5, "no whole number from 0 to 255")] {
        let words = one_coder(has_coder)?;
        let model = Model::from_words(&words)?;
        let mut row = vec![1.0; model.input_bytes()];
        row[2] = value;
        let rows: [&[f32]; 2] = [&vec![1.0; row.len()], &row];
        for engine in [&mut Reference as &mut dyn Engine, &mut Runtime, &mut CycleModel::default()] {
            let error = engine.run_rows(&model, Rows::Real(&rows), &mut |_| ()).unwrap_err().to_string();
            ensure!(error.starts_with("row 1: value 2 of the row") && error.contains(says), "{error}");
        }
        let file: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        match qemu.run_file(&file, Rows::Real(&rows), &RunOptions::default()) {
            Err(QemuError::Refused { message, .. }) => {
                ensure!(message.contains("value 2 of the row") && message.contains(says), "{message}");
            }
            other => bail!("expected a refusal, got {other:?}"),
        }
        // Rows of another length, of the same bytes.
        let short: [&[f32]; 1] = [&row[1..]];
        let error = code(&model, Rows::Real(&short)).unwrap_err();
        let is_length =
            matches!(error, SimError::Value { row: 0, error: CodingError::Length { need } } if need == row.len());
        ensure!(is_length, "{error}");
        match qemu.run_file(&file, Rows::Real(&short), &RunOptions::default()) {
            Err(QemuError::Refused { message, .. }) => ensure!(message.contains("wrong length"), "{message}"),
            other => bail!("expected a refusal, got {other:?}"),
        }
    }
    Ok(())
}

#[test]
fn whole_numbers_are_the_bytes_of_a_model_without_coders() -> Result<()> {
    let words = one_coder(false)?;
    let model = Model::from_words(&words)?;
    let bytes: Vec<u8> = (0..model.input_bytes()).map(|index| (index * 37) as u8).collect();
    let reals: Vec<f32> = bytes.iter().map(|&byte| byte.into()).collect();
    let expected = Runtime.run(&model, &[&bytes], &mut |_| ())?;
    let found = Qemu::new(Board::M0OnM3)?.run_rows(&model, Rows::Real(&[&reals]), &mut |_| ())?;
    ensure!(found[0].output == expected[0].output && found[0].evidence.digests() == expected[0].evidence.digests());
    Ok(())
}

#[test]
fn what_coding_costs_is_counted() -> Result<()> {
    let words = one_coder(true)?;
    let model = Model::from_words(&words)?;
    let file: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let (real, count, byte) =
        (vec![1.0; model.input_bytes()], vec![1; model.input_bytes()], vec![1; model.input_bytes()]);
    for (board, most) in [(Board::M0OnM3, 700), (Board::M4, 450), (Board::RiscV, 600)] {
        let qemu = Qemu::new(board)?;
        let cost = |rows: Rows<'_>| -> Result<u64> {
            let inferences = qemu.run_file(&file, rows, &RunOptions { digests: false, ..RunOptions::default() })?;
            ensure!(matches!(inferences[0].scores, Scores::Raw { .. }));
            Ok(inferences[0].counts.as_ref().context("counts")?.total.instructions)
        };
        let bytes = cost(Rows::Bytes(&[&byte]))?;
        for rows in [Rows::Real(&[&real]), Rows::Counts(&[&count])] {
            let value = (cost(rows)? - bytes) / model.input_bytes() as u64;
            println!("{board}: {value} instructions a value");
            ensure!((10..most).contains(&value), "{board}: {value} instructions a value");
        }
    }
    Ok(())
}
