//! Laptops (x86-64): the popcount instructions that the processor turns out to have.

use core::arch::x86_64::{
    __m256i, _mm_add_epi64, _mm_cvtsi128_si64, _mm_unpackhi_epi64, _mm256_add_epi64, _mm256_and_si256,
    _mm256_castsi256_si128, _mm256_cmpeq_epi8, _mm256_extracti128_si256, _mm256_loadu_si256, _mm256_sad_epu8,
    _mm256_set1_epi32, _mm256_set1_epi64x, _mm256_setr_epi64x, _mm256_setzero_si256, _mm256_shuffle_epi8,
    _mm512_add_epi32, _mm512_add_epi64, _mm512_and_si512, _mm512_maskz_loadu_epi8, _mm512_maskz_loadu_epi32,
    _mm512_popcnt_epi32, _mm512_reduce_add_epi32, _mm512_reduce_add_epi64, _mm512_sad_epu8, _mm512_setzero_si512,
    _mm512_xor_si512,
};
use std::is_x86_feature_detected;

use super::Core;
use crate::arch::portable::{self, each_byte_row, each_row};
use crate::join::Join;

/// The laptop's processor, whatever it turns out to have.
pub(crate) struct Laptop;

impl Core for Laptop {
    fn add(join: Join, scale: i32, window: &[u32], rows: &[u32], stride: usize, accumulators: &mut [i32]) {
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

    fn add_bytes(window: &[[u32; 8]], rows: &[u32], stride: usize, accumulators: &mut [i32]) {
        if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw") {
            // SAFETY: the processor has both features.
            unsafe { add_masked(window, rows, stride, accumulators) }
        } else if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has the feature.
            unsafe { add_compared(window, rows, stride, accumulators) }
        } else {
            portable::add_bytes(window, rows, stride, accumulators);
        }
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

#[target_feature(enable = "avx512f,avx512bw")]
fn add_masked(window: &[[u32; 8]], rows: &[u32], stride: usize, accumulators: &mut [i32]) {
    each_byte_row(window, rows, stride, accumulators, |window, row| masked(window, row));
}

/// The sum of the bytes that a row selects, 64 at a time: weights are a mask as they are.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn masked(window: &[[u32; 8]], row: &[u32]) -> u32 {
    let zero = _mm512_setzero_si512();
    let mut sums = zero;
    let ((window, last), (row, last_row)) = (window.as_chunks::<2>(), row.as_chunks::<2>());
    for (bytes, &[low, high]) in window.iter().zip(row) {
        let mask = u64::from(low) | u64::from(high) << 32;
        // SAFETY: two elements are 64 bytes.
        let chosen = unsafe { _mm512_maskz_loadu_epi8(mask, bytes.as_ptr().cast()) };
        sums = _mm512_add_epi64(sums, _mm512_sad_epu8(chosen, zero));
    }
    if let ([bytes], [low, ..]) = (last, last_row) {
        // SAFETY: the mask selects bytes of the element, which is 32 bytes.
        let chosen = unsafe { _mm512_maskz_loadu_epi8(u64::from(*low), bytes.as_ptr().cast()) };
        sums = _mm512_add_epi64(sums, _mm512_sad_epu8(chosen, zero));
    }
    _mm512_reduce_add_epi64(sums) as u32
}

#[target_feature(enable = "avx2")]
fn add_compared(window: &[[u32; 8]], rows: &[u32], stride: usize, accumulators: &mut [i32]) {
    each_byte_row(window, rows, stride, accumulators, |window, row| compared(window, row));
}

/// The sum of the bytes that a row selects, 32 at a time: each bit of the weights is compared in a byte of its own.
#[target_feature(enable = "avx2")]
#[inline]
fn compared(window: &[[u32; 8]], row: &[u32]) -> u32 {
    let ones = 0x0101_0101_0101_0101;
    let byte_of = _mm256_setr_epi64x(0, ones, 2 * ones, 3 * ones);
    let bit_of = _mm256_set1_epi64x(0x8040_2010_0804_0201_u64 as i64);
    let mut sums = _mm256_setzero_si256();
    for (bytes, &weights) in window.iter().zip(row) {
        // SAFETY: the element is 32 bytes.
        let bytes = unsafe { _mm256_loadu_si256(bytes.as_ptr().cast::<__m256i>()) };
        let bits = _mm256_and_si256(_mm256_shuffle_epi8(_mm256_set1_epi32(weights as i32), byte_of), bit_of);
        let chosen = _mm256_and_si256(bytes, _mm256_cmpeq_epi8(bits, bit_of));
        sums = _mm256_add_epi64(sums, _mm256_sad_epu8(chosen, _mm256_setzero_si256()));
    }
    let halves = _mm_add_epi64(_mm256_castsi256_si128(sums), _mm256_extracti128_si256::<1>(sums));
    _mm_cvtsi128_si64(_mm_add_epi64(halves, _mm_unpackhi_epi64(halves, halves))) as u32
}

#[cfg(test)]
mod tests {
    use super::{Join, add_compared, add_masked, add_vectors, add_words, portable};

    #[test]
    fn every_set_of_instructions_selects_the_same_bytes() {
        let words: std::vec::Vec<u32> = (1..2000u32).map(|n| n.wrapping_mul(0x9e37_79b9) ^ n << 17).collect();
        let (window, rows) = words.split_at(8 * portable::BYTES_LIMIT);
        let bytes: std::vec::Vec<u8> = window.iter().flat_map(|word| word.to_le_bytes()).collect();
        for length in 0..=portable::BYTES_LIMIT {
            let window = &window.as_chunks().0[..length];
            let stride = length + length % 3;
            let naive = |row: usize| -> i32 {
                let bit = |at: usize| rows[row * stride + at / 32] >> (at % 32) & 1;
                (0..32 * length).map(|at| 2 * i32::from(bytes[at]) * bit(at) as i32).sum()
            };
            let expected: [i32; 7] = core::array::from_fn(|row| 5 + naive(row));
            let mut found = [5; 7];
            portable::add_bytes(window, rows, stride, &mut found);
            assert_eq!(found, expected, "{length} words");
            found = [5; 7];
            if std::is_x86_feature_detected!("avx2") {
                // SAFETY: the processor has the feature.
                unsafe { add_compared(window, rows, stride, &mut found) };
                assert_eq!(found, expected, "{length} words, compared");
            }
            found = [5; 7];
            if std::is_x86_feature_detected!("avx512bw") {
                // SAFETY: the processor has the feature, and with it AVX-512F.
                unsafe { add_masked(window, rows, stride, &mut found) };
                assert_eq!(found, expected, "{length} words, masked");
            }
        }
    }

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
