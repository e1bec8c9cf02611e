//! ARMv7E-M: products of bytes, two halves at a time.

use core::arch::naked_asm;

/// Adds the products of four bytes and four signed bytes to r12, with `$more` for each half of the weights in lr.
macro_rules! products {
    ($bytes:literal, $weights:literal, $more:literal) => {
        concat!(
            "sxtb16 lr, ",
            $weights,
            "\nuxtb16 r8, ",
            $bytes,
            "\nsmlad r12, lr, r8, r12\n",
            $more,
            "\nsxtb16 lr, ",
            $weights,
            ", ror #8\nuxtb16 r8, ",
            $bytes,
            ", ror #8\nsmlad r12, lr, r8, r12\n",
            $more,
        )
    };
}

/// The sum of the products of `words` words of bytes and signed bytes; both halves of `less` are minus what the bytes
/// have too much.
/// Eight products in 16 instructions, 20 with `less`.
///
/// # Safety
/// Both pointers are valid for `words` words, which are not 0.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn dot(window: *const u32, weights: *const u32, words: usize, less: u32) -> i32 {
    naked_asm!(
        "push {{r4-r8, lr}}",
        "mov r12, #0",
        "cmp r3, #0",
        "bne 3f",
        "subs r2, r2, #2",
        "blo 2f",
        "1:", // two words
        "ldm r0!, {{r4, r5}}",
        "ldm r1!, {{r6, r7}}",
        products!("r4", "r6", ""),
        products!("r5", "r7", ""),
        "subs r2, r2, #2",
        "bhs 1b",
        "2:", // r2 is -1 if one word is left
        "adds r2, r2, #1\n bmi 5f",
        "ldr r4, [r0]",
        "ldr r6, [r1]",
        products!("r4", "r6", ""),
        "b 5f",
        "3:", // the same with `less`
        "subs r2, r2, #2",
        "blo 4f",
        "1:",
        "ldm r0!, {{r4, r5}}",
        "ldm r1!, {{r6, r7}}",
        products!("r4", "r6", "smlad r12, lr, r3, r12"),
        products!("r5", "r7", "smlad r12, lr, r3, r12"),
        "subs r2, r2, #2",
        "bhs 1b",
        "4:",
        "adds r2, r2, #1\n bmi 5f",
        "ldr r4, [r0]",
        "ldr r6, [r1]",
        products!("r4", "r6", "smlad r12, lr, r3, r12"),
        "5:",
        "mov r0, r12",
        "pop {{r4-r8, pc}}",
    )
}
