//! Values of a chain of nodes at chosen integers, by the executor itself: the function that is folded.

use crate::array::transposed;
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
                    let order = self.order(*index, &array);
                    let is_moved = is_small && order.is_none() && array.dims != layout.dims;
                    if array.values.len() != layout.places.len() || is_moved {
                        return Err((last, "changes the number of values; only one constant a channel folds".into()));
                    }
                    layout = layout.reshaped(array.dims.clone());
                    if let Some(order) = order {
                        layout.places = order.iter().map(|&at| layout.places[at]).collect::<Vec<_>>().into();
                    }
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

    /// Where a transposition takes each element from; `None` for nodes that keep the order.
    fn order(&self, index: usize, result: &Array) -> Option<Vec<usize>> {
        self.operators[index].filter(|operator| operator.role == Role::Transpose)?;
        let rank = result.dims.len();
        let reversed: Vec<i64> = (0..rank as i64).rev().collect();
        let order = self.source.nodes[index].ints("perm").unwrap_or(&reversed);
        let order: Vec<usize> = order.iter().map(|&axis| axis as usize).collect();
        let mut dims = vec![0; rank];
        order.iter().enumerate().for_each(|(to, &from)| dims[from] = result.dims[to]);
        Some(transposed(&dims, &order))
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
