//! Max pool and sum pool.

use super::{Batch, Entry, Form, Inputs, Layer, Parameter};
use crate::codecs::{Codec, Saved};
use bitfab_graph::{Shape, Window};
use rayon::prelude::*;

/// The sizes of one pool; the window has no border and at most 256 places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolShape {
    /// One input sample.
    pub input: Shape,
    /// One output sample.
    pub output: Shape,
    /// The window.
    pub window: Window,
}

impl PoolShape {
    /// Offset in the input sample of the first window place of an output position.
    fn start(&self, position: usize) -> usize {
        let top = position as u32 / self.output.width * self.window.stride[0];
        let left = position as u32 % self.output.width * self.window.stride[1];
        ((top * self.input.width + left) * self.input.channels) as usize
    }

    /// Offsets of all window places from the first one, in row order.
    fn offsets(&self) -> Vec<usize> {
        let [height, width] = self.window.kernel;
        let offset = |y: u32, x: u32| ((y * self.input.width + x) * self.input.channels) as usize;
        (0..height).flat_map(|y| (0..width).map(move |x| offset(y, x))).collect()
    }

    fn channels(&self) -> usize {
        self.input.channels as usize
    }

    /// Input and output values of one sample.
    fn widths(&self) -> (usize, usize) {
        (self.input.elements() as usize, self.output.elements() as usize)
    }
}

/// Largest value of each window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxPool(pub PoolShape);

impl Layer for MaxPool {
    fn forward(&mut self, _: &[Parameter], Inputs { x, .. }: Inputs, _: &dyn Codec) -> (Batch, Entry) {
        let (y, saved) = max_pool_forward(&x, &self.0);
        (y, Entry::of(saved))
    }

    fn infer(&self, _: &[Parameter], Inputs { x, .. }: Inputs) -> Batch {
        max_pool_forward(&x, &self.0).0
    }

    fn backward(&self, _: &[Parameter], own: &Entry, dy: &Batch, _: bool, _: &mut [Vec<f32>]) -> [Option<Vec<f32>>; 2] {
        [Some(max_pool_backward(dy, &own.saved, &self.0)), None]
    }
}

/// Sum of each window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SumPool(pub PoolShape);

impl Layer for SumPool {
    fn forward(&mut self, parameters: &[Parameter], inputs: Inputs, _: &dyn Codec) -> (Batch, Entry) {
        (self.infer(parameters, inputs), Entry::of(Saved::Nothing))
    }

    fn infer(&self, _: &[Parameter], Inputs { x, .. }: Inputs) -> Batch {
        sum_pool_forward(&x, &self.0)
    }

    fn backward(&self, _: &[Parameter], _: &Entry, dy: &Batch, _: bool, _: &mut [Vec<f32>]) -> [Option<Vec<f32>>; 2] {
        [Some(sum_pool_backward(dy, &self.0)), None]
    }
}

/// Largest value per window and channel, the first one on ties; saves its place within the window.
pub fn max_pool_forward(x: &Batch, shape: &PoolShape) -> (Batch, Saved) {
    let (inputs, outputs) = shape.widths();
    let (channels, offsets) = (shape.channels(), shape.offsets());
    let mut y = vec![f32::NEG_INFINITY; x.count * outputs];
    let mut indices = vec![0u8; x.count * outputs];
    y.par_chunks_mut(outputs).zip(indices.par_chunks_mut(outputs)).zip(x.values.par_chunks(inputs)).for_each(
        |((y, indices), x)| {
            let cells = y.chunks_exact_mut(channels).zip(indices.chunks_exact_mut(channels));
            for (position, (y, indices)) in cells.enumerate() {
                let start = shape.start(position);
                for (place, offset) in offsets.iter().enumerate() {
                    let from = start + offset;
                    let best = y.iter_mut().zip(indices.iter_mut());
                    for ((y, index), &value) in best.zip(&x[from..from + channels]) {
                        let is_larger = value > *y;
                        *y = if is_larger { value } else { *y };
                        *index = if is_larger { place as u8 } else { *index };
                    }
                }
            }
        },
    );
    let y = Batch { values: y, count: x.count, shape: shape.output, form: x.form };
    (y, Saved::Indices(indices))
}

/// The gradient goes to the saved places.
///
/// # Panics
/// If `saved` is not what [`max_pool_forward`] returned.
pub fn max_pool_backward(dy: &Batch, saved: &Saved, shape: &PoolShape) -> Vec<f32> {
    let Saved::Indices(indices) = saved else {
        panic!("max pool saves indices");
    };
    let (channels, offsets) = (shape.channels(), shape.offsets());
    backward(dy, shape, |cell, position, dx, dy| {
        let start = shape.start(position);
        let indices = &indices[cell * channels..(cell + 1) * channels];
        for (channel, (dy, &index)) in dy.iter().zip(indices).enumerate() {
            dx[start + offsets[usize::from(index)] + channel] += dy;
        }
    })
}

/// Sum per window and channel.
pub fn sum_pool_forward(x: &Batch, shape: &PoolShape) -> Batch {
    let (inputs, outputs) = shape.widths();
    let (channels, offsets) = (shape.channels(), shape.offsets());
    let mut y = vec![0.0; x.count * outputs];
    y.par_chunks_mut(outputs).zip(x.values.par_chunks(inputs)).for_each(|(y, x)| {
        for (position, y) in y.chunks_exact_mut(channels).enumerate() {
            let start = shape.start(position);
            for from in offsets.iter().map(|offset| start + offset) {
                for (sum, value) in y.iter_mut().zip(&x[from..from + channels]) {
                    *sum += value;
                }
            }
        }
    });
    Batch { values: y, count: x.count, shape: shape.output, form: Form::Reals }
}

/// Every place of a window receives its gradient.
pub fn sum_pool_backward(dy: &Batch, shape: &PoolShape) -> Vec<f32> {
    let offsets = shape.offsets();
    backward(dy, shape, |_, position, dx, dy| {
        for offset in &offsets {
            for (sum, term) in dx[shape.start(position) + offset..].iter_mut().zip(dy) {
                *sum += term;
            }
        }
    })
}

/// Runs `f(cell in the batch, position in the sample, gradient of the sample, gradient of the cell)`.
fn backward(dy: &Batch, shape: &PoolShape, f: impl Fn(usize, usize, &mut [f32], &[f32]) + Sync) -> Vec<f32> {
    let (inputs, outputs) = shape.widths();
    let cells = outputs / shape.channels();
    let mut dx = vec![0.0; dy.count * inputs];
    dx.par_chunks_mut(inputs).zip(dy.values.par_chunks(outputs)).enumerate().for_each(|(sample, (dx, dy))| {
        for (position, dy) in dy.chunks_exact(shape.channels()).enumerate() {
            f(sample * cells + position, position, dx, dy);
        }
    });
    dx
}
