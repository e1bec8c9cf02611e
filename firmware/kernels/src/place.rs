//! Where the taps of a window lie in the input.

use bitfab_format::{Layer, Shape, Window};

/// The window of one output pixel.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    input: Shape,
    window: Window,
    /// Row and column of the first tap, counted in the padded input.
    origin: [u32; 2],
}

impl Place {
    /// The window of output pixel (`row`, `column`).
    pub fn new(layer: &Layer<'_>, row: u32, column: u32) -> Self {
        let window = layer.window;
        let origin = [row.wrapping_mul(window.stride[0]), column.wrapping_mul(window.stride[1])];
        Self { input: layer.input.shape, window, origin }
    }

    /// Whether every tap is inside the input.
    pub fn is_inside(&self) -> bool {
        let inside = |axis: usize, size: u32, padding: u32| {
            let (origin, kernel) = match axis {
                0 => (self.origin[0], self.window.kernel[0]),
                _ => (self.origin[1], self.window.kernel[1]),
            };
            origin >= padding && origin.wrapping_add(kernel) <= size.wrapping_add(padding)
        };
        let [top, left, _, _] = self.window.padding;
        inside(0, self.input.height, top) && inside(1, self.input.width, left)
    }

    /// The pixel of the input under every tap in order; `None` outside.
    pub fn taps(self) -> impl Iterator<Item = Option<usize>> {
        let [height, width] = self.window.kernel;
        (0..height).flat_map(move |down| (0..width).map(move |right| self.pixel(down, right)))
    }

    fn pixel(&self, down: u32, right: u32) -> Option<usize> {
        let [top, left, _, _] = self.window.padding;
        let row = self.origin[0].wrapping_add(down).checked_sub(top)?;
        let column = self.origin[1].wrapping_add(right).checked_sub(left)?;
        if row >= self.input.height || column >= self.input.width {
            return None;
        }
        Some(row.wrapping_mul(self.input.width).wrapping_add(column) as usize)
    }
}

/// Calls `each` with the number of every output pixel and its window, row-major.
pub(crate) fn for_each(layer: &Layer<'_>, mut each: impl FnMut(usize, Place)) {
    let mut pixel = 0;
    for row in 0..layer.output.shape.height {
        for column in 0..layer.output.shape.width {
            each(pixel, Place::new(layer, row, column));
            pixel += 1;
        }
    }
}
