//! ARMv7-M, ARMv7E-M and ARMv8-M Mainline: four words in 32 instructions.

use core::arch::naked_asm;

use super::Job;

/// Defines a function that does a [`Job`], with the instruction that joins words.
///
/// # Safety
/// All pointers of the job are valid for what its fields say, `words` is 4 to 124, `count` is not 0.
macro_rules! rows {
    ($name:ident, $join:literal) => {
        /// Does a [`Job`].
        ///
        /// # Safety
        /// See the macro.
        #[unsafe(naked)]
        pub(super) unsafe extern "C" fn $name(job: &mut Job) {
            // r0 window, r1 row, r2 words to come, r3 ones, r12 twos, lr fours by byte; r4 to r11 are free.
            naked_asm!(
                "push {{r0, r4-r11, lr}}",
                "ldm r0, {{r5-r11}}",
                "1:", // r5 window, r6 row, r8 words: the next row
                "mov r0, r5",
                "mov r1, r6",
                "sub r2, r8, #4",
                "movs r3, #0",
                "mov r12, #0",
                "mov lr, #0",
                "2:", // four words
                "ldm r0!, {{r4-r7}}",
                "ldm r1!, {{r8-r11}}",
                concat!($join, " r4, r4, r8"),
                concat!($join, " r5, r5, r9"),
                concat!($join, " r6, r6, r10"),
                concat!($join, " r7, r7, r11"),
                // ones + r4 + r5: carry to r4
                "eors r5, r3",
                "eor r8, r5, r4",
                "bics r3, r5",
                "ands r4, r5",
                "orrs r4, r3",
                // ones (r8) + r6 + r7: sum to r3, carry to r6
                "eor r7, r7, r8",
                "eor r3, r7, r6",
                "bic r8, r8, r7",
                "ands r6, r7",
                "orr r6, r6, r8",
                // twos + r4 + r6: carry to r4
                "eor r7, r12, r4",
                "bic r8, r12, r7",
                "eor r12, r7, r6",
                "ands r6, r7",
                "orr r4, r6, r8",
                // fours by byte
                "lsrs r5, r4, #1",
                "and r5, r5, #0x55555555",
                "subs r4, r4, r5",
                "bic r5, r4, #0x33333333",
                "and r4, r4, #0x33333333",
                "add r4, r4, r5, lsr #2",
                "add r4, r4, r4, lsr #4",
                "and r4, r4, #0x0f0f0f0f",
                "add lr, lr, r4",
                "subs r2, #4",
                "bhs 2b",
                "movs r6, #0", // ones of the last words by byte
                "adds r2, #4",
                "beq 4f",
                "3:", // one word
                "ldr r4, [r0], #4",
                "ldr r5, [r1], #4",
                concat!($join, " r4, r4, r5"),
                "lsrs r5, r4, #1",
                "and r5, r5, #0x55555555",
                "subs r4, r4, r5",
                "bic r5, r4, #0x33333333",
                "and r4, r4, #0x33333333",
                "add r4, r4, r5, lsr #2",
                "add r4, r4, r4, lsr #4",
                "and r4, r4, #0x0f0f0f0f",
                "add r6, r6, r4",
                "subs r2, #1",
                "bne 3b",
                "4:", // nibbles of ones and twice the twos: at most 4 + 8
                "lsrs r5, r3, #1",
                "and r5, r5, #0x55555555",
                "subs r3, r3, r5",
                "bic r5, r3, #0x33333333",
                "and r3, r3, #0x33333333",
                "add r3, r3, r5, lsr #2",
                "lsr r5, r12, #1",
                "and r5, r5, #0x55555555",
                "sub r4, r12, r5",
                "bic r5, r4, #0x33333333",
                "and r4, r4, #0x33333333",
                "add r4, r4, r5, lsr #2",
                "add r3, r3, r4, lsl #1",
                // bytes, then halves: small sums plus four times the fours
                "bic r5, r3, #0x0f0f0f0f",
                "and r3, r3, #0x0f0f0f0f",
                "add r3, r3, r5, lsr #4",
                "add r3, r3, r6",
                "bic r5, r3, #0x00ff00ff",
                "and r3, r3, #0x00ff00ff",
                "add r3, r3, r5, lsr #8",
                "bic r5, lr, #0x00ff00ff",
                "and r4, lr, #0x00ff00ff",
                "add r4, r4, r5, lsr #8",
                "add r3, r3, r4, lsl #2",
                "add r3, r3, r3, lsr #16",
                "uxth r3, r3",
                // accumulate, and on to the next row
                "ldr r4, [sp]",
                "ldm r4, {{r5-r11}}",
                "ldr r0, [r10]",
                "mla r0, r3, r9, r0",
                "str r0, [r10], #4",
                "add r6, r6, r7",
                "str r6, [r4, #4]",
                "subs r11, r11, #1",
                "strd r10, r11, [r4, #20]",
                "bne 1b",
                "pop {{r0, r4-r11, pc}}",
            )
        }
    };
}

rows!(xor_rows, "eor");
rows!(and_rows, "and");
