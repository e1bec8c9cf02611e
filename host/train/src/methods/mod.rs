//! Ways to learn: one file a paper, with its settings, its rule and its tests, and one table of all.
//!
//! To add a method: write its file and add a line to [`ALL`]. The command line, `bench methods`, `demo --kind`, the
//! checks of a configuration and the table of the README are made of the table.

mod bnn;
mod float;
mod hq;
mod int;
mod knobs;
mod method;
mod once_qat;
mod planes;
mod qnn;
mod qnn_log;
mod sbnn;
mod smart_deal;
mod xnor;

pub use knobs::{Knob, Knobs};
pub use method::{About, Bits, Demo, Method, Row, Site, Start};

use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// All methods.
pub static ALL: &[&dyn Method] = &[
    &bnn::BNN,
    &xnor::XNOR,
    &xnor::BWN,
    &qnn::QNN,
    &qnn_log::QNN_LOG,
    &sbnn::SBNN,
    &hq::HQ,
    &hq::PRUNED_TERNARY,
    &smart_deal::SMART_DEAL,
    &smart_deal::SMART_DEAL_SWITCH,
    &smart_deal::SMART_DEAL_PROJECT,
    &planes::PLANES,
    &once_qat::ONCE_QAT,
    &int::INT,
    &float::FLOAT,
];

/// Every knob of all methods, once.
pub fn knobs() -> Vec<&'static Knob> {
    let mut all: Vec<&Knob> = Vec::new();
    for knob in ALL.iter().flat_map(|method| method.about().knobs) {
        if all.iter().all(|known| known.name != knob.name) {
            all.push(knob);
        }
    }
    all
}

/// The methods as rows of a table in Markdown.
pub fn table() -> String {
    let mut text =
        String::from("| method | weights | how it learns | activations | from |\n| --- | --- | --- | --- | --- |\n");
    for method in ALL {
        let About { name, bits, weights, learning, paper, activation_bits, .. } = method.about();
        let form = if bits.is_some() { format!("{name}:B") } else { (*name).into() };
        let activations = match activation_bits {
            0 => "real".into(),
            1 => "1 bit".into(),
            bits => format!("{bits} bits"),
        };
        text += &format!("| `{form}` | {weights} | {learning} | {activations} | {paper} |\n");
    }
    text
}

impl Default for Knobs {
    fn default() -> Self {
        Self::usual(knobs())
    }
}

impl Serialize for Knobs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

/// Reads every knob that is there; the rest is usual.
struct Known;

impl<'de> Visitor<'de> for Known {
    type Value = Knobs;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("settings of learning")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Knobs, A::Error> {
        let (all, mut found) = (knobs(), Knobs::default());
        while let Some(name) = map.next_key::<String>()? {
            if all.iter().all(|knob| knob.name != name) {
                return Err(de::Error::custom(format!("unknown field `{name}`")));
            }
            // Numbers of a flattened map are no `f32` where a crate of the build asks for numbers of any precision.
            let number: serde_json::Number = map.next_value()?;
            found.set(&name, number.as_f64().ok_or_else(|| de::Error::custom(format!("{name} is no number")))? as f32);
        }
        Ok(found)
    }
}

impl<'de> Deserialize<'de> for Knobs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_of_methods_rows_and_kinds_are_there_once() {
        let once = |names: Vec<&str>| {
            assert!(!names.is_empty() && names.iter().all(|name| !name.is_empty()));
            assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
        };
        let about = || ALL.iter().map(|method| method.about());
        once(about().map(|one| one.name).collect());
        once(about().flat_map(|one| one.bench).map(|row| row.name).collect());
        once(about().filter_map(|one| one.demo).map(|demo| demo.kind).collect());
        once(knobs().iter().map(|knob| knob.name).collect());
    }

    #[test]
    fn sheets_are_filled_and_state_settings_that_there_are() {
        for one in ALL.iter().map(|method| method.about()) {
            assert!(![one.paper, one.weights, one.learning].contains(&""), "{}", one.name);
            assert!(one.bits.is_none_or(|bits| (bits.from..=bits.to).contains(&bits.usual)), "{}", one.name);
            for knob in one.knobs {
                assert!((knob.range[0]..=knob.range[1]).contains(&knob.usual), "{}", knob.name);
                assert_eq!(
                    knobs().iter().filter(|other| **other == *knob).count(),
                    1,
                    "{}: two of one name",
                    knob.name
                );
            }
            let settings =
                one.bench.iter().flat_map(|row| row.settings).chain(one.demo.iter().flat_map(|demo| demo.settings));
            for (name, value) in settings {
                let knob = one.knobs.iter().find(|knob| knob.name == *name);
                let range = knob.unwrap_or_else(|| panic!("{}: no {name}", one.name)).range;
                assert!((range[0]..=range[1]).contains(value), "{name}");
            }
            let stated = one.bench.iter().map(|row| row.bits).chain(one.demo.map(|demo| demo.bits));
            for stated in stated.filter(|stated| *stated > 0) {
                assert!(one.bits.is_some_and(|bits| (bits.from..=bits.to).contains(&stated)), "{}", one.name);
            }
        }
    }

    #[test]
    fn the_readme_has_the_table() {
        assert!(include_str!("../../README.md").contains(&table()), "host/train/README.md should have\n{}", table());
    }
}
