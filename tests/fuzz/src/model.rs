//! Arbitrary bytes, with the checksum repaired: `Model::new` must not panic, and what it accepts must run.
#![no_main]

use bitfab_format::{CodingError, EXTENSION_MAGIC, Kind, Layer, Model, VERSION, align, digest};
use bitfab_runtime::run;
use libfuzzer_sys::fuzz_target;

/// Most words, and an eighth of the most steps, of a model that is run; larger ones are only parsed.
const LIMIT: u64 = 1 << 20;

fuzz_target!(|data: &[u8]| {
    // The first byte says how much to repair, so that both damage and depth are reached.
    let Some((&repair, data)) = data.split_first() else { return };
    let mut words = align(data);
    if words.len() > 4 && repair & 1 == 0 {
        words[0] = u32::from_le_bytes(*b"bfab");
        words[1] = u32::from(VERSION);
        // Every other input keeps its length, so that blocks of further planes may follow.
        if repair & 2 == 0 || words[2] as usize > words.len() * 4 {
            words[2] = words.len() as u32 * 4;
        }
        let length = (words[2] as usize / 4).max(4);
        words[3] = digest(&words[4..length]);
        repair_blocks(&mut words, length);
    }
    let Ok(model) = Model::from_words(&words) else { return };
    read_interface(&model, data);
    run_small(&model, repair);
    model.precisions().for_each(|planes| run_small(&model.with_planes(planes), repair));
    run_small(&model.with_planes(0), repair);
});

/// Gives every block behind the model its checksum.
fn repair_blocks(words: &mut [u32], mut start: usize) {
    while words.get(start) == Some(&EXTENSION_MAGIC) {
        let length = words.get(start + 1).map_or(0, |length| *length as usize / 4);
        if length < 4 || start + length > words.len() {
            return;
        }
        words[start + 2] = digest(&words[start + 3..start + length]);
        start += length;
    }
}

/// Reads all that the file says of input and classes, and codes any bits as values of a row.
fn read_interface(model: &Model<'_>, data: &[u8]) {
    let (interface, count) = (model.interface(), model.input_bytes());
    for index in (0..interface.names().max(interface.units()).max(interface.classes())).chain([usize::MAX]) {
        std::hint::black_box((interface.name(index), interface.unit(index), interface.class(index)));
    }
    assert!(interface.fingerprints().len() as u64 <= interface.learned_rows());
    if count as u64 > LIMIT || data.is_empty() {
        return;
    }
    let words = data.iter().cycle().zip((1..).step_by(3)).map(|(&byte, at)| (u32::from(byte) << 24).wrapping_mul(at));
    let values: Vec<f32> = words.map(|word| f32::from_bits(word.rotate_left(word >> 27))).take(count).collect();
    let counts: Vec<i16> = values.iter().map(|value| value.to_bits() as i16).collect();
    let mut bytes = vec![0; count];
    let limits = interface.limits();
    for clamped in [model.code_real(&values, &mut bytes), model.code_counts(&counts, &mut bytes)] {
        let is_within = |byte: &u8| {
            let value = if model.input().kind == Kind::I8 { i16::from(*byte as i8) } else { i16::from(*byte) };
            (limits.low..=limits.high).contains(&value)
        };
        match clamped {
            Ok(clamped) => assert!(clamped <= count),
            Err(CodingError::Length { .. }) => panic!("the row has the length of the input"),
            Err(_) => continue,
        }
        assert!(interface.codings() == 0 || bytes.iter().all(is_within), "bytes outside the limits");
    }
}

/// Runs a model that is not too large.
fn run_small(model: &Model<'_>, fill: u8) {
    let cost = |layer: Layer<'_>| {
        let outputs = u64::from(layer.output.shape.volume());
        // Streams are read once an output pixel, whatever they hold.
        let read = layer.weights.words() as u64 * 32 * u64::from(layer.output.shape.pixels());
        layer.plane_macs() * 8 + outputs * (1 + u64::from(layer.window.taps())) + read
    };
    let work: u64 = model.layers().map(cost).sum();
    if model.arena_words() as u64 > LIMIT || work > 8 * LIMIT || model.input_bytes() as u64 > LIMIT {
        return;
    }
    let mut arena = vec![0x5a5a_5a5a; model.arena_words()];
    let input = vec![fill; model.input_bytes()];
    let output = run(model, &input, &mut arena, &mut ()).expect("an accepted model runs");
    std::hint::black_box(output.arg_max());
}
