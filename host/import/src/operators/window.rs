//! Windows that slide over an input: convolutions and pools.

use crate::{Array, SourceNode};

/// Where a window reads along each axis.
pub(crate) struct Windows {
    pub kernel: Vec<usize>,
    pub stride: Vec<usize>,
    pub dilation: Vec<usize>,
    /// Border before and after each axis.
    pub pads: Vec<(usize, usize)>,
    /// Sizes of the input and of the result.
    pub input: Vec<usize>,
    pub output: Vec<usize>,
}

impl Windows {
    /// From a node's attributes, for an input of sizes batch, channels, `input`.
    pub fn new(node: &SourceNode, kernel: &[usize], input: &[usize]) -> Result<Self, String> {
        let (axes, mut pads, mut output) = (input.len(), Vec::new(), Vec::new());
        Array::count(kernel).ok_or_else(|| format!("a kernel of {kernel:?} is too large"))?;
        let list = |name: &str, count: usize, default: i64| -> Result<Vec<usize>, String> {
            let values = node.ints(name).map_or(vec![default; count], <[i64]>::to_vec);
            let sizes: Option<Vec<usize>> = values.iter().map(|&v| usize::try_from(v).ok()).collect();
            sizes
                .filter(|sizes| sizes.len() == count)
                .ok_or_else(|| format!("{name} {values:?}: negative or not {count}"))
        };
        let (stride, dilation) = (list("strides", axes, 1)?, list("dilations", axes, 1)?);
        let given = list("pads", 2 * axes, 0)?;
        if kernel.len() != axes || kernel.contains(&0) || stride.contains(&0) || dilation.contains(&0) {
            return Err(format!("kernel {kernel:?}, strides {stride:?} for {axes} axes; all must be at least 1"));
        }
        for axis in 0..axes {
            let span = (kernel[axis] - 1).saturating_mul(dilation[axis]).saturating_add(1);
            let last = (input[axis].div_ceil(stride[axis]).max(1) - 1) * stride[axis];
            let total = last.saturating_add(span).saturating_sub(input[axis]);
            let (less, more) = (total / 2, total - total / 2);
            let (before, after) = match node.text("auto_pad").unwrap_or("NOTSET") {
                "NOTSET" => (given[axis], given[axis + axes]),
                "VALID" => (0, 0),
                "SAME_UPPER" => (less, more),
                "SAME_LOWER" => (more, less),
                other => return Err(format!("auto_pad {other} is not known")),
            };
            let padded = input[axis].saturating_add(before).saturating_add(after);
            let Some(room) = padded.checked_sub(span).filter(|_| before < 1 << 20 && after < 1 << 20) else {
                return Err(format!("kernel {kernel:?} does not fit an input of {input:?}"));
            };
            let mut size = room / stride[axis] + 1;
            if node.int("ceil_mode") == Some(1) {
                size = room.div_ceil(stride[axis]) + 1;
                // A window must begin inside the input or its first border.
                size -= usize::from((size - 1).saturating_mul(stride[axis]) >= input[axis] + before);
            }
            pads.push((before, after));
            output.push(size);
        }
        Ok(Self { kernel: kernel.into(), stride, dilation, pads, input: input.into(), output })
    }

    /// For each tap, and each place of the result, the input's place that is read; `None` on the border.
    pub fn reads(&self) -> Vec<Option<usize>> {
        let (taps, results) = (self.taps(), self.output.iter().product::<usize>());
        (0..taps).flat_map(|tap| (0..results).map(move |result| self.place(result, tap))).collect()
    }

    /// Places of the kernel.
    pub fn taps(&self) -> usize {
        self.kernel.iter().product()
    }

    /// The input's place under a tap; `None` on the border.
    fn place(&self, mut result: usize, mut tap: usize) -> Option<usize> {
        let (mut place, mut stride) = (0, 1);
        for axis in (0..self.input.len()).rev() {
            let at = result % self.output[axis] * self.stride[axis] + tap % self.kernel[axis] * self.dilation[axis];
            let at = at.checked_sub(self.pads[axis].0).filter(|&at| at < self.input[axis])?;
            (result, tap) = (result / self.output[axis], tap / self.kernel[axis]);
            place += at * stride;
            stride *= self.input[axis];
        }
        Some(place)
    }

    /// For each place of the result the taps that lie on the input or on the border that was asked for; the rest of a
    /// window that was rounded up is beyond.
    pub fn within(&self) -> Vec<usize> {
        let results = self.output.iter().product::<usize>();
        (0..results).map(|result| self.taps_within(result)).collect()
    }

    /// The same of one place.
    fn taps_within(&self, mut result: usize) -> usize {
        let mut taps = 1;
        for axis in (0..self.input.len()).rev() {
            let end = self.pads[axis].0 + self.input[axis] + self.pads[axis].1;
            let first = result % self.output[axis] * self.stride[axis];
            let room = end.saturating_sub(first).div_ceil(self.dilation[axis]);
            taps *= room.min(self.kernel[axis]);
            result /= self.output[axis];
        }
        taps
    }
}
