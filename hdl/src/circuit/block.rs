//! A circuit as a block of rust-hdl, which wires it.

use rust_hdl::prelude::*;

use super::{Circuit, Simulation};

/// What a wire of rust-hdl carries, as a number.
pub(crate) trait Number: Synth {
    fn number(self) -> u128;
    fn of(number: u128) -> Self;
}

impl Number for Bit {
    fn number(self) -> u128 {
        self.into()
    }

    fn of(number: u128) -> Self {
        number == 1
    }
}

impl<const N: usize> Number for Bits<N> {
    fn number(self) -> u128 {
        self.to_u128()
    }

    fn of(number: u128) -> Self {
        (number as u64).into()
    }
}

/// A port of a block.
pub(crate) trait Port {
    const IS_INPUT: bool;
    const WIDTH: usize;
    /// Hands an input to the circuit, or takes an output from it; returns whether an input has changed.
    fn exchange(&mut self, at: usize, simulation: &mut Simulation) -> bool;
    /// Tells rust-hdl that an output is driven.
    fn drive(&mut self);
}

impl<T: Number> Port for Signal<In, T> {
    const IS_INPUT: bool = true;
    const WIDTH: usize = T::BITS;

    fn exchange(&mut self, at: usize, simulation: &mut Simulation) -> bool {
        simulation.set_input(at, self.val().number())
    }

    fn drive(&mut self) {}
}

impl<T: Number> Port for Signal<Out, T> {
    const IS_INPUT: bool = false;
    const WIDTH: usize = T::BITS;

    fn exchange(&mut self, at: usize, simulation: &mut Simulation) -> bool {
        self.next = T::of(simulation.output(at));
        false
    }

    fn drive(&mut self) {
        self.connect();
    }
}

/// The circuit with its ports in the order of its block.
///
/// # Panics
/// If it has other ports: a mistake in the description.
pub(crate) fn with_ports(block: &str, mut circuit: Circuit, ports: &[(&str, bool, usize)]) -> Circuit {
    circuit.sort_ports(|name| ports.iter().position(|port| port.0 == name));
    for (is_input, found) in [(true, circuit.inputs()), (false, circuit.outputs())] {
        let asked = ports.iter().filter(|port| port.1 == is_input).map(|(name, _, width)| (*name, *width as u32));
        let asked: Vec<(&str, u32)> = asked.collect();
        assert!(found == asked, "the circuit of {block} has the ports {found:?}, the block {asked:?}");
    }
    circuit
}

/// Declares a block of rust-hdl with a clock, a reset and the listed ports, stepped and printed by a circuit; ports behind
/// `optional` are there where the circuit has them.
macro_rules! block {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* pub $port:ident: Signal<$direction:ident, $kind:ty>,)* }
     $(optional { $($(#[$may:meta])* pub $some:ident: Signal<$way:ident, $of:ty>,)* })?) => {
        $(#[$about])*
        #[derive(LogicBlock)]
        pub struct $name {
            /// Clock; everything happens at its rising edge.
            pub clock: Signal<In, Clock>,
            /// Returns every register to its start at the next edge.
            pub reset: Signal<In, Bit>,
            $($(#[$doc])* pub $port: Signal<$direction, $kind>,)*
            $($($(#[$may])* pub $some: Vec<Signal<$way, $of>>,)*)?
            _simulation: $crate::circuit::Simulation,
        }

        impl $name {
            /// The block that does what `circuit` says.
            pub(crate) fn of(circuit: $crate::circuit::Circuit) -> Self {
                use $crate::circuit::Port;
                let ports = [("reset", true, 1), $((
                    stringify!($port),
                    <Signal<$direction, $kind> as Port>::IS_INPUT,
                    <Signal<$direction, $kind> as Port>::WIDTH,
                ),)*];
                let has = |name: &str| circuit.inputs().iter().chain(&circuit.outputs()).any(|port| port.0 == name);
                let optional: &[(&str, bool, usize)] = &[$($((
                    stringify!($some),
                    <Signal<$way, $of> as Port>::IS_INPUT,
                    <Signal<$way, $of> as Port>::WIDTH,
                ),)*)?];
                let there: Vec<_> = optional.iter().filter(|port| has(port.0)).copied().collect();
                let circuit = $crate::circuit::with_ports(stringify!($name), circuit, &[&ports[..], &there].concat());
                let _simulation = $crate::circuit::Simulation::new(circuit);
                Self {
                    clock: Signal::default(),
                    reset: Signal::default(),
                    $($port: Signal::default(),)*
                    $($($some: there
                        .iter()
                        .filter(|port| port.0 == stringify!($some))
                        .map(|_| Signal::default())
                        .collect(),)*)?
                    _simulation,
                }
            }

            /// Whether every register that a reset returns to its start is there.
            pub(crate) fn is_at_start(&self) -> bool {
                self._simulation.is_at_start()
            }
        }

        impl Logic for $name {
            fn update(&mut self) {
                use $crate::circuit::Port;
                let mut has_changed = self.reset.exchange(0, &mut self._simulation);
                let mut at = [1, 0];
                $(if <Signal<$direction, $kind> as Port>::IS_INPUT {
                    has_changed |= self.$port.exchange(at[0], &mut self._simulation);
                    at[0] += 1;
                })*
                $($(if <Signal<$way, $of> as Port>::IS_INPUT {
                    for port in &mut self.$some {
                        has_changed |= port.exchange(at[0], &mut self._simulation);
                        at[0] += 1;
                    }
                })*)?
                if self.clock.pos_edge() {
                    self._simulation.edge();
                } else if has_changed {
                    self._simulation.follow_inputs();
                }
                $(if !<Signal<$direction, $kind> as Port>::IS_INPUT {
                    self.$port.exchange(at[1], &mut self._simulation);
                    at[1] += 1;
                })*
                $($(if !<Signal<$way, $of> as Port>::IS_INPUT {
                    for port in &mut self.$some {
                        port.exchange(at[1], &mut self._simulation);
                        at[1] += 1;
                    }
                })*)?
                let _ = at;
            }

            fn connect(&mut self) {
                use $crate::circuit::Port;
                $(self.$port.drive();)*
                $($(self.$some.iter_mut().for_each(Port::drive);)*)?
            }

            fn hdl(&self) -> Verilog {
                Verilog::Wrapper(Wrapper { code: self._simulation.circuit().verilog(), cores: String::new() })
            }
        }
    };
}
pub(crate) use block;
