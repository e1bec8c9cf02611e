//! What can go wrong while drawing.

/// A picture that could not be rendered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The SVG text is not valid.
    #[error("the picture is not valid SVG: {0}")]
    Svg(#[from] resvg::usvg::Error),
    /// The picture is empty or too large to hold as pixels.
    #[error("a picture of {width} x {height} pixels cannot be rendered; use a size from 1 to {MAX_SIDE} per side")]
    Size {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
    },
    /// The pixels could not be written as PNG.
    #[error("the picture cannot be encoded as PNG: {0}")]
    Png(String),
}

/// The longest side of a rendered picture, in pixels.
pub(crate) const MAX_SIDE: u32 = 16_384;
