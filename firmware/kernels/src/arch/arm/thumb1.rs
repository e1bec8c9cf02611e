//! ARMv6-M and ARMv8-M Baseline, whose instructions mostly reach only r0 to r7: four words in 41 instructions.

use core::arch::naked_asm;

use super::{ByteJob, Job};

/// Defines a function that does a [`Job`], with the instruction that joins words.
///
/// # Safety
/// All pointers of the job are valid for what its fields say, `words` is 1 to 124, `count` is not 0.
macro_rules! rows {
    ($name:ident, $join:literal) => {
        /// Does a [`Job`].
        ///
        /// # Safety
        /// See the macro.
        #[unsafe(naked)]
        pub(super) unsafe extern "C" fn $name(job: &mut Job) {
            // r0 window, r1 row, r2 ones, r8 twos, r9 fours by byte, r10 to r12 masks, lr end of the whole fours of
            // the window; r3 to r7 are free.
            naked_asm!(
                "push {{r4-r7, lr}}",
                "mov r4, r8",
                "mov r5, r9",
                "mov r6, r10",
                "mov r7, r11",
                "push {{r0, r4-r7}}",
                "ldr r4, 91f",
                "mov r10, r4",
                "ldr r4, 92f",
                "mov r11, r4",
                "ldr r4, 93f",
                "mov r12, r4",
                "1:", // the next row
                "ldr r3, [sp]",
                "ldm r3!, {{r0, r1}}",
                "ldr r4, [r3, #4]",
                "lsrs r4, r4, #2",
                "lsls r4, r4, #4",
                "adds r4, r4, r0",
                "mov lr, r4",
                "movs r2, #0",
                "mov r8, r2",
                "mov r9, r2",
                "cmp r0, lr",
                "beq 6f",
                "2:", // four words; a full adder takes five instructions and no register:
                // a ^= o; b ^= a (sum); o &= !a; a &= !b; a |= o (carry)
                "ldm r0!, {{r3, r4}}",
                "ldm r1!, {{r5, r6}}",
                concat!($join, " r3, r5"),
                concat!($join, " r4, r6"),
                "eors r3, r2",
                "eors r4, r3",
                "bics r2, r3",
                "bics r3, r4",
                "orrs r3, r2",
                // ones in r4, carry in r3
                "ldm r0!, {{r2, r5}}",
                "ldm r1!, {{r6, r7}}",
                concat!($join, " r2, r6"),
                concat!($join, " r5, r7"),
                "eors r5, r4",
                "eors r2, r5",
                "bics r4, r5",
                "bics r5, r2",
                "orrs r5, r4",
                // ones in r2, carries in r3 and r5
                "mov r4, r8",
                "eors r3, r4",
                "eors r5, r3",
                "bics r4, r3",
                "bics r3, r5",
                "orrs r3, r4",
                "mov r8, r5",
                // fours by byte
                "mov r6, r10",
                "lsrs r4, r3, #1",
                "ands r4, r6",
                "subs r3, r3, r4",
                "mov r6, r11",
                "lsrs r4, r3, #2",
                "ands r3, r6",
                "ands r4, r6",
                "adds r3, r3, r4",
                "mov r6, r12",
                "lsrs r4, r3, #4",
                "adds r3, r3, r4",
                "ands r3, r6",
                "add r9, r3",
                "cmp r0, lr",
                "bne 2b",
                "6:",
                "movs r7, #0", // ones of the last words by byte
                "ldr r3, [sp]",
                "ldr r4, [r3, #12]",
                "lsls r4, r4, #30",
                "beq 4f",
                "lsrs r4, r4, #30",
                "3:", // one word
                "ldm r0!, {{r3}}",
                "ldm r1!, {{r5}}",
                concat!($join, " r3, r5"),
                "mov r6, r10",
                "lsrs r5, r3, #1",
                "ands r5, r6",
                "subs r3, r3, r5",
                "mov r6, r11",
                "lsrs r5, r3, #2",
                "ands r3, r6",
                "ands r5, r6",
                "adds r3, r3, r5",
                "mov r6, r12",
                "lsrs r5, r3, #4",
                "adds r3, r3, r5",
                "ands r3, r6",
                "adds r7, r7, r3",
                "subs r4, #1",
                "bne 3b",
                "4:", // nibbles of ones and twice the twos: at most 4 + 8
                "mov r6, r10",
                "lsrs r3, r2, #1",
                "ands r3, r6",
                "subs r2, r2, r3",
                "mov r4, r8",
                "lsrs r3, r4, #1",
                "ands r3, r6",
                "subs r4, r4, r3",
                "mov r6, r11",
                "lsrs r3, r2, #2",
                "ands r3, r6",
                "ands r2, r6",
                "adds r2, r2, r3",
                "lsrs r3, r4, #2",
                "ands r3, r6",
                "ands r4, r6",
                "adds r4, r4, r3",
                "lsls r4, r4, #1",
                "adds r2, r2, r4",
                // bytes, at most 48 each, and their sum
                "mov r6, r12",
                "lsrs r3, r2, #4",
                "ands r3, r6",
                "ands r2, r6",
                "adds r2, r2, r3",
                "adds r2, r2, r7",
                "lsrs r3, r2, #16",
                "adds r2, r2, r3",
                "lsrs r3, r2, #8",
                "adds r2, r2, r3",
                "uxtb r2, r2",
                // the sum of the fours
                "mov r4, r9",
                "uxtb r3, r4",
                "lsrs r4, r4, #8",
                "uxtb r5, r4",
                "adds r3, r3, r5",
                "lsrs r4, r4, #8",
                "uxtb r5, r4",
                "adds r3, r3, r5",
                "lsrs r4, r4, #8",
                "adds r3, r3, r4",
                "lsls r3, r3, #2",
                "adds r2, r2, r3",
                // accumulate, and on to the next row
                "ldr r3, [sp]",
                "ldr r4, [r3, #16]",
                "muls r2, r4, r2",
                "ldr r5, [r3, #20]",
                "ldr r4, [r5]",
                "adds r4, r4, r2",
                "stm r5!, {{r4}}",
                "str r5, [r3, #20]",
                "ldr r4, [r3, #4]",
                "ldr r5, [r3, #8]",
                "adds r4, r4, r5",
                "str r4, [r3, #4]",
                "ldr r4, [r3, #24]",
                "subs r4, #1",
                "str r4, [r3, #24]",
                "beq 5f",
                "b 1b",
                "5:",
                "pop {{r0, r4-r7}}",
                "mov r8, r4",
                "mov r9, r5",
                "mov r10, r6",
                "mov r11, r7",
                "pop {{r4-r7, pc}}",
                ".p2align 2",
                "91: .word 0x55555555",
                "92: .word 0x33333333",
                "93: .word 0x0f0f0f0f",
            )
        }
    };
}

rows!(xor_rows, "eors");
rows!(and_rows, "ands");

/// Takes four of the bytes in a register by the four weights that `$weights` brings, times four, to r5, and adds them
/// to r8 and the odd ones to r9.
macro_rules! select {
    ($weights:literal, $bytes:literal) => {
        concat!(
            $weights,
            "\nldr r5, [r6, r5]\nands r5, ",
            $bytes,
            "\nadd r8, r5\nlsrs r5, r5, #8\nands r5, r7\nadd r9, r5"
        )
    };
}

/// Adds twice the sum of the odd and the even bytes to the accumulator, and goes on to the next row.
macro_rules! next_byte_row {
    () => {
        concat!(
            // even bytes, and the sum of both
            "mov r2, r9\nmov r3, r8\nlsls r4, r2, #8\nsubs r3, r3, r4\n",
            "uxth r4, r2\nlsrs r2, r2, #16\nadds r2, r2, r4\n",
            "uxth r4, r3\nadds r2, r2, r4\nlsrs r3, r3, #16\nadds r2, r2, r3\nlsls r2, r2, #1\n",
            // accumulate
            "ldr r3, [sp]\nldr r5, [r3, #20]\nldr r4, [r5]\nadds r4, r4, r2\nstm r5!, {{r4}}\nstr r5, [r3, #20]\n",
            // the next row
            "ldr r4, [r3, #4]\nldr r5, [r3, #8]\nadds r4, r4, r5\nstr r4, [r3, #4]\n",
            "ldr r4, [r3, #24]\nsubs r4, #1\nstr r4, [r3, #24]\nbne 1b"
        )
    };
}

/// Does a [`ByteJob`]: 32 bytes in 77 instructions.
/// Sums of whole words and of their odd bytes are kept; the rest is the sum of their even bytes.
///
/// # Safety
/// All pointers of the job are valid for what its fields say; `words` is 1 to 32, `count` is not 0.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn byte_rows(job: &mut ByteJob) {
    // r0 bytes, r1 row, r4 weights, r6 masks, r7 mask of even bytes, r8 all bytes, r9 odd bytes, lr end of the row;
    // r2, r3 and r5 are free.
    naked_asm!(
        "push {{r4-r7, lr}}",
        "mov r4, r8",
        "mov r5, r9",
        "push {{r0, r4, r5}}",
        "ldr r7, 91f",
        "1:", // the next row
        "ldr r3, [sp]",
        "ldm r3!, {{r0, r1}}",
        "ldr r4, [r3, #4]\nlsls r4, r4, #2\nadds r4, r4, r1\nmov lr, r4",
        "ldr r6, [r3, #8]",
        "movs r4, #0\nmov r8, r4\nmov r9, r4",
        "2:", // 32 weights
        "ldm r1!, {{r4}}",
        "ldm r0!, {{r2, r3}}",
        select!("lsls r5, r4, #28\nlsrs r5, r5, #26", "r2"),
        select!("lsls r5, r4, #24\nlsrs r5, r5, #28\nlsls r5, r5, #2", "r3"),
        "ldm r0!, {{r2, r3}}",
        select!("lsls r5, r4, #20\nlsrs r5, r5, #28\nlsls r5, r5, #2", "r2"),
        select!("lsls r5, r4, #16\nlsrs r5, r5, #28\nlsls r5, r5, #2", "r3"),
        "ldm r0!, {{r2, r3}}",
        select!("lsls r5, r4, #12\nlsrs r5, r5, #28\nlsls r5, r5, #2", "r2"),
        select!("lsls r5, r4, #8\nlsrs r5, r5, #28\nlsls r5, r5, #2", "r3"),
        "ldm r0!, {{r2, r3}}",
        select!("lsls r5, r4, #4\nlsrs r5, r5, #28\nlsls r5, r5, #2", "r2"),
        select!("lsrs r5, r4, #28\nlsls r5, r5, #2", "r3"),
        "cmp r1, lr",
        "bne 2b",
        next_byte_row!(),
        "pop {{r0, r4, r5}}",
        "mov r8, r4",
        "mov r9, r5",
        "pop {{r4-r7, pc}}",
        ".p2align 2",
        "91: .word 0x00ff00ff",
    )
}
