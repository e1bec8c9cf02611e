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
    /// Whether every tap is inside the input.
    pub fn is_inside(&self) -> bool {
        let [top, left, _, _] = self.window.padding;
        let [row, column] = self.origin;
        let [height, width] = self.window.kernel;
        row >= top
            && column >= left
            && row.wrapping_add(height) <= self.input.height.wrapping_add(top)
            && column.wrapping_add(width) <= self.input.width.wrapping_add(left)
    }

    /// Calls `each` with runs of taps of one kernel row, in order, that are all inside the input or all outside:
    /// the pixel under the first one, or `None` outside, and how many they are.
    #[inline(never)] // once in the binary, not once a caller
    pub fn for_each_run(&self, each: &mut dyn FnMut(Option<usize>, usize)) {
        let [top, left, _, _] = self.window.padding;
        let [height, width] = self.window.kernel;
        // Taps left of the input, up to its right edge, and past it.
        let before = left.saturating_sub(self.origin[1]).min(width);
        let until = self.input.width.wrapping_add(left).saturating_sub(self.origin[1]).clamp(before, width);
        let column = self.origin[1].saturating_sub(left);
        // Rows above the input wrap to numbers that are too large.
        let mut row = self.origin[0].wrapping_sub(top);
        for _ in 0..height {
            let is_inside = row < self.input.height;
            let (before, until) = if is_inside { (before, until) } else { (width, width) };
            if before != 0 {
                each(None, before as usize);
            }
            if until != before {
                let first = row.wrapping_mul(self.input.width).wrapping_add(column);
                each(Some(first as usize), (until - before) as usize);
            }
            if width != until {
                each(None, (width - until) as usize);
            }
            row = row.wrapping_add(1);
        }
    }

    /// The pixel of the input under the first tap, which is inside.
    pub fn first(&self) -> usize {
        self.origin[0].wrapping_mul(self.input.width).wrapping_add(self.origin[1]) as usize
    }
}

/// Calls `each` with the number of every output pixel and its window, row-major.
#[inline(never)] // once in the binary, not once a caller
pub(crate) fn for_each(layer: &Layer<'_>, each: &mut dyn FnMut(usize, &Place)) {
    let [down, right] = layer.window.stride;
    let mut place = Place { input: layer.input.shape, window: layer.window, origin: [0; 2] };
    let mut pixel = 0;
    for _ in 0..layer.output.shape.height {
        place.origin[1] = 0;
        for _ in 0..layer.output.shape.width {
            each(pixel, &place);
            place.origin[1] = place.origin[1].wrapping_add(right);
            pixel += 1;
        }
        place.origin[0] = place.origin[0].wrapping_add(down);
    }
}
