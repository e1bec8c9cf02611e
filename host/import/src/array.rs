//! Dense arrays of real numbers.

/// The most values that one array may hold.
pub const MAX_VALUES: usize = 1 << 28;

/// What the numbers of an array are in the file; they are computed with as 64-bit floats all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Element {
    /// Floats of any size.
    #[default]
    Real,
    /// Truth values, 0 or 1.
    Bool,
    /// Two's complement integers of that many bits, 1 to 64.
    Signed(u8),
    /// Integers of that many bits, 1 to 64, without sign.
    Unsigned(u8),
}

impl Element {
    /// Whether these are integers; truth values are not.
    pub fn is_integer(self) -> bool {
        matches!(self, Self::Signed(_) | Self::Unsigned(_))
    }

    /// The least and the greatest value; of 64 bits the nearest floats.
    pub fn range(self) -> (f64, f64) {
        match self {
            Self::Real => (f64::NEG_INFINITY, f64::INFINITY),
            Self::Bool => (0.0, 1.0),
            Self::Signed(bits) => (-power(bits, 1), power(bits, 1) - 1.0),
            Self::Unsigned(bits) => (0.0, power(bits, 0) - 1.0),
        }
    }
}

/// `2^(bits - less)`.
fn power(bits: u8, less: i32) -> f64 {
    2f64.powi(i32::from(bits) - less)
}

/// Real numbers in row-major order; integers and truth values of a file are reals here too.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Array {
    /// Sizes, outermost first; none for a scalar.
    pub dims: Vec<usize>,
    /// As many values as the product of `dims`.
    pub values: Vec<f64>,
    /// What the values are in the file; it decides where quantisers saturate and how integers divide.
    pub element: Element,
}

impl Array {
    /// An array of the given sizes.
    ///
    /// # Panics
    /// If the number of values is not the product of `dims`.
    pub fn new(dims: impl Into<Vec<usize>>, values: Vec<f64>) -> Self {
        let dims = dims.into();
        assert_eq!(dims.iter().product::<usize>(), values.len(), "sizes and values of an array");
        Self { dims, values, element: Element::Real }
    }

    /// One number without sizes.
    pub fn scalar(value: f64) -> Self {
        Self { dims: Vec::new(), values: vec![value], element: Element::Real }
    }

    /// The same numbers, said to be of another kind.
    pub fn of(mut self, element: Element) -> Self {
        self.element = element;
        self
    }

    /// The number of values for these sizes, if it is allowed.
    pub fn count(dims: &[usize]) -> Option<usize> {
        // A zero makes the product zero, but the others must be sane alone too, for strides are products.
        let sane = dims.iter().try_fold(1usize, |count, &size| count.checked_mul(size.max(1)))?;
        (sane <= MAX_VALUES).then(|| dims.iter().product())
    }
}
