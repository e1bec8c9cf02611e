//! What a tensor of the source is while it is lowered: integers, and how they become its real numbers.

use std::rc::Rc;

use bitfab_graph::{Op, Shape, Window};

/// Where each element of a source tensor stands among the integers, row-major; `shape` is height x width x channels.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    /// Sizes in the source.
    pub dims: Vec<usize>,
    /// For each element its place in `shape`, channels fastest.
    pub places: Rc<Vec<u32>>,
    /// Sizes of the integers.
    pub shape: Shape,
}

impl Layout {
    /// Elements in the order of the integers.
    pub fn flat(dims: Vec<usize>) -> Self {
        let count: usize = dims.iter().product();
        Self { dims, places: Rc::new((0..count as u32).collect()), shape: Shape::flat(count as u32) }
    }

    /// The layout of ONNX's images, one image: batch, channels, height, width.
    pub fn image(shape: Shape) -> Self {
        let [height, width, channels] = [shape.height, shape.width, shape.channels].map(|size| size as usize);
        let place = |at: usize| {
            let (channel, pixel) = (at / (height * width), at % (height * width));
            (pixel * channels + channel) as u32
        };
        let places = (0..height * width * channels).map(place).collect();
        Self { dims: vec![1, channels, height, width], places: Rc::new(places), shape }
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

/// A weighted or summing operation that is not in the graph yet: its thresholds are to come.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    pub name: String,
    pub op: Op,
    /// The graph's tensor that it reads.
    pub input: usize,
    /// A tensor that is added, and by how many bits it is shifted to the left.
    pub residual: Option<(usize, u32)>,
}

/// What the integers are.
#[derive(Clone, Debug)]
pub(crate) enum Code {
    /// The input's bytes within a range.
    Bytes { low: i64, high: i64 },
    /// -1 and +1, in the graph's tensor `at`.
    Signs { at: usize },
    /// 0 to 2^bits - 1, in the graph's tensor `at`.
    Levels { at: usize, bits: u32 },
    /// Sums whose operation is pending, with their least and greatest value a channel.
    Sums { pending: Rc<Pending>, low: Rc<Vec<i64>>, high: Rc<Vec<i64>> },
}

impl Code {
    /// The tensor of the graph.
    pub fn at(&self) -> Option<usize> {
        match self {
            Self::Bytes { .. } => Some(0),
            Self::Signs { at } | Self::Levels { at, .. } => Some(*at),
            Self::Sums { .. } => None,
        }
    }

    /// Least and greatest integer of a channel.
    pub fn range(&self, channel: usize) -> (i64, i64) {
        match self {
            Self::Bytes { low, high, .. } => (*low, *high),
            Self::Signs { .. } => (-1, 1),
            Self::Levels { bits, .. } => (0, (1 << bits) - 1),
            Self::Sums { low, high, .. } => (low[channel], high[channel]),
        }
    }
}

/// A step between the integers and the source's real numbers.
#[derive(Clone, Debug)]
pub(crate) enum Link {
    /// A node of the source that works element by element, or only changes sizes; the position of the variable.
    Node { index: usize, variable: usize },
    /// A maximum over windows, after which this is the layout.
    Pool { name: String, window: Window, layout: Layout },
}

/// A tensor of the source: integers and the way from them to its values.
#[derive(Clone, Debug)]
pub(crate) struct Coded {
    pub code: Code,
    /// Layout where the integers are, before `chain`.
    pub start: Layout,
    /// Layout of the source's tensor, after `chain`.
    pub layout: Layout,
    /// `value = scale * integer + offset`, a channel each, before `chain`.
    pub scale: Rc<Vec<f64>>,
    pub offset: Rc<Vec<f64>>,
    /// Integers that stand for one element together: channel `c` of the source is the sum over channels
    /// `c * each ..` of the integers; 1 but for bytes that became several signs.
    pub each: usize,
    pub chain: Vec<Link>,
}

impl Coded {
    /// Integers that are the values but for a scale and an offset.
    pub fn plain(code: Code, layout: Layout, scale: Vec<f64>, offset: Vec<f64>) -> Self {
        let (scale, offset) = (Rc::new(scale), Rc::new(offset));
        Self { code, start: layout.clone(), layout, scale, offset, each: 1, chain: Vec::new() }
    }

    /// The same with a further step.
    pub fn then(&self, link: Link, layout: Layout) -> Self {
        let mut next = Self { layout, ..self.clone() };
        next.chain.push(link);
        next
    }

    /// Channels of the source's tensor.
    pub fn channels(&self) -> usize {
        self.start.shape.channels as usize
    }
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
