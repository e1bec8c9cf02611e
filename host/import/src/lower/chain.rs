//! Values of a chain of nodes at chosen integers, by the oracle's own arithmetic: the function that is folded.
//!
//! Bisection asks for them some thousand times a layer, so that each node's row was looked up before.

use crate::layout::Layout;
use crate::lower::coded::{Coded, Link};
use crate::lower::lowering::Lowering;
use crate::operators::{self, MAX_STEPS, Mode, Operator, Role};
use crate::{Array, SourceNode};

/// What cannot be evaluated, as a sentence; the node is the last one of the chain that was tried.
pub(crate) type Failed = (usize, String);

impl<'s> Lowering<'s> {
    /// The nodes of a tensor's chain and their operators, pools left out.
    pub fn chain<'c>(
        &'c self,
        coded: &'c Coded,
    ) -> impl DoubleEndedIterator<Item = (&'s SourceNode, Option<&'static Operator>)> + 'c {
        coded.chain.iter().filter_map(|link| match link {
            Link::Node { index, .. } => Some((&self.source.nodes[*index], self.operators[*index])),
            Link::Pool { .. } => None,
        })
    }

    /// The value of every channel of `coded` where its integer is `codes[channel]`.
    ///
    /// # Errors
    /// If a node fails, or if its constants differ from place to place within a channel.
    pub fn values(&self, coded: &Coded, codes: &[f64]) -> Result<Vec<f64>, Failed> {
        // One pixel stands for all, where no constant says otherwise.
        let pixel = coded.start.pixel().map(|pixel| self.walk(coded, codes, &pixel, true));
        if let Some(Ok(values)) = pixel {
            return Ok(values);
        }
        self.walk(coded, codes, &coded.start, false)
    }

    /// Runs the chain from `start`; `is_small` where that is one pixel of many.
    fn walk(&self, coded: &Coded, codes: &[f64], start: &Layout, is_small: bool) -> Result<Vec<f64>, Failed> {
        let real = |channel: usize| coded.scale[channel] * codes[channel] + coded.offset[channel];
        let mut layout = start.clone();
        let mut array = Array::new(layout.dims.clone(), layout.channels().map(real).collect());
        let mut last = 0;
        for link in &coded.chain {
            match link {
                Link::Node { index, variable } => {
                    last = *index;
                    array = self.apply(*index, *variable, &array).map_err(|problem| (last, problem))?;
                    let is_turned = self.operators[*index].is_some_and(|operator| operator.role == Role::Transpose);
                    let is_sized = is_small && !is_turned && array.dims != layout.dims;
                    if array.values.len() != layout.places.len() || is_sized {
                        return Err((last, "changes the number of values; only one constant a channel folds".into()));
                    }
                    layout = match is_turned {
                        true => self.moved(*index, &layout).map_err(|problem| (last, problem))?,
                        false => layout.reshaped(array.dims.clone()),
                    };
                }
                Link::Pool { layout: pooled, .. } if !is_small => {
                    let values = one_a_channel(&layout, &array).ok_or_else(|| (last, UNEVEN.to_string()))?;
                    layout = pooled.clone();
                    array = Array::new(layout.dims.clone(), layout.channels().map(|c| values[c]).collect());
                }
                Link::Pool { .. } => {}
            }
        }
        one_a_channel(&layout, &array).ok_or_else(|| (last, UNEVEN.to_string()))
    }

    /// A node on one variable and its constants.
    fn apply(&self, index: usize, variable: usize, value: &Array) -> Result<Array, String> {
        let node = &self.source.nodes[index];
        let inputs: Vec<Option<&Array>> = node
            .inputs
            .iter()
            .enumerate()
            .map(|(at, name)| if at == variable { Some(value) } else { self.constant(name) })
            .collect();
        let operator = self.operators[index].ok_or_else(|| operators::unsupported(node))?;
        let mut outputs = operators::evaluate(operator, node, &inputs, self.source.opset, &Mode::new(MAX_STEPS))?;
        if outputs.is_empty() {
            return Err("yields nothing".into());
        }
        Ok(outputs.swap_remove(0))
    }

    /// Where a node of sizes or order puts each element of a layout, by running it on their numbers.
    pub fn moved(&self, index: usize, from: &Layout) -> Result<Layout, String> {
        let numbers = (0..from.places.len()).map(|at| at as f64).collect();
        let to = self.apply(index, 0, &Array::new(from.dims.clone(), numbers))?;
        let places = to.values.iter().map(|&at| from.places[at as usize]).collect::<Vec<_>>().into();
        Ok(Layout { dims: to.dims, places, shape: from.shape })
    }
}

const UNEVEN: &str = "constants differ from place to place within a channel; only one a channel folds into thresholds";

/// The value of each channel, if all its elements have the same.
fn one_a_channel(layout: &Layout, array: &Array) -> Option<Vec<f64>> {
    let mut values: Vec<Option<f64>> = vec![None; layout.shape.channels as usize];
    for (channel, &value) in layout.channels().zip(&array.values) {
        match values[channel] {
            Some(found) if found != value => return None,
            _ => values[channel] = Some(value),
        }
    }
    values.into_iter().collect()
}
