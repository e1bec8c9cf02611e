//! Activations that a kernel fuses.

/// What a kernel does with its result besides scaling: a fused activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Activation {
    None,
    Relu,
    ReluN1To1,
    Relu6,
}

impl Activation {
    /// From the code in a file.
    pub fn new(code: i8) -> Result<Self, String> {
        Ok(match code {
            0 => Self::None,
            1 => Self::Relu,
            2 => Self::ReluN1To1,
            3 => Self::Relu6,
            4 => return Err("its fused activation is TANH; NONE, RELU, RELU6 and RELU_N1_TO_1 are known".into()),
            other => return Err(format!("its fused activation has the code {other}; 0 to 3 are known")),
        })
    }

    /// Least and greatest integer that a tensor has behind it, computed in 32-bit floats as the kernels do.
    pub fn range(self, scale: f32, zero: i64, [low, high]: [i64; 2]) -> [i64; 2] {
        // `f32::round` takes halves away from zero; what leaves 32 bits is beyond every byte.
        let place = |real: f32| zero + (real / scale).round() as i64;
        match self {
            Self::None => [low, high],
            Self::Relu => [low.max(place(0.0)), high],
            Self::Relu6 => [low.max(place(0.0)), high.min(place(6.0))],
            Self::ReluN1To1 => [low.max(place(-1.0)), high.min(place(1.0))],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn activations_cut_at_their_place_on_the_grid() {
        let range = |activation: Activation, scale, zero| activation.range(scale, zero, [-128, 127]);
        assert_eq!(range(Activation::None, 0.1, 5), [-128, 127]);
        assert_eq!(range(Activation::Relu, 0.1, 5), [5, 127]);
        assert_eq!(range(Activation::Relu6, 0.1, 5), [5, 65]);
        assert_eq!(range(Activation::Relu6, 0.01, -128), [-128, 127]);
        assert_eq!(range(Activation::ReluN1To1, 0.125, 0), [-8, 8]);
        assert_eq!(range(Activation::Relu6, 1e-38, 0), [0, 127], "beyond every byte");
        assert!(Activation::new(4).is_err() && Activation::new(9).is_err());
    }
}
