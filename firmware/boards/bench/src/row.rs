//! One image, and the inference on it.

use bitfab_runtime::{Model, Observer, Output, RunError, digest, run, run_counts, run_real};

use crate::{Stop, Values};

/// An image as the program takes it.
#[derive(Clone, Copy, Debug)]
pub enum Row<'a> {
    /// Bytes.
    Bytes(&'a [u8]),
    /// Real values.
    Real(&'a [f32]),
    /// Raw counts.
    Counts(&'a [i16]),
}

impl<'a> Row<'a> {
    /// The bytes of an image as what they are.
    ///
    /// # Errors
    /// [`Stop::Row`] where they are not whole values, or lie askew.
    pub fn new(image: &'a [u8], values: Values) -> Result<Self, Stop> {
        match values {
            Values::Bytes => Ok(Self::Bytes(image)),
            Values::Real => bytemuck::try_cast_slice(image).map(Self::Real).map_err(|_| Stop::Row),
            Values::Counts => bytemuck::try_cast_slice(image).map(Self::Counts).map_err(|_| Stop::Row),
        }
    }
}

/// The memory of inferences.
pub struct Memory<'a> {
    /// The layers' words.
    pub arena: &'a mut [u32],
    /// What rows are coded to; empty where rows are bytes.
    pub coded: &'a mut [u32],
}

impl<'a> Memory<'a> {
    /// Cuts the arena in two where rows are coded.
    ///
    /// # Errors
    /// [`RunError::ArenaTooSmall`].
    pub fn new(model: &Model<'_>, arena: &'a mut [u32], values: Values) -> Result<Self, Stop> {
        let room = if values == Values::Bytes { 0 } else { model.input_bytes().div_ceil(size_of::<u32>()) };
        let need = model.arena_words().saturating_add(room);
        let at = arena.len().checked_sub(room).ok_or(RunError::ArenaTooSmall { need })?;
        if at < model.arena_words() {
            return Err(RunError::ArenaTooSmall { need }.into());
        }
        let (arena, coded) = arena.split_at_mut(at);
        Ok(Self { arena, coded })
    }

    /// One inference; a row that is not bytes is coded here, on this core.
    ///
    /// # Errors
    /// As [`bitfab_runtime::run_real`].
    pub fn run(
        &mut self,
        model: &Model<'static>,
        row: Row<'_>,
        observer: &mut impl Observer,
    ) -> Result<Output<'_>, RunError> {
        let all = bytemuck::cast_slice_mut::<u32, u8>(self.coded);
        let count = model.input_bytes().min(all.len());
        let bytes = &mut all[..count];
        match row {
            Row::Bytes(image) => run(model, image, self.arena, observer),
            Row::Real(values) => run_real(model, values, bytes, self.arena, observer),
            Row::Counts(counts) => run_counts(model, counts, bytes, self.arena, observer),
        }
    }

    /// The CRC-32 of what the last row was coded to, filled up with zeros; `None` where rows are bytes.
    pub fn coded(&self) -> Option<u32> {
        (!self.coded.is_empty()).then(|| digest(self.coded))
    }
}
