//! UART, 8N1, whose frames are those of SLIP (RFC 1055): no look-ahead, so no buffer.

use bitfab_link::protocol::{
    SLIP_END as END, SLIP_ESCAPE as ESCAPE, SLIP_ESCAPED_END as ESCAPED_END, SLIP_ESCAPED_ESCAPE as ESCAPED_ESCAPE,
};
use rust_hdl::prelude::*;

use crate::circuit::{Builder, Circuit, Wire, block};

block! {
    /// The UART endpoint; `bitfab_hdl::UartChip` connects it.
    UartBlock {
        /// The line from the host.
        pub rx: Signal<In, Bit>,
        /// The command block is at work, of which a UART says nothing.
        pub busy: Signal<In, Bit>,
        /// The next byte of the answer is there.
        pub tx_ready: Signal<In, Bit>,
        /// The byte.
        pub tx_data: Signal<In, Bits<8>>,
        /// It is the last one.
        pub tx_last: Signal<In, Bit>,
        /// The line to the host.
        pub tx: Signal<Out, Bit>,
        /// A request begins.
        pub rx_start: Signal<Out, Bit>,
        /// A byte of it.
        pub rx_valid: Signal<Out, Bit>,
        /// The byte.
        pub rx_data: Signal<Out, Bits<8>>,
        /// The request ends.
        pub rx_end: Signal<Out, Bit>,
        /// A byte of the answer leaves.
        pub tx_next: Signal<Out, Bit>,
    }
}

/// The endpoint, with so many clocks a bit.
pub(crate) fn circuit(divisor: u32) -> Circuit {
    let c = Builder::new("UART: requests and answers as frames of SLIP, eight bits without parity.");
    c.reset();
    c.input("busy", 1);
    let received = receive(&c, divisor);
    let starts = unescape(&c, &received);
    transmit(&c, divisor, starts);
    c.finish()
}

/// A byte from the line.
struct Received<'b> {
    valid: Wire<'b>,
    byte: Wire<'b>,
}

/// Samples each bit in its middle; a byte without its stop bit is none.
fn receive<'b>(c: &'b Builder, divisor: u32) -> Received<'b> {
    let rx = c.input("rx", 1);
    // The line is 1 at rest and registers are 0 at first.
    let low = c.delay("low_1", c.delay("low_0", !rx));
    let (receives, starts) = (c.register("receives", 1), c.register("start_bit", 1));
    let timer = c.counter("rx_timer", divisor - 1);
    // The bits that have come, and below them a one that leaves when there are eight.
    let shift = c.data("rx_shift", 9);
    let samples = (receives & timer.is(0)).named("samples");
    let ends = (samples & !starts & shift.bit(0)).named("stop_bit");
    let is_glitch = starts & !low;

    let time = |clocks: u32| c.constant(u64::from(clocks), timer.width());
    let next = samples.mux(time(divisor - 1), timer.previous());
    c.next(timer, &[(!receives, time(divisor / 2)), (c.high(), next)]);
    c.next(receives, &[(!receives, low), (ends | (samples & is_glitch), c.low())]);
    c.next(starts, &[(!receives, c.high()), (samples, c.low())]);
    let marker = c.constant(1 << 8, 9);
    c.next(shift, &[(samples & starts, marker), (samples & !ends, c.join(&[shift.bits(1, 8), !low]))]);
    Received { valid: (ends & !low).named("received"), byte: shift.bits(1, 8) }
}

/// Frames of bytes; returns where one begins.
fn unescape<'b>(c: &'b Builder, received: &Received<'b>) -> Wire<'b> {
    let Received { valid, byte } = *received;
    let [inside, escaped] = ["in_frame", "rx_escaped"].map(|name| c.register(name, 1));
    let is = |code: u8| byte.is(code.into());
    let end = (valid & is(END)).named("rx_ends");
    let content = (valid & !is(END)).named("rx_content");
    let is_escape = (is(ESCAPE) & !escaped).named("is_escape");
    c.next(inside, &[(end, c.low()), (content, c.high())]);
    c.next(escaped, &[(valid, is_escape)]);
    // The command block begins a frame first, and takes its first byte a clock later.
    let stored = c.delay("rx_stored", content & !is_escape);
    let replaces = c.delay("rx_replaces", escaped);
    // What follows an escape is one of two; where it is neither, the line has changed it, and the CRC judges what is made.
    let [escaped_end, escaped_escape] = [END, ESCAPE].map(|code| c.constant(code.into(), 8));
    const { assert!(ESCAPED_END & 1 == 0 && ESCAPED_ESCAPE & 1 == 1, "the lowest bit tells them apart") };
    let replaced = byte.bit(0).mux(escaped_escape, escaped_end);
    let starts = (content & !inside).named("rx_starts");
    c.output("rx_start", starts);
    c.output("rx_valid", stored);
    c.output("rx_data", replaces.mux(replaced, byte));
    c.output("rx_end", end & inside);
    starts
}

/// Sends answers; a request that begins cancels the one under way.
fn transmit<'b>(c: &'b Builder, divisor: u32, cancels: Wire<'b>) {
    let (ready, data, last) = (c.input("tx_ready", 1), c.input("tx_data", 8), c.input("tx_last", 1));
    let timer = c.counter("tx_timer", divisor - 1);
    // The bits to go, the next one the lowest, above them the stop bit.
    let shift = c.register("tx_shift", 10);
    let [open, stuffed, ending] = ["tx_open", "tx_stuffed", "tx_ending"].map(|name| c.register(name, 1));
    let sends = shift.any().named("tx_sends");
    let bit_ends = timer.is(0);
    let free = (!sends & (ending | ready)).named("tx_free");

    let is_special = (data.is(END.into()) | data.is(ESCAPE.into())).named("is_special");
    let opens = !open & !ending;
    let escapes = open & !ending & !stuffed & is_special;
    let goes = (free & open & !ending & !escapes).named("tx_goes");
    let code = |code: u8| c.constant(code.into(), 8);
    let replaced = data.bit(0).mux(code(ESCAPED_ESCAPE), code(ESCAPED_END));
    let byte = (ending | opens).mux(code(END), escapes.mux(code(ESCAPE), stuffed.mux(replaced, data)));

    let frame = c.join(&[c.low(), byte, c.high()]);
    c.next(shift, &[(free, frame), (bit_ends & sends, c.join(&[shift.bits(1, 9), c.low()]))]);
    let whole = c.constant(u64::from(divisor) - 1, timer.width());
    c.next(timer, &[(free | bit_ends, whole), (c.high(), timer.previous())]);
    c.next(open, &[(free, !ending)]);
    // Of a frame that is cancelled its end, which is sent first, clears it.
    c.next(stuffed, &[(free, escapes)]);
    c.next(ending, &[(cancels & open, c.high()), (free, goes & last)]);
    c.output("tx", !c.delay("tx_low", sends & !shift.bit(0)));
    c.output("tx_next", goes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuit::Simulation;

    const DIVISOR: u32 = 7;

    /// What a host reads from the line, a level a clock.
    fn bytes(line: &[bool]) -> Vec<u8> {
        let (mut found, mut at) = (Vec::new(), 0);
        while let Some(start) = line[at..].iter().position(|level| !level) {
            let bit = |index: usize| line[at + start + index * DIVISOR as usize + DIVISOR as usize / 2];
            assert!(!bit(0) && bit(9), "a start bit and a stop bit");
            found.push((0..8).fold(0, |byte, index| byte | u8::from(bit(1 + index)) << index));
            at += start + 9 * DIVISOR as usize + DIVISOR as usize / 2;
        }
        found
    }

    #[test]
    fn answers_are_slip_frames() {
        let mut uart = Simulation::new(circuit(DIVISOR));
        let answer = [0xa0, END, 1, ESCAPE, ESCAPED_END];
        let port = |name: &str| uart.circuit().inputs().iter().position(|port| port.0 == name).unwrap();
        let [rx, ready, data, last] = ["rx", "tx_ready", "tx_data", "tx_last"].map(port);
        let out = |name: &str| uart.circuit().outputs().iter().position(|port| port.0 == name).unwrap();
        let (tx, next) = (out("tx"), out("tx_next"));
        let (mut line, mut sent) = (Vec::new(), 0);
        uart.set_input(rx, 1);
        for _ in 0..1000 {
            let byte = answer.get(sent);
            uart.set_input(ready, u128::from(byte.is_some()));
            uart.set_input(data, byte.copied().unwrap_or_default().into());
            uart.set_input(last, u128::from(sent + 1 == answer.len()));
            uart.follow_inputs();
            line.push(uart.output(tx) == 1);
            sent += usize::from(uart.output(next) == 1);
            uart.edge();
        }
        assert_eq!(bytes(&line), [0xc0, 0xa0, 0xdb, 0xdc, 1, 0xdb, 0xdd, 0xdc, 0xc0]);
    }
}
