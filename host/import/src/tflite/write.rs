//! The source that is written: nodes over integers, images with channels first.

use std::collections::{BTreeMap, BTreeSet};

use super::quant::Quant;
use super::schema::{Model, Operator, Tensor};
use crate::fixed_point::Multiplier;
use crate::operators::{self, REQUANTIZE, SUB, TRANSPOSE};
use crate::{Array, Attribute, Input, Source, SourceNode};

/// Where a tensor of the file is found in the source.
#[derive(Clone, Default)]
struct Held {
    /// An image with channels second.
    first: Option<String>,
    /// Values in the order of the file.
    last: Option<String>,
    /// A border of zero points that is still to be put round it: top, left, bottom, right.
    pads: [usize; 4],
}

/// The nodes that were written so far.
pub(super) struct Writer<'a> {
    pub model: &'a Model<'a>,
    pub source: Source,
    held: BTreeMap<usize, Held>,
    names: BTreeSet<String>,
    /// The name of the operator that is written, as `CONV_2D_3`.
    base: String,
    /// How many constants may still be decoded: tensors may share their bytes.
    left: usize,
}

/// One operator and where it stands.
pub(super) struct Op<'a> {
    pub node: &'a Operator<'a>,
    pub index: usize,
}

/// What a kernel does with its sums.
pub(super) struct Requant {
    pub multipliers: Vec<Multiplier>,
    /// By how many bits the sums are shifted to the left before.
    pub left: u32,
    /// Whether the product is rounded once, not twice.
    pub is_once: bool,
    pub zero: i64,
    pub range: [i64; 2],
}

impl<'a> Writer<'a> {
    pub fn new(model: &'a Model<'a>, most: usize) -> Self {
        let source = Source { opset: 13, channels: crate::Channels::Last, ..Source::default() };
        let (held, names) = (BTreeMap::new(), BTreeSet::new());
        Self { model, source, held, names, base: String::new(), left: most }
    }

    /// A name that no value has yet.
    pub fn name(&mut self, name: &str) -> String {
        let mut free = name.to_string();
        let mut number = 2;
        while !self.names.insert(free.clone()) {
            free = format!("{name}#{number}");
            number += 1;
        }
        free
    }

    /// Begins an operator: its nodes are named after it.
    pub fn begin(&mut self, op: &Op<'_>) {
        self.base = format!("{}_{}", op.node.name, op.index);
    }

    /// Takes a tensor, whose bytes are those of `bytes`, as the model's input, under the sizes of `dims`.
    pub fn take(&mut self, at: usize, dims: &[usize], bytes: &Tensor<'_>, name: &str) {
        let name = self.name(name);
        self.source.types.insert(name.clone(), bytes.kind.clone());
        if let Ok(quant) = bytes.quant() {
            self.source.worth.insert(name.clone(), (quant.scale.into(), quant.zero));
        }
        self.source.inputs.push(Input { name: name.clone(), dims: dims.iter().map(|&size| Some(size)).collect() });
        self.held.insert(at, Held { last: Some(name), ..Held::default() });
    }

    /// Whether a tensor is the model's input, taken under these sizes already.
    pub fn is_taken_as(&self, at: usize, dims: &[usize]) -> bool {
        let name = self.held.get(&at).and_then(|held| held.last.as_ref());
        let is_sized = |input: &Input| Some(&input.name) == name && input.dims.iter().flatten().eq(dims);
        self.source.inputs.iter().any(is_sized)
    }

    /// A tensor, which must be there.
    pub fn tensor(&self, at: usize) -> Result<&'a Tensor<'a>, String> {
        self.model.tensor(at)
    }

    /// Input `at` of an operator.
    pub fn input(&self, op: &Op<'_>, at: usize) -> Result<(usize, &'a Tensor<'a>), String> {
        let at = op.node.input(at)?;
        Ok((at, self.tensor(at)?))
    }

    /// The integers of a constant input.
    pub fn integers(&mut self, op: &Op<'_>, at: usize) -> Result<Vec<i64>, String> {
        let (_, tensor) = self.input(op, at)?;
        self.spend(tensor)?;
        tensor.integers()
    }

    /// Counts a constant that is decoded.
    pub fn spend(&mut self, tensor: &Tensor<'_>) -> Result<(), String> {
        let left = self.left.checked_sub(tensor.data.len());
        self.left = left.ok_or("shares its constants with too many operators; convert the model again")?;
        Ok(())
    }

    /// Keeps a constant under a name of its own.
    pub fn constant(&mut self, part: &str, array: Array) -> String {
        let name = self.name(&format!("{}.{part}", self.base));
        self.source.constants.insert(name.clone(), array);
        name
    }

    /// Writes a node; `part` is empty for the one that the operator is named after.
    pub fn node(
        &mut self,
        part: &str,
        operator: &operators::Operator,
        inputs: Vec<String>,
        output: &str,
    ) -> &mut SourceNode {
        let name = if part.is_empty() { self.base.clone() } else { format!("{}.{part}", self.base) };
        self.source.nodes.push(operator.node(name, inputs, output.into()));
        self.source.nodes.last_mut().expect("just pushed")
    }

    fn turned(&mut self, from: String, order: [i64; 4], part: &str) -> String {
        let to = self.name(&format!("{from}.{part}"));
        let node = self.node(part, &TRANSPOSE, vec![from], &to);
        node.attributes.insert("perm".into(), Attribute::Ints(order.to_vec()));
        to
    }

    fn find(&self, at: usize) -> Result<Held, String> {
        if let Some(held) = self.held.get(&at) {
            return Ok(held.clone());
        }
        let tensor = self.tensor(at)?;
        let what =
            if tensor.data.is_empty() { "nothing before it yields" } else { "is a constant, it must be computed" };
        Err(format!("reads `{}`, which {what}", tensor.name))
    }

    /// Values in the order of the file.
    pub fn last(&mut self, at: usize) -> Result<String, String> {
        let held = self.find(at)?;
        if held.pads != [0; 4] {
            return Err(PADDED.into());
        }
        match (held.last, held.first) {
            (Some(name), _) => Ok(name),
            (None, Some(first)) => {
                let name = self.turned(first, [0, 2, 3, 1], "last");
                self.held.entry(at).or_default().last = Some(name.clone());
                Ok(name)
            }
            (None, None) => Err("reads what nothing yields".into()),
        }
    }

    /// An image with channels second, and the border that is to be put round it.
    pub fn padded(&mut self, at: usize) -> Result<(String, [usize; 4]), String> {
        let held = self.find(at)?;
        let tensor = self.tensor(at)?;
        if tensor.dims.len() != 4 || tensor.dims[0] != 1 {
            return Err(format!("`{}` has sizes {:?}; one image of four axes is needed", tensor.name, tensor.dims));
        }
        if let Some(name) = held.first {
            return Ok((name, held.pads));
        }
        let last = held.last.ok_or("reads what nothing yields")?;
        let name = self.turned(last, [0, 3, 1, 2], "first");
        self.held.entry(at).or_default().first = Some(name.clone());
        Ok((name, held.pads))
    }

    /// Values as they are: an image with channels second, or what has other axes in its order.
    pub fn any(&mut self, at: usize) -> Result<(String, bool), String> {
        let is_image = self.tensor(at)?.dims.len() == 4 && self.tensor(at)?.dims[0] == 1;
        if !is_image {
            return Ok((self.last(at)?, false));
        }
        match self.padded(at)? {
            (name, pads) if pads == [0; 4] => Ok((name, true)),
            _ => Err(PADDED.into()),
        }
    }

    /// Remembers the value of a tensor, an image with channels second or not.
    pub fn hold(&mut self, at: usize, name: String, is_first: bool) {
        let (first, last) = if is_first { (Some(name), None) } else { (None, Some(name)) };
        self.held.insert(at, Held { first, last, pads: [0; 4] });
    }

    /// Remembers that a tensor is another one with a border of zero points.
    pub fn hold_padded(&mut self, at: usize, inner: usize, pads: [usize; 4]) -> Result<(), String> {
        let (name, within) = self.padded(inner)?;
        let pads = [0, 1, 2, 3].map(|side| pads[side] + within[side]);
        self.held.insert(at, Held { first: Some(name), last: None, pads });
        Ok(())
    }

    /// Remembers that a tensor is another one.
    pub fn hold_same(&mut self, at: usize, other: usize) -> Result<(), String> {
        let held = self.find(other)?;
        self.held.insert(at, held);
        Ok(())
    }

    /// The source's name of a result.
    pub fn result(&mut self, at: usize) -> Result<String, String> {
        Ok(self.any(at)?.0)
    }

    /// Less its zero point, so that zero is zero, as a border needs it.
    pub fn centred(&mut self, from: String, zero: i64, part: &str) -> String {
        if zero == 0 {
            return from;
        }
        let constant = self.constant(part, Array::scalar(zero as f64));
        let to = self.name(&format!("{from}.{part}"));
        self.node(part, &SUB, vec![from, constant], &to);
        to
    }

    /// A name for the value of an operator's output.
    pub fn yields(&mut self, at: usize) -> Result<String, String> {
        let name = self.tensor(at)?.name.clone();
        Ok(self.name(&name))
    }

    /// From sums to bytes.
    pub fn requantize(&mut self, part: &str, from: String, to: &str, requant: &Requant) {
        let node = self.node(part, &REQUANTIZE, vec![from], to);
        let list = |of: fn(&Multiplier) -> i32| requant.multipliers.iter().map(|one| of(one).into()).collect();
        node.attributes = BTreeMap::from([
            ("multipliers".into(), Attribute::Ints(list(|one| one.value))),
            ("shifts".into(), Attribute::Ints(list(|one| one.shift))),
            ("left".into(), Attribute::Int(requant.left.into())),
            ("once".into(), Attribute::Int(requant.is_once.into())),
            ("zero".into(), Attribute::Int(requant.zero)),
            ("min".into(), Attribute::Int(requant.range[0])),
            ("max".into(), Attribute::Int(requant.range[1])),
        ]);
    }
}

const PADDED: &str = "reads what a PAD yields, which CONV_2D and DEPTHWISE_CONV_2D alone can take (and MAX_POOL_2D where \
     the border is the least value)";

/// The multiplier of a real scale.
pub(super) fn multiplier(scale: f64) -> Result<Multiplier, String> {
    Multiplier::new(scale).ok_or_else(|| format!("its scales come to {scale}, no multiplier of 31 bits has it"))
}

/// Both tensors must have one quantisation, as the kernel leaves the bytes as they are.
pub(super) fn same(a: Quant, b: Quant) -> Result<(), String> {
    if a == b {
        return Ok(());
    }
    Err(format!(
        "its input has scale {} and zero point {}, its output {} and {}; they must be the same, as converters make them",
        a.scale, a.zero, b.scale, b.zero
    ))
}
