//! Constants fold and trivial operations vanish while a circuit is described: units that a model lacks leave no trace.

use super::compute::{compute, mask};
use super::node::Circuit;
use super::op::{Id, Op};

/// What an operation comes to: another one, or a node that is there already.
pub(super) enum Folded {
    New(Op),
    Old(Id),
}

/// Simplifies an operation of `width` bits.
pub(super) fn fold(circuit: &Circuit, op: Op, width: u32) -> Folded {
    let value = |id: Id| if let Op::Constant(value) = circuit.nodes[id].op { Some(value) } else { None };
    let operands = op.operands();
    if !op.is_leaf() && operands.iter().all(|id| value(*id).is_some()) {
        let values: Vec<(u128, u32)> =
            operands.iter().map(|id| (value(*id).unwrap_or_default(), circuit.nodes[*id].width)).collect();
        return Folded::New(Op::Constant(compute(&op, &values, width)));
    }
    match op {
        Op::Not(a) => not(circuit, a),
        Op::And(..) | Op::Or(..) | Op::Xor(..) | Op::Add(..) | Op::Subtract(..) => two(op, width, value),
        Op::ShiftLeft(a, by) if value(by) == Some(0) => Folded::Old(a),
        Op::Equal(a, b) if a == b => Folded::New(Op::Constant(1)),
        Op::Equal(a, b) if circuit.nodes[a].width == 1 => match (value(a), value(b)) {
            (_, Some(1)) => Folded::Old(a),
            (Some(1), _) => Folded::Old(b),
            (_, Some(_)) => not(circuit, a),
            (Some(_), _) => not(circuit, b),
            _ => Folded::New(op),
        },
        Op::Any(a) if circuit.nodes[a].width == 1 => Folded::Old(a),
        Op::Repeat(a) if width == 1 => Folded::Old(a),
        Op::Mux(condition, yes, no) => mux(circuit, (condition, yes, no), width),
        Op::Slice(a, low) => slice(circuit, a, low, width),
        Op::Join(all) if all.len() == 1 => Folded::Old(all[0]),
        Op::Sum(all) if all.len() == 1 && circuit.nodes[all[0]].width == width => Folded::Old(all[0]),
        Op::Select(index, all) => select(value, index, all),
        Op::Table(_, ref values) if values.iter().all(|value| *value == values[0]) => {
            Folded::New(Op::Constant(values[0]))
        }
        op => Folded::New(op),
    }
}

fn not(circuit: &Circuit, a: Id) -> Folded {
    if let Op::Not(inner) = circuit.nodes[a].op { Folded::Old(inner) } else { Folded::New(Op::Not(a)) }
}

/// Operations with a neutral operand, or one that decides alone.
fn two(op: Op, width: u32, value: impl Fn(Id) -> Option<u128>) -> Folded {
    let (Op::And(a, b) | Op::Or(a, b) | Op::Xor(a, b) | Op::Add(a, b) | Op::Subtract(a, b)) = op else {
        return Folded::New(op);
    };
    let (neutral, deciding) = match op {
        Op::And(..) => (mask(width), Some(0)),
        Op::Or(..) => (0, Some(mask(width))),
        _ => (0, None),
    };
    let is_idempotent = matches!(op, Op::And(..) | Op::Or(..));
    match (value(a), value(b)) {
        (_, Some(right)) if right == neutral => Folded::Old(a),
        (Some(left), _) if left == neutral && !matches!(op, Op::Subtract(..)) => Folded::Old(b),
        (_, right) if right.is_some() && right == deciding => Folded::Old(b),
        (left, _) if left.is_some() && left == deciding => Folded::Old(a),
        _ if is_idempotent && a == b => Folded::Old(a),
        _ => Folded::New(op),
    }
}

fn mux(circuit: &Circuit, (condition, yes, no): (Id, Id, Id), width: u32) -> Folded {
    let value = |id: Id| if let Op::Constant(value) = circuit.nodes[id].op { Some(value) } else { None };
    match (value(condition), value(yes), value(no)) {
        (Some(chosen), ..) => Folded::Old(if chosen == 1 { yes } else { no }),
        _ if yes == no => Folded::Old(yes),
        (_, Some(1), Some(0)) if width == 1 => Folded::Old(condition),
        (_, Some(0), Some(1)) if width == 1 => not(circuit, condition),
        (_, Some(1), _) if width == 1 => fold(circuit, Op::Or(condition, no), width),
        (_, _, Some(0)) if width == 1 => fold(circuit, Op::And(condition, yes), width),
        _ => Folded::New(Op::Mux(condition, yes, no)),
    }
}

fn slice(circuit: &Circuit, a: Id, low: u32, width: u32) -> Folded {
    match &circuit.nodes[a].op {
        _ if width == circuit.nodes[a].width => Folded::Old(a),
        Op::Slice(inner, below) => Folded::New(Op::Slice(*inner, low + below)),
        Op::Repeat(bit) if width == 1 => Folded::Old(*bit),
        Op::Repeat(bit) => Folded::New(Op::Repeat(*bit)),
        Op::Join(all) => {
            let mut below = 0;
            for part in all {
                let bits = circuit.nodes[*part].width;
                if low >= below && low + width <= below + bits {
                    return fold(circuit, Op::Slice(*part, low - below), width);
                }
                below += bits;
            }
            Folded::New(Op::Slice(a, low))
        }
        _ => Folded::New(Op::Slice(a, low)),
    }
}

fn select(value: impl Fn(Id) -> Option<u128>, index: Id, all: Vec<Id>) -> Folded {
    match value(index) {
        Some(at) => Folded::Old(all.get(at as usize).copied().unwrap_or(all[0])),
        None if all.iter().all(|id| *id == all[0]) => Folded::Old(all[0]),
        None => match all.iter().map(|id| value(*id)).collect() {
            Some(values) => Folded::New(Op::Table(index, values)),
            None => Folded::New(Op::Select(index, all)),
        },
    }
}
