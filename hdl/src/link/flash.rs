//! The flash reader: at first the image of the weights comes from the board's SPI flash, and whenever the host wants, over
//! the link.

use rust_hdl::prelude::*;

use crate::circuit::{Builder, Circuit, Wire, block, width};

block! {
    /// Gives the engine's loader the image of the weights; `bitfab_hdl::SpiChip` and `bitfab_hdl::UartChip` connect it.
    FlashBlock {
        /// A byte of the image is offered by the command block; it waits until it is taken.
        pub link_valid: Signal<In, Bit>,
        /// The byte.
        pub link_data: Signal<In, Bits<8>>,
        /// It is the last one.
        pub link_last: Signal<In, Bit>,
        /// The loader takes bytes: until the image has come; later ones go away.
        pub load_ready: Signal<In, Bit>,
        /// It has refused an image, of which the answers without weights tell.
        pub load_error: Signal<In, Bit>,
        /// A bit from the flash.
        pub miso: Signal<In, Bit>,
        /// The byte of the link is taken: a reading of the flash is over, or has been ended for it.
        pub link_ready: Signal<Out, Bit>,
        /// A byte for the loader, which takes all.
        pub load_valid: Signal<Out, Bit>,
        /// The byte.
        pub load_data: Signal<Out, Bits<8>>,
        /// It is the last one.
        pub load_last: Signal<Out, Bit>,
        /// Low selects the flash.
        pub cs_n: Signal<Out, Bit>,
        /// Its clock, half of the own one.
        pub sck: Signal<Out, Bit>,
        /// A bit to the flash.
        pub mosi: Signal<Out, Bit>,
    }
}

/// Where in the board's flash the image of the weights begins, in bytes: behind the bitstream.
pub const FLASH_OFFSET: u32 = 1 << 20;
/// The commands of every SPI flash: to leave the rest in which the configuration of the FPGA has left it, and to read.
const WAKE: u64 = 0xab;
const READ: u64 = 0x03;
/// Microseconds for which the flash is left alone, before it is woken and after: most want 3, some 30.
const REST_US: u64 = 50;

/// What is done, in this order.
mod step {
    pub const WAITS: u64 = 0;
    pub const WAKES: u64 = 1;
    pub const RESTS: u64 = 2;
    pub const ASKS: u64 = 3;
    pub const READS: u64 = 4;
    pub const DONE: u64 = 5;
}

/// What the pins do in a clock.
struct Bus<'b> {
    /// The byte that comes.
    byte: Wire<'b>,
    /// All bits of the step's unit have passed.
    ends: Wire<'b>,
}

/// The reader of an image of so many bytes, with a clock of so many kHz.
pub(super) fn circuit(image_bytes: u64, kilohertz: u32) -> Circuit {
    let c = Builder::new("The flash reader: the image of the weights, from the board's flash or over the link.");
    c.reset();
    let (valid, data, last) = (c.input("link_valid", 1), c.input("link_data", 8), c.input("link_last", 1));
    c.input("load_ready", 1);
    c.input("load_error", 1);
    let rest = (u64::from(kilohertz) * REST_US).div_ceil(1000).max(1);
    let step = c.register("flash_step", 3);
    // Clocks of a rest, or bytes of the image.
    let count = c.register("flash_count", width(rest.max(image_bytes) - 1));
    let is = |number: u64| step.is(number);
    let (reads, done) = (is(step::READS).named("flash_reads"), is(step::DONE).named("flash_done"));
    // The host knows better: what has come so far is ended, too early for any image.
    let stops = (valid & !done).named("flash_stops");
    let bus = Bus::new(&c, step, stops);

    let rests = is(step::WAITS) | is(step::RESTS);
    let comes = (bus.ends & reads).named("flash_comes");
    let is_last = (comes & count.is(image_bytes - 1)).named("flash_is_last");
    let rested = (rests & count.is(rest - 1)).named("flash_rested");
    let goes_on = (rested | is_last | (bus.ends & !reads)).named("flash_goes_on");
    c.next(step, &[(stops, c.constant(step::DONE, 3)), (goes_on, step.next())]);
    c.next(count, &[(goes_on, count.zero()), (rests | comes, count.next())]);

    let came = c.delay("flash_came", comes & !stops);
    let came_last = c.delay("flash_came_last", is_last);
    c.output("link_ready", done & !came);
    c.output("load_valid", came | valid);
    c.output("load_data", came.mux(bus.byte, data));
    c.output("load_last", came.mux(came_last, last) | stops);
    c.finish()
}

impl<'b> Bus<'b> {
    /// Mode 0, the highest bit first; a bit of the flash is taken as late as can be, with the falling edge that asks for the
    /// next one.
    fn new(c: &'b Builder, step: Wire<'b>, stops: Wire<'b>) -> Self {
        let is = |number: u64| step.is(number);
        let (bit, byte, sck) = (c.register("flash_bit", 5), c.data("flash_byte", 8), c.register("flash_clock", 1));
        let selects = (is(step::WAKES) | is(step::ASKS) | is(step::READS)).named("flash_selects");
        // A register, so that the pin has no spikes.
        let selected = c.delay("flash_selected", selects & !stops);
        let runs = (selects & selected).named("flash_runs");
        let falls = (runs & sck).named("flash_falls");
        let is_unit = bit.bits(0, 3).is(7) & (!is(step::ASKS) | bit.bits(3, 2).is(3));
        c.next(sck, &[(runs & !stops, !sck), (c.high(), c.low())]);
        c.next(bit, &[(falls, is_unit.mux(bit.zero(), bit.next()))]);
        c.next(byte, &[(falls, c.join(&[c.input("miso", 1), byte.bits(0, 7)]))]);
        let bits = |word: u64, count: u32| (0..count).rev().map(move |at| word >> at & 1);
        let asks: Vec<u64> = bits(READ << 24 | u64::from(FLASH_OFFSET), 32).collect();
        let wakes: Vec<u64> = bits(WAKE, 8).collect();
        c.output("cs_n", !selected);
        c.output("sck", sck);
        c.output("mosi", is(step::WAKES).mux(c.table(bit.bits(0, 3), &wakes, 1), c.table(bit, &asks, 1)));
        Self { byte, ends: (falls & is_unit).named("flash_unit") }
    }
}
