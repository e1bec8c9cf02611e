//! Marker instructions that an emulator's plugin counts between (`sim/qemu/count.c`).
//!
//! They change nothing, cost one instruction each, and no compiler emits them.

use core::arch::asm;

/// A counted region begins.
#[inline(always)]
pub fn begin() {
    // SAFETY: moves a register to itself, or compares into the zero register: no state changes.
    // Memory is not declared untouched, so that loads and stores stay on their side of the marker.
    unsafe {
        #[cfg(target_arch = "arm")]
        asm!("mov r10, r10", options(nostack, preserves_flags));
        #[cfg(target_arch = "riscv32")]
        asm!("slti x0, x0, 1", options(nostack, preserves_flags));
    }
}

/// The counted region ends.
#[inline(always)]
pub fn end() {
    // SAFETY: as in `begin`.
    unsafe {
        #[cfg(target_arch = "arm")]
        asm!("mov r9, r9", options(nostack, preserves_flags));
        #[cfg(target_arch = "riscv32")]
        asm!("slti x0, x0, 2", options(nostack, preserves_flags));
    }
}

/// One part of the region ends and the next begins.
#[inline(always)]
pub fn lap() {
    // SAFETY: as in `begin`.
    unsafe {
        #[cfg(target_arch = "arm")]
        asm!("mov r11, r11", options(nostack, preserves_flags));
        #[cfg(target_arch = "riscv32")]
        asm!("slti x0, x0, 3", options(nostack, preserves_flags));
    }
}
