//! From rows of bytes to batches: order, random changes and input coding.

use crate::batch::{Batch, Form};
use crate::config::TrainConfig;
use crate::error::TrainError;
use crate::random::{Purpose, below, stream};
use crate::tape::{Net, Thermometer};
use crate::tilt::Tilt;
use bitfab_data::{Dataset, Split};
use bitfab_graph::Shape;
use rayon::prelude::*;
use std::borrow::Cow;

/// Random changes of the rows of one epoch.
#[derive(Clone, Debug)]
pub(crate) struct Changes {
    seed: u64,
    epoch: u32,
    /// Largest shift in either direction.
    shift: u32,
    /// Rotations.
    tilt: Option<Tilt>,
}

impl Changes {
    /// What the configuration asks for.
    ///
    /// # Errors
    /// [`TrainError::Config`] if the rows cannot be changed so.
    pub(crate) fn new(config: &TrainConfig, data: &Dataset, epoch: u32) -> Result<Self, TrainError> {
        Ok(Self { seed: config.seed, epoch, shift: config.shift, tilt: Tilt::new(config, data)? })
    }

    /// The row as it is learned from.
    fn apply<'a>(&self, source: &'a [u8], shape: Shape, row: u32) -> Cow<'a, [u8]> {
        let mut result = Cow::Borrowed(source);
        if let Some(tilt) = &self.tilt {
            let mut rng = stream(self.seed, Purpose::Tilt, u64::from(self.epoch), u64::from(row));
            tilt.turn(&mut rng, result.to_mut());
        }
        if self.shift > 0 {
            result = Cow::Owned(shifted(&result, shape, row, self));
        }
        result
    }
}

/// The rows with the given numbers as network input, and their labels.
pub(crate) fn batch(net: &Net, split: &Split, rows: &[u32], changes: Option<&Changes>) -> (Batch, Vec<u8>) {
    let shape = net.input;
    let width = shape.elements() as usize;
    let coded = net.thermometer.as_ref().map_or(1, |t| t.per_channel as usize);
    let mut values = vec![0.0; rows.len() * width * coded];
    values.par_chunks_mut(width * coded).zip(rows).for_each(|(out, &row)| {
        let at = row as usize * width;
        let source = &split.inputs[at..at + width];
        let row = changes.map_or(Cow::Borrowed(source), |changes| changes.apply(source, shape, row));
        code(&row, &net.thermometer, out);
    });
    let batch = Batch {
        values,
        count: rows.len(),
        shape: Shape { channels: shape.channels * coded as u32, ..shape },
        form: if net.thermometer.is_some() { Form::Signs } else { Form::Bytes },
    };
    let labels = rows.iter().map(|&row| split.labels[row as usize]).collect();
    (batch, labels)
}

/// The row moved by a random number of pixels, zeros moving in; vectors (1 x 1) are left alone.
fn shifted(source: &[u8], shape: Shape, row: u32, changes: &Changes) -> Vec<u8> {
    let mut rng = stream(changes.seed, Purpose::Shift, u64::from(changes.epoch), u64::from(row));
    let mut draw = |size: u32| {
        let limit = changes.shift.min(size / 2) as i32;
        below(&mut rng, 2 * limit as u32 + 1) as i32 - limit
    };
    let (down, right) = (draw(shape.height), draw(shape.width));
    let (height, width) = (shape.height as i32, shape.width as i32);
    let channels = shape.channels as usize;
    let mut out = vec![0; source.len()];
    for (index, pixel) in out.chunks_exact_mut(channels).enumerate() {
        let (y, x) = (index as i32 / width - down, index as i32 % width - right);
        if (0..height).contains(&y) && (0..width).contains(&x) {
            let from = (y * width + x) as usize * channels;
            pixel.copy_from_slice(&source[from..from + channels]);
        }
    }
    out
}

/// Bytes as numbers / 256, or as thermometer signs.
fn code(source: &[u8], thermometer: &Option<Thermometer>, out: &mut [f32]) {
    let Some(thermometer) = thermometer else {
        for (out, &byte) in out.iter_mut().zip(source) {
            *out = f32::from(byte) / 256.0;
        }
        return;
    };
    let per = thermometer.per_channel as usize;
    let channels = thermometer.thresholds.len() / per;
    for (index, (signs, &byte)) in out.chunks_exact_mut(per).zip(source).enumerate() {
        let start = index % channels * per;
        let thresholds = &thermometer.thresholds[start..start + per];
        for (sign, &threshold) in signs.iter_mut().zip(thresholds) {
            *sign = if i16::from(byte) >= threshold { 1.0 } else { -1.0 };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shifts_move_the_picture_and_fill_with_zeros() {
        let shape = Shape::new(5, 5, 1);
        let mut source = vec![0; 25];
        source[12] = 7;
        let mut seen = std::collections::BTreeSet::new();
        for row in 0..200 {
            let changes = Changes { seed: 1, epoch: 3, shift: 1, tilt: None };
            let out = shifted(&source, shape, row, &changes);
            assert_eq!(out, shifted(&source, shape, row, &changes));
            assert_eq!(out.iter().map(|&v| u32::from(v)).sum::<u32>(), 7);
            seen.insert(out.iter().position(|&v| v == 7).unwrap());
        }
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [6, 7, 8, 11, 12, 13, 16, 17, 18]);
    }

    /// Rotations are drawn anew for each row and epoch, and the same when a run is resumed.
    #[test]
    fn changes_depend_on_the_seed_the_epoch_and_the_row() {
        let mut data = bitfab_data::digits(0).unwrap();
        data.shape = Shape::new(1, 2, 3);
        let changed = |seed, epoch, row, shift| {
            let config = TrainConfig { seed, tilt: 30.0, shift, ..TrainConfig::default() };
            let changes = Changes::new(&config, &data, epoch).unwrap();
            changes.apply(&[10, 200, 30, 90, 50, 250], data.shape, row).into_owned()
        };
        assert_eq!(changed(1, 2, 3, 1), changed(1, 2, 3, 1));
        let all = [changed(1, 2, 3, 0), changed(2, 2, 3, 0), changed(1, 3, 3, 0), changed(1, 2, 4, 0)];
        assert!((1..4).all(|at| !all[..at].contains(&all[at])), "{all:?}");
        assert!((0..50).any(|row| changed(1, 2, row, 1)[..3] == [0; 3]), "never shifted");
    }

    #[test]
    fn thermometer_codes_are_feature_major() {
        let thermometer = Some(Thermometer { thresholds: vec![1, 5, 100, 200], per_channel: 2 });
        let mut out = [0.0; 8];
        code(&[1, 99, 5, 200], &thermometer, &mut out);
        assert_eq!(out, [1.0, -1.0, -1.0, -1.0, 1.0, 1.0, 1.0, 1.0]);
    }
}
