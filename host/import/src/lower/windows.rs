//! Windows and pools.

use bitfab_graph::{Op, PadValue, Shape, Window};

use crate::SourceNode;
use crate::layout::{Layout, MAX_TENSOR};
use crate::lower::coded::{Code, Coded, Link, Pending};
use crate::lower::lowering::{Fault, Lowering};
use crate::operators::{Places, Windows};

impl Lowering<'_> {
    /// Kernel, stride and border of a convolution or pool over an image of these sizes (one axis counts as width).
    pub fn window(&self, index: usize, kernel: &[usize], sizes: &[usize]) -> Result<Window, Fault> {
        let node = &self.source.nodes[index];
        let wrong = |problem: &str| Err(self.fault(index, problem));
        if node.ints("dilations").is_some_and(|all| all.iter().any(|&d| d != 1)) {
            return wrong("dilated windows have no form here; use dilation 1");
        }
        if node.int("ceil_mode").unwrap_or(0) != 0 {
            return wrong("ceil_mode 1 reads beyond the border; use ceil_mode 0");
        }
        let windows = Windows::new(node, kernel, sizes).map_err(|problem| self.fault(index, problem))?;
        let mut window = Window { kernel: [1; 2], stride: [1; 2], padding: [0; 4], pad_value: PadValue::Zero };
        for (axis, (&side, &(before, after))) in kernel.iter().zip(&windows.pads).enumerate() {
            let to = 2 - sizes.len() + axis;
            (window.kernel[to], window.stride[to]) = (side as u32, windows.stride[axis] as u32);
            (window.padding[to], window.padding[to + 2]) = (before as u32, after as u32);
        }
        Ok(window)
    }

    /// An image of one or two axes; its channels, height and width.
    pub fn image(&self, index: usize, coded: &Coded) -> Result<(Layout, Vec<usize>), Fault> {
        let dims = &coded.layout.dims;
        let image = Layout::image(coded.layout.shape);
        let is_standard = matches!(dims.len(), 3 | 4)
            && dims[0] == 1
            && dims[1] == coded.layout.shape.channels as usize
            && dims[2..].iter().product::<usize>() * dims[1] == coded.layout.places.len()
            && coded.layout.places == image.places;
        if is_standard {
            return Ok((image, dims[2..].to_vec()));
        }
        Err(self.fault(
            index,
            format!("reads an image of sizes {dims:?} that is not laid out batch, channels, height, width; transpose it first"),
        ))
    }

    /// The layout of a window's result: as many axes as the image has.
    pub fn slid(
        &self,
        index: usize,
        window: &Window,
        from: &Layout,
        channels: u32,
        axes: usize,
    ) -> Result<Layout, Fault> {
        let Some([height, width]) = window.output(from.shape) else {
            let problem = format!("window {:?} does not fit {}", window.kernel, from.shape);
            return Err(self.fault(index, problem));
        };
        let shape = Shape::new(height, width, channels);
        if shape.elements() > MAX_TENSOR as u64 {
            return Err(self.fault(index, format!("yields {shape}, at most {MAX_TENSOR} values are allowed")));
        }
        let mut layout = Layout::image(shape);
        if axes == 1 {
            layout.dims.remove(2);
        }
        Ok(layout)
    }

    pub fn max_pool(&mut self, index: usize, node: &SourceNode, over: Places) -> Result<(), Fault> {
        let name = node.inputs[0].clone();
        let mut coded = self.values[&name].clone();
        let is_sum = matches!(coded.code, Code::Sums { .. });
        if !is_sum {
            coded = self.plain(&name)?;
            if coded.each != 1 || matches!(coded.code, Code::Bytes { .. }) {
                return Err(
                    self.fault(index, "a maximum over the input's bytes has no form here; quantise it further first")
                );
            }
            if coded.scale.iter().any(|&scale| scale <= 0.0) {
                let problem = "a channel's scale is not positive; put the scale behind the pool";
                return Err(self.curable(index, problem, self.quantised(&[name])));
            }
        }
        let (image, sizes) = self.image(index, &coded)?;
        let kernel = self.kernel(index, node, over, &sizes)?;
        if kernel.len() != sizes.len() {
            return Err(self.fault(index, format!("kernel {kernel:?} for an image of {} axes", sizes.len())));
        }
        let mut window = self.window(index, &kernel, &sizes)?;
        let layout = self.slid(index, &window, &image, image.shape.channels, sizes.len())?;
        let next = if is_sum {
            coded.then(Link::Pool { name: node.name.clone(), window, layout: layout.clone() }, layout)
        } else {
            let is_sign = matches!(coded.code, Code::Signs { .. });
            window.pad_value = if is_sign { PadValue::MinusOne } else { PadValue::Zero };
            let at = self.push(&node.name, vec![coded.code.at().unwrap_or(0)], Op::MaxPool { window });
            let code = match coded.code {
                Code::Levels { bits, .. } => Code::Levels { at, bits },
                _ => Code::Signs { at },
            };
            Coded::plain(code, layout, coded.scale.to_vec(), coded.offset.to_vec())
        };
        self.values.insert(node.outputs[0].clone(), next);
        Ok(())
    }

    /// Averages and sums over windows: integer sums, the area goes into the scale.
    pub fn mean(&mut self, index: usize, node: &SourceNode, over: Places) -> Result<(), Fault> {
        let name = node.inputs[0].clone();
        let coded = self.plain(&name)?;
        if coded.each != 1 || matches!(coded.code, Code::Bytes { .. }) {
            return Err(
                self.fault(index, "an average over the input's bytes has no form here; quantise it further first")
            );
        }
        let (image, sizes) = self.image(index, &coded)?;
        let kernel = self.kernel(index, node, over, &sizes)?;
        if kernel.len() != sizes.len() {
            return Err(self.fault(index, format!("kernel {kernel:?} for an image of {} axes", sizes.len())));
        }
        let window = self.window(index, &kernel, &sizes)?;
        if window.has_padding() {
            return Err(self.fault(index, "an average over a border has no form here; pad the convolution before it"));
        }
        let mut layout = self.slid(index, &window, &image, image.shape.channels, sizes.len())?;
        if node.int("keepdims") == Some(0) {
            layout.dims.truncate(2);
        }
        self.values.insert(node.outputs[0].clone(), averaged(node, &coded, window, layout, over == Places::Sum));
        Ok(())
    }

    /// Sides of the windows of a pool over an image of `sizes`.
    fn kernel(&self, index: usize, node: &SourceNode, over: Places, sizes: &[usize]) -> Result<Vec<usize>, Fault> {
        match over {
            Places::Kernel => {
                Ok(node.ints("kernel_shape").unwrap_or(&[]).iter().map(|&size| size.max(0) as usize).collect())
            }
            Places::Image => Ok(sizes.to_vec()),
            Places::Axes | Places::Sum => self.check_axes(index, node, sizes.len() + 2).map(|()| sizes.to_vec()),
        }
    }

    /// A reduction must be over all axes of the image and none other.
    fn check_axes(&self, index: usize, node: &SourceNode, rank: usize) -> Result<(), Fault> {
        let given = node.inputs.get(1).and_then(|name| self.constant(name));
        let axes: Vec<i64> = match (node.ints("axes"), given) {
            (Some(axes), _) => axes.to_vec(),
            (None, Some(axes)) => axes.values.iter().map(|&axis| axis as i64).collect(),
            (None, None) => Vec::new(),
        };
        let mut axes: Vec<i64> = axes.iter().map(|axis| axis.rem_euclid(rank as i64)).collect();
        axes.sort_unstable();
        if axes == (2..rank as i64).collect::<Vec<_>>() {
            return Ok(());
        }
        Err(self.fault(index, format!("reduces axes {axes:?}; only height and width together have a form here")))
    }
}

/// Sums over windows whose area goes into the scale.
fn averaged(node: &SourceNode, coded: &Coded, window: Window, layout: Layout, is_sum: bool) -> Coded {
    let area = window.kernel.iter().map(|&side| f64::from(side)).product::<f64>();
    let (parts, terms) = (if is_sum { 1.0 } else { area }, area as i64);
    let (channels, (low, high)) = (coded.channels(), coded.code.range(0));
    let pending = Pending {
        name: node.name.clone(),
        op: Op::SumPool { window },
        input: coded.code.at().unwrap_or(0),
        residual: None,
    };
    let code = Code::Sums {
        pending: pending.into(),
        low: vec![low * terms; channels].into(),
        high: vec![high * terms; channels].into(),
    };
    let scale = coded.scale.iter().map(|scale| scale / parts).collect();
    let offset = coded.offset.iter().map(|offset| offset * area / parts).collect();
    Coded::plain(code, layout, scale, offset)
}
