//! From nodes to layers: one accumulator, what is folded into its thresholds, and its output.

use bitfab_format::limits::{MAX_LAYERS, MAX_THRESHOLD_BITS};
use bitfab_format::{
    Bound, Draft, DraftLayer, DraftTensor, DraftTransform, DraftWeights, Kind, Layer, Op as LayerOp, OutputScale,
    PadValue, Region, Residual, Shape, Tensor, Transform, Weights as LayerWeights, Window,
};
use bitfab_graph::{self as graph, Graph, Node, Op, Weights};

use crate::error::CompileError;
use crate::fold::Affine;
use crate::requant::{self, Rounding};
use crate::translate::{self, Compared, integers, normalise, pad_value, section, steps};
use crate::{Prefer, Rounded, pack, reach, scores};

/// The layers of `graph`, not placed in an arena yet.
pub(crate) fn lower(graph: &Graph, prefer: Prefer, form: Form) -> Result<Lowered, CompileError> {
    let mut lowering = Lowering::new(graph, prefer, form)?;
    while lowering.next < graph.nodes.len() {
        lowering.step()?;
    }
    if lowering.layers.len() > MAX_LAYERS as usize {
        return Err(CompileError::TooManyLayers(lowering.layers.len()));
    }
    let input = lowering.tensors[0];
    let draft = Draft {
        input: DraftTensor { shape: input.shape, kind: input.kind, start: 0 },
        arena_words: 0,
        scale: lowering.scale,
        interface: translate::interface(&graph.interface, input.kind),
        layers: lowering.layers,
    };
    Ok(Lowered { draft, scratch: lowering.scratch, rounded: lowering.rounded })
}

/// Layers that are not placed yet.
pub(crate) struct Lowered {
    pub draft: Draft,
    /// Scratch words that each layer needs.
    pub scratch: Vec<u32>,
    pub rounded: Vec<Rounded>,
}

/// What all precisions of a file must have in common.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Form {
    /// Falling channels may have their weights negated; not where several precisions share them.
    pub may_negate: bool,
    /// The last layer scales its scores at every precision, since it does at some.
    pub scaled_scores: bool,
}

/// The walk over the nodes.
struct Lowering<'g> {
    graph: &'g Graph,
    prefer: Prefer,
    form: Form,
    /// How many nodes read each tensor of the graph.
    readers: Vec<usize>,
    /// Which tensor of the model holds a tensor of the graph; `None` for what was folded away.
    placed: Vec<Option<u16>>,
    /// The model's tensors.
    tensors: Vec<Tensor>,
    layers: Vec<DraftLayer>,
    /// Scratch words of each layer.
    scratch: Vec<u32>,
    scale: Option<OutputScale>,
    rounded: Vec<Rounded>,
    /// The node to lower next.
    next: usize,
}

/// What follows an accumulator until its output.
struct Tail {
    residual: Option<Residual>,
    /// One a channel.
    affines: Vec<Affine>,
    /// What the values are compared with, and the output's kind; `None` for raw scores.
    output: Option<(Compared, Kind)>,
}

impl<'g> Lowering<'g> {
    fn new(graph: &'g Graph, prefer: Prefer, form: Form) -> Result<Self, CompileError> {
        graph.check()?;
        let mut readers = vec![0; graph.nodes.len() + 1];
        graph.nodes.iter().flat_map(|node| &node.inputs).for_each(|&at| readers[at] += 1);
        let mut placed = vec![None; graph.nodes.len() + 1];
        placed[0] = Some(0);
        let kind = match graph.input_kind {
            graph::ByteKind::U8 => Kind::U8,
            graph::ByteKind::I8 => Kind::I8,
        };
        let input = Tensor { shape: translate::shape(graph.input), kind, region: Region::default() };
        Ok(Self {
            graph,
            prefer,
            form,
            readers,
            placed,
            tensors: vec![input],
            layers: Vec::new(),
            scratch: Vec::new(),
            scale: None,
            rounded: Vec::new(),
            next: 0,
        })
    }

    /// Lowers the node at `next` and all that folds into it.
    fn step(&mut self) -> Result<(), CompileError> {
        let index = self.next;
        let node = &self.graph.nodes[index];
        let input = self.tensor(index, node.inputs[0])?;
        let (op, window, pad, groups) = match &node.op {
            Op::Encode { thresholds, per_channel } => return self.encode(index, input, thresholds, *per_channel),
            Op::Dense { .. } => {
                (LayerOp::Dense, Window::whole(self.tensors[usize::from(input)].shape), PadValue::Zero, 1)
            }
            Op::Conv2d { window, groups, .. } => {
                (LayerOp::Conv2d, translate::window(window), pad_value(window), *groups)
            }
            // Taps outside are ignored, which is what a border of the smallest value does.
            Op::MaxPool { window } => (LayerOp::MaxPool, translate::window(window), PadValue::Zero, 1),
            Op::SumPool { window } if window.has_padding() => {
                return Err(self.problem(index, "sums over a border; pad the convolution before it instead"));
            }
            Op::Affine { multiplier, offset } => return self.worth(index, input, multiplier[0], offset[0]),
            Op::SumPool { window } => (LayerOp::SumPool, translate::window(window), PadValue::Zero, 1),
            _ => {
                return Err(self.problem(
                    index,
                    "reads values that are not integers any more; it must follow an accumulator directly",
                ));
            }
        };
        let mut layer = self.frame(index, input, op);
        (layer.window, layer.pad_value, layer.groups) = (window, pad, groups);
        let weights = match &node.op {
            Op::Dense { weights } | Op::Conv2d { weights, .. } => Some(weights),
            _ => None,
        };
        layer.output.shape = self.output_shape(&layer, weights).map_err(|problem| self.problem(index, problem))?;
        if op == LayerOp::MaxPool {
            layer.output.kind = layer.input.kind;
            return self.push(&layer, index, DraftWeights::default(), DraftTransform::None);
        }
        self.accumulate(index, layer, weights)
    }

    /// Lowers an accumulating node and its tail.
    fn accumulate(
        &mut self,
        index: usize,
        mut layer: Layer<'g>,
        weights: Option<&Weights>,
    ) -> Result<(), CompileError> {
        let channels = layer.output.shape.channels as usize;
        let (tail, last) = self.tail(index, channels)?;
        layer.residual = tail.residual;
        layer.output.kind = tail.output.as_ref().map_or(Kind::I32, |(_, kind)| *kind);
        let mut negated = vec![false; channels];
        let packed = |layer: &Layer<'_>, negated: &[bool]| {
            weights.map_or_else(DraftWeights::default, |from| pack::weights(layer, from, negated, self.prefer))
        };
        let mut rows = packed(&layer, &negated);
        let bound = self.bound(index, &Layer { weights: rows.view().unwrap_or(LayerWeights::None), ..layer })?;
        let transform = match &tail.output {
            None => self.scores(index, &tail.affines, bound),
            Some((compared, kind)) if kind.planes() > MAX_THRESHOLD_BITS => {
                let sums = reach::sums(&layer, weights, &negated, bound);
                let bounds: Vec<Bound> = sums.into_iter().map(|sums| sums.bound).collect();
                self.levels(index, compared, &tail.affines, &bounds)
            }
            Some((compared, _)) => {
                let mut folded = compared.thresholds(&tail.affines, bound);
                if let Some(weights) = weights.filter(|_| layer.residual.is_none() && self.form.may_negate) {
                    normalise(&mut folded, &mut negated, weights);
                    rows = packed(&layer, &negated);
                }
                section(&folded, &reach::sums(&layer, weights, &negated, bound))
            }
        };
        self.push(&layer, last, rows, transform)
    }

    /// The transform of the last accumulators, of node `index`; what a unit is worth and what is rounded is kept.
    fn scores(&mut self, index: usize, affines: &[Affine], bound: Bound) -> DraftTransform {
        let scores = scores::fold(affines, bound, self.form.scaled_scores);
        self.scale = scores.scale;
        if let Some(scores::Error { units, exponent }) = scores.error {
            self.rounded.push(Rounded::Scores { node: self.graph.nodes[index].name.clone(), units, exponent });
        }
        scores.transform
    }

    /// Keeps what the levels or signs of the last layer are worth.
    fn worth(&mut self, index: usize, input: u16, unit: f64, constant: f64) -> Result<(), CompileError> {
        if index + 1 != self.graph.nodes.len() || usize::from(input) != self.layers.len() {
            return Err(self.problem(
                index,
                "says what levels are worth, so that it must be the last node and read the one before it",
            ));
        }
        self.scale = scores::worth(unit, constant);
        if self.scale.is_none() {
            let problem = format!(
                "no file can say that a level is worth {unit:e} and {constant:e} more: a unit is from 2^-63 to 2^32, a constant below 2^31 and not much coarser than 2^-32"
            );
            return Err(self.problem(index, problem));
        }
        self.next = index + 1;
        Ok(())
    }

    /// The transform to values of more than four bits; what is rounded is kept.
    fn levels(&mut self, index: usize, compared: &Compared, affines: &[Affine], bounds: &[Bound]) -> DraftTransform {
        let (transform, rounding) = match compared {
            Compared::Reals(steps) => requant::fold(affines, steps, bounds),
            Compared::Integers(steps) => requant::fit(steps, bounds),
        };
        let Rounding { channels, accumulators, of, levels } = rounding;
        // A nearest multiplication may be exact for all sums that can be.
        if accumulators != 0 {
            let node = self.graph.nodes[index].name.clone();
            self.rounded.push(Rounded::Levels { node, channels, accumulators, of, levels });
        }
        transform
    }

    /// Collects residual, scales, batch norm and quantiser behind the accumulator of node `index`.
    fn tail(&self, index: usize, channels: usize) -> Result<(Tail, usize), CompileError> {
        let mut tail = Tail { residual: None, affines: vec![Affine::identity(); channels], output: None };
        let mut last = index;
        let mut is_scaled = false;
        while let Some((at, node)) = self.follower(last)? {
            match &node.op {
                Op::Add { shift } => {
                    if tail.residual.is_some() || is_scaled {
                        return Err(
                            self.problem(at, "a layer takes one addition, before any scale; add a layer between")
                        );
                    }
                    tail.residual = Some(self.residual(at, last, *shift)?);
                }
                Op::Sign | Op::Quantize { .. } => tail.output = Some(steps(&node.op)),
                Op::Steps { thresholds, descends, bits } => {
                    let kind = bits.map_or(Kind::Sign, |bits| Kind::Unsigned { bits: bits as u8 });
                    tail.output = Some((Compared::Integers(integers(thresholds, descends)), kind));
                }
                Op::Affine { .. } if is_scaled => {
                    return Err(self.problem(at, "reads values that are scaled already; merge the two"));
                }
                Op::Affine { .. } if at + 1 != self.graph.nodes.len() => {
                    return Err(self.problem(at, "makes scores, so that it must be the last node"));
                }
                op => {
                    is_scaled = true;
                    self.scale(at, op, &mut tail.affines)?;
                }
            }
            last = at;
            if tail.output.is_some() {
                break;
            }
        }
        Ok((tail, last))
    }

    /// The residual that node `at` adds to the result of node `last`.
    fn residual(&self, at: usize, last: usize, shift: u32) -> Result<Residual, CompileError> {
        let inputs = &self.graph.nodes[at].inputs;
        if inputs[0] != last + 1 {
            return Err(self.problem(at, "the accumulator must be the first input and be computed right before"));
        }
        let index = self.tensor(at, inputs[1])?;
        Ok(Residual { index, tensor: self.tensors[usize::from(index)], shift })
    }

    /// Appends a scale or a batch norm to every channel.
    fn scale(&self, at: usize, op: &Op, affines: &mut [Affine]) -> Result<(), CompileError> {
        let mut channels = affines.iter_mut().enumerate();
        match op {
            Op::Scale { factors } => channels.for_each(|(c, affine)| affine.scale(factors[c.min(factors.len() - 1)])),
            Op::BatchNorm { gamma, beta, mean, variance, epsilon } => {
                let constants = |c: usize| [gamma[c], beta[c], mean[c], variance[c], *epsilon];
                if !channels.all(|(c, affine)| affine.normalise(constants(c))) {
                    return Err(self.problem(at, "a second batch norm on one accumulator; merge the two"));
                }
            }
            Op::Affine { multiplier, offset } => channels.for_each(|(c, affine)| {
                let c = c.min(multiplier.len() - 1);
                affine.line_of(multiplier[c], offset[c]);
            }),
            _ => return Err(self.problem(at, "reads an accumulator; put a sign or quantiser between them")),
        }
        Ok(())
    }

    /// The one node that reads the result of node `last`; `None` at the end of the graph.
    fn follower(&self, last: usize) -> Result<Option<(usize, &'g Node)>, CompileError> {
        if last + 1 == self.graph.nodes.len() {
            return Ok(None);
        }
        if self.readers[last + 1] != 1 {
            return Err(self.problem(last, "its accumulator is read twice; add a sign or quantiser before the branch"));
        }
        match self.graph.nodes.get(last + 1) {
            Some(node) if node.inputs.contains(&(last + 1)) => Ok(Some((last + 1, node))),
            _ => Err(self.problem(last, "the node that reads its accumulator must come next; reorder the nodes")),
        }
    }

    fn encode(&mut self, index: usize, input: u16, thresholds: &[i16], per_channel: u32) -> Result<(), CompileError> {
        let mut layer = self.frame(index, input, LayerOp::Encode);
        let (low, high) = layer.input.kind.range();
        layer.window = Window::unit();
        layer.output.shape = Shape { channels: thresholds.len() as u32, ..layer.input.shape };
        layer.output.kind = Kind::Sign;
        // A threshold below every byte is always reached, as the least byte is; one above cannot be stored.
        let byte = |&t: &i16| (i32::from(t) <= high).then_some(i32::from(t).max(low) as u8);
        let bytes: Option<Vec<u8>> = thresholds.iter().map(byte).collect();
        let thresholds =
            bytes.ok_or_else(|| self.problem(index, "a threshold is above every input byte; remove it"))?;
        let per_channel = u8::try_from(per_channel)
            .map_err(|_| self.problem(index, "more than 255 thresholds a channel; a byte needs no more"))?;
        self.push(&layer, index, DraftWeights::default(), DraftTransform::Encode { per_channel, thresholds })
    }

    /// A layer of which only input and operation are known.
    fn frame(&self, index: usize, input: u16, op: LayerOp) -> Layer<'g> {
        let tensor = self.tensors[usize::from(input)];
        Layer {
            index: self.layers.len() as u16,
            name: &self.graph.nodes[index].name,
            op,
            input_index: input,
            input: tensor,
            output: Tensor { kind: Kind::I32, ..tensor },
            residual: None,
            window: Window::unit(),
            pad_value: PadValue::Zero,
            groups: 1,
            weights: LayerWeights::None,
            transform: Transform::None,
            scratch: Region::default(),
        }
    }

    fn output_shape(&self, layer: &Layer<'_>, weights: Option<&Weights>) -> Result<Shape, &'static str> {
        let channels = weights.map_or(layer.input.shape.channels, |weights| weights.shape[0]);
        let [height, width] = layer
            .window
            .output(layer.input.shape)
            .map_err(|_| "a side is larger than 65,535, or a step or a border than 255")?;
        Ok(Shape::new(height, width, channels))
    }

    fn bound(&self, index: usize, layer: &Layer<'_>) -> Result<Bound, CompileError> {
        let (low, high) = layer.implied_bound();
        let narrow = |value: i64| i32::try_from(value).ok().filter(|v| *v != i32::MIN && *v != i32::MAX);
        match (narrow(low), narrow(high)) {
            (Some(low), Some(high)) => Ok(Bound { low, high }),
            _ => Err(self.problem(index, "the accumulator may leave 32 bits; use fewer inputs")),
        }
    }

    /// Appends the layer whose result is that of node `last`.
    fn push(
        &mut self,
        layer: &Layer<'_>,
        last: usize,
        weights: DraftWeights,
        transform: DraftTransform,
    ) -> Result<(), CompileError> {
        let view = weights.view().unwrap_or(LayerWeights::None);
        self.scratch.push(Layer { weights: view, ..*layer }.scratch_words());
        self.layers.push(DraftLayer { weights, transform, ..DraftLayer::of(layer) });
        self.tensors.push(layer.output);
        self.placed[last + 1] = Some(self.layers.len() as u16);
        self.next = last + 1;
        Ok(())
    }

    /// The model's tensor that holds tensor `at` of the graph.
    fn tensor(&self, index: usize, at: usize) -> Result<u16, CompileError> {
        self.placed[at].ok_or_else(|| self.problem(index, "reads a value that was folded into another layer"))
    }

    fn problem(&self, index: usize, problem: impl Into<String>) -> CompileError {
        let node = &self.graph.nodes[index];
        CompileError::Node { index, name: node.name.clone(), op: node.op.label(), problem: problem.into() }
    }
}
