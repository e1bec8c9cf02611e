//! How much memory a file would take once it is decoded, before it is.
//!
//! An empty message takes two bytes in a file and some hundred in memory, so few megabytes could fill a machine.

/// The most strings, lists and messages that a file may hold.
const MAX_PARTS: usize = 1 << 20;

/// A message whose fields are looked at.
#[derive(Clone, Copy)]
enum Message {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    ValueInfo,
    Type,
    TensorType,
    Shape,
    Annotation,
    Other,
}

impl Message {
    /// The message in a field; `None` for text and numbers.
    fn child(self, tag: u64) -> Option<Self> {
        Some(match (self, tag) {
            (Self::Model, 7) => Self::Graph,
            (Self::Model, 8 | 25) | (Self::Tensor, 13) => Self::Other,
            (Self::Graph, 1) => Self::Node,
            (Self::Graph, 5) | (Self::Attribute, 5) => Self::Tensor,
            (Self::Graph, 11 | 12) => Self::ValueInfo,
            (Self::Graph, 14) => Self::Annotation,
            (Self::Node, 5) => Self::Attribute,
            (Self::ValueInfo, 2) => Self::Type,
            (Self::Type, 1) => Self::TensorType,
            (Self::TensorType, 2) => Self::Shape,
            (Self::Shape, 1) | (Self::Annotation, 2) => Self::Other,
            _ => return None,
        })
    }
}

/// Counts the parts of a model.
///
/// # Errors
/// A sentence, if there are too many, or if the bytes are no protobuf.
pub(super) fn weigh(bytes: &[u8]) -> Result<(), String> {
    let mut parts = 0;
    fields(bytes, Message::Model, &mut parts)
}

fn fields(mut bytes: &[u8], message: Message, parts: &mut usize) -> Result<(), String> {
    let cut = || "it ends in the middle of a field".to_string();
    while !bytes.is_empty() {
        let key = varint(&mut bytes).ok_or_else(cut)?;
        let length = match key & 7 {
            0 => varint(&mut bytes).map(|_| 0),
            1 => Some(8),
            2 => varint(&mut bytes).and_then(|length| usize::try_from(length).ok()),
            5 => Some(4),
            kind => return Err(format!("field {} of wire type {kind}, which ONNX does not use", key >> 3)),
        };
        let (body, rest) = length.and_then(|length| bytes.split_at_checked(length)).ok_or_else(cut)?;
        bytes = rest;
        if key & 7 != 2 {
            continue;
        }
        *parts += 1;
        if *parts > MAX_PARTS {
            return Err(format!("more than {MAX_PARTS} names and messages"));
        }
        // No message contains itself, so the depth is bounded.
        if let Some(child) = message.child(key >> 3) {
            fields(body, child, parts)?;
        }
    }
    Ok(())
}

/// The next number of seven bits a byte.
fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}
