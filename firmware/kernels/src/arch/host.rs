//! Laptops (x86-64): the popcount instructions that the processor turns out to have.

use core::arch::x86_64::{
    _mm512_add_epi32, _mm512_and_si512, _mm512_maskz_loadu_epi32, _mm512_popcnt_epi32, _mm512_reduce_add_epi32,
    _mm512_setzero_si512, _mm512_xor_si512,
};
use std::is_x86_feature_detected;

pub(crate) use crate::arch::portable::add_bytes;
use crate::arch::portable::{self, each_row};
use crate::dot::Join;

/// See [`crate::dot::add_counts`].
pub(crate) fn add(join: Join, scale: i32, window: &[u32], rows: &[u32], stride: usize, accumulators: &mut [i32]) {
    if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vpopcntdq") {
        // SAFETY: the processor has both features.
        unsafe { add_vectors(join, scale, window, rows, stride, accumulators) }
    } else if is_x86_feature_detected!("popcnt") {
        // SAFETY: the processor has the feature.
        unsafe { add_words(join, scale, window, rows, stride, accumulators) }
    } else {
        portable::add(join, scale, window, rows, stride, accumulators);
    }
}

#[target_feature(enable = "avx512f,avx512vpopcntdq")]
fn add_vectors(join: Join, scale: i32, window: &[u32], rows: &[u32], stride: usize, accumulators: &mut [i32]) {
    match join {
        Join::Xor => each_row(scale, window, rows, stride, accumulators, |a, b| vectors::<true>(a, b)),
        Join::And => each_row(scale, window, rows, stride, accumulators, |a, b| vectors::<false>(a, b)),
    }
}

/// Ones in the joined words, 16 at a time; the last ones under a mask.
#[target_feature(enable = "avx512f,avx512vpopcntdq")]
#[inline]
fn vectors<const XOR: bool>(a: &[u32], b: &[u32]) -> u32 {
    let mut sums = _mm512_setzero_si512();
    for (a, b) in a.chunks(16).zip(b.chunks(16)) {
        let mask = (u32::MAX >> (32 - a.len().min(b.len()).min(16) as u32)) as u16;
        // SAFETY: the mask reads only as many words as both chunks, which are not empty, have.
        let (a, b) = unsafe {
            (_mm512_maskz_loadu_epi32(mask, a.as_ptr().cast()), _mm512_maskz_loadu_epi32(mask, b.as_ptr().cast()))
        };
        let joined = if XOR { _mm512_xor_si512(a, b) } else { _mm512_and_si512(a, b) };
        sums = _mm512_add_epi32(sums, _mm512_popcnt_epi32(joined));
    }
    _mm512_reduce_add_epi32(sums) as u32
}

#[target_feature(enable = "popcnt")]
fn add_words(join: Join, scale: i32, window: &[u32], rows: &[u32], stride: usize, accumulators: &mut [i32]) {
    match join {
        Join::Xor => each_row(scale, window, rows, stride, accumulators, |a, b| words(a, b, |a, b| a ^ b)),
        Join::And => each_row(scale, window, rows, stride, accumulators, |a, b| words(a, b, |a, b| a & b)),
    }
}

/// Ones in the joined words, 64 bits at a time.
#[target_feature(enable = "popcnt")]
#[inline]
fn words(a: &[u32], b: &[u32], join: impl Fn(u64, u64) -> u64) -> u32 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<2>(), b.as_chunks::<2>());
    let wide = |[low, high]: [u32; 2]| u64::from(low) | u64::from(high) << 32;
    let pairs: u32 = a.iter().zip(b).map(|(&a, &b)| join(wide(a), wide(b)).count_ones()).sum();
    let rest: u32 = a_rest.iter().zip(b_rest).map(|(&a, &b)| join(a.into(), b.into()).count_ones()).sum();
    pairs + rest
}

#[cfg(test)]
mod tests {
    use super::{Join, add_vectors, add_words, portable};

    #[test]
    fn every_set_of_instructions_counts_the_same() {
        let words: std::vec::Vec<u32> = (1..2000u32).map(|n| n.wrapping_mul(0x9e37_79b9) ^ n << 17).collect();
        for (length, stride) in (0..=portable::LIMIT).map(|length| (length, length + length % 3)) {
            for join in [Join::Xor, Join::And] {
                let (window, rows) = words.split_at(length);
                let mut expected = [7; 9];
                portable::add(join, -3, window, rows, stride, &mut expected);
                let mut found = [7; 9];
                if std::is_x86_feature_detected!("popcnt") {
                    // SAFETY: the processor has the feature.
                    unsafe { add_words(join, -3, window, rows, stride, &mut found) };
                    assert_eq!(found, expected, "{length} words");
                }
                found = [7; 9];
                if std::is_x86_feature_detected!("avx512vpopcntdq") {
                    // SAFETY: the processor has the feature, and with it AVX-512F.
                    unsafe { add_vectors(join, -3, window, rows, stride, &mut found) };
                    assert_eq!(found, expected, "{length} words in vectors");
                }
            }
        }
    }
}
