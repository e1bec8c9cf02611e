//! Step functions with estimated gradients, and the one activation of networks of real numbers.

use super::{Entry, Inputs, Layer, Parameter};
use crate::batch::{Batch, Form};
use crate::codecs::{Bits, Codec, Saved};
use crate::estimators::{Estimator, Line, masked};
use crate::math::map;

/// `x >= 0` is +1, else -1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sign {
    /// How gradients pass.
    pub estimator: &'static dyn Estimator,
}

impl Sign {
    /// `clamp(x, -1, 1)`.
    const LINE: Line = Line { step: 1.0, low: -1.0, high: 1.0 };
}

impl Layer for Sign {
    fn forward(&mut self, parameters: &[Parameter], inputs: Inputs, _: &dyn Codec) -> (Batch, Entry) {
        let entry = Entry::of(self.estimator.save(&inputs.x.values, Self::LINE));
        (self.infer(parameters, inputs), entry)
    }

    fn infer(&self, _: &[Parameter], Inputs { x, .. }: Inputs) -> Batch {
        x.with(map(&x.values, |value| if value >= 0.0 { 1.0 } else { -1.0 }), Form::Signs)
    }

    fn backward(&self, _: &[Parameter], own: &Entry, dy: &Batch, _: bool, _: &mut [Vec<f32>]) -> [Option<Vec<f32>>; 2] {
        [Some(self.estimator.backward(dy, &own.saved, Self::LINE)), None]
    }
}

/// `clamp(floor(x / step + 1/2), 0, 2^bits - 1)` as whole numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantize {
    /// 1 to 8.
    pub bits: u32,
    /// Distance of two levels, a power of two.
    pub step: f32,
    /// How gradients pass.
    pub estimator: &'static dyn Estimator,
}

impl Quantize {
    /// The highest level.
    fn top(self) -> f32 {
        ((1u32 << self.bits) - 1) as f32
    }

    /// `clamp(x / step, -1/2, 2^bits - 1/2)`.
    fn line(self) -> Line {
        Line { step: self.step, low: -0.5, high: self.top() + 0.5 }
    }
}

impl Layer for Quantize {
    fn forward(&mut self, parameters: &[Parameter], inputs: Inputs, _: &dyn Codec) -> (Batch, Entry) {
        let entry = Entry::of(self.estimator.save(&inputs.x.values, self.line()));
        (self.infer(parameters, inputs), entry)
    }

    fn infer(&self, _: &[Parameter], Inputs { x, .. }: Inputs) -> Batch {
        let (top, step) = (self.top(), self.step);
        let y = map(&x.values, |value| (value / step + 0.5).floor().clamp(0.0, top));
        x.with(y, if self.bits > 4 { Form::Octets } else { Form::Levels })
    }

    fn backward(&self, _: &[Parameter], own: &Entry, dy: &Batch, _: bool, _: &mut [Vec<f32>]) -> [Option<Vec<f32>>; 2] {
        [Some(self.estimator.backward(dy, &own.saved, self.line())), None]
    }
}

/// `max(x, 0)`, for networks of real numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relu;

impl Layer for Relu {
    fn forward(&mut self, parameters: &[Parameter], inputs: Inputs, _: &dyn Codec) -> (Batch, Entry) {
        let entry = Entry::of(Saved::Mask(Bits::new(&inputs.x.values, |value| value > 0.0)));
        (self.infer(parameters, inputs), entry)
    }

    fn infer(&self, _: &[Parameter], Inputs { x, .. }: Inputs) -> Batch {
        x.with(map(&x.values, |value| value.max(0.0)), Form::Reals)
    }

    fn backward(&self, _: &[Parameter], own: &Entry, dy: &Batch, _: bool, _: &mut [Vec<f32>]) -> [Option<Vec<f32>>; 2] {
        [Some(masked(dy, &own.saved, 1.0)), None]
    }
}
