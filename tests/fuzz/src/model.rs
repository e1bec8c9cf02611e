//! Arbitrary bytes, with the checksum repaired: `Model::new` must not panic, and what it accepts must run.
#![no_main]

use bitfab_format::{Model, align, digest};
use bitfab_runtime::{Software, run};
use libfuzzer_sys::fuzz_target;

/// Most words and plane MACs of a model that is run; larger ones are only parsed.
const LIMIT: u64 = 1 << 20;

fuzz_target!(|data: &[u8]| {
    // The first byte says how much of the header to repair, so that both damage and depth are reached.
    let Some((&repair, data)) = data.split_first() else { return };
    let mut words = align(data);
    if words.len() > 4 && repair & 1 == 0 {
        words[0] = u32::from_le_bytes(*b"bfab");
        words[1] = 1;
        words[2] = words.len() as u32 * 4;
        words[3] = digest(&words[4..]);
    }
    let Ok(model) = Model::from_words(&words) else { return };
    let work: u64 = model.layers().map(|layer| layer.plane_macs() + u64::from(layer.output.shape.volume())).sum();
    let taps: u64 =
        model.layers().map(|layer| u64::from(layer.window.taps()) * u64::from(layer.output.shape.volume())).sum();
    if model.arena_words() as u64 > LIMIT || work + taps > LIMIT || model.input_bytes() as u64 > LIMIT {
        return;
    }
    let mut arena = vec![0x5a5a_5a5a; model.arena_words()];
    let input = vec![repair; model.input_bytes()];
    let output = run(&model, &input, &mut arena, &mut Software, &mut ()).expect("an accepted model runs");
    std::hint::black_box(output.arg_max());
});
