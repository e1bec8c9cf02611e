//! The memories of the accelerator: what `inspect` says about them.

use crate::common::{Learned, bitfab, json};
use predicates::prelude::PredicateBooleanExt;
use predicates::str::contains;

#[test]
fn inspect_shows_the_memories_of_an_accelerator_where_lanes_are_named() {
    let learned = Learned::new("mlp:32");
    let plain = json(learned.path(), &["inspect", "net.bfab"]);
    assert!(plain.get("accelerator").is_none());
    let shown = json(learned.path(), &["inspect", "net.bfab", "--lanes", "4"])["accelerator"].clone();
    let memories = shown["memories"].as_array().unwrap();
    let weights = memories.iter().find(|memory| memory["name"] == "weights").unwrap();
    // 64 bytes are two words for each of 32 channels, 32 signs one for each of 10, in whole groups of four.
    assert_eq!((&weights["words"], &weights["width"]), (&(8 * 2 + 3).into(), &128.into()));
    let sum = |field: &str| memories.iter().map(|memory| memory[field].as_u64().unwrap()).sum::<u64>();
    assert_eq!(shown["bits_read"], sum("bits_read"));
    assert_eq!(shown["compared"][0]["accelerator_bits"], weights["bits"]);
    let estimate = &shown["estimate"];
    let of = |field: &str| estimate[field].as_u64().unwrap();
    assert!((500..1_200).contains(&of("luts")) && (300..600).contains(&of("flip_flops")), "{estimate}");
    assert!((5..30).contains(&of("rams")) && of("cycles") > 64, "{estimate}");
    let text = bitfab(learned.path()).args(["inspect", "net.bfab", "--lanes", "4"]).assert().success();
    let text = text.stdout(contains("bits read an inference").and(contains("activations")));
    text.stdout(contains("LUT4").and(contains(format!("at most {} %", of("luts_within_percent")))));
    bitfab(learned.path()).args(["inspect", "net.bfab", "--lanes", "3"]).assert().code(2);
}
