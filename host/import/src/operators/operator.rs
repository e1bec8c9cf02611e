//! One row an operator: what the oracle, the readers and the lowering ask of it.

use super::call::{Call, Outputs};
use super::compound::Writer;
use crate::{Array, SourceNode};

/// Domains in which files have operators; ONNX's own is empty.
pub(crate) const QONNX: &str = "qonnx.custom_op.general";
pub(crate) const FINN: &str = "finn.custom_op.fpgadataflow";
pub(crate) const MICROSOFT: &str = "com.microsoft";
/// Operators of TFLite that no operator of ONNX does as its reference kernels do: they compute on the integers of bytes.
pub(crate) const TFLITE: &str = "tflite";

/// How the oracle computes a node.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Evaluate {
    /// One result.
    One(fn(&Call<'_>) -> Result<Array, String>),
    /// Several.
    Several(fn(&Call<'_>) -> Outputs),
    /// Not at all: it is written out first ([`Operator::expand`]).
    Never,
}

/// How the lowering takes a node that reads a computed tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// A matrix product with constant weights: the layer `Dense`.
    Dense,
    /// A convolution with constant weights: the layer `Conv2d`.
    Conv,
    /// A sum of two tensors, and nothing else: a residual. ([`Operands::Both`] is element by element, too.)
    Residual,
    /// Maxima over windows.
    MaxPool(Places),
    /// Means over windows, or sums ([`Places::Sum`]).
    Mean(Places),
    /// Element by element, and monotone: folded into the thresholds or the multiplication between two sums.
    Elementwise,
    /// Other sizes for the same values.
    Sizes,
    /// Another order of the axes.
    Transpose,
    /// The sizes of a tensor, a constant whatever its values.
    SizesOf,
    /// Behind the scores, and does not change which one is the largest: left to the caller.
    Ending,
    /// Several nodes in one: written out ([`Operator::expand`]).
    Compound,
    /// Computed tensors joined in a way that has no integer form.
    Joined,
    /// Over whole axes, of constants alone.
    Reduction,
    /// Of constants alone.
    Constant,
}

/// Which places a pool takes together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Places {
    /// Those of its kernel.
    Kernel,
    /// The whole image.
    Image,
    /// The axes that it names.
    Axes,
    /// The same, not divided by their number.
    Sum,
}

/// Which operands of an elementwise node may be computed; all others are constants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operands {
    /// The first; its sizes are those of the result.
    First,
    /// The first; constants of more axes give it further ones.
    Left,
    /// Any one.
    Any,
    /// Any one, or two: a residual.
    Both,
}

/// Where an activation falls on one side of zero and rises on the other, so that it is not monotone.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bends {
    Never,
    /// If one of these attributes is negative.
    Attributes(&'static [&'static str]),
    /// If a value of this input is negative.
    Input(usize),
}

/// What an operator is between a model's input and its first quantiser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// Nothing that is looked through.
    Other,
    /// No change at all.
    Same,
    /// Arithmetic with constants, whatever the axes.
    Scale,
    /// Arithmetic whose channels are the second axis.
    Norm,
    /// A comparison or a choice: of few values.
    Choice,
    /// Integers back to real values.
    Dequantiser,
    /// A quantiser that states its bits (input 3).
    Bits,
    /// A quantiser to the type of its zero point (input 2).
    ZeroPoint,
    /// Two levels, with a scale.
    Signs,
    /// Few levels: comparisons with thresholds.
    Thresholds,
}

/// The type of numbers of a node's results in an ONNX file, as far as values depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Types {
    /// Those of an input.
    Of(usize),
    /// That of the first input, then indices.
    Indexed,
    /// Indices or sizes.
    Indices,
    /// Sums of integers.
    Sums,
    Truth,
    /// What its attribute `to` says.
    Cast,
    /// That of the zero point, this input.
    ZeroPoint(usize),
    Unknown,
}

/// What an operator is written out as.
pub(crate) type Expand = fn(&mut Writer<'_>, &SourceNode) -> Result<(), String>;

/// An operator of ONNX or of a domain beside it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operator {
    /// Its name in a file.
    pub name: &'static str,
    /// The domain in which it is written, empty for ONNX; all but TFLite's are read in any domain that is known.
    pub domain: &'static str,
    pub evaluate: Evaluate,
    pub role: Role,
    pub operands: Operands,
    pub bends: Bends,
    /// Strictly monotone and the same for all channels: at the end, scores before it have the same order.
    pub is_strict: bool,
    pub entry: Entry,
    pub types: Types,
    /// How it is written out as other nodes; left out for those that are none in one.
    pub expand: Option<Expand>,
    /// Leading inputs that QONNX's twin with channels last has with channels last, too; 0 if there is no such twin.
    pub turned: usize,
}

/// For each field a function that gives the row with another value of it.
macro_rules! settings {
    ($($field:ident: $kind:ty),*) => {
        $(pub const fn $field(self, $field: $kind) -> Self {
            Self { $field, ..self }
        })*
    };
}

impl Operator {
    /// An operator of ONNX that is computed on constants alone.
    pub const fn new(name: &'static str, evaluate: fn(&Call<'_>) -> Result<Array, String>) -> Self {
        Self::of(name, Evaluate::One(evaluate))
    }

    /// The same with several results.
    pub const fn several(name: &'static str, evaluate: fn(&Call<'_>) -> Outputs) -> Self {
        Self::of(name, Evaluate::Several(evaluate))
    }

    /// A monotone function of each element.
    pub const fn elementwise(name: &'static str, evaluate: fn(&Call<'_>) -> Result<Array, String>) -> Self {
        Self::new(name, evaluate).role(Role::Elementwise)
    }

    /// Several operators in one, which the oracle does not compute itself.
    pub const fn compound(name: &'static str, expand: Expand) -> Self {
        Self::of(name, Evaluate::Never).role(Role::Compound).expands(expand)
    }

    const fn of(name: &'static str, evaluate: Evaluate) -> Self {
        Self {
            name,
            domain: "",
            evaluate,
            role: Role::Constant,
            operands: Operands::First,
            bends: Bends::Never,
            is_strict: false,
            entry: Entry::Other,
            types: Types::Of(0),
            expand: None,
            turned: 0,
        }
    }

    settings! { domain: &'static str, role: Role, operands: Operands, bends: Bends, entry: Entry, types: Types, turned: usize }

    pub const fn strict(self) -> Self {
        Self { is_strict: true, ..self }
    }

    pub const fn expands(self, expand: Expand) -> Self {
        Self { expand: Some(expand), ..self }
    }

    /// Whether this is one of TFLite's kernels.
    pub fn is_tflite(&self) -> bool {
        self.domain == TFLITE
    }

    /// Whether values stay as they are, under other sizes or in another order at most.
    pub fn keeps_values(&self) -> bool {
        self.entry == Entry::Same || matches!(self.role, Role::Sizes | Role::Transpose)
    }

    /// Whether it may stand before the quantiser with which a model begins.
    pub fn may_precede_quantiser(&self) -> bool {
        self.keeps_values() || matches!(self.entry, Entry::Scale | Entry::Norm)
    }

    /// Whether it sees height and width.
    pub fn has_windows(&self) -> bool {
        matches!(self.role, Role::Conv | Role::MaxPool(_) | Role::Mean(_) | Role::Reduction)
    }

    /// Writes a node of this operator as a `part` of the node `of`; gives it.
    pub fn write<'w>(
        &self,
        writer: &'w mut Writer<'_>,
        of: &SourceNode,
        part: &str,
        inputs: Vec<String>,
        output: String,
    ) -> &'w mut SourceNode {
        writer.nodes.push(self.node(format!("{}.{part}", of.name), inputs, output));
        writer.nodes.last_mut().expect("just pushed")
    }

    /// A node of this operator.
    pub fn node(&self, name: String, inputs: Vec<String>, output: String) -> SourceNode {
        let (op, domain) = (self.name.into(), self.domain.into());
        SourceNode { name, op, domain, inputs, outputs: vec![output], ..SourceNode::default() }
    }
}

impl PartialEq for Operator {
    fn eq(&self, other: &Self) -> bool {
        (self.name, self.domain) == (other.name, other.domain)
    }
}
