//! The parts of a circuit while it is described: nodes that are there once, names that nothing else has.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use super::fold::{Folded, fold};
use super::names;
use super::node::{Circuit, Node};
use super::op::{Id, Op};

/// Most bits of a value.
const MAX_WIDTH: u32 = 128;

/// What wires and memories refer to.
pub struct Store {
    pub(super) parts: RefCell<Circuit>,
    known: RefCell<HashMap<(Op, u32), Id>>,
    names: RefCell<BTreeSet<String>>,
}

impl Store {
    pub(super) fn new(about: &'static str) -> Self {
        let parts = RefCell::new(Circuit { about, ..Circuit::default() });
        let names = RefCell::new(BTreeSet::from(["clock".to_owned()]));
        Self { parts, known: RefCell::default(), names }
    }

    pub(super) fn width(&self, id: Id) -> u32 {
        self.parts.borrow().nodes[id].width
    }

    pub(super) fn constant_of(&self, id: Id) -> Option<u128> {
        if let Op::Constant(value) = self.parts.borrow().nodes[id].op { Some(value) } else { None }
    }

    /// The name of a node, for messages.
    pub(super) fn named(&self, id: Id) -> String {
        self.parts.borrow().nodes[id].name.as_ref().map_or(String::new(), |name| format!(", `{name}`"))
    }

    /// Takes a name that nothing else has.
    pub(super) fn claim(&self, name: &str) {
        assert!(names::is_identifier(name), "`{name}` is no name for Verilog");
        assert!(self.names.borrow_mut().insert(name.to_owned()), "two things are called `{name}`");
    }

    pub(super) fn name(&self, id: Id, name: &str) {
        let is_free = {
            let parts = self.parts.borrow();
            parts.nodes[id].name.is_none() && !matches!(parts.nodes[id].op, Op::Constant(_))
        };
        if is_free {
            self.claim(name);
            self.parts.borrow_mut().nodes[id].name = Some(name.to_owned());
        }
    }

    /// The node of an operation whose widths have been checked: folded, and shared with others of the same meaning.
    pub(super) fn push(&self, op: Op, width: u32) -> Id {
        assert!((1..=MAX_WIDTH).contains(&width), "a value of {width} bits: 1 to {MAX_WIDTH} are possible");
        let folded = fold(&self.parts.borrow(), op, width);
        let op = match folded {
            Folded::Old(id) => return id,
            Folded::New(op) => op,
        };
        let key = (op, width);
        let is_shared = !matches!(key.0, Op::Input | Op::Register(_));
        if let Some(id) = self.known.borrow().get(&key).copied().filter(|_| is_shared) {
            return id;
        }
        let mut parts = self.parts.borrow_mut();
        let id = parts.nodes.len();
        parts.nodes.push(Node { op: key.0.clone(), width, name: None });
        self.known.borrow_mut().insert(key, id);
        id
    }
}
