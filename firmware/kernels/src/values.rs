//! Packed tensors to plain integers and back, one value at a time: slow and obviously right.

use bitfab_format::{Kind, Tensor, WORD_BITS};

/// Word and bit of plane `plane` of value `index` (pixel-major, channels innermost) of a packed tensor.
fn place(tensor: &Tensor, index: usize, plane: usize) -> (usize, u32) {
    let channels = tensor.shape.channels as usize;
    let (pixel, channel) = (index / channels, index % channels);
    let word = pixel * tensor.pixel_words() as usize
        + plane * tensor.shape.channel_words() as usize
        + channel / WORD_BITS as usize;
    (word, channel as u32 % WORD_BITS)
}

/// Value `index` of a tensor in the arena (NUMERICS 1).
///
/// # Panics
/// If `words` is shorter than the tensor, or the tensor is one of bytes.
pub fn value(tensor: &Tensor, words: &[u32], index: usize) -> i32 {
    if tensor.kind == Kind::I32 {
        return words[index] as i32;
    }
    let bit = |plane| {
        let (word, bit) = place(tensor, index, plane);
        (words[word] >> bit & 1) as i32
    };
    match tensor.kind {
        Kind::Sign => 2 * bit(0) - 1,
        Kind::Unsigned { bits } => (0..usize::from(bits)).map(|plane| bit(plane) << plane).sum(),
        _ => panic!("bytes are not stored in the arena"),
    }
}

/// Writes all values of a tensor to the arena; pad bits become 0.
///
/// # Panics
/// If `words` or `values` is shorter than the tensor, or the tensor is one of bytes.
pub fn pack(tensor: &Tensor, values: &[i32], words: &mut [u32]) {
    let volume = tensor.shape.volume() as usize;
    words[..tensor.region.words as usize].fill(0);
    for (index, &value) in values[..volume].iter().enumerate() {
        match tensor.kind {
            Kind::I32 => words[index] = value as u32,
            Kind::Sign => set(tensor, words, index, 0, u32::from(value > 0)),
            Kind::Unsigned { bits } => {
                for plane in 0..usize::from(bits) {
                    set(tensor, words, index, plane, value as u32 >> plane & 1);
                }
            }
            Kind::U8 | Kind::I8 => panic!("bytes are not stored in the arena"),
        }
    }
}

fn set(tensor: &Tensor, words: &mut [u32], index: usize, plane: usize, value: u32) {
    let (word, bit) = place(tensor, index, plane);
    words[word] |= value << bit;
}

/// Reads all values of a tensor: from `bytes` for the model's input, else from `words`.
///
/// # Panics
/// If `bytes`, `words` or `values` is shorter than the tensor.
pub fn unpack(tensor: &Tensor, bytes: &[u8], words: &[u32], values: &mut [i32]) {
    for (index, out) in values[..tensor.shape.volume() as usize].iter_mut().enumerate() {
        *out = match tensor.kind {
            Kind::U8 => i32::from(bytes[index]),
            Kind::I8 => i32::from(bytes[index] as i8),
            _ => value(tensor, words, index),
        };
    }
}
