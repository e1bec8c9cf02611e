//! Activations between a sum and a quantiser, and at the end.

use bitfab_compile::{CompileOptions, compile_with};
use bitfab_import::{Attribute, ImportError, ImportOptions, Imported, lower};

use crate::small::{Constant, Line, model};

const CONSTANTS: &[Constant<'static>] = &[
    ("w", &[2, 3], &[1.0, -1.0, 2.0, 3.0, 1.0, -2.0]),
    ("v", &[3, 2], &[1.0, -1.0, 1.0, 1.0, -1.0, 1.0]),
    ("slope", &[3], &[0.25, 0.5, 2.0]),
    ("falling", &[3], &[0.25, -0.5, 2.0]),
    ("s", &[], &[0.5]),
    ("z", &[], &[0.0]),
    ("four", &[], &[4.0]),
];

fn lowered(lines: &[Line<'_>]) -> Result<Imported, ImportError> {
    lower(model(&[1, 2], CONSTANTS, lines), &ImportOptions { input: Some("u8-128/64".parse().expect("a map")) })
}

#[test]
fn functions_that_rise_are_folded_into_thresholds() {
    for op in ["Elu", "Celu", "Selu", "Softplus", "Sigmoid", "Tanh", "Softsign", "LeakyRelu", "PRelu"] {
        let inputs = if op == "PRelu" { &["a", "slope"][..] } else { &["a"] };
        let imported = lowered(&[
            ("MatMul", &["x", "w"], "a", &[]),
            (op, inputs, "b", &[]),
            ("Quant", &["b", "s", "z", "four"], "c", &[("signed", Attribute::Int(1))]),
            ("MatMul", &["c", "v"], "y", &[]),
        ])
        .expect(op);
        let compiled = compile_with(&imported.graph, &CompileOptions::default()).expect(op);
        assert!(compiled.rounded.is_empty(), "{op}");
        assert!(crate::compare(&imported, &compiled, 1) > 0, "{op}");
    }
}

#[test]
fn slopes_that_turn_are_refused() {
    let minus = [("alpha", Attribute::Float(-0.5))];
    for (op, inputs, attributes) in
        [("PRelu", &["a", "falling"][..], &[][..]), ("Elu", &["a"], &minus), ("Selu", &["a"], &minus)]
    {
        let refused = lowered(&[
            ("MatMul", &["x", "w"], "a", &[]),
            (op, inputs, "b", attributes),
            ("Quant", &["b", "s", "z", "four"], "c", &[]),
            ("MatMul", &["c", "v"], "y", &[]),
        ]);
        assert!(refused.expect_err(op).to_string().contains("neither rises nor falls"), "{op}");
    }
}

#[test]
fn a_last_function_is_left_to_the_caller() {
    for op in ["Sigmoid", "Tanh", "Softsign"] {
        let imported = lowered(&[("MatMul", &["x", "w"], "a", &[]), (op, &["a"], "y", &[])]).expect(op);
        assert_eq!(imported.scores(), Some("a"));
        let lines = [("MatMul", &["x", "w"][..], "a", &[][..]), (op, &["a"], "b", &[]), ("Flatten", &["b"], "y", &[])];
        assert_eq!(lowered(&lines).expect(op).scores(), Some("a"), "sizes may change behind it");
        assert!(imported.notes.iter().any(|note| note.contains(op) && note.contains("left to the caller")), "{op}");
    }
}

#[test]
fn sums_near_a_tie_are_counted() {
    // Sums of 0 to 255 in units of 0.1: a step of 0.2 puts every odd one on a tie, one of 0.2 and a bit more none.
    let count = |unit: f64, step: f64| {
        let constants = [("w", &[1, 1][..], &[unit][..]), ("s", &[], &[step]), ("z", &[], &[0.0]), ("b", &[], &[4.0])];
        let quant = ("Quant", &["a", "s", "z", "b"][..], "y", &[("signed", Attribute::Int(0))][..]);
        let source = model(&[1, 1], &constants, &[("MatMul", &["x", "w"], "a", &[]), quant]);
        let imported = lower(source, &ImportOptions { input: Some("u8".parse().expect("a map")) }).expect("a model");
        let note = imported.notes.iter().find(|note| note.contains("of a tie"))?;
        note.split_once(": ")?.1.split(' ').next()?.parse::<u32>().ok()
    };
    let [tenth, fifth] = [f64::from(0.1f32), f64::from(0.2f32)];
    assert_eq!(count(tenth, fifth), Some(15), "from level 0 to 1 at half, and on");
    assert_eq!(count(tenth, fifth * 1.001), None);
    assert_eq!(count(0.5, 1.0), None, "32 bits hold these");
}
