//! IDX, the format of MNIST and Fashion-MNIST: big-endian head, then bytes; plain or gzipped.

use crate::dataset::{Dataset, Split};
use crate::error::{DataError, form_error};
use crate::limits::MAX_BYTES;
use bitfab_graph::Shape;
use std::io::Read;

/// The bytes of the four files of a data set, each plain or gzipped.
#[derive(Clone, Copy, Debug)]
pub struct IdxFiles<'a> {
    /// `train-images-idx3-ubyte`.
    pub train_images: &'a [u8],
    /// `train-labels-idx1-ubyte`.
    pub train_labels: &'a [u8],
    /// `t10k-images-idx3-ubyte`.
    pub test_images: &'a [u8],
    /// `t10k-labels-idx1-ubyte`.
    pub test_labels: &'a [u8],
}

/// A data set from IDX images (3 sizes: one channel, or 4: channels last) and labels.
///
/// # Errors
/// [`DataError::Form`] names the file that is damaged and how.
pub fn from_idx(name: &str, files: IdxFiles) -> Result<Dataset, DataError> {
    let (train_shape, train) = part(name, "training", files.train_images, files.train_labels)?;
    let (test_shape, test) = part(name, "test", files.test_images, files.test_labels)?;
    if train_shape != test_shape {
        return Err(form_error(name, format!("training images are {train_shape}, test images {test_shape}")));
    }
    Dataset::new(name, train_shape, train, test)
}

/// Images and labels of one part.
fn part(name: &str, which: &str, images: &[u8], labels: &[u8]) -> Result<(Shape, Split), DataError> {
    let error = |file: &str, problem: String| form_error(name, format!("{which} {file}: {problem}"));
    let (sizes, inputs) = array(images).map_err(|problem| error("images", problem))?;
    let (label_sizes, labels) = array(labels).map_err(|problem| error("labels", problem))?;
    let shape = match sizes[..] {
        [_, height, width] => Shape::new(height, width, 1),
        [_, height, width, channels] => Shape::new(height, width, channels),
        _ => return Err(error("images", format!("{} sizes, needs 3 or 4", sizes.len()))),
    };
    if label_sizes.len() != 1 || label_sizes[0] != sizes[0] {
        let problem = format!("sizes {label_sizes:?}, needs [{}] like the images", sizes[0]);
        return Err(error("labels", problem));
    }
    Ok((shape, Split { inputs, labels }))
}

/// Sizes and content of one IDX file of unsigned bytes.
fn array(bytes: &[u8]) -> Result<(Vec<u32>, Vec<u8>), String> {
    let bytes = unpacked(bytes)?;
    let head = bytes.first_chunk::<4>().ok_or("shorter than 4 bytes")?;
    if head[..3] != [0, 0, 8] {
        let [a, b, c, _] = head;
        return Err(format!("starts with {a:02x}{b:02x}{c:02x}, an IDX file of bytes with 000008"));
    }
    let start = 4 + 4 * usize::from(head[3]);
    let sizes = bytes.get(4..start).ok_or("ends within its head")?;
    let sizes: Vec<u32> = sizes.as_chunks::<4>().0.iter().map(|&size| u32::from_be_bytes(size)).collect();
    let count = sizes
        .iter()
        .try_fold(1u64, |product, &size| product.checked_mul(u64::from(size)))
        .filter(|&count| count <= MAX_BYTES)
        .ok_or_else(|| format!("sizes {sizes:?} exceed {MAX_BYTES} bytes"))?;
    let body = &bytes[start..];
    if body.len() as u64 != count {
        return Err(format!("sizes {sizes:?} need {count} bytes, the file has {}", body.len()));
    }
    Ok((sizes, body.to_vec()))
}

/// The file as it is or, if it starts like gzip, unpacked.
fn unpacked(bytes: &[u8]) -> Result<std::borrow::Cow<'_, [u8]>, String> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(bytes.into());
    }
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(bytes)
        .take(MAX_BYTES + 1)
        .read_to_end(&mut plain)
        .map_err(|error| format!("gzip: {error}"))?;
    if plain.len() as u64 > MAX_BYTES {
        return Err(format!("unpacks to more than {MAX_BYTES} bytes"));
    }
    Ok(plain.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn file(sizes: &[u32], body: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 0, 8, sizes.len() as u8];
        bytes.extend(sizes.iter().flat_map(|size| size.to_be_bytes()));
        bytes.extend_from_slice(body);
        bytes
    }

    fn parse(images: &[u8], labels: &[u8]) -> Result<Dataset, DataError> {
        from_idx("x", IdxFiles { train_images: images, train_labels: labels, test_images: images, test_labels: labels })
    }

    #[test]
    fn plain_and_gzipped_files_give_the_same_data() {
        let images = file(&[2, 1, 3], &[1, 2, 3, 4, 5, 6]);
        let labels = file(&[2], &[0, 1]);
        let plain = parse(&images, &labels).unwrap();
        assert_eq!(plain.shape, Shape::new(1, 3, 1));
        assert_eq!(plain.train.inputs, [1, 2, 3, 4, 5, 6]);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&images).unwrap();
        assert_eq!(parse(&gzip.finish().unwrap(), &labels).unwrap(), plain);
    }

    #[test]
    fn every_truncation_is_an_error() {
        let images = file(&[2, 1, 3], &[1, 2, 3, 4, 5, 6]);
        let labels = file(&[2], &[0, 1]);
        for end in 0..images.len() {
            assert!(parse(&images[..end], &labels).is_err(), "{end} bytes");
        }
        for end in 0..labels.len() {
            assert!(parse(&images, &labels[..end]).is_err(), "{end} bytes");
        }
    }

    #[test]
    fn errors_name_the_part_and_the_sizes() {
        let huge = file(&[u32::MAX, u32::MAX, 3], &[]);
        let message = parse(&huge, &file(&[2], &[0, 1])).unwrap_err().to_string();
        assert!(message.contains("training images") && message.contains("exceed"), "{message}");
        let message = parse(&file(&[2, 1, 1], &[1, 2]), &file(&[1], &[0])).unwrap_err().to_string();
        assert!(message.contains("labels: sizes [1], needs [2]"), "{message}");
    }
}
