//! The command block: requests become frames of the accelerator, results become answers.
//!
//! Nothing is buffered: bytes of the input go on as they come, but for the last one, which waits for the verdict of the
//! checksum. A frame that turns out wrong is ended with a wrong length, so that the accelerator drops it and never computes
//! on it.

mod answer;
mod request;
mod results;

use bitfab_link::Identity;
use rust_hdl::prelude::*;

use super::crc::Crc;
use crate::circuit::{Builder, Circuit, Wire, block};
use answer::Answer;
use request::Request;
use results::Results;

block! {
    /// Answers requests; `bitfab_hdl::SpiChip` and `bitfab_hdl::UartChip` connect it.
    CommandBlock {
        /// A request begins.
        pub rx_start: Signal<In, Bit>,
        /// A byte of it, at most one in nine clocks.
        pub rx_valid: Signal<In, Bit>,
        /// The byte.
        pub rx_data: Signal<In, Bits<8>>,
        /// The request ends.
        pub rx_end: Signal<In, Bit>,
        /// The host begins to read the answer.
        pub tx_begin: Signal<In, Bit>,
        /// It reads no further.
        pub tx_end: Signal<In, Bit>,
        /// A byte of the answer leaves.
        pub tx_next: Signal<In, Bit>,
        /// The accelerator takes a byte of the input.
        pub in_ready: Signal<In, Bit>,
        /// It has dropped a frame, which the verdict has said before.
        pub frame_error: Signal<In, Bit>,
        /// It offers a byte of the result.
        pub out_valid: Signal<In, Bit>,
        /// The byte.
        pub out_data: Signal<In, Bits<8>>,
        /// It is the last of its result.
        pub out_last: Signal<In, Bit>,
        /// A byte of the digests, in its lower half.
        pub digest_data: Signal<In, Bits<16>>,
        /// Which one.
        pub digest_index: Signal<Out, Bits<16>>,
        /// There is an answer.
        pub ready: Signal<Out, Bit>,
        /// There will be one, or something of former requests is left.
        pub busy: Signal<Out, Bit>,
        /// The next byte of the answer is there.
        pub tx_ready: Signal<Out, Bit>,
        /// The byte.
        pub tx_data: Signal<Out, Bits<8>>,
        /// It is the last one.
        pub tx_last: Signal<Out, Bit>,
        /// A byte of the input.
        pub in_valid: Signal<Out, Bit>,
        /// The byte.
        pub in_data: Signal<Out, Bits<8>>,
        /// It is the last of its frame.
        pub in_last: Signal<Out, Bit>,
        /// A byte of the result is taken.
        pub out_ready: Signal<Out, Bit>,
    }
    // Where weights are loaded.
    optional {
        /// They are there.
        pub has_weights: Signal<In, Bit>,
        /// A byte of their image is taken.
        pub link_ready: Signal<In, Bit>,
        /// There is one, which is that of the input.
        pub load_valid: Signal<Out, Bit>,
    }
}

/// What a wire brings in a clock.
#[derive(Clone, Copy)]
struct Receiver<'b> {
    starts: Wire<'b>,
    valid: Wire<'b>,
    byte: Wire<'b>,
    ends: Wire<'b>,
}

/// What becomes of a request once its last byte is in the checksum.
#[derive(Clone, Copy)]
struct Verdict<'b> {
    /// It is known now.
    falls: Wire<'b>,
    /// The request is whole.
    whole: Wire<'b>,
    /// It is whole, and its last byte goes on.
    sends: Wire<'b>,
    /// It is an inference.
    infers: Wire<'b>,
}

/// The block for an accelerator that says so of itself, whose results wait for so many clocks before they are read, and
/// whose weights are an image of so many bytes where they are loaded.
pub(super) fn circuit(identity: &Identity, patience: u32, image_bytes: Option<u64>) -> Circuit {
    let c = Builder::new("The command block: requests become frames of the accelerator, results become answers.");
    c.reset();
    let input = |name: &str| c.input(name, 1);
    let (starts, valid, byte) = (input("rx_start"), input("rx_valid"), c.input("rx_data", 8));
    let receiver = Receiver { starts, valid, byte, ends: input("rx_end") };
    let (tx_begin, tx_end, tx_next) = (input("tx_begin"), input("tx_end"), input("tx_next"));
    input("frame_error");
    let crc = Crc::new(&c);

    let (request, results) = (Request::new(&c, identity, image_bytes), Results::new(&c, patience));
    let accepts = request.accepts(&receiver, results.is_full());
    let verdict = request.verdict(&crc);
    let answer = Answer::new(&c, &results, &request, identity);
    let sent = answer.sent(&crc, tx_next);
    let torn = (answer.is_torn(&results) & tx_end).named("is_torn_off");

    request.next(&receiver, accepts, verdict);
    results.next((receiver.starts, torn), verdict.infers, sent.takes);
    answer.next(&receiver, verdict, (tx_begin, torn), &sent);
    crc.next(
        receiver.starts | tx_begin | verdict.falls,
        (accepts | sent.counts, tx_next.mux(sent.byte, receiver.byte)),
    );

    c.output("ready", answer.is_ready());
    c.output("busy", answer.waits | request.is_busy() | results.is_dropping());
    c.finish()
}
