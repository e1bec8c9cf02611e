//! The sender: keeps finished words until the caller takes them, byte by byte (an output serialiser behind a FIFO).

use rust_hdl::prelude::*;

use crate::circuit::{Builder, Circuit, block, width};
use crate::program::Program;

block! {
    /// Offers the result byte by byte; `bitfab_hdl::SequencedEngine` connects it.
    SenderBlock {
        /// A word is finished.
        pub word_finished: Signal<In, Bit>,
        /// It is one of the result.
        pub sends: Signal<In, Bit>,
        /// The word.
        pub result: Signal<In, Bits<32>>,
        /// A byte of the result is taken.
        pub out_ready: Signal<In, Bit>,
        /// There is room for a group.
        pub room: Signal<Out, Bit>,
        /// A byte of the result.
        pub out_data: Signal<Out, Bits<8>>,
        /// It is valid.
        pub out_valid: Signal<Out, Bit>,
        /// It is the last of its result.
        pub out_last: Signal<Out, Bit>,
    }
}

/// The bits of a result that differ: raw results are as wide as an accumulator, doubled ones a bit wider, scaled ones
/// as their sums without what is shifted out.
fn result_bits(program: &Program) -> u32 {
    match program.rows.iter().find(|row| row.output.send) {
        Some(row) if row.scaling.affine => program.score_bits(row),
        Some(row) if row.output.raw => (program.accumulator_bits + u32::from(row.output.double)).min(32),
        _ => 32,
    }
}

/// The sender of `program`.
pub(crate) fn circuit(program: &Program) -> Circuit {
    let c = Builder::new("The sender: a buffer of words, and the word whose bytes are offered.");
    c.reset();
    let [finished, sends, out_ready] = ["word_finished", "sends", "out_ready"].map(|name| c.input(name, 1));
    let (result, result_valid) = (c.input("result", 32), (finished & sends).named("result_valid"));
    let size = program.buffer_words; // a power of two
    let (address, bits) = (width(u64::from(size) - 1), result_bits(program));
    // Where the next word is written and read, and how many wait.
    let (written, taken) = (c.register("written", address), c.register("taken", address));
    let used = c.register("used", address + 1);
    // Whether a word was read; what is left of the word whose bytes are offered, and how many bytes that is.
    let next_valid = c.register("next_valid", 1);
    let (rest, left) = (c.data("rest", 32), c.register("left", 3));

    let offers = left.any().named("offers");
    let takes = (out_ready & offers).named("takes");
    let word_end = left.is(1).named("word_end");
    let loads = (next_valid & (!offers | (takes & word_end))).named("loads");
    let reads = (!next_valid & used.any()).named("reads");
    let buffer = c.ram("buffer", "", size, &[bits]);
    buffer.write(result_valid, written, 0, result.bits(0, bits));
    let next = buffer.read_if(reads, taken)[0];

    c.next(written, &[(result_valid, written.next())]);
    c.next(taken, &[(reads, taken.next())]);
    c.next(used, &[(result_valid & !reads, used.next()), (reads & !result_valid, used.previous())]);
    c.next(next_valid, &[(reads, c.high()), (loads, c.low())]);
    c.next(rest, &[(loads, next.extend_signed(32)), (takes, rest.bits(8, 24).extend(32))]);
    c.next(left, &[(loads, c.constant(4, 3)), (takes, left.previous())]);

    let word = c.counter("word_of_result", program.output_words - 1);
    let last =
        (word_end & word.same_number(c.constant(u64::from(program.output_words) - 1, word.width()))).named("last");
    c.next(word, &[(takes & word_end, word.next_until(last))]);

    // Half of the buffer: room for the words on their way and for a whole group.
    c.output("room", !used.bits(address - 1, 2).any());
    c.output("out_data", rest.bits(0, 8));
    c.output("out_valid", offers);
    c.output("out_last", last);
    c.finish()
}
