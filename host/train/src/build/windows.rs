//! Blocks that look through a window: convolutions and pools.

use super::Builder;
use crate::architecture::Block;
use crate::error::{TrainError, config_error};
use crate::layers::{ConvShape, MaxPool, PoolShape, SumPool, Weighted};
use crate::tape::Step;
use bitfab_graph::{PadValue, Shape, Window};

impl Builder<'_> {
    pub(super) fn conv(
        &mut self,
        block: Block,
        channels: u32,
        [kernel, stride]: [[u32; 2]; 2],
        groups: u32,
    ) -> Result<(), TrainError> {
        let input = self.shape;
        if !input.channels.is_multiple_of(groups) || !channels.is_multiple_of(groups) {
            let problem = format!("{groups} groups must divide {} and {channels} channels", input.channels);
            return Err(config_error("arch", problem));
        }
        check_reach(block, kernel, input)?;
        let (before, after) = (kernel.map(|side| (side - 1) / 2), kernel.map(|side| side / 2));
        let is_signs = self.largest == 1 && (self.newest() == 0 || self.config.activation_bits() == 1);
        let window = Window {
            kernel,
            stride,
            padding: [before[0], before[1], after[0], after[1]],
            pad_value: if is_signs { PadValue::MinusOne } else { PadValue::Zero },
        };
        let [height, width] = self.fit(&window)?;
        let output = Shape::new(height, width, channels);
        let shape = ConvShape { input, output, window, groups: groups as usize };
        self.number += 1;
        self.weighted(format!("conv{}", self.number), Weighted::Conv(shape), output)
    }

    pub(super) fn max_pool(&mut self, size: [u32; 2]) -> Result<(), TrainError> {
        let shape = self.pool_shape(Window { kernel: size, stride: size, ..Window::valid(1, 1) })?;
        self.chain("pool", Step::MaxPool(MaxPool(shape)), shape.output);
        Ok(())
    }

    pub(super) fn sum_pool(&mut self) -> Result<(), TrainError> {
        if self.newest() == 0 && self.net.thermometer.is_none() {
            let problem = "'sum' cannot stand first: it sums activations, not bytes";
            return Err(config_error("arch", problem));
        }
        let window = Window {
            kernel: [self.shape.height, self.shape.width],
            stride: [1; 2],
            padding: [0; 4],
            pad_value: PadValue::Zero,
        };
        let shape = self.pool_shape(window)?;
        self.number += 1;
        self.chain("sum", Step::SumPool(SumPool(shape)), shape.output);
        Ok(())
    }

    fn pool_shape(&self, window: Window) -> Result<PoolShape, TrainError> {
        let [height, width] = self.fit(&window)?;
        Ok(PoolShape { input: self.shape, output: Shape::new(height, width, self.shape.channels), window })
    }

    fn fit(&self, window: &Window) -> Result<[u32; 2], TrainError> {
        window.output(self.shape).ok_or_else(|| {
            let [height, width] = window.kernel;
            let size = [height.min(self.shape.height), width.min(self.shape.width)];
            let hint = if size == [1, 1] { String::new() } else { format!("; write {}", Block::MaxPool { size }) };
            let problem = format!("a window of {height}x{width} does not fit a tensor of {}{hint}", self.shape);
            config_error("arch", problem)
        })
    }
}

/// Refuses kernels whose outer places see nothing but the border, wherever they stand: the weights there would be
/// stored and multiplied for nothing.
fn check_reach(block: Block, kernel: [u32; 2], input: Shape) -> Result<(), TrainError> {
    let reach = |size: u32| size.saturating_mul(2) - 1;
    let useful = [kernel[0].min(reach(input.height)), kernel[1].min(reach(input.width))];
    if kernel == useful {
        return Ok(());
    }
    let better = match block {
        Block::Conv { channels, stride, groups, .. } => Block::Conv { channels, kernel: useful, stride, groups },
        Block::Depthwise { stride, .. } => Block::Depthwise { kernel: useful, stride },
        other => other,
    };
    let [[height, width], [high, wide]] = [kernel, useful];
    Err(config_error(
        "arch",
        format!(
            "'{block}' on a tensor of {input}: only {high}x{wide} of its {height}x{width} places ever meet the input, \
             the others see the border alone; write {better}"
        ),
    ))
}
