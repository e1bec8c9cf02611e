//! An inference between the markers that an emulator counts.

use core::hint::black_box;

use bitfab_board_platform as platform;
use bitfab_runtime::{Layer, Model, Observer, Output, RunError};

use crate::row::{Memory, Row};

/// Marks the end of every layer.
struct Laps;

impl Observer for Laps {
    #[inline(always)]
    fn after(&mut self, _: &Layer<'_>, _: &[u32]) {
        platform::lap();
    }
}

/// One inference between markers, with a lap a layer; coding a row is before the first layer's lap.
///
/// # Errors
/// [`RunError`] where the arena is too small or the image has the wrong length.
pub fn counted<'a>(model: &Model<'static>, row: Row<'_>, memory: &'a mut Memory<'_>) -> Result<Output<'a>, RunError> {
    let (model, row) = (black_box(model), black_box(row));
    platform::begin();
    let output = infer(model, row, memory);
    platform::end();
    output
}

/// Kept out of line: the compiler may move pure code across the markers, but not across this call.
#[inline(never)]
fn infer<'a>(model: &Model<'static>, row: Row<'_>, memory: &'a mut Memory<'_>) -> Result<Output<'a>, RunError> {
    memory.run(model, row, &mut Laps)
}
