//! What a node computes.

/// The number of a node; operands have lower numbers than what is made of them.
pub(super) type Id = usize;

/// What a node computes; all operands have the widths that the builder has checked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Op {
    Constant(u128),
    Input,
    /// The value of a register.
    Register(usize),
    /// A column of the word that a memory has read.
    Column(usize, usize),
    Not(Id),
    And(Id, Id),
    Or(Id, Id),
    Xor(Id, Id),
    Add(Id, Id),
    Subtract(Id, Id),
    /// Two's complement, as wide as the node.
    Multiply(Id, Id),
    ShiftLeft(Id, Id),
    Equal(Id, Id),
    Less(Id, Id),
    /// Whether any bit is set.
    Any(Id),
    /// One bit, as often as the node is wide.
    Repeat(Id),
    Mux(Id, Id, Id),
    /// Bits from the one of this number upwards.
    Slice(Id, u32),
    /// The lowest first.
    Join(Vec<Id>),
    /// Terms of any width, extended with zeros; their largest sum fits.
    Sum(Vec<Id>),
    /// One of several, the first where the index is beyond them.
    Select(Id, Vec<Id>),
    /// A constant by index, the first where the index is beyond them.
    Table(Id, Vec<u128>),
}

impl Op {
    /// The nodes that it is made of.
    pub fn operands(&self) -> Vec<Id> {
        match self {
            Self::Constant(_) | Self::Input | Self::Register(_) | Self::Column(..) => Vec::new(),
            Self::Not(a) | Self::Any(a) | Self::Repeat(a) | Self::Slice(a, _) | Self::Table(a, _) => vec![*a],
            Self::And(a, b) | Self::Or(a, b) | Self::Xor(a, b) | Self::Add(a, b) | Self::Subtract(a, b) => vec![*a, *b],
            Self::Multiply(a, b) | Self::ShiftLeft(a, b) | Self::Equal(a, b) | Self::Less(a, b) => vec![*a, *b],
            Self::Mux(a, b, c) => vec![*a, *b, *c],
            Self::Join(all) | Self::Sum(all) => all.clone(),
            Self::Select(index, all) => std::iter::once(*index).chain(all.iter().copied()).collect(),
        }
    }

    /// Whether it is known without computing anything.
    pub fn is_leaf(&self) -> bool {
        matches!(self, Self::Constant(_) | Self::Input | Self::Register(_) | Self::Column(..))
    }
}
