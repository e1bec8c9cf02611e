//! Sensors that are turned a little each time they are learned from: another person wears them another way.

use crate::config::TrainConfig;
use crate::error::{TrainError, config_error};
use crate::random::symmetric;
use bitfab_data::Dataset;
use bitfab_graph::{Coding, Shape};
use rand_chacha::ChaCha8Rng;

/// The axes x, y and z of one sensor.
const AXES: usize = 3;
/// The byte of a real 0 where nothing is known of the values.
const MIDDLE: f32 = 127.5;

/// Random rotations of rows whose channels are sensors of three axes each.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tilt {
    /// Largest component of a rotation, in radians.
    limit: f32,
    /// How values are coded: one for all, one a channel or one a value.
    scales: Vec<Scale>,
}

/// A coding as a line.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Scale {
    /// The byte of a real 0, which may lie outside the bytes.
    zero: f32,
    /// Bytes of one unit.
    unit: f32,
}

impl From<&Coding> for Scale {
    fn from(coding: &Coding) -> Self {
        let slope = f64::from(coding.multiplier) / 2f64.powi(i32::from(coding.shift));
        let zero = f64::from(coding.base) - f64::from(coding.zero) * slope;
        Self { zero: zero as f32, unit: (slope * 2f64.powi(i32::from(coding.fraction))) as f32 }
    }
}

impl Tilt {
    /// What the configuration asks for; `None` if nothing.
    ///
    /// # Errors
    /// [`TrainError::Config`] if the channels are not sensors of three axes.
    pub(crate) fn new(config: &TrainConfig, data: &Dataset) -> Result<Option<Self>, TrainError> {
        if config.tilt == 0.0 {
            return Ok(None);
        }
        check(data.shape)?;
        let mut scales: Vec<Scale> = data.interface.codings.iter().map(Scale::from).collect();
        if scales.is_empty() {
            scales.push(Scale { zero: MIDDLE, unit: 1.0 });
        }
        Ok(Some(Self { limit: config.tilt.to_radians(), scales }))
    }

    /// Turns all sensors at all steps of the row by one random rotation, and limits the results to bytes.
    pub(crate) fn turn(&self, rng: &mut ChaCha8Rng, row: &mut [u8]) {
        let rotation = rotation([(); AXES].map(|()| self.limit * symmetric(rng)));
        for (sensor, bytes) in row.chunks_exact_mut(AXES).enumerate() {
            let scale = |axis: usize| self.scales[(sensor * AXES + axis) % self.scales.len()];
            let real: [f32; AXES] = std::array::from_fn(|axis| {
                let Scale { zero, unit } = scale(axis);
                // A constant channel has no unit and stays as it is.
                if unit > 0.0 { (f32::from(bytes[axis]) - zero) / unit } else { 0.0 }
            });
            for (axis, byte) in bytes.iter_mut().enumerate() {
                let Scale { zero, unit } = scale(axis);
                let turned: f32 = rotation[axis].iter().zip(real).map(|(factor, value)| factor * value).sum();
                // The cast limits what lies outside.
                *byte = (turned * unit + zero + 0.5).floor() as u8;
            }
        }
    }
}

/// Channels must come in threes.
fn check(shape: Shape) -> Result<(), TrainError> {
    if (shape.channels as usize).is_multiple_of(AXES) {
        return Ok(());
    }
    let problem = format!("rows of {shape} have {} channels; it turns sensors of {AXES} axes each", shape.channels);
    Err(config_error("tilt", problem))
}

/// The rotation by about the given small angles about x, y and z: exactly the one of the quaternion (1, angles / 2),
/// which needs no sine.
fn rotation(angles: [f32; AXES]) -> [[f32; AXES]; AXES] {
    let [x, y, z] = angles.map(|angle| angle / 2.0);
    let factor = 2.0 / (1.0 + x * x + y * y + z * z);
    [
        [1.0 - factor * (y * y + z * z), factor * (x * y - z), factor * (x * z + y)],
        [factor * (x * y + z), 1.0 - factor * (x * x + z * z), factor * (y * z - x)],
        [factor * (x * z - y), factor * (y * z + x), 1.0 - factor * (x * x + y * y)],
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, stream};
    use bitfab_data::digits;

    fn product(a: [[f32; 3]; 3], b: [[f32; 3]; 3]) -> [[f32; 3]; 3] {
        std::array::from_fn(|row| std::array::from_fn(|column| (0..3).map(|at| a[row][at] * b[at][column]).sum()))
    }

    #[test]
    fn rotations_keep_lengths_and_have_about_the_angle_that_is_asked_for() {
        let mut rng = stream(1, Purpose::Tilt, 0, 0);
        for _ in 0..100 {
            let angles = [(); 3].map(|()| 0.4 * symmetric(&mut rng));
            let turn = rotation(angles);
            let transposed = std::array::from_fn(|row| std::array::from_fn(|column| turn[column][row]));
            for (row, values) in product(turn, transposed).iter().enumerate() {
                for (column, value) in values.iter().enumerate() {
                    assert!((value - f32::from(u8::from(row == column))).abs() < 1e-6);
                }
            }
            let size = 2.0 * (angles.iter().map(|angle| angle * angle).sum::<f32>().sqrt() / 2.0).atan();
            let angle = ((turn[0][0] + turn[1][1] + turn[2][2] - 1.0) / 2.0).min(1.0).acos();
            assert!((angle - size).abs() < 2e-3, "{angle} for {size}");
        }
        // From x to y about z.
        assert!(rotation([0.0, 0.0, 0.1])[1][0] > 0.0);
    }

    fn tilt(degrees: f32, codings: Vec<Coding>) -> Tilt {
        let mut data = digits(0).unwrap();
        data.shape = Shape::new(8, 2, 3);
        data.interface.codings = codings;
        let config = TrainConfig { tilt: degrees, ..TrainConfig::default() };
        Tilt::new(&config, &data).unwrap().unwrap()
    }

    /// One unit of gravity along x, in three codings of unlike zeros and units, is one unit after any rotation.
    #[test]
    fn real_values_are_turned_whatever_their_codings() {
        let coding = |zero, multiplier, base| Coding { fraction: 8, zero, multiplier, shift: 8, base, count: None };
        let codings = vec![coding(-128, 60, 20), coding(0, 90, 128), coding(64, 40, 150)];
        let tilt = tilt(20.0, codings);
        let expected =
            [Scale { zero: 50.0, unit: 60.0 }, Scale { zero: 128.0, unit: 90.0 }, Scale { zero: 140.0, unit: 40.0 }];
        assert_eq!(tilt.scales, expected);
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..50 {
            let mut row = [110, 128, 140, 110, 128, 140];
            tilt.turn(&mut stream(seed, Purpose::Tilt, 0, 0), &mut row);
            assert_eq!(row[..3], row[3..], "one rotation for all sensors and steps");
            let real = expected.iter().zip(row).map(|(scale, byte)| (f32::from(byte) - scale.zero) / scale.unit);
            let length = real.map(|value| value * value).sum::<f32>().sqrt();
            assert!((length - 1.0).abs() < 0.02, "{row:?} is {length} long");
            seen.insert(row);
        }
        assert!(seen.len() > 40);
    }

    /// Two sensors of unlike codings at every step: each channel keeps its own.
    #[test]
    fn every_channel_has_its_own_coding() {
        let coding = |multiplier, base| Coding { fraction: 0, zero: 0, multiplier, shift: 0, base, count: None };
        let codings = [40, 41, 42, 80, 81, 82].map(|multiplier| coding(multiplier, multiplier as i16)).to_vec();
        let tilt = tilt(20.0, codings);
        for seed in 0..20 {
            let mut row = [80, 41, 42, 160, 81, 82].repeat(2);
            tilt.turn(&mut stream(seed, Purpose::Tilt, 0, 0), &mut row);
            assert_eq!(row[..6], row[6..]);
            for ((&first, &second), (one, two)) in
                row[..3].iter().zip(&row[3..6]).zip([(40.0, 80.0), (41.0, 81.0), (42.0, 82.0)])
            {
                let [first, second] = [(f32::from(first) - one) / one, (f32::from(second) - two) / two];
                assert!((first - second).abs() < 0.03, "{row:?}: {first} and {second}");
            }
        }
    }

    #[test]
    fn results_are_limited_to_bytes_and_constant_channels_stay() {
        let tilt = tilt(90.0, Vec::new());
        assert_eq!(tilt.scales, [Scale { zero: 127.5, unit: 1.0 }]);
        let mut ends = [false; 2];
        for seed in 0..50 {
            let mut row = [0, 255, 255];
            tilt.turn(&mut stream(seed, Purpose::Tilt, 0, 0), &mut row);
            ends = [ends[0] || row.contains(&0), ends[1] || row.contains(&255)];
            let mut still = [128, 128, 127];
            tilt.turn(&mut stream(seed, Purpose::Tilt, 0, 0), &mut still);
            assert!(still.iter().all(|byte| (126..=129).contains(byte)));
        }
        assert_eq!(ends, [true; 2]);
        let constant = Coding { fraction: 0, zero: 9, multiplier: 0, shift: 0, base: 77, count: None };
        let mut row = [77; 3];
        Tilt { limit: 1.0, scales: vec![Scale::from(&constant)] }.turn(&mut stream(1, Purpose::Tilt, 0, 0), &mut row);
        assert_eq!(row, [77; 3]);
    }

    #[test]
    fn rows_without_three_axes_are_refused() {
        let config = TrainConfig { tilt: 5.0, ..TrainConfig::default() };
        let error = Tilt::new(&config, &digits(0).unwrap()).unwrap_err().to_string();
        assert!(error.contains("8x8x1") && error.contains("3 axes"), "{error}");
    }
}
