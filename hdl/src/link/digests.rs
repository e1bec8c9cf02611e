//! Digests: the CRC-32 of every layer's output, word by word as the array finishes them.

use std::sync::Arc;

use rust_hdl::prelude::*;

use crate::circuit::{Builder, Circuit, block, width};
use crate::machine::{Written, first_frame};
use crate::program::Program;
use crate::{HdlError, checksum};

block! {
    /// Keeps the digests; `bitfab_hdl::SequencedEngine` connects it.
    DigestsBlock {
        /// A word is finished.
        pub finished: Signal<In, Bit>,
        /// The word.
        pub word: Signal<In, Bits<32>>,
        /// The row of the layer table that it belongs to.
        pub row_index: Signal<In, Bits<8>>,
        /// Which byte of the digests is read.
        pub digest_index: Signal<In, Bits<16>>,
        /// That byte, a clock later.
        pub digest_data: Signal<Out, Bits<16>>,
    }
}

/// Block RAM, however few its words are; none is read while an inference is under way.
const BLOCK: &str = "no_rw_check, ram_style = \"block\"";

/// Words that each row finishes in an inference, of the last row of each layer; 0 for others, which make no tensor.
///
/// # Errors
/// [`HdlError::Digests`] where they are finished in another order than they lie in; as [`first_frame`].
fn checked(program: &Arc<Program>) -> Result<Vec<u64>, HdlError> {
    let rows = &program.rows;
    let is_last = |at: usize| rows.get(at + 1).is_none_or(|next| next.layer != rows[at].layer);
    let words = |(at, all): (usize, &Vec<u32>)| {
        let is_ascending = all.windows(2).all(|pair| pair[0] + 1 == pair[1]);
        match is_last(at) {
            false => Ok(0),
            // Words that are sent come in order and have no address.
            true if rows[at].output.send || is_ascending => Ok(all.len() as u64),
            true => Err(HdlError::Digests { layer: rows[at].layer }),
        }
    };
    finished(program)?.iter().enumerate().map(words).collect()
}

/// The addresses that each row finishes in an inference, in their order; it is the same for every input.
fn finished(program: &Arc<Program>) -> Result<Vec<Vec<u32>>, HdlError> {
    let mut all = vec![Vec::new(); program.rows.len()];
    first_frame(program, |_, written| {
        if let Some(Written { row, address, .. }) = written {
            all[row].push(address);
        }
    })?;
    Ok(all)
}

/// The circuit for `program`.
///
/// # Errors
/// [`HdlError::Digests`] where a layer's words are finished in another order than they lie in; as
/// [`first_frame`].
pub(crate) fn circuit(program: &Arc<Program>) -> Result<Circuit, HdlError> {
    let words = checked(program)?;
    let c = Builder::new("Digests: the CRC-32 of each layer's words, kept until the next inference.");
    c.reset();
    // A clock later, so that the array's longest path does not become longer; rows are further apart.
    let finished = c.delay("word_came", c.input("finished", 1));
    let word = c.data("word_before", 32);
    c.next(word, &[(c.high(), c.input("word", 32))]);
    let row = c.delay("row_before", c.input("row_index", 8).bits(0, width(program.rows.len() as u64 - 1)));
    let index = c.input("digest_index", 16);

    let most = words.iter().copied().max().unwrap_or(1);
    let lasts: Vec<u64> = words.iter().map(|words| words.saturating_sub(1)).collect();
    let counts: Vec<u64> = words.iter().map(|words| u64::from(*words != 0)).collect();
    let takes = (finished & c.table(row, &counts, 1)).named("digests_word");
    let count = c.counter("digest_words", most as u32 - 1);
    let is_last = count.same_number(c.table(row, &lasts, width(most - 1)));
    c.next(count, &[(takes, count.next_until(is_last))]);
    let (crc, ends) = (c.register("digest", 32), (takes & is_last).named("digest_ends"));
    let next = checksum::after(&c, crc, word).named("digest_next");
    c.next(crc, &[(ends, crc.zero()), (takes, next)]);

    let layers = counts.iter().sum::<u64>() as u32;
    let layer_of: Vec<u64> = program.rows.iter().map(|row| row.layer.into()).collect();
    let bits = width(u64::from(layers) - 1);
    // A few words would become registers and what chooses among them.
    let memory = c.ram("digests", BLOCK, layers, &[32]);
    memory.write(ends, c.table(row, &layer_of, bits), 0, next);
    let digest = memory.read(index.bits(2, bits))[0];
    let byte = c.select(index.bits(0, 2), &[0, 8, 16, 24].map(|at| digest.bits(at, 8)));
    c.output("digest_data", byte.extend(16));
    Ok(c.finish())
}
