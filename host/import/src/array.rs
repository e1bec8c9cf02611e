//! Dense arrays of real numbers.

/// The most values that one array may hold.
pub const MAX_VALUES: usize = 1 << 28;

/// Real numbers in row-major order; integers and truth values of a file are reals here too.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Array {
    /// Sizes, outermost first; none for a scalar.
    pub dims: Vec<usize>,
    /// As many values as the product of `dims`.
    pub values: Vec<f64>,
}

impl Array {
    /// An array of the given sizes.
    ///
    /// # Panics
    /// If the number of values is not the product of `dims`.
    pub fn new(dims: impl Into<Vec<usize>>, values: Vec<f64>) -> Self {
        let dims = dims.into();
        assert_eq!(dims.iter().product::<usize>(), values.len(), "sizes and values of an array");
        Self { dims, values }
    }

    /// One number without sizes.
    pub fn scalar(value: f64) -> Self {
        Self { dims: Vec::new(), values: vec![value] }
    }

    /// The number of values for these sizes, if it is allowed.
    pub fn count(dims: &[usize]) -> Option<usize> {
        // A zero makes the product zero, but strides are products of the other sizes and must be sane too.
        let sane = dims.iter().try_fold(1usize, |count, &size| count.checked_mul(size.max(1)))?;
        (sane <= MAX_VALUES).then(|| dims.iter().product())
    }
}

/// For each element of the transposed array the element that it is before; `dims` are the sizes before.
pub(crate) fn transposed(dims: &[usize], order: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; dims.len()];
    for axis in (1..dims.len()).rev() {
        strides[axis - 1] = strides[axis] * dims[axis];
    }
    let mut places = vec![0];
    for &axis in order {
        let (size, stride) = (dims[axis], strides[axis]);
        places = places.iter().flat_map(|&place| (0..size).map(move |at| place + at * stride)).collect();
    }
    places
}
