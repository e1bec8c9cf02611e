//! What a tensor of the source is while it is lowered: integers, and how they become its real numbers.

use std::rc::Rc;

use bitfab_graph::{Op, Window};

use crate::layout::Layout;

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
