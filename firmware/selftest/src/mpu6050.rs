//! An MPU-6050, acceleration and rotation, over I2C.

use embedded_hal::delay::DelayNs;
use embedded_hal::i2c::I2c;
use mpu6050_dmp::accel::AccelFullScale;
use mpu6050_dmp::address::Address;
use mpu6050_dmp::clock_source::ClockSource;
use mpu6050_dmp::config::DigitalLowPassFilter;
use mpu6050_dmp::error::Error;
use mpu6050_dmp::gyro::GyroFullScale;
use mpu6050_dmp::sensor::Mpu6050 as Driver;

use crate::sense::Sensor;

/// With its pin AD0 low.
const ADDRESS: u8 = 0x68;
/// A register that says what chip it is, and what it says (RM-MPU-6000A, 4.32).
const WHO_AM_I: u8 = 0x75;
const MPU6050: u8 = 0x68;
/// Samples a second before they are divided.
const RATE: u32 = 1_000;

/// How it measures; a count is worth what the model's counts were worth only with the same ranges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Samples a second: 4 to 500, a divisor of 1,000.
    pub hertz: u32,
    /// Range of the acceleration in g, both ways: 2, 4, 8 or 16.
    pub g: u32,
    /// Range of the rotation in degrees a second, both ways: 250, 500, 1,000 or 2,000.
    pub degrees: u32,
}

/// Why it gives nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SensorError<E> {
    /// The bus: nothing answers, or a pin is wrong.
    Bus(E),
    /// Another chip answers.
    OtherChip {
        /// What it says of itself.
        found: u8,
    },
    /// A rate or range that it does not have.
    Settings(Settings),
}

/// The sensor: x, y and z of the acceleration, then of the rotation.
pub struct Mpu6050<I: I2c>(Driver<I>);

fn bus<I: I2c>(error: Error<I>) -> SensorError<I::Error> {
    match error {
        Error::WriteError(error) | Error::WriteReadError(error) => SensorError::Bus(error),
        Error::WrongDevice => SensorError::OtherChip { found: 0 },
    }
}

impl<I: I2c> Mpu6050<I> {
    /// Wakes it and sets it up, 200 ms.
    ///
    /// # Errors
    /// A [`SensorError`].
    pub fn new(mut i2c: I, delay: &mut impl DelayNs, settings: Settings) -> Result<Self, SensorError<I::Error>> {
        let (accel, gyro) = settings.ranges().ok_or(SensorError::Settings(settings))?;
        let mut found = [0];
        i2c.write_read(ADDRESS, &[WHO_AM_I], &mut found).map_err(SensorError::Bus)?;
        if found != [MPU6050] {
            return Err(SensorError::OtherChip { found: found[0] });
        }
        let mut driver = Driver::new(i2c, Address(ADDRESS)).map_err(|error| bus(error.error))?;
        let mut set = || {
            driver.reset(delay)?;
            driver.disable_sleep()?;
            driver.set_clock_source(ClockSource::Xgyro)?;
            driver.set_accel_full_scale(accel)?;
            driver.set_gyro_full_scale(gyro)?;
            driver.set_digital_lowpass_filter(settings.filter())?;
            driver.set_sample_rate_divider((RATE / settings.hertz - 1) as u8)?;
            driver.interrupt_data_ready_en()
        };
        set().map_err(bus)?;
        Ok(Self(driver))
    }
}

impl Settings {
    fn ranges(self) -> Option<(AccelFullScale, GyroFullScale)> {
        let accel = match self.g {
            2 => AccelFullScale::G2,
            4 => AccelFullScale::G4,
            8 => AccelFullScale::G8,
            16 => AccelFullScale::G16,
            _ => return None,
        };
        let gyro = match self.degrees {
            250 => GyroFullScale::Deg250,
            500 => GyroFullScale::Deg500,
            1_000 => GyroFullScale::Deg1000,
            2_000 => GyroFullScale::Deg2000,
            _ => return None,
        };
        let is_rate = (4..=500).contains(&self.hertz) && RATE.is_multiple_of(self.hertz);
        is_rate.then_some((accel, gyro))
    }

    /// Keeps what is slower than half the rate.
    const fn filter(self) -> DigitalLowPassFilter {
        match self.hertz {
            400.. => DigitalLowPassFilter::Filter1,
            200.. => DigitalLowPassFilter::Filter2,
            100.. => DigitalLowPassFilter::Filter3,
            50.. => DigitalLowPassFilter::Filter4,
            25.. => DigitalLowPassFilter::Filter5,
            _ => DigitalLowPassFilter::Filter6,
        }
    }
}

impl<I: I2c> Sensor for Mpu6050<I> {
    type Error = SensorError<I::Error>;

    const COUNTS: usize = 6;

    fn sample(&mut self, counts: &mut [i16]) -> Result<bool, Self::Error> {
        // Bit 0: a new sample; reading it clears it.
        if self.0.interrupt_read_clear().map_err(bus)? & 1 == 0 {
            return Ok(false);
        }
        let (accel, gyro) = self.0.motion6().map_err(bus)?;
        let sample = [accel.x(), accel.y(), accel.z(), gyro.x(), gyro.y(), gyro.z()];
        counts.iter_mut().zip(sample).for_each(|(place, count)| *place = count);
        Ok(true)
    }
}
