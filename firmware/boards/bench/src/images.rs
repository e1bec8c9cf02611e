//! The partition that holds the images.

use core::fmt;

/// Words of the header.
const HEADER_WORDS: usize = 5;
/// `bfim`, the first four bytes.
const MAGIC: u32 = u32::from_le_bytes(*b"bfim");
/// Flag: print the digest of every layer.
const DIGESTS: u32 = 1;
/// Flag: images are rows of real values.
const REAL: u32 = 2;
/// Flag: images are rows of raw counts.
const COUNTS: u32 = 4;

/// What an image is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Values {
    /// The bytes of the model's input.
    Bytes,
    /// Real values of 32 bits.
    Real,
    /// Signed counts of 16 bits.
    Counts,
}

/// Images to run and what to print; five little-endian words, then the images without gaps.
///
/// The words are `bfim`, number of images, bytes of an image, number of images (the first ones) to run between
/// counting markers, and flags (bit 0: print digests; bit 1: values are real, of 32 bits; bit 2: values are counts, of
/// 16 bits; all others zero).
#[derive(Clone, Copy, Debug)]
pub struct Images<'a> {
    /// Bytes of one image.
    pub bytes: usize,
    /// How many of the first images are also run between markers.
    pub counted: usize,
    /// Whether the digest of every layer is printed.
    pub digests: bool,
    /// What an image is made of.
    pub values: Values,
    data: &'a [u8],
}

/// Why the partition cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImagesError {
    /// The partition does not start with `bfim`.
    NotImages,
    /// A flag that this program does not know.
    Flags,
    /// The images do not fit the partition.
    TooLarge {
        /// Bytes of the partition.
        have: usize,
    },
}

impl fmt::Display for ImagesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotImages => f.write_str("no `bfim` at the start of the partition: load a file of images there"),
            Self::Flags => f.write_str("unknown flags in the header: the file is for another version of this program"),
            Self::TooLarge { have } => {
                write!(f, "more images than the partition's {have} bytes hold: run them in parts")
            }
        }
    }
}

impl core::error::Error for ImagesError {}

impl<'a> Images<'a> {
    /// Reads the header of `partition`.
    ///
    /// # Errors
    /// [`ImagesError`] where the header is wrong or states more than the partition holds.
    pub fn new(partition: &'a [u8]) -> Result<Self, ImagesError> {
        let (header, rest) = partition.split_at_checked(HEADER_WORDS * 4).ok_or(ImagesError::NotImages)?;
        let mut words = [0; HEADER_WORDS];
        for (word, bytes) in words.iter_mut().zip(header.as_chunks().0) {
            *word = u32::from_le_bytes(*bytes);
        }
        let [magic, count, bytes, counted, flags] = words;
        if magic != MAGIC {
            return Err(ImagesError::NotImages);
        }
        let values = match flags & !DIGESTS {
            0 => Values::Bytes,
            REAL => Values::Real,
            COUNTS => Values::Counts,
            _ => return Err(ImagesError::Flags),
        };
        let total = (count as usize).checked_mul(bytes as usize);
        let data = total.and_then(|total| rest.get(..total)).ok_or(ImagesError::TooLarge { have: partition.len() })?;
        let (bytes, counted) = (bytes as usize, counted as usize);
        Ok(Self { bytes, counted, digests: flags & DIGESTS != 0, values, data })
    }

    /// The images in order.
    pub fn iter(&self) -> impl Iterator<Item = &'a [u8]> {
        self.data.chunks_exact(self.bytes.max(1))
    }
}
