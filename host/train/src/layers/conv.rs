//! Convolution as matrix products: windows are laid out as rows (im2col), a few samples at a time.

use super::{Batch, Form};
use crate::codecs::Saved;
use crate::math::{add_in_order, view};
use bitfab_graph::{PadValue, Shape, Window};
use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayViewMut2, Axis, Slice};
use rayon::prelude::*;

/// Window rows that are laid out at once; keeps the working set within the second-level cache.
const ROWS: usize = 1024;

/// The sizes of one convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvShape {
    /// One input sample.
    pub input: Shape,
    /// One output sample.
    pub output: Shape,
    /// The window.
    pub window: Window,
    /// Groups of channels; divides input and output channels.
    pub groups: usize,
}

impl ConvShape {
    /// Input channels of one group.
    fn depth(&self) -> usize {
        self.input.channels as usize / self.groups
    }

    /// Output channels of one group.
    fn outputs(&self) -> usize {
        self.output.channels as usize / self.groups
    }

    /// Inputs of one output.
    pub fn fan_in(&self) -> usize {
        self.depth() * self.window.kernel.iter().product::<u32>() as usize
    }

    /// Output positions of one sample.
    fn positions(&self) -> usize {
        (self.output.height * self.output.width) as usize
    }

    /// Samples that are worked on at once; depends on the shape only.
    fn samples(&self) -> usize {
        (ROWS / self.positions()).max(1)
    }

    fn pad(&self) -> f32 {
        match self.window.pad_value {
            PadValue::Zero => 0.0,
            PadValue::MinusOne => -1.0,
            PadValue::PlusOne => 1.0,
            PadValue::Level(level) => level as f32,
        }
    }

    /// Calls `f(offset in the row, offset in the sample or none for the border, length)` for every stretch of places
    /// of one position that is contiguous on both sides.
    #[inline]
    fn stretches(&self, position: usize, group: usize, mut f: impl FnMut(usize, Option<usize>, usize)) {
        let [kernel_height, kernel_width] = self.window.kernel;
        let (row, column) = (
            position as u32 / self.output.width * self.window.stride[0],
            position as u32 % self.output.width * self.window.stride[1],
        );
        let left = column.wrapping_sub(self.window.padding[1]);
        // Pixels beside each other are contiguous only if one group takes all their channels.
        let is_whole = self.groups == 1 && left <= self.input.width && left + kernel_width <= self.input.width;
        let (steps, width) = if is_whole { (1, kernel_width) } else { (kernel_width, 1) };
        let length = width as usize * self.depth();
        let mut at = 0;
        for ky in 0..kernel_height {
            let y = (row + ky).wrapping_sub(self.window.padding[0]);
            for kx in 0..steps {
                let x = left.wrapping_add(kx);
                let is_inside = y < self.input.height && x < self.input.width;
                let pixel = y.wrapping_mul(self.input.width).wrapping_add(x) as usize;
                let from = pixel * self.input.channels as usize + group * self.depth();
                f(at, is_inside.then_some(from), length);
                at += length;
            }
        }
    }

    /// Lays out the windows of one group for all samples in `x`.
    fn lay_out(&self, x: &[f32], group: usize, rows: &mut [f32]) {
        let (width, pad) = (self.input.elements() as usize, self.pad());
        let samples = x.chunks_exact(width);
        let per_sample = self.positions() * self.fan_in();
        for (sample, rows) in samples.zip(rows.chunks_exact_mut(per_sample)) {
            for (position, row) in rows.chunks_exact_mut(self.fan_in()).enumerate() {
                self.stretches(position, group, |at, from, length| {
                    let place = &mut row[at..at + length];
                    match from {
                        Some(from) => place.copy_from_slice(&sample[from..from + length]),
                        None => place.fill(pad),
                    }
                });
            }
        }
    }

    /// Adds laid-out gradients back to where the windows came from.
    fn gather(&self, rows: &[f32], group: usize, dx: &mut [f32]) {
        let width = self.input.elements() as usize;
        let per_sample = self.positions() * self.fan_in();
        for (sample, rows) in dx.chunks_exact_mut(width).zip(rows.chunks_exact(per_sample)) {
            for (position, row) in rows.chunks_exact(self.fan_in()).enumerate() {
                self.stretches(position, group, |at, to, length| {
                    if let Some(to) = to {
                        let place = &mut sample[to..to + length];
                        for (sum, term) in place.iter_mut().zip(&row[at..at + length]) {
                            *sum += term;
                        }
                    }
                });
            }
        }
    }

    /// The columns of one group in an outputs matrix.
    fn columns<'a>(&self, values: &'a mut [f32], rows: usize, group: usize) -> ArrayViewMut2<'a, f32> {
        let outputs = self.outputs();
        let mut all = crate::math::view_mut(values, rows, outputs * self.groups);
        let columns = group * outputs..(group + 1) * outputs;
        all.slice_axis_inplace(Axis(1), Slice::from(columns));
        all
    }
}

/// Cross-correlation with the given weights, outputs x kernel height x kernel width x depth.
pub fn conv_forward(x: &Batch, weights: &[f32], shape: &ConvShape) -> Batch {
    let (inputs, outputs) = (x.width(), shape.output.elements() as usize);
    let (fan_in, group_size) = (shape.fan_in(), shape.outputs());
    let mut y = vec![0.0; x.count * outputs];
    let samples = shape.samples();
    y.par_chunks_mut(samples * outputs).zip(x.values.par_chunks(samples * inputs)).for_each_init(
        Vec::new,
        |laid: &mut Vec<f32>, (y, x)| {
            let rows = y.len() / outputs * shape.positions();
            laid.resize(rows * fan_in, 0.0);
            for group in 0..shape.groups {
                shape.lay_out(x, group, laid);
                let w = view(&weights[group * group_size * fan_in..], group_size, fan_in);
                let mut y = shape.columns(y, rows, group);
                general_mat_mul(1.0, &view(laid, rows, fan_in), &w.t(), 0.0, &mut y);
            }
        },
    );
    Batch { values: y, count: x.count, shape: shape.output, form: Form::Reals }
}

/// Gradients of the weights and, if asked for, of the input.
pub fn conv_backward(
    dy: &Batch,
    weights: &[f32],
    saved: &Saved,
    shape: &ConvShape,
    want_input: bool,
) -> (Vec<f32>, Option<Vec<f32>>) {
    let (inputs, outputs) = (shape.input.elements() as usize, dy.width());
    let samples = shape.samples();
    let mut dx = vec![0.0; if want_input { dy.count * inputs } else { 0 }];
    let mut pieces: Vec<&mut [f32]> = dx.chunks_mut(samples * inputs).collect();
    pieces.resize_with(dy.count.div_ceil(samples), Default::default);
    let parts: Vec<Vec<f32>> = pieces
        .into_par_iter()
        .zip(dy.values.par_chunks(samples * outputs))
        .enumerate()
        .map(|(piece, (dx, dy))| {
            let mut x = vec![0.0; dy.len() / outputs * inputs];
            saved.unpack(piece * samples * inputs, &mut x);
            piece_backward(&x, dy, weights, shape, dx)
        })
        .collect();
    (add_in_order(parts, weights.len()), want_input.then_some(dx))
}

/// Backward for the samples of one piece; fills `dx` unless it is empty and returns the piece's weight gradient.
fn piece_backward(x: &[f32], dy: &[f32], weights: &[f32], shape: &ConvShape, dx: &mut [f32]) -> Vec<f32> {
    let (fan_in, group_size) = (shape.fan_in(), shape.outputs());
    let rows = dy.len() / (group_size * shape.groups);
    let mut laid = vec![0.0; rows * fan_in];
    let mut dw = vec![0.0; weights.len()];
    let all = view(dy, rows, group_size * shape.groups);
    for group in 0..shape.groups {
        let dy = all.slice_axis(Axis(1), Slice::from(group * group_size..(group + 1) * group_size));
        let range = group * group_size * fan_in..(group + 1) * group_size * fan_in;
        shape.lay_out(x, group, &mut laid);
        let mut part = crate::math::view_mut(&mut dw[range.clone()], group_size, fan_in);
        general_mat_mul(1.0, &dy.t(), &view(&laid, rows, fan_in), 0.0, &mut part);
        if !dx.is_empty() {
            let w = view(&weights[range], group_size, fan_in);
            let mut back = crate::math::view_mut(&mut laid, rows, fan_in);
            general_mat_mul(1.0, &dy, &w, 0.0, &mut back);
            shape.gather(&laid, group, dx);
        }
    }
    dw
}
