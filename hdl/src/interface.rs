//! Which ports the top module has.

use std::fmt;
use std::str::FromStr;

use crate::HdlError;

/// The ports of the top module; the circuit behind them, and what happens in each cycle, is the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Interface {
    /// Two streams with `valid`, `ready` and `last`, a clock and a reset that is active high: those of
    /// [`SequencedEngine`](crate::SequencedEngine).
    #[default]
    Plain,
    /// AXI4-Stream with a reset that is active low: those of [`AxiStream`](crate::AxiStream).
    AxiStream,
}

/// A port of the top module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopPort {
    /// What the plain interface calls it.
    pub signal: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Whether it is an input.
    pub is_input: bool,
    /// Its bits.
    pub width: u32,
    /// Whether it carries the opposite of the signal.
    pub is_inverted: bool,
    /// What it means.
    pub about: &'static str,
}

/// Names in both interfaces, whether it is an input, bits, and what it means.
type Row = ([&'static str; 2], bool, u32, &'static str);

/// The ports, in the order of the modules.
const PORTS: [Row; 11] = [
    (["clock", "aclk"], true, 1, "everything happens at its rising edge"),
    (["reset", "aresetn"], true, 1, "returns every register to its start; a byte offered meanwhile is not taken"),
    (["in_data", "s_axis_tdata"], true, 8, "a byte of the input"),
    (["in_valid", "s_axis_tvalid"], true, 1, "there is one"),
    (["in_last", "s_axis_tlast"], true, 1, "it is the last of its frame"),
    (["in_ready", "s_axis_tready"], false, 1, "it is taken at the next edge"),
    (
        ["frame_error", "frame_error"],
        false,
        1,
        "the last frame was too short or too long and was dropped; falls with the next whole frame",
    ),
    (["out_data", "m_axis_tdata"], false, 8, "a byte of the result"),
    (["out_valid", "m_axis_tvalid"], false, 1, "there is one"),
    (["out_last", "m_axis_tlast"], false, 1, "it is the last of its result"),
    (["out_ready", "m_axis_tready"], true, 1, "it is taken at the next edge"),
];

/// The load port, where weights are loaded, behind them.
const LOAD_PORTS: [Row; 6] = [
    (["load_data", "s_axis_load_tdata"], true, 8, "a byte of the image of the weights"),
    (["load_valid", "s_axis_load_tvalid"], true, 1, "there is one"),
    (["load_last", "s_axis_load_tlast"], true, 1, "it is the last of the image"),
    (["load_ready", "s_axis_load_tready"], false, 1, "it is taken at the next edge: always, until the image has come"),
    (["loaded", "loaded"], false, 1, "the whole image has come, and its CRC was right; no frame is taken before"),
    (
        ["load_error", "load_error"],
        false,
        1,
        "the image was too short, too long, damaged or of another model; falls with the first byte of the next try",
    ),
];

impl Interface {
    /// The ports, in the order of the module, with those of [`Weights::Loaded`](crate::Weights::Loaded) or without.
    pub fn ports(self, is_loaded: bool) -> impl Iterator<Item = TopPort> {
        let load = self.load_ports().filter(move |_| is_loaded);
        PORTS.into_iter().map(move |row| self.port(row)).chain(load)
    }

    /// The load port.
    pub(crate) fn load_ports(self) -> impl Iterator<Item = TopPort> {
        LOAD_PORTS.into_iter().map(move |row| self.port(row))
    }

    fn port(self, ([signal, axis], is_input, width, about): Row) -> TopPort {
        let name = if self == Self::Plain { signal } else { axis };
        TopPort { signal, name, is_input, width, is_inverted: name == "aresetn", about }
    }

    /// All of them, the default first.
    pub const ALL: [Self; 2] = [Self::Plain, Self::AxiStream];

    /// What commands call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::AxiStream => "axis",
        }
    }
}

impl fmt::Display for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Interface {
    type Err = HdlError;

    fn from_str(name: &str) -> Result<Self, HdlError> {
        let found = Self::ALL.into_iter().find(|interface| interface.name() == name);
        found.ok_or_else(|| HdlError::Interface { name: name.chars().take(64).collect() })
    }
}

#[cfg(test)]
mod tests {
    use bitfab_format::Model;
    use bitfab_format::arbitrary::Random;

    use super::*;
    use crate::{Options, Style, Weights};

    #[test]
    fn ports_are_those_of_the_modules() {
        let words = bitfab_format::arbitrary::draft(bitfab_format::Op::Dense, &mut Random::new(1)).emit();
        let model = Model::from_words(&words).unwrap();
        let both = Interface::ALL.into_iter().flat_map(|interface| [(interface, false), (interface, true)]);
        for (interface, is_loaded) in both {
            let style = Style { interface, ..Style::default() };
            let weights = if is_loaded { Weights::Loaded } else { Weights::Contents };
            let text = crate::sources(&model, &Options::default().with_weights(weights), &style).unwrap().text;
            let top = text.split("module bitfab(").nth(1).unwrap().split("// Stub signals").next().unwrap();
            let declared = top.lines().filter(|line| line.contains("input wire") || line.contains("output wire"));
            let port = |port: TopPort| {
                let direction = if port.is_input { "input" } else { "output" };
                let range = if port.width == 1 { String::new() } else { format!("[{}:0] ", port.width - 1) };
                format!("    {direction} wire  {range}{};", port.name)
            };
            assert_eq!(
                declared.collect::<Vec<_>>(),
                interface.ports(is_loaded).map(port).collect::<Vec<_>>(),
                "{interface}"
            );
        }
    }

    #[test]
    fn interfaces_have_names_and_others_are_refused_with_those() {
        for interface in Interface::ALL {
            assert_eq!(interface.to_string().parse(), Ok(interface));
        }
        for name in ["", "AXIS", "axi", "axi4-lite", "wishbone"] {
            let error = name.parse::<Interface>().unwrap_err().to_string();
            assert!(error.contains(&format!("`{name}`")) && error.contains("`plain`") && error.contains("`axis`"));
        }
    }
}
