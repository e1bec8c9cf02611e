//! The three engines that are plain Rust: naive loops, fast kernels, the runtime.

use bitfab_format::{Kind, Layer, Model, Tensor};
use bitfab_kernels::{Views, reference, values};
use bitfab_runtime::{Observer, Output, RunError};

use crate::engine::{CodedRow, Engine, Evidence, Rows, Run, check_inputs};
use crate::error::SimError;

/// NUMERICS.md as loops over plain integers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reference;

/// The fast kernels, each layer on memory of its own.
#[derive(Clone, Copy, Debug, Default)]
pub struct Kernels;

/// The `no_std` runtime in one arena of exactly the stated size.
#[derive(Clone, Copy, Debug, Default)]
pub struct Runtime;

/// Calls `one` on every input.
fn each(
    model: &Model<'_>,
    inputs: &[&[u8]],
    done: &mut dyn FnMut(usize),
    mut one: impl FnMut(&[u8]) -> Vec<Vec<u32>>,
) -> Result<Vec<Run>, SimError> {
    check_inputs(model, inputs)?;
    let mut runs = Vec::with_capacity(inputs.len());
    for input in inputs {
        let tensors = one(input);
        runs.push(run(tensors, None));
        done(runs.len());
    }
    Ok(runs)
}

/// An inference of which every tensor is known.
fn run(tensors: Vec<Vec<u32>>, coded: Option<CodedRow>) -> Run {
    let output = tensors.last().cloned().unwrap_or_default();
    Run { coded, evidence: Evidence::Tensors(tensors), output, cycles: None, instructions: None }
}

/// Words of tensor `index`: the input has none.
fn words_of(tensors: &[Vec<u32>], index: u16) -> &[u32] {
    index.checked_sub(1).map_or(&[], |layer| &tensors[usize::from(layer)])
}

fn unpacked(tensor: &Tensor, bytes: &[u8], words: &[u32]) -> Vec<i32> {
    let mut plain = vec![0; tensor.shape.volume() as usize];
    values::unpack(tensor, bytes, words, &mut plain);
    plain
}

/// One layer by the reference kernels, from its decoded weights and the words of the tensors before it.
fn reference_layer(layer: &Layer<'_>, weights: &[i32], bytes: &[u8], tensors: &[Vec<u32>]) -> Vec<u32> {
    let input = unpacked(&layer.input, bytes, words_of(tensors, layer.input_index));
    let residual = layer.residual.map(|from| unpacked(&from.tensor, &[], words_of(tensors, from.index)));
    let mut output = vec![0; layer.output.shape.volume() as usize];
    reference::run_with(layer, weights, &input, &residual.unwrap_or_default(), &mut output);
    let mut words = vec![0; layer.output.region.words as usize];
    values::pack(&layer.output, &output, &mut words);
    words
}

impl Engine for Reference {
    fn name(&self) -> String {
        "reference".into()
    }

    fn run(&mut self, model: &Model<'_>, inputs: &[&[u8]], done: &mut dyn FnMut(usize)) -> Result<Vec<Run>, SimError> {
        let weights: Vec<Vec<i32>> = model.layers().map(|layer| layer.integer_weights()).collect();
        each(model, inputs, done, |input| {
            let mut tensors: Vec<Vec<u32>> = Vec::new();
            for (layer, weights) in model.layers().zip(&weights) {
                tensors.push(reference_layer(&layer, weights, input, &tensors));
            }
            tensors
        })
    }
}

/// A word that no kernel may leave behind.
const UNTOUCHED: u32 = 0xdead_beef;

impl Engine for Kernels {
    fn name(&self) -> String {
        "kernels".into()
    }

    fn run(&mut self, model: &Model<'_>, inputs: &[&[u8]], done: &mut dyn FnMut(usize)) -> Result<Vec<Run>, SimError> {
        each(model, inputs, done, |bytes| {
            let mut tensors: Vec<Vec<u32>> = Vec::new();
            for layer in model.layers() {
                let mut output = vec![UNTOUCHED; layer.output.region.words as usize];
                let mut scratch = vec![UNTOUCHED; layer.scratch.words as usize];
                let input = words_of(&tensors, layer.input_index);
                let residual = layer.residual.map_or(&[][..], |from| words_of(&tensors, from.index));
                let views = Views { bytes, input, residual, output: &mut output, scratch: &mut scratch };
                bitfab_kernels::run(&layer, views);
                tensors.push(output);
            }
            tensors
        })
    }
}

/// Keeps a copy of every layer's output.
#[derive(Default)]
struct Copies(Vec<Vec<u32>>);

impl Observer for Copies {
    fn after(&mut self, _: &Layer<'_>, output: &[u32]) {
        self.0.push(output.to_vec());
    }
}

impl Engine for Runtime {
    fn name(&self) -> String {
        "runtime".into()
    }

    fn run(&mut self, model: &Model<'_>, inputs: &[&[u8]], done: &mut dyn FnMut(usize)) -> Result<Vec<Run>, SimError> {
        let mut arena = vec![UNTOUCHED; model.arena_words()];
        each(model, inputs, done, |input| {
            let mut copies = Copies::default();
            // Lengths were checked and software cannot fail, so a missing layer shows as a mismatch.
            let _ = bitfab_runtime::run(model, input, &mut arena, &mut copies);
            copies.0
        })
    }

    fn run_rows(
        &mut self,
        model: &Model<'_>,
        rows: Rows<'_>,
        done: &mut dyn FnMut(usize),
    ) -> Result<Vec<Run>, SimError> {
        match rows {
            Rows::Bytes(inputs) => self.run(model, inputs, done),
            Rows::Real(rows) => coded(model, rows, done, bitfab_runtime::run_real),
            Rows::Counts(rows) => coded(model, rows, done, bitfab_runtime::run_counts),
        }
    }
}

/// An inference of the runtime that codes a row first.
type OnRow<T> = for<'a> fn(&Model<'a>, &[T], &mut [u8], &'a mut [u32], &mut Copies) -> Result<Output<'a>, RunError>;

/// Every row through `one`, in one arena.
fn coded<T>(
    model: &Model<'_>,
    rows: &[&[T]],
    done: &mut dyn FnMut(usize),
    one: OnRow<T>,
) -> Result<Vec<Run>, SimError> {
    let mut arena = vec![UNTOUCHED; model.arena_words()];
    let mut bytes = vec![0; model.input_bytes()];
    let mut runs = Vec::with_capacity(rows.len());
    for (row, values) in rows.iter().enumerate() {
        let mut copies = Copies::default();
        let clamped = match one(model, values, &mut bytes, &mut arena, &mut copies) {
            Ok(output) => output.clamped(),
            Err(RunError::Coding(error)) => return Err(SimError::Value { row, error }),
            Err(error) => {
                return Err(SimError::Unsupported { engine: "runtime".into(), problem: error.to_string() });
            }
        };
        runs.push(run(copies.0, Some(CodedRow::new(&bytes, clamped))));
        done(runs.len());
    }
    Ok(runs)
}

/// The values of a layer's output, for people.
pub fn output_values(layer: &Layer<'_>, words: &[u32]) -> Vec<i32> {
    match layer.output.kind {
        Kind::U8 | Kind::I8 => Vec::new(),
        _ => unpacked(&layer.output, &[], words),
    }
}
