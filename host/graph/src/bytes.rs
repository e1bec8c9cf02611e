//! A graph as bytes: magic (7), version (1), postcard payload, CRC-32 of all before it (4, little-endian).

use crate::{Graph, GraphError};

/// The first bytes of a stored graph.
pub const MAGIC: &[u8; 7] = b"BFGRAPH";
/// The version written and read.
pub const VERSION: u8 = 3;
/// Bytes before the payload.
const HEAD: usize = MAGIC.len() + 1;
/// Bytes after the payload.
const TAIL: usize = 4;

impl Graph {
    /// The graph as bytes; [`from_bytes`](Self::from_bytes) gives it back.
    ///
    /// # Errors
    /// Any error of [`check`](Self::check): only sound graphs are written.
    pub fn to_bytes(&self) -> Result<Vec<u8>, GraphError> {
        self.check()?;
        let mut bytes = MAGIC.to_vec();
        bytes.push(VERSION);
        let mut bytes =
            postcard::to_extend(self, bytes).map_err(|error| GraphError::Encode { problem: error.to_string() })?;
        let sum = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&sum.to_le_bytes());
        Ok(bytes)
    }

    /// Reads a graph and checks it; never panics, whatever the bytes.
    ///
    /// # Errors
    /// [`GraphError::Magic`], [`GraphError::Version`], [`GraphError::Damaged`] or any error of [`check`](Self::check).
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, GraphError> {
        let damaged = |problem: String| GraphError::Damaged { problem };
        if !bytes.starts_with(MAGIC) {
            return Err(GraphError::Magic);
        }
        match bytes.get(MAGIC.len()) {
            Some(&VERSION) => {}
            Some(&found) => {
                return Err(GraphError::Version { found, supported: VERSION });
            }
            None => return Err(damaged("the file ends after its first bytes".into())),
        }
        let Some((body, tail)) = bytes.split_last_chunk::<TAIL>() else {
            return Err(damaged(format!("only {} bytes", bytes.len())));
        };
        let (stored, computed) = (u32::from_le_bytes(*tail), crc32fast::hash(body));
        if body.len() < HEAD || stored != computed {
            return Err(damaged(format!(
                "the checksum says {stored:08x}, the {} bytes give {computed:08x}",
                bytes.len()
            )));
        }
        let (graph, rest) =
            postcard::take_from_bytes::<Self>(&body[HEAD..]).map_err(|error| damaged(error.to_string()))?;
        if !rest.is_empty() {
            return Err(damaged(format!("{} bytes after the graph", rest.len())));
        }
        graph.check()?;
        Ok(graph)
    }
}
