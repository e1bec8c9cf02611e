//! Memory that the linker script sets aside and that no Rust object lives in.

use core::cell::Cell;
use core::ptr;
use core::slice;

use critical_section::Mutex;

unsafe extern "C" {
    // Addresses only: the symbols have no contents, so nothing may be read through these names.
    static __model_start: u32;
    static __model_end: u32;
    static __images_start: u32;
    static __images_end: u32;
    static __arena_start: u32;
    static __arena_end: u32;
}

/// Bytes between two symbols of the linker script.
///
/// # Safety
/// The range must be readable memory that nothing writes while the program runs, and that no Rust object uses.
unsafe fn bytes(start: *const u32, end: *const u32) -> &'static [u8] {
    let length = end.addr().saturating_sub(start.addr());
    let start = ptr::with_exposed_provenance::<u8>(start.expose_provenance());
    // SAFETY: the caller vouches for the range; every byte is a valid `u8`, and a partition is below 2 GiB.
    unsafe { slice::from_raw_parts(start, length) }
}

/// The partition that holds the model, to its end: the file is usually shorter.
#[inline(never)] // a symbol of its own, so that code size can be told apart
pub fn model() -> &'static [u8] {
    // SAFETY: `memory.x` puts no section into the partition; the debugger or emulator fills it before reset.
    unsafe { bytes(&raw const __model_start, &raw const __model_end) }
}

/// The partition that holds the images, to its end.
#[inline(never)]
pub fn images() -> &'static [u8] {
    // SAFETY: as for `model`.
    unsafe { bytes(&raw const __images_start, &raw const __images_end) }
}

/// The memory set aside for the arena, zeroed; `None` from the second call on.
#[inline(never)]
pub fn take_arena() -> Option<&'static mut [u32]> {
    static TAKEN: Mutex<Cell<bool>> = Mutex::new(Cell::new(false));
    if critical_section::with(|section| TAKEN.borrow(section).replace(true)) {
        return None;
    }
    let (start, end) = (&raw const __arena_start, &raw const __arena_end);
    let words = end.addr().saturating_sub(start.addr()) / size_of::<u32>();
    let start = ptr::with_exposed_provenance_mut::<u32>(start.expose_provenance());
    // SAFETY: `memory.x` puts no section and no stack into the arena and aligns it to 4; it is RAM;
    // all words are initialised here; `TAKEN` makes this the only reference to it.
    unsafe {
        start.write_bytes(0, words);
        Some(slice::from_raw_parts_mut(start, words))
    }
}
