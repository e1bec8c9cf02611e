//! Wires: values of exact widths and the operations on them.

use std::ops::{Add, BitAnd, BitOr, BitXor, Not, Sub};

use super::op::{Id, Op};
use super::store::Store;
use crate::circuit::width;

/// A value in a circuit that is being described.
#[derive(Clone, Copy)]
pub struct Wire<'b> {
    pub(super) store: &'b Store,
    pub(super) id: Id,
}

impl<'b> Wire<'b> {
    /// The value of an operation.
    pub(super) fn new(store: &'b Store, op: Op, width: u32) -> Self {
        Self { store, id: store.push(op, width) }
    }

    /// A constant, which must fit.
    pub(super) fn constant_in(store: &'b Store, value: u64, width: u32) -> Self {
        assert!(width >= 64 || value >> width == 0, "{value} does not fit {width} bits");
        Self::new(store, Op::Constant(value.into()), width)
    }

    /// Several values beside each other, the first one the lowest.
    pub(super) fn join_in(store: &'b Store, wires: &[Self]) -> Self {
        let width = wires.iter().map(|wire| wire.width()).sum();
        Self::new(store, Op::Join(wires.iter().map(|wire| wire.id).collect()), width)
    }

    /// The sum of several values, which must fit.
    pub(super) fn sum_in(store: &'b Store, wires: &[Self], width: u32) -> Self {
        let most: u128 = wires.iter().map(|wire| (1 << wire.width().min(100)) - 1).sum();
        assert!(width >= 100 || most >> width == 0, "a sum of up to {most} does not fit {width} bits");
        Self::new(store, Op::Sum(wires.iter().map(|wire| wire.id).collect()), width)
    }

    /// Bits.
    pub fn width(self) -> u32 {
        self.store.width(self.id)
    }

    /// Its value, where it is constant.
    pub fn constant(self) -> Option<u128> {
        self.store.constant_of(self.id)
    }

    pub(super) fn check(self, width: u32, what: &str) {
        assert!(self.width() == width, "{what} has {} bits, not {width}{}", self.width(), self.store.named(self.id));
    }

    fn check_same(self, other: Wire<'_>, what: &str) {
        assert!(std::ptr::eq(self.store, other.store), "{what}: wires of two circuits");
        assert!(
            self.width() == other.width(),
            "{what}: {} and {} bits{}{}",
            self.width(),
            other.width(),
            self.store.named(self.id),
            self.store.named(other.id)
        );
    }

    fn two(self, other: Wire<'b>, what: &str, op: fn(Id, Id) -> Op) -> Self {
        self.check_same(other, what);
        Self::new(self.store, op(self.id, other.id), self.width())
    }

    /// Gives the value a name in the Verilog, unless it has one already or is constant.
    pub fn named(self, name: impl AsRef<str>) -> Self {
        self.store.name(self.id, name.as_ref());
        self
    }

    /// Whether both are equal.
    pub fn equals(self, other: Wire<'b>) -> Self {
        self.check_same(other, "a comparison");
        Self::new(self.store, Op::Equal(self.id, other.id), 1)
    }

    /// Whether both are the same number, whatever their widths.
    pub fn same_number(self, other: Wire<'b>) -> Self {
        let most = self.width().max(other.width());
        self.extend(most).equals(other.extend(most))
    }

    /// Whether it is this number.
    pub fn is(self, value: u64) -> Self {
        if value == 0 { !self.any() } else { self.equals(Self::constant_in(self.store, value, self.width())) }
    }

    /// Whether it is less than `other`, both without a sign.
    pub fn less(self, other: Wire<'b>) -> Self {
        self.check_same(other, "a comparison");
        Self::new(self.store, Op::Less(self.id, other.id), 1)
    }

    /// `yes` where this bit is set, else `no`.
    pub fn mux(self, yes: Wire<'b>, no: Wire<'b>) -> Self {
        self.check(1, "a condition");
        yes.check_same(no, "a choice");
        Self::new(self.store, Op::Mux(self.id, yes.id, no.id), yes.width())
    }

    /// A bit.
    pub fn bit(self, at: u32) -> Self {
        self.bits(at, 1)
    }

    /// The highest bit.
    pub fn top(self) -> Self {
        self.bit(self.width() - 1)
    }

    /// `count` bits from the one of number `low` upwards.
    pub fn bits(self, low: u32, count: u32) -> Self {
        let all = self.width();
        assert!(count > 0 && low + count <= all, "bits {low} to {} of {all}{}", low + count, self.store.named(self.id));
        Self::new(self.store, Op::Slice(self.id, low), count)
    }

    /// Extended with zeros to `width` bits, which are no fewer.
    pub fn extend(self, width: u32) -> Self {
        let own = self.width();
        assert!(own <= width, "{own} bits do not extend to {width}{}", self.store.named(self.id));
        if own == width {
            self
        } else {
            Self::join_in(self.store, &[self, Self::constant_in(self.store, 0, width - own)])
        }
    }

    /// Its lowest `width` bits, or extended with zeros where it has fewer: for numbers that are known to fit.
    pub fn resize(self, width: u32) -> Self {
        if self.width() > width { self.bits(0, width) } else { self.extend(width) }
    }

    /// Extended with its sign to `width` bits, which are no fewer.
    pub fn extend_signed(self, width: u32) -> Self {
        let own = self.width();
        assert!(own <= width, "{own} bits do not extend to {width}{}", self.store.named(self.id));
        if own == width { self } else { Self::join_in(self.store, &[self, self.top().repeat(width - own)]) }
    }

    /// This bit, `count` times.
    pub fn repeat(self, count: u32) -> Self {
        self.check(1, "what is repeated");
        Self::new(self.store, Op::Repeat(self.id), count)
    }

    /// Whether any bit is set.
    pub fn any(self) -> Self {
        Self::new(self.store, Op::Any(self.id), 1)
    }

    /// Shifted to the left; bits above its width are lost.
    pub fn shift_left(self, by: Wire<'b>) -> Self {
        Self::new(self.store, Op::ShiftLeft(self.id, by.id), self.width())
    }

    /// The product of two signed numbers, as a signed number of `width` bits.
    pub fn times(self, other: Wire<'b>, width: u32) -> Self {
        // The product's lowest bits need no more of the factors than their own lowest ones.
        let cut = |factor: Self| factor.bits(0, factor.width().min(width));
        Self::new(self.store, Op::Multiply(cut(self).id, cut(other).id), width)
    }

    /// One more; wraps.
    pub fn next(self) -> Self {
        self + Self::constant_in(self.store, 1, self.width())
    }

    /// One less; wraps.
    pub fn previous(self) -> Self {
        self - Self::constant_in(self.store, 1, self.width())
    }

    /// A constant 0 of its width.
    pub fn zero(self) -> Self {
        Self::constant_in(self.store, 0, self.width())
    }

    /// One more, or 0 after `last`.
    pub fn next_until(self, last: Wire<'b>) -> Self {
        last.mux(Self::constant_in(self.store, 0, self.width()), self.next())
    }

    /// The sum of its bits.
    pub fn count_ones(self) -> Self {
        let bits: Vec<Self> = (0..self.width()).map(|at| self.bit(at)).collect();
        Self::sum_in(self.store, &bits, width(u64::from(self.width())))
    }
}

/// An operator on two wires of one width, wrapping.
macro_rules! operators {
    ($($trait:ident $method:ident $op:ident $what:literal;)*) => {$(
        impl<'b> $trait for Wire<'b> {
            type Output = Self;

            fn $method(self, other: Self) -> Self {
                self.two(other, $what, Op::$op)
            }
        }
    )*};
}

operators! {
    BitAnd bitand And "and";
    BitOr bitor Or "or";
    BitXor bitxor Xor "exclusive or";
    Add add Add "a sum";
    Sub sub Subtract "a difference";
}

impl Not for Wire<'_> {
    type Output = Self;

    fn not(self) -> Self {
        Self::new(self.store, Op::Not(self.id), self.width())
    }
}
