//! Logic bit by bit: conjunctions of two bits that may be inverted, each there once.

use std::collections::HashMap;

/// A bit: the number of a gate, doubled, and 1 where it is inverted.
pub(super) type Lit = u32;

/// Constants.
pub(super) const FALSE: Lit = 0;
pub(super) const TRUE: Lit = 1;

/// What drives a bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gate {
    /// The constant 0, gate number 0.
    False,
    /// Something that is no logic; its number.
    Leaf(Leaf),
    /// A conjunction.
    And(Lit, Lit),
}

/// What logic reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Leaf {
    /// A port of the whole circuit, or a bit of a product.
    Given,
    /// A flip-flop.
    State(usize),
    /// A bit that a block RAM has read.
    Read(usize),
    /// The sum of an adder cell.
    Sum(usize),
    /// The carry out of an adder cell.
    Carry(usize),
    /// A bit of a multiplier.
    Product(usize),
}

/// All gates; operands have lower numbers.
#[derive(Debug)]
pub(super) struct Graph {
    gates: Vec<Gate>,
    known: HashMap<(Lit, Lit), Lit>,
}

/// The gate of a bit.
pub(super) fn gate(lit: Lit) -> usize {
    lit as usize >> 1
}

impl Graph {
    pub fn new() -> Self {
        Self { gates: vec![Gate::False], known: HashMap::new() }
    }

    pub fn gates(&self) -> &[Gate] {
        &self.gates
    }

    pub fn leaf(&mut self, leaf: Leaf) -> Lit {
        self.gates.push(Gate::Leaf(leaf));
        (self.gates.len() as Lit - 1) << 1
    }

    pub fn and(&mut self, a: Lit, b: Lit) -> Lit {
        let (a, b) = (a.min(b), a.max(b));
        if a == FALSE || a == b ^ 1 {
            return FALSE;
        }
        if a == TRUE || a == b {
            return b;
        }
        if let Some(known) = self.absorbed(a, b).or_else(|| self.absorbed(b, a)) {
            return known;
        }
        if let Some(lit) = self.known.get(&(a, b)) {
            return *lit;
        }
        self.gates.push(Gate::And(a, b));
        let lit = (self.gates.len() as Lit - 1) << 1;
        self.known.insert((a, b), lit);
        lit
    }

    /// A conjunction of `a` with one that says as much or the contrary already.
    fn absorbed(&mut self, a: Lit, b: Lit) -> Option<Lit> {
        let Gate::And(left, right) = self.gates[gate(b)] else { return None };
        let has = |lit: Lit| left == lit || right == lit;
        match b & 1 {
            0 if has(a) => Some(b),
            0 if has(a ^ 1) => Some(FALSE),
            1 if has(a ^ 1) => Some(a),
            // a and not (a and c): a and not c.
            1 if has(a) => Some(self.and(a, if left == a { right } else { left } ^ 1)),
            _ => None,
        }
    }

    pub fn or(&mut self, a: Lit, b: Lit) -> Lit {
        self.and(a ^ 1, b ^ 1) ^ 1
    }

    pub fn xor(&mut self, a: Lit, b: Lit) -> Lit {
        let inverted = (a ^ b) & 1;
        let (a, b) = (a & !1, b & !1);
        let both = self.and(a, b);
        let none = self.and(a ^ 1, b ^ 1);
        self.and(both ^ 1, none ^ 1) ^ inverted
    }

    pub fn mux(&mut self, condition: Lit, yes: Lit, no: Lit) -> Lit {
        if yes == no {
            return yes;
        }
        if yes == no ^ 1 {
            return self.xor(condition, no);
        }
        let (yes, no) = (self.and(condition, yes), self.and(condition ^ 1, no));
        self.or(yes, no)
    }

    /// The majority of three bits.
    pub fn majority(&mut self, a: Lit, b: Lit, c: Lit) -> Lit {
        let differ = self.xor(a, b);
        self.mux(differ, c, a)
    }

    /// The conjunction of all, as a balanced tree.
    pub fn all(&mut self, lits: &[Lit]) -> Lit {
        match lits {
            [] => TRUE,
            [one] => *one,
            _ => {
                let (low, high) = lits.split_at(lits.len().next_power_of_two() / 2);
                let (low, high) = (self.all(low), self.all(high));
                self.and(low, high)
            }
        }
    }

    /// Whether any is set, as a balanced tree.
    pub fn any(&mut self, lits: &[Lit]) -> Lit {
        let inverted: Vec<Lit> = lits.iter().map(|lit| lit ^ 1).collect();
        self.all(&inverted) ^ 1
    }
}
