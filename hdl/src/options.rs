//! What a user chooses about the circuit.

use crate::HdlError;

/// Size and depth of the engine; everything else follows from the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Output channels computed at a time: 1, 2, 4, 8, 16 or 32. Each multiplies 32 weights a cycle.
    pub lanes: u32,
    /// Registers in a lane between the memories and the accumulator, 0 to 3:
    /// the first after the population count, the second in its middle, the third after the XNOR.
    /// Each adds one cycle at the end of a layer.
    pub pipe: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { lanes: 8, pipe: 2 }
    }
}

impl Options {
    /// The options with another number of lanes.
    pub const fn with_lanes(self, lanes: u32) -> Self {
        Self { lanes, ..self }
    }

    /// Checks the ranges.
    ///
    /// # Errors
    /// [`HdlError::Lanes`] or [`HdlError::Pipe`].
    pub(crate) fn check(self) -> Result<Self, HdlError> {
        if !matches!(self.lanes, 1 | 2 | 4 | 8 | 16 | 32) {
            return Err(HdlError::Lanes { lanes: self.lanes });
        }
        if self.pipe > 3 {
            return Err(HdlError::Pipe { pipe: self.pipe });
        }
        Ok(self)
    }
}
