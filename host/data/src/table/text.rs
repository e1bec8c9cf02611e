//! From bytes to text.

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE, WINDOWS_1252};
use std::borrow::Cow;

/// The text of a file in UTF-8 or UTF-16, with or without a mark in front, or else in Windows-1252, which is noted.
pub(crate) fn decoded<'a>(bytes: &'a [u8], notes: &mut Vec<String>) -> Result<Cow<'a, str>, String> {
    let (encoding, body) = match Encoding::for_bom(bytes) {
        Some((encoding, mark)) => (encoding, &bytes[mark..]),
        None => match std::str::from_utf8(bytes) {
            Ok(text) if !text.contains('\0') => return Ok(Cow::Borrowed(text)),
            _ => (guess(bytes)?, bytes),
        },
    };
    if encoding == WINDOWS_1252 {
        notes.push("the text is not UTF-8: read as Windows-1252, as spreadsheets write it".into());
    }
    if (encoding == UTF_16LE || encoding == UTF_16BE) && !body.len().is_multiple_of(2) {
        return Err("UTF-16 text with an odd number of bytes: the file is cut".into());
    }
    let (text, has_errors) = encoding.decode_without_bom_handling(body);
    if has_errors {
        return Err(format!("the text is not valid {}: save it as UTF-8", encoding.name()));
    }
    if text.contains('\0') {
        return Err("holds zero bytes: no table of text".into());
    }
    Ok(text)
}

/// The encoding of bytes that are not UTF-8 text and have no mark: Latin text in UTF-16 has a zero in every other byte.
fn guess(bytes: &[u8]) -> Result<&'static Encoding, String> {
    let zeros = |start: usize| bytes.iter().skip(start).step_by(2).filter(|&&byte| byte == 0).count();
    let most = bytes.len() / 4;
    match (zeros(0), zeros(1)) {
        (0, 0) => Ok(WINDOWS_1252),
        (0, odd) if odd > most => Ok(UTF_16LE),
        (even, 0) if even > most => Ok(UTF_16BE),
        _ => Err("holds zero bytes: no table of text".into()),
    }
}
