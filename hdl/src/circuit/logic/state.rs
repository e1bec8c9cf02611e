//! Flip-flops: what they become, and when, as synthesis for iCE40 sees it.

use std::collections::HashMap;

use super::graph::{FALSE, Lit, TRUE};
use super::words::{Same, Words};
use crate::circuit::op::{Id, Op};

/// A flip-flop that starts at 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct FlipFlop {
    /// What it becomes.
    pub data: Lit,
    /// Whether it changes at all.
    pub enable: Lit,
    /// What sets it to `start`.
    pub reset: Lit,
    /// To what.
    pub start: Lit,
}

/// A choice of values that is made at the edge.
enum Tree {
    Choice(Lit, Box<Tree>, Box<Tree>),
    Value(Lit),
    /// What it was.
    Held,
}

/// How many choices of a value are looked through for constants and for the register's own value.
const DEPTH: u32 = 8;

impl Words<'_> {
    /// The flip-flop of a bit of a register.
    pub fn flip_flop(&mut self, (at, id, bit): (usize, Id, u32)) -> FlipFlop {
        let circuits = self.circuits;
        let Op::Register(number) = circuits[at].nodes[id].op else { unreachable!("only registers have rules") };
        let mut tree = Tree::Held;
        for (condition, value) in circuits[at].registers[number].rules().iter().rev() {
            let value = self.decisions(at, (id, bit), (*value, bit), DEPTH);
            let condition = condition.map_or(TRUE, |condition| self.bit(at, condition));
            tree = match condition {
                TRUE => value,
                FALSE => tree,
                _ => Tree::Choice(condition, Box::new(value), Box::new(tree)),
            };
        }
        self.inferred(tree)
    }

    /// The choices behind a bit of a value.
    fn decisions(&mut self, at: usize, register: (Id, u32), (value, bit): (Id, u32), depth: u32) -> Tree {
        let circuits = self.circuits;
        match &circuits[at].nodes[value].op {
            _ if (value, bit) == register => Tree::Held,
            Op::Mux(condition, yes, no) if depth > 0 => {
                let condition = self.bit(at, *condition);
                let [yes, no] = [yes, no].map(|value| self.decisions(at, register, (*value, bit), depth - 1));
                match condition {
                    TRUE => yes,
                    FALSE => no,
                    _ => Tree::Choice(condition, Box::new(yes), Box::new(no)),
                }
            }
            Op::Slice(of, low) => self.decisions(at, register, (*of, bit + low), depth),
            Op::Join(parts) => {
                let mut below = bit;
                for part in parts {
                    let width = circuits[at].nodes[*part].width;
                    if below < width {
                        return self.decisions(at, register, (*part, below), depth);
                    }
                    below -= width;
                }
                Tree::Held
            }
            _ => Tree::Value(self.bits(at, value)[bit as usize]),
        }
    }

    /// Constants chosen first are a reset, the register's own value is the absence of an enable, and constants that are then
    /// chosen first are a reset as well.
    fn inferred(&mut self, tree: Tree) -> FlipFlop {
        let (mut reset, mut start) = (FALSE, None);
        let tree = self.resets(tree, &mut reset, &mut start);
        let held = self.held(&tree);
        // The cells reset only where they are enabled.
        let enable = if held == FALSE { TRUE } else { self.cells.graph.or(held ^ 1, reset) };
        let tree = changed(tree).unwrap_or(Tree::Value(FALSE));
        let tree = self.resets(tree, &mut reset, &mut start);
        let data = self.chosen(&tree);
        FlipFlop { data, enable, reset, start: start.unwrap_or(FALSE) }
    }

    /// Takes away the choices of a constant that come first.
    fn resets(&mut self, mut tree: Tree, reset: &mut Lit, start: &mut Option<Lit>) -> Tree {
        while let Tree::Choice(condition, yes, no) = tree {
            let fits = |tree: &Tree| constant(tree).filter(|value| start.is_none_or(|start| start == *value));
            let (when, value, rest) = match (fits(&yes), fits(&no)) {
                (Some(value), _) => (condition, value, no),
                (_, Some(value)) => (condition ^ 1, value, yes),
                _ => return Tree::Choice(condition, yes, no),
            };
            *reset = self.cells.graph.or(*reset, when);
            (*start, tree) = (Some(value), *rest);
        }
        tree
    }

    /// When the value is what it was.
    fn held(&mut self, tree: &Tree) -> Lit {
        match tree {
            Tree::Held => TRUE,
            Tree::Value(_) => FALSE,
            Tree::Choice(condition, yes, no) => {
                let (yes, no) = (self.held(yes), self.held(no));
                self.cells.graph.mux(*condition, yes, no)
            }
        }
    }

    /// The value that is chosen.
    fn chosen(&mut self, tree: &Tree) -> Lit {
        match tree {
            Tree::Held => FALSE,
            Tree::Value(lit) => *lit,
            Tree::Choice(condition, yes, no) => {
                let (yes, no) = (self.chosen(yes), self.chosen(no));
                self.cells.graph.mux(*condition, yes, no)
            }
        }
    }
}

/// The choices where the value is not what it was.
fn changed(tree: Tree) -> Option<Tree> {
    match tree {
        Tree::Held => None,
        Tree::Value(lit) => Some(Tree::Value(lit)),
        Tree::Choice(condition, yes, no) => match (changed(*yes), changed(*no)) {
            (Some(yes), Some(no)) => Some(Tree::Choice(condition, Box::new(yes), Box::new(no))),
            (one, other) => one.or(other),
        },
    }
}

/// The constant that a tree is.
fn constant(tree: &Tree) -> Option<Lit> {
    if let Tree::Value(lit) = tree { Some(*lit).filter(|lit| *lit <= TRUE) } else { None }
}

/// What flip-flops are the same as another one, or never change: nothing is left of them.
pub(super) fn same(flip_flops: &[((usize, Id, u32), FlipFlop)]) -> HashMap<(usize, Id, u32), Same> {
    let mut first = HashMap::new();
    let mut found = HashMap::new();
    for (place, flip_flop) in flip_flops {
        let never_set = flip_flop.data == FALSE && (flip_flop.start == FALSE || flip_flop.reset == FALSE);
        if never_set || flip_flop.enable == FALSE {
            found.insert(*place, Same::Constant(false));
        } else if let Some(other) = first.get(flip_flop) {
            found.insert(*place, Same::As(*other));
        } else {
            first.insert(*flip_flop, *place);
        }
    }
    found
}
