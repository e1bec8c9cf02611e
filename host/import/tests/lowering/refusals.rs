//! What has no exact integer form is refused at its node, with words about it; what differs is found.

use bitfab_import::{Attribute, Difference, ImportError, ImportOptions, Imported, Said, Source, Stated, lower};

use crate::small::{Constant, Line, ints, model};

const CONSTANTS: &[Constant<'static>] = &[
    ("w", &[2, 2], &[1.0, -1.0, 1.0, 1.0]),
    ("k", &[1, 1, 2, 2], &[1.0, -1.0, 1.0, 1.0]),
    ("off", &[2, 2], &[1.0, std::f64::consts::PI, 1.0, 1.0]),
    ("minus", &[], &[-1.0]),
    ("s", &[], &[0.3]),
    ("z", &[], &[0.0]),
    ("four", &[], &[4.0]),
];
const QUANT: &[&str] = &["b", "s", "z", "four"];

fn lowered(source: Source) -> Result<Imported, ImportError> {
    lower(source, &ImportOptions { input: Some("u8".parse().expect("a map")) })
}

/// The model must be refused at node `index` with words about it.
fn refuse(dims: &[usize], lines: &[Line<'_>], index: usize, words: &str) {
    let found = match lowered(model(dims, CONSTANTS, lines)) {
        Err(ImportError::Curable { error, .. }) => Err(*error),
        other => other.map(|imported| imported.folded),
    };
    match found {
        Err(ImportError::Node { index: found, problem, .. }) => {
            assert_eq!(found, index, "{problem}");
            assert!(problem.contains(words), "{problem:?} lacks {words:?}");
        }
        other => panic!("{words}: {other:?}"),
    }
}

#[test]
fn a_node_without_an_integer_form_is_named() {
    let mat = ("MatMul", &["x", "w"][..], "a", &[][..]);
    let again = ("MatMul", &["b", "w"][..], "y", &[][..]);
    refuse(&[1, 2], &[mat, ("Relu", &["a"], "b", &[]), again], 1, "is not quantised");
    refuse(&[1, 2], &[("MatMul", &["x", "off"], "y", &[])], 0, "the weights of output 1");
    refuse(&[1, 2], &[mat, ("Erf", &["a"], "y", &[])], 1, "no integer form");
    refuse(&[1, 2], &[mat, ("somewhere.Relu", &["a"], "y", &[])], 1, "`somewhere` is not known");
    refuse(&[1, 2], &[("somewhere.MatMul", &["x", "w"], "y", &[])], 0, "`somewhere` is not known");
    let alpha = [("alpha", Attribute::Float(-0.5))];
    refuse(&[1, 2], &[mat, ("LeakyRelu", &["a"], "b", &alpha), again], 1, "neither rises nor falls");
    refuse(&[1, 2], &[mat, ("Softmax", &["a"], "b", &[]), again], 2, "end the model there");
    refuse(&[1, 2], &[mat, ("Mul", &["a", "a"], "y", &[])], 1, "combines two computed tensors");
}

/// A convolution of the input.
fn conv<'a>(attributes: &'a [(&'a str, Attribute)]) -> Line<'a> {
    ("Conv", &["x", "k"], "a", attributes)
}

#[test]
fn windows_and_pools_that_do_not_fit_are_named() {
    let end = ("Flatten", &["a"][..], "y", &[][..]);
    refuse(&[1, 1, 4, 4], &[conv(&[("dilations", ints(&[2, 2]))]), end], 0, "dilated");
    refuse(&[1, 1, 4, 4], &[conv(&[("pads", ints(&[-1, 0, 0, 0]))]), end], 0, "negative");
    refuse(&[1, 1, 1, 1], &[conv(&[]), end], 0, "does not fit");
    refuse(&[1, 2, 4, 4], &[conv(&[]), end], 0, "for 2 channels");
    let pool = ("MaxPool", &["a"][..], "p", &[("kernel_shape", ints(&[2, 2]))][..]);
    let turned = [conv(&[]), pool, ("Mul", &["p", "minus"], "b", &[]), ("Quant", QUANT, "y", &[])];
    refuse(&[1, 1, 4, 4], &turned, 3, "falls where the maximum before it rises");
    refuse(&[1, 1, 4, 4], &[("MaxPool", &["x"], "y", &[("kernel_shape", ints(&[2, 2]))])], 0, "input's bytes");
}

#[test]
fn additions_of_steps_that_do_not_match_are_named() {
    let mat = ("MatMul", &["x", "w"][..], "a", &[][..]);
    let lines = [
        mat,
        ("Quant", &["a", "s", "z", "four"][..], "b", &[][..]),
        ("Quant", &["a", "four", "z", "four"][..], "c", &[][..]),
        ("Add", &["b", "c"][..], "y", &[][..]),
    ];
    refuse(&[1, 2], &lines, 3, "times 1, 2, 4 and so on");
    refuse(&[1, 2], &[mat, ("MatMul", &["x", "w"], "b", &[]), ("Add", &["a", "b"], "y", &[])], 2, "not quantised");
}

/// Two scores, and those of one row.
fn scores() -> Imported {
    let imported = lowered(model(&[1, 2], CONSTANTS, &[("MatMul", &["x", "w"], "y", &[])])).expect("a model");
    assert_eq!(imported.oracle(&[7, 9]).expect("it runs")["y"].values, [16.0, 2.0]);
    imported
}

#[test]
fn one_wrong_integer_is_found_and_so_is_a_layer_that_is_missing() {
    let imported = scores();
    let compare = |values: Option<Vec<i32>>| {
        imported.compare(&[7, 9], &|_| values.clone(), &Said::default()).expect("the oracle runs")
    };
    assert_eq!(compare(Some(vec![16, 2])).expect("they agree").tensors, 1);
    let Difference { tensor, element, expected, found, .. } = *compare(Some(vec![16, 3])).expect_err("a difference");
    assert_eq!((tensor.as_str(), element, expected, found), ("y", 1, 2.0, 3.0));
    assert!(compare(Some(vec![16])).is_err() && compare(None).is_err());
}

#[test]
fn scores_are_what_the_file_says_that_they_stand_for() {
    let imported = scores();
    let compare = |values: [i32; 2], unit: f64, constant: f64, error| {
        let said = Said { output: Some(Stated { unit, constant, error }), ..Said::default() };
        imported.compare(&[7, 9], &|_| Some(values.to_vec()), &said).expect("the oracle runs").is_ok()
    };
    assert!(compare([16, 2], 1.0, 0.0, 0) && compare([32, 4], 0.5, 0.0, 0));
    assert!(compare([116, 102], 1.0, -100.0, 0), "a constant that is stated");
    assert!(!compare([116, 102], 1.0, 0.0, 0), "a constant that nobody states");
    assert!(!compare([16, 3], 1.0, 0.0, 0) && !compare([32, 4], 1.0, 0.0, 0));
    // Rounded scores may be some units off.
    assert!(compare([1_600_000, 200_002], 1e-5, 0.0, 2) && !compare([1_600_000, 200_010], 1e-5, 0.0, 2));
}

#[test]
fn neighbouring_levels_are_allowed_where_that_is_said_and_nowhere_else() {
    let lines = [
        ("MatMul", &["x", "w"][..], "a", &[][..]),
        ("Quant", &["a", "s", "z", "four"][..], "b", &[("signed", Attribute::Int(0))][..]),
        ("MatMul", &["b", "w"][..], "y", &[][..]),
    ];
    let imported = lowered(model(&[1, 2], CONSTANTS, &lines)).expect("a model");
    let node = imported.ties[0].node.clone();
    // Sums of 3 and 1 are levels 10 and 3 of 0.3; then 13 and -7 in units of 0.3.
    let compare = |levels: [i32; 2], scores: [i32; 2], is_said: bool| {
        let neighbours = is_said.then(|| node.clone()).into_iter().collect();
        let integers = |name: &str| Some(if name == node { levels.to_vec() } else { scores.to_vec() });
        let said = Said { neighbours, output: Some(Stated { unit: 0.3, constant: 0.0, error: 0 }) };
        imported.compare(&[1, 2], &integers, &said).expect("the oracle runs").map(|one| one.neighbours)
    };
    assert_eq!(compare([10, 3], [13, -7], false), Ok(0));
    assert!(compare([11, 3], [14, -8], false).is_err());
    // What follows is computed from what the device has.
    assert_eq!(compare([11, 3], [14, -8], true), Ok(1));
    assert!(compare([11, 3], [13, -7], true).is_err() && compare([12, 3], [15, -9], true).is_err());
}
