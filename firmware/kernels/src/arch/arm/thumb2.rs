//! ARMv7-M, ARMv7E-M and ARMv8-M Mainline: four words in 32 instructions.

use core::arch::naked_asm;

#[cfg(any(feature = "sparse-binary", feature = "ternary"))]
use super::ListJob;
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
            // r0 window, r1 row, r2 words to come, r3 ones, r12 twos, lr fours by byte; r4 to r11 are free.
            naked_asm!(
                "push {{r0, r4-r11, lr}}",
                "ldm r0, {{r5-r11}}",
                "1:", // r5 window, r6 row, r8 words: the next row
                "mov r0, r5",
                "mov r1, r6",
                "movs r3, #0",
                "mov r12, #0",
                "mov lr, #0",
                "subs r2, r8, #4",
                "blo 6f",
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
                "6:",
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

/// Takes four of the bytes in a register, or zeros, by the four weights that `$prepare` brings to bits 16 to 19
/// of `$flags`, and adds them to r3.
#[cfg(thumb_dsp)]
macro_rules! select {
    ($prepare:literal, $flags:literal, $bytes:literal) => {
        concat!(
            $prepare,
            "\nmsr APSR_g, ",
            $flags,
            "\nsel ",
            $bytes,
            ", ",
            $bytes,
            ", lr\nusada8 r3, ",
            $bytes,
            ", lr, r3"
        )
    };
}

/// Takes four of the bytes in a register by the four weights that `$weights` brings to r9, and adds them to r12 and
/// the odd ones to r3.
#[cfg(not(thumb_dsp))]
macro_rules! select {
    ($weights:literal, $bytes:literal) => {
        concat!(
            $weights,
            "\nldr r9, [lr, r9, lsl #2]\nand r9, r9, ",
            $bytes,
            "\nadd r12, r12, r9\nbic r9, r9, #0x00ff00ff\nadd r3, r3, r9, lsr #8"
        )
    };
}

/// Adds twice the sum in r3 to the accumulator, and goes on to the next row: r5 bytes, r6 row, r8 words.
macro_rules! next_byte_row {
    () => {
        concat!(
            "ldr r4, [sp]\nldm r4, {{r5-r11}}\n",
            "ldr r0, [r10]\nadd r0, r0, r3, lsl #1\nstr r0, [r10], #4\n",
            "add r6, r6, r7\nstr r6, [r4, #4]\n",
            "subs r11, r11, #1\nstrd r10, r11, [r4, #20]\nbne 1b"
        )
    };
}

/// Does a [`ByteJob`]: 32 bytes in 36 instructions.
/// Four weights at a time become the flags by which `sel` takes bytes or zeros; `usada8` sums four bytes.
///
/// # Safety
/// All pointers of the job are valid for what its fields say; `words` and `count` are not 0.
#[cfg(thumb_dsp)]
#[unsafe(naked)]
pub(super) unsafe extern "C" fn byte_rows(job: &mut ByteJob) {
    // r0 bytes, r1 row, r2 words to come, r3 sum, lr zero, r4 weights; r5 to r9 are free.
    naked_asm!(
        "push {{r0, r4-r11, lr}}",
        "ldm r0, {{r5-r11}}",
        "mov lr, #0",
        "1:", // r5 bytes, r6 row, r8 words: the next row
        "mov r0, r5",
        "mov r1, r6",
        "mov r2, r8",
        "movs r3, #0",
        "2:", // 32 weights
        "ldr r4, [r1], #4",
        "ldm r0!, {{r5-r8}}",
        select!("lsl r9, r4, #16", "r9", "r5"),
        select!("lsl r9, r4, #12", "r9", "r6"),
        select!("lsl r9, r4, #8", "r9", "r7"),
        select!("lsl r9, r4, #4", "r9", "r8"),
        "ldm r0!, {{r5-r8}}",
        select!("", "r4", "r5"),
        select!("lsr r9, r4, #4", "r9", "r6"),
        select!("lsr r9, r4, #8", "r9", "r7"),
        select!("lsr r9, r4, #12", "r9", "r8"),
        "subs r2, #1",
        "bne 2b",
        next_byte_row!(),
        "pop {{r0, r4-r11, pc}}",
    )
}

/// Does a [`ByteJob`]: 32 bytes in 53 instructions.
/// Sums of whole words and of their odd bytes are kept; the rest is the sum of their even bytes.
///
/// # Safety
/// All pointers of the job are valid for what its fields say; `words` is 1 to 32, `count` is not 0.
#[cfg(not(thumb_dsp))]
#[unsafe(naked)]
pub(super) unsafe extern "C" fn byte_rows(job: &mut ByteJob) {
    // r0 bytes, r1 row, r2 words to come, r3 odd bytes, r12 all bytes, lr masks, r4 weights; r5 to r9 are free.
    naked_asm!(
        "push {{r0, r4-r11, lr}}",
        "ldm r0, {{r5-r11}}",
        "mov lr, r9",
        "1:", // r5 bytes, r6 row, r8 words: the next row
        "mov r0, r5",
        "mov r1, r6",
        "mov r2, r8",
        "movs r3, #0",
        "mov r12, #0",
        "2:", // 32 weights
        "ldr r4, [r1], #4",
        "ldm r0!, {{r5-r8}}",
        select!("and r9, r4, #15", "r5"),
        select!("ubfx r9, r4, #4, #4", "r6"),
        select!("ubfx r9, r4, #8, #4", "r7"),
        select!("ubfx r9, r4, #12, #4", "r8"),
        "ldm r0!, {{r5-r8}}",
        select!("ubfx r9, r4, #16, #4", "r5"),
        select!("ubfx r9, r4, #20, #4", "r6"),
        select!("ubfx r9, r4, #24, #4", "r7"),
        select!("lsr r9, r4, #28", "r8"),
        "subs r2, #1",
        "bne 2b",
        // even bytes, and the sum of both
        "sub r12, r12, r3, lsl #8",
        "uxth r4, r3",
        "add r4, r4, r3, lsr #16",
        "uxth r5, r12",
        "add r4, r4, r5",
        "add r3, r4, r12, lsr #16",
        next_byte_row!(),
        "pop {{r0, r4-r11, pc}}",
    )
}

/// Adds the bytes of the window r2 at the next r5 positions, which r1 reads, to r0: three instructions each.
#[cfg(any(feature = "sparse-binary", feature = "ternary"))]
macro_rules! select_listed {
    () => {
        concat!(
            "and r3, r5, #7\nlsrs r5, r5, #3\n",
            // The first, shorter round begins inside the loop.
            "tbb [pc, r3]\n10:\n",
            ".byte (18f - 10b) / 2, (17f - 10b) / 2, (16f - 10b) / 2, (15f - 10b) / 2\n",
            ".byte (14f - 10b) / 2, (13f - 10b) / 2, (12f - 10b) / 2, (11f - 10b) / 2\n",
            "9:\n",
            "ldrb r3, [r1], #1\nldrb r3, [r2, r3]\nadds r0, r0, r3\n",
            "11:\nldrb r3, [r1], #1\nldrb r3, [r2, r3]\nadds r0, r0, r3\n",
            "12:\nldrb r3, [r1], #1\nldrb r3, [r2, r3]\nadds r0, r0, r3\n",
            "13:\nldrb r3, [r1], #1\nldrb r3, [r2, r3]\nadds r0, r0, r3\n",
            "14:\nldrb r3, [r1], #1\nldrb r3, [r2, r3]\nadds r0, r0, r3\n",
            "15:\nldrb r3, [r1], #1\nldrb r3, [r2, r3]\nadds r0, r0, r3\n",
            "16:\nldrb r3, [r1], #1\nldrb r3, [r2, r3]\nadds r0, r0, r3\n",
            "17:\nldrb r3, [r1], #1\nldrb r3, [r2, r3]\nadds r0, r0, r3\n",
            "18:\nsubs r5, r5, #1\nbpl 9b\n",
        )
    };
}

/// Defines a function that does a [`ListJob`].
///
/// # Safety
/// All pointers of the job are valid for what its fields say; `count` is not 0.
#[cfg(any(feature = "sparse-binary", feature = "ternary"))]
macro_rules! list_rows {
    ($name:ident, $segment:expr $(,)?) => {
        /// Does a [`ListJob`].
        ///
        /// # Safety
        /// See the macro.
        #[unsafe(naked)]
        pub(super) unsafe extern "C" fn $name(job: &mut ListJob) {
            // r0 sum, r1 lists, r2 segment, r6 ones, r7 whole segments to come, r8 last safe byte, r9 accumulator,
            // r10 rows to come, r11 first segment, r12 tail, lr job; r3 to r5 are free.
            naked_asm!(
                "push {{r4-r11, lr}}",
                "mov lr, r0",
                "add r0, r0, #16",
                "ldm r0, {{r1, r8-r12}}",
                "1:", // the next row
                "ldr r7, [lr, #12]",
                "mov r2, r11",
                "movs r0, #0",
                "movs r6, #0",
                "2:", // one segment
                $segment,
                "add r2, r2, #256",
                "subs r7, r7, #1",
                "bgt 2b",
                "blt 3f", // the tail was the last
                "cmp r12, #0",
                "beq 3f",
                "mov r2, r12",
                "b 2b",
                "3:",
                "ldm lr, {{r3-r5}}",
                "mla r6, r6, r4, r5",
                "mla r0, r0, r3, r6",
                "str r0, [r9], #4",
                "str r1, [lr, #16]",
                "subs r10, r10, #1",
                "bne 1b",
                "4:", // all rows are done, or the next one may be longer than the lists
                "str r10, [lr, #28]",
                "pop {{r4-r11, pc}}",
            )
        }
    };
}

#[cfg(feature = "sparse-binary")]
list_rows!(
    list_rows,
    concat!("ldrb r5, [r1], #1\nadd r3, r1, r5\ncmp r3, r8\nbhi 4f\nadd r6, r6, r5\n", select_listed!()),
);
#[cfg(feature = "ternary")]
list_rows!(
    signed_list_rows,
    concat!(
        "ldrb r5, [r1], #1\nldrb r4, [r1], #1\nadd r3, r1, r5\nadd r3, r3, r4\ncmp r3, r8\nbhi 4f\n",
        "add r6, r6, r5\nsub r6, r6, r4\n",
        select_listed!(),
        // Less those at the negative ones.
        "rsbs r0, r0, #0\nmov r5, r4\n",
        select_listed!(),
        "rsbs r0, r0, #0\n",
    ),
);
