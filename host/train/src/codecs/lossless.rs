//! The smallest form that gives back every bit, by what the values are known to be.

use super::{Bits, Codec, Saved};
use crate::batch::{Batch, Form};

/// Signs in one bit, levels in four, octets and bytes in eight, reals as they are.
#[derive(Clone, Copy, Debug)]
pub struct Lossless;

impl Codec for Lossless {
    fn name(&self) -> &'static str {
        "lossless"
    }

    fn save(&self, x: Batch) -> Saved {
        match x.form {
            Form::Bytes => Saved::Bytes(x.values.iter().map(|&v| (v * 256.0) as u8).collect()),
            Form::Signs => Saved::Signs(Bits::new(&x.values, |v| v > 0.0)),
            Form::Levels => Saved::levels(&x.values),
            Form::Octets => Saved::Octets(x.values.iter().map(|&v| v as u8).collect()),
            Form::Reals => Saved::Reals(x.values),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bitfab_graph::Shape;

    #[test]
    fn every_form_comes_back_in_few_bytes() {
        let pattern = |i: usize| (i * i + i / 3) % 16;
        for (form, value, bytes) in [
            (Form::Bytes, Box::new(|i| pattern(i) as f32 / 256.0) as Box<dyn Fn(usize) -> f32>, 131),
            (Form::Signs, Box::new(|i| if pattern(i) > 7 { 1.0 } else { -1.0 }), 24),
            (Form::Levels, Box::new(|i| pattern(i) as f32), 66),
            (Form::Octets, Box::new(|i| (i + 100) as f32), 131),
            (Form::Reals, Box::new(|i| i as f32 / 3.0), 524),
        ] {
            let values: Vec<f32> = (0..131).map(value).collect();
            let saved = Lossless.save(Batch { values: values.clone(), count: 131, shape: Shape::flat(1), form });
            assert_eq!((saved.to_values(131), saved.bytes()), (values, bytes), "{form:?}");
        }
    }
}
