//! Where the elements of a tensor stand among the device's integers (channels innermost, NHWC, whatever the file has), and
//! which axis of an input holds its channels.

use std::sync::Arc;

use bitfab_graph::Shape;

use crate::operators::{self, Entry, Operator, Role};
use crate::{Channels, ImportError, Input, Source, SourceNode};

/// The most values of a tensor, that of a graph.
pub(crate) const MAX_TENSOR: usize = 1 << 24;

/// Where each element of a source tensor stands among the integers, row-major; `shape` is height x width x channels.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    /// Sizes in the source.
    pub dims: Vec<usize>,
    /// For each element its place in `shape`, channels fastest.
    pub places: Arc<Vec<u32>>,
    /// Sizes of the integers.
    pub shape: Shape,
}

impl Layout {
    /// Elements in the order of the integers.
    pub fn flat(dims: Vec<usize>) -> Self {
        let count: usize = dims.iter().product();
        Self { dims, places: Arc::new((0..count as u32).collect()), shape: Shape::flat(count as u32) }
    }

    /// The layout of ONNX's images, one image: batch, channels, height, width.
    pub fn image(shape: Shape) -> Self {
        let [height, width, channels] = [shape.height, shape.width, shape.channels].map(|size| size as usize);
        let place = |at: usize| {
            let (channel, pixel) = (at / (height * width), at % (height * width));
            (pixel * channels + channel) as u32
        };
        let places = (0..height * width * channels).map(place).collect();
        Self { dims: vec![1, channels, height, width], places: Arc::new(places), shape }
    }

    /// Whether this is what [`image`](Self::image) gives.
    pub fn is_image(&self) -> bool {
        let image = Self::image(self.shape);
        self.dims == image.dims && self.places == image.places
    }

    /// One pixel of an image, channels second or last; `None` if this is no image of several pixels.
    pub fn pixel(&self) -> Option<Self> {
        let channels = self.shape.channels;
        let is_last = self.dims.len() > 2
            && self.dims.last() == Some(&(channels as usize))
            && self.places.iter().enumerate().all(|(at, &place)| at == place as usize);
        if self.places.len() <= channels as usize || !is_last && !self.is_image() {
            return None;
        }
        let mut pixel = Self::image(Shape::flat(channels));
        if is_last {
            pixel.dims = vec![1; self.dims.len()];
            *pixel.dims.last_mut()? = channels as usize;
        }
        Some(pixel)
    }

    /// The channel of each element.
    pub fn channels(&self) -> impl Iterator<Item = usize> + '_ {
        let channels = self.shape.channels as usize;
        self.places.iter().map(move |&place| place as usize % channels)
    }

    /// The same elements under other sizes.
    pub fn reshaped(&self, dims: Vec<usize>) -> Self {
        Self { dims, ..self.clone() }
    }
}

/// Whether a transposition brings the input's channels to where ONNX wants them.
fn has_channels_last(source: &Source, input: &str, rank: usize) -> bool {
    let order: &[i64] = if rank == 4 { &[0, 3, 1, 2] } else { &[0, 2, 1] };
    let mut name = input;
    // Quantisers and arithmetic may stand before it.
    while let Some(node) = reader(source, name) {
        let operator = operators::find(node);
        match operator.map(|operator| operator.entry) {
            _ if is(operator, Role::Transpose) => return node.ints("perm") == Some(order),
            Some(Entry::Same | Entry::Scale | Entry::Bits | Entry::ZeroPoint | Entry::Signs | Entry::Dequantiser) => {
                name = &node.outputs[0]
            }
            _ => return false,
        }
    }
    false
}

/// The first node that reads the values of a tensor, whatever stands beside it; exporters ask for its sizes, too.
fn reader<'s>(source: &'s Source, name: &str) -> Option<&'s SourceNode> {
    source
        .nodes
        .iter()
        .find(|node| !is(operators::find(node), Role::SizesOf) && node.inputs.iter().any(|input| input == name))
}

fn is(operator: Option<&Operator>, role: Role) -> bool {
    operator.is_some_and(|operator| operator.role == role)
}

/// The layout of the input: flat, or height, width and channels.
pub(crate) fn input_layout(source: &Source, input: &Input) -> Result<Layout, ImportError> {
    let wrong = |problem: String| ImportError::Value { name: input.name.clone(), problem };
    let mut dims = Vec::new();
    for (axis, size) in input.dims.iter().enumerate() {
        match size {
            Some(size) if axis > 0 || *size == 1 => dims.push(*size),
            // The first axis is the batch, which is one image on a device.
            _ if axis == 0 => dims.push(1),
            _ => return Err(wrong(format!("axis {axis} has no fixed size; export the model with fixed sizes"))),
        }
    }
    let count = dims.iter().try_fold(1usize, |count, &size| count.checked_mul(size));
    if !count.is_some_and(|count| (1..=MAX_TENSOR).contains(&count)) {
        return Err(wrong(format!("sizes {dims:?}; an input has 1 to {MAX_TENSOR} values")));
    }
    if !source.nodes.iter().filter_map(operators::find).any(Operator::has_windows) {
        return unwindowed(source, input, dims).map_err(wrong);
    }
    let is_last = has_channels_last(source, &input.name, dims.len());
    match *dims.as_slice() {
        [_, height, width, channels] if is_last => {
            let shape = shape([height, width, channels]).map_err(wrong)?;
            Ok(Layout { shape, ..Layout::flat(dims) })
        }
        [_, length, channels] if is_last => {
            let shape = shape([1, length, channels]).map_err(wrong)?;
            Ok(Layout { shape, ..Layout::flat(dims) })
        }
        [_, channels, height, width] => Ok(Layout::image(shape([height, width, channels]).map_err(wrong)?)),
        [_, channels, length] => {
            let mut layout = Layout::image(shape([1, length, channels]).map_err(wrong)?);
            layout.dims = dims;
            Ok(layout)
        }
        [_, _] | [_] => Ok(Layout::flat(dims)),
        _ => Err(wrong(format!("sizes {:?}; an input has 1 to 4 axes, batch first", input.dims))),
    }
}

/// The layout of an input that no convolution and no pool reads: as an image, so that rows have its axes, where it is
/// known which of them holds the channels.
fn unwindowed(source: &Source, input: &Input, dims: Vec<usize>) -> Result<Layout, String> {
    let as_is = |sizes: [usize; 3], dims: Vec<usize>| Ok(Layout { shape: shape(sizes)?, ..Layout::flat(dims) });
    // Few channels beside many places.
    let is_few = |few: usize, others: [usize; 2]| few <= 4 && others.iter().all(|&other| few < other);
    // Values that become signs are packed side by side, not one pixel a word.
    let is_grey = matches!(
        (source.channels, dims.as_slice()),
        (Channels::First, [_, 1, ..])
            | (Channels::Last, [_, .., 1])
            | (Channels::Unsaid, [_, 1, _, _] | [_, _, _, 1] | [_, _, _])
    );
    if is_grey && is_coded(source, &input.name) {
        return Ok(Layout::flat(dims));
    }
    match (source.channels, dims.as_slice()) {
        (Channels::First, &[_, channels, height, width]) => Ok(Layout::image(shape([height, width, channels])?)),
        (Channels::First, &[_, channels, length]) => {
            Ok(Layout { dims, ..Layout::image(shape([1, length, channels])?) })
        }
        (Channels::Last, &[_, height, width, channels]) => as_is([height, width, channels], dims),
        (Channels::Last, &[_, length, channels]) => as_is([1, length, channels], dims),
        (Channels::Unsaid, &[_, 1, height, width]) => as_is([height, width, 1], dims),
        (Channels::Unsaid, &[_, height, width, 1]) => as_is([height, width, 1], dims),
        (Channels::Unsaid, &[_, channels, height, width]) if is_few(channels, [height, width]) => {
            Ok(Layout::image(shape([height, width, channels])?))
        }
        (Channels::Unsaid, &[_, height, width, channels]) if is_few(channels, [height, width]) => {
            as_is([height, width, channels], dims)
        }
        (Channels::Unsaid, &[_, rows, columns]) => as_is([rows, columns, 1], dims),
        _ => Ok(Layout::flat(dims)),
    }
}

/// Whether the first thing that happens to the input's values is that they become few: signs, or at most 16 values.
fn is_coded(source: &Source, input: &str) -> bool {
    let mut name = input;
    while let Some(node) = reader(source, name) {
        let bits = || node.inputs.get(3).and_then(|bits| source.constants.get(bits));
        match operators::find(node).map(|operator| (operator.entry, operator.role)) {
            Some((Entry::Signs | Entry::Thresholds, _)) => return true,
            Some((Entry::Bits, _)) => return bits().is_some_and(|bits| bits.values.iter().all(|&bits| bits <= 4.0)),
            Some((Entry::Scale | Entry::Same | Entry::Choice, _) | (_, Role::Sizes)) => name = &node.outputs[0],
            _ => return false,
        }
    }
    false
}

/// A shape from sizes of a file.
fn shape(sizes: [usize; 3]) -> Result<Shape, String> {
    let size = |size: usize| u32::try_from(size).map_err(|_| format!("a size of {size} is too large"));
    Ok(Shape::new(size(sizes[0])?, size(sizes[1])?, size(sizes[2])?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_pixel_stands_for_an_image_with_channels_second_or_last() {
        let shape = Shape::new(4, 5, 3);
        let image = Layout::image(shape);
        assert_eq!(image.pixel().map(|pixel| (pixel.dims, pixel.shape)), Some((vec![1, 3, 1, 1], Shape::flat(3))));
        let last = Layout { shape, ..Layout::flat(vec![1, 4, 5, 3]) };
        assert_eq!(last.pixel().map(|pixel| pixel.dims), Some(vec![1, 1, 1, 3]));
        // Places that are neither, a vector, and what is one pixel already.
        assert!(Layout { dims: vec![1, 3, 4, 5], ..last }.pixel().is_none());
        assert!(Layout::flat(vec![1, 60]).pixel().is_none());
        assert!(Layout::image(Shape::flat(3)).pixel().is_none());
    }
}
