//! Which axes rows may have: those of the model's input, or none.

use bitfab::format::Shape;

pub use bitfab::data::AXES_RULE as RULE;

/// Whether one row may have these axes, `[height, width, channels]`.
pub fn is_row(sizes: &[u64; 3], model: Shape) -> bool {
    let [height, width, channels] = sizes.map(|size| u32::try_from(size).unwrap_or(u32::MAX));
    let rows = bitfab::graph::Shape::new(height, width, channels);
    bitfab::data::suits(rows, bitfab::graph::Shape::new(model.height, model.width, model.channels))
}
