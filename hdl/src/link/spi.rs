//! SPI, mode 0: chip select ends a transaction; the first byte out is the state, the first byte in says what follows.

use bitfab_link::protocol::{SPI_READ, SPI_REQUEST, STATE_BUSY, STATE_IDLE, STATE_READY};
use rust_hdl::prelude::*;

use crate::circuit::{Builder, Circuit, Wire, block};

block! {
    /// The SPI endpoint; `bitfab_hdl::SpiChip` connects it.
    SpiBlock {
        /// Clock of the bus; of at most an eighth of the own clock.
        pub sck: Signal<In, Bit>,
        /// Low selects this chip.
        pub cs_n: Signal<In, Bit>,
        /// A bit from the host.
        pub mosi: Signal<In, Bit>,
        /// The command block has an answer.
        pub ready: Signal<In, Bit>,
        /// It is at work.
        pub busy: Signal<In, Bit>,
        /// The next byte of the answer is there.
        pub tx_ready: Signal<In, Bit>,
        /// The byte.
        pub tx_data: Signal<In, Bits<8>>,
        /// It is the last one: SPI leaves that to the host.
        pub tx_last: Signal<In, Bit>,
        /// A bit to the host.
        pub miso: Signal<Out, Bit>,
        /// A request begins.
        pub rx_start: Signal<Out, Bit>,
        /// A byte of it.
        pub rx_valid: Signal<Out, Bit>,
        /// The byte.
        pub rx_data: Signal<Out, Bits<8>>,
        /// The request ends.
        pub rx_end: Signal<Out, Bit>,
        /// The host begins to read the answer.
        pub tx_begin: Signal<Out, Bit>,
        /// It reads no further.
        pub tx_end: Signal<Out, Bit>,
        /// A byte of the answer leaves.
        pub tx_next: Signal<Out, Bit>,
    }
}

/// What the pins do, once they are in step with the clock.
struct Pins<'b> {
    rises: Wire<'b>,
    falls: Wire<'b>,
    selected: Wire<'b>,
    opens: Wire<'b>,
    closes: Wire<'b>,
    bit: Wire<'b>,
}

impl<'b> Pins<'b> {
    /// Two registers against metastability, and a third one that sees edges.
    fn new(c: &'b Builder) -> Self {
        let (sck, cs_n, mosi) = (c.input("sck", 1), c.input("cs_n", 1), c.input("mosi", 1));
        let late = |name: &str, wire: Wire<'b>| c.delay(name, wire);
        let clock = late("sck_1", late("sck_0", sck));
        let selected = late("cs_1", late("cs_0", !cs_n));
        let (clock_before, selected_before) = (late("sck_2", clock), late("cs_2", selected));
        Self {
            rises: (selected & clock & !clock_before).named("rises"),
            falls: (selected & !clock & clock_before).named("falls"),
            selected,
            opens: (selected & !selected_before).named("opens"),
            closes: (!selected & selected_before).named("closes"),
            bit: late("mosi_1", late("mosi_0", mosi)),
        }
    }
}

/// What the first byte of a transaction says, and every byte that is no answer.
fn state<'b>(c: &'b Builder, ready: Wire<'b>, busy: Wire<'b>) -> Wire<'b> {
    let state = |code: u8| c.constant(code.into(), 8);
    ready.mux(state(STATE_READY), busy.mux(state(STATE_BUSY), state(STATE_IDLE)))
}

/// The endpoint; it is the same for all models.
pub(crate) fn circuit() -> Circuit {
    let c = Builder::new("SPI: the bytes of requests and answers as bits.");
    c.reset();
    let pins = Pins::new(&c);
    let [ready, busy, tx_ready, _] = ["ready", "busy", "tx_ready", "tx_last"].map(|name| c.input(name, 1));
    let tx_data = c.input("tx_data", 8);
    // Bits of the byte that have come; what came of it and what is left to go of the other one.
    let (count, came, goes) = (c.register("bit_count", 3), c.data("came", 7), c.data("goes", 8));
    let [past_first, writes, reads, armed, loaded] =
        ["past_first", "writes", "reads", "armed", "loaded"].map(|name| c.register(name, 1));

    let byte = c.join(&[pins.bit, came]);
    let ends = (pins.rises & count.is(7)).named("byte_ends");
    let first = (ends & !past_first).named("first_ends");
    let rx_start = (first & byte.is(SPI_REQUEST.into())).named("starts");
    let tx_begin = (first & armed & byte.is(SPI_READ.into())).named("begins");
    // A byte of the answer counts as gone with its first bit: what the host has seen of it is lost.
    let tx_next = (pins.rises & count.is(0) & loaded).named("gone");

    c.next(came, &[(pins.rises, byte.bits(0, 7))]);
    c.next(count, &[(pins.opens, count.zero()), (pins.rises, count.next())]);
    c.next(past_first, &[(pins.opens, c.low()), (ends, c.high())]);
    c.next(writes, &[(!pins.selected, c.low()), (rx_start, c.high())]);
    c.next(reads, &[(!pins.selected, c.low()), (tx_begin, c.high())]);
    c.next(armed, &[(pins.opens, ready)]);
    let state = state(&c, ready, busy);
    let next_byte = (pins.falls & count.is(0)).named("next_byte");
    let answers = (reads & tx_ready).named("answers");
    c.next(loaded, &[(pins.opens | tx_next, c.low()), (next_byte, answers)]);
    let offered = (answers & !pins.opens).mux(tx_data, state);
    c.next(goes, &[(pins.opens | next_byte, offered), (pins.falls, c.join(&[c.low(), goes.bits(0, 7)]))]);

    c.output("miso", goes.bit(7));
    c.output("rx_start", rx_start);
    c.output("rx_valid", ends & writes);
    c.output("rx_data", byte);
    c.output("rx_end", pins.closes & writes);
    c.output("tx_begin", tx_begin);
    c.output("tx_end", pins.closes & reads);
    c.output("tx_next", tx_next);
    c.finish()
}
