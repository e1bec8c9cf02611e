//! Sums as synthesis for iCE40 builds them: two operands on a chain of carry cells, more of them in a tree of full adders
//! before it.

use super::graph::{FALSE, Graph, Leaf, Lit, TRUE};

/// A carry cell and the look-up table beside it: the sum of three bits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Adder {
    /// Two operands and the carry in.
    pub inputs: [Lit; 3],
}

/// A multiplier block or several for one product, with the bits that they read.
#[derive(Clone, Debug)]
pub(super) struct Product {
    pub inputs: Vec<Lit>,
    pub blocks: u32,
}

/// Gates with the cells that are no logic.
#[derive(Debug)]
pub(super) struct Cells {
    pub graph: Graph,
    pub adders: Vec<Adder>,
    pub products: Vec<Product>,
}

/// One of several summands.
pub(super) struct Term {
    pub bits: Vec<Lit>,
    pub is_negative: bool,
}

impl Cells {
    pub fn new() -> Self {
        Self { graph: Graph::new(), adders: Vec::new(), products: Vec::new() }
    }

    /// The sum of two words and a bit, and the carry out.
    pub fn chain(&mut self, a: &[Lit], b: &[Lit], carry: Lit, needs_carry: bool) -> (Vec<Lit>, Lit) {
        let (mut carry, mut sum, width) = (carry, Vec::new(), a.len());
        for (at, (&a, &b)) in a.iter().zip(b).enumerate() {
            let inputs = [a, b, carry];
            let is_last = at + 1 == width && !needs_carry;
            let count = |value: Lit| inputs.iter().filter(|input| **input == value).count();
            // A carry that is known, or is one of its inputs, takes no cell, and the sum is logic.
            if is_last || count(FALSE) + count(TRUE) >= 2 {
                let differ = self.graph.xor(a, b);
                sum.push(self.graph.xor(differ, carry));
                carry = self.graph.majority(a, b, carry);
                continue;
            }
            let number = self.adders.len();
            self.adders.push(Adder { inputs });
            sum.push(self.graph.leaf(Leaf::Sum(number)));
            carry = self.graph.leaf(Leaf::Carry(number));
        }
        (sum, carry)
    }

    /// Whether `a` is less than `b`, both without a sign.
    pub fn less(&mut self, a: &[Lit], b: &[Lit]) -> Lit {
        let is_constant = |word: &[Lit]| word.iter().all(|bit| *bit <= TRUE);
        if a.len() <= 4 && (is_constant(a) || is_constant(b)) {
            // Few bits against a constant are one look-up table.
            return a.iter().zip(b).fold(FALSE, |below, (&a, &b)| {
                let differ = self.graph.xor(a, b);
                self.graph.mux(differ, b, below)
            });
        }
        let inverted: Vec<Lit> = b.iter().map(|bit| bit ^ 1).collect();
        self.chain(a, &inverted, TRUE, true).1 ^ 1
    }

    /// The sum of all terms in `width` bits.
    pub fn sum(&mut self, terms: Vec<Term>, width: usize) -> Vec<Lit> {
        let mut terms: Vec<Term> = terms.into_iter().filter(|term| term.bits.iter().any(|bit| *bit != FALSE)).collect();
        let length = |term: &Term| term.bits.iter().rposition(|bit| *bit != FALSE).map_or(0, |at| at + 1);
        let is_bit = |term: &Term| !term.is_negative && length(term) == 1;
        terms.sort_by_key(|term| (is_bit(term), term.is_negative));
        let word = |term: &Term| -> Vec<Lit> {
            (0..width).map(|at| term.bits.get(at).copied().unwrap_or(FALSE) ^ Lit::from(term.is_negative)).collect()
        };
        let negatives = terms.iter().filter(|term| term.is_negative).count();
        match terms.as_slice() {
            [] => vec![FALSE; width],
            [one] if negatives == 0 => word(one),
            [one] => self.chain(&vec![FALSE; width], &word(one), TRUE, false).0,
            [a, b] if negatives < 2 => self.chain(&word(a), &word(b), negatives as Lit, false).0,
            [a, b, c] if negatives == 0 && is_bit(c) && !is_bit(b) => {
                self.chain(&word(a), &word(b), c.bits[0], false).0
            }
            _ => {
                let mut columns = Columns { bits: vec![Vec::new(); width] };
                for term in &terms {
                    word(term).into_iter().enumerate().for_each(|(at, bit)| columns.add(bit, at));
                    if term.is_negative {
                        columns.add(TRUE, 0);
                    }
                }
                self.tree(columns)
            }
        }
    }

    /// The sum of columns of bits: rows go three by three through full adders until two are left.
    fn tree(&mut self, mut columns: Columns) -> Vec<Lit> {
        let width = columns.bits.len();
        let (mut rows, mut spare) = columns.rows();
        while rows.len() > 2 {
            let mut next = Vec::new();
            for three in rows.chunks(3) {
                let [a, b, c] = three else {
                    next.extend(three.iter().cloned());
                    continue;
                };
                let (mut sum, mut carry) = (Vec::new(), vec![spare.pop().unwrap_or(FALSE)]);
                for at in 0..width {
                    let differ = self.graph.xor(a[at], b[at]);
                    sum.push(self.graph.xor(differ, c[at]));
                    carry.push(self.graph.mux(differ, c[at], a[at]));
                }
                carry.truncate(width);
                next.extend([sum, carry]);
            }
            rows = next;
        }
        match rows.as_slice() {
            [] => vec![FALSE; width],
            [one] => one.clone(),
            [a, b, ..] => self.chain(a, b, FALSE, false).0,
        }
    }

    /// The product of two signed words in `width` bits: blocks of 16 by 16 bits, their parts added.
    pub fn product(&mut self, a: &[Lit], b: &[Lit], width: usize) -> Vec<Lit> {
        let parts = |word: &[Lit]| word.len().div_ceil(16);
        let blocks = parts(a) * parts(b);
        let number = self.products.len();
        let inputs = a.iter().chain(b).copied().collect();
        self.products.push(Product { inputs, blocks: blocks as u32 });
        let word = |graph: &mut Graph| -> Vec<Lit> { (0..width).map(|_| graph.leaf(Leaf::Product(number))).collect() };
        let mut sum = word(&mut self.graph);
        for part in 1..blocks {
            // Each further part begins 16 bits higher, or 32 where both words are split.
            let low = width.min(16 * part.min(2));
            let part = word(&mut self.graph);
            let high = self.chain(&sum[low..], &part[low..], FALSE, false).0;
            sum.splice(low.., high);
        }
        sum
    }
}

/// Bits to be added, column by column.
struct Columns {
    bits: Vec<Vec<Lit>>,
}

impl Columns {
    /// Two equal bits are one in the next column.
    fn add(&mut self, bit: Lit, at: usize) {
        if at >= self.bits.len() || bit == FALSE {
            return;
        }
        if let Some(same) = self.bits[at].iter().position(|other| *other == bit) {
            self.bits[at].remove(same);
            self.add(bit, at + 1);
        } else {
            self.bits[at].push(bit);
        }
    }

    /// Rows of one bit a column, and bits that join the carries of the adders, which leave the lowest place free.
    fn rows(&mut self) -> (Vec<Vec<Lit>>, Vec<Lit>) {
        let (mut rows, mut spare) = (Vec::<Vec<Lit>>::new(), Vec::new());
        self.bits.iter_mut().for_each(|column| column.reverse());
        while self.bits.iter().any(|column| !column.is_empty()) {
            rows.push(self.bits.iter_mut().map(|column| column.pop().unwrap_or(FALSE)).collect());
            let mut free = rows.len().saturating_sub(2).saturating_sub(spare.len());
            for (at, column) in self.bits.iter_mut().enumerate().take(usize::BITS as usize - 1) {
                while 1 << at <= free && !column.is_empty() {
                    spare.extend(std::iter::repeat_n(column.pop().unwrap_or(FALSE), 1 << at));
                    free -= 1 << at;
                }
            }
        }
        (rows, spare)
    }
}
