//! Scales, batch norm and the step of a quantiser, folded into integer thresholds without rounding.

use std::cmp::Ordering;

use bitfab_format::Bound;

use crate::dyadic::Dyadic;

/// `y = after * (gamma * (before * acc - mean) / sqrt(variance) + beta)` of one channel.
#[derive(Clone, Debug)]
pub(crate) struct Affine {
    before: Dyadic,
    gamma: Dyadic,
    mean: Dyadic,
    beta: Dyadic,
    variance: Dyadic,
    after: Dyadic,
    is_normed: bool,
}

/// `slope * acc + offset`, to about 200 bits.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub slope: Dyadic,
    pub offset: Dyadic,
    /// Whether no bit is missing.
    pub is_exact: bool,
}

impl Affine {
    /// The identity.
    pub fn identity() -> Self {
        let (zero, one) = (Dyadic::from_int(0), Dyadic::from_int(1));
        Self {
            before: one.clone(),
            gamma: one.clone(),
            mean: zero.clone(),
            beta: zero,
            variance: one.clone(),
            after: one,
            is_normed: false,
        }
    }

    /// Appends a multiplication.
    pub fn scale(&mut self, factor: f32) {
        let target = if self.is_normed { &mut self.after } else { &mut self.before };
        *target = &*target * &Dyadic::from_f32(factor);
    }

    /// Appends a batch norm; false if there is one already.
    pub fn normalise(&mut self, [gamma, beta, mean, variance, epsilon]: [f32; 5]) -> bool {
        if self.is_normed {
            return false;
        }
        self.gamma = Dyadic::from_f32(gamma);
        self.beta = Dyadic::from_f32(beta);
        self.mean = Dyadic::from_f32(mean);
        self.variance = &Dyadic::from_f32(variance) + &Dyadic::from_f32(epsilon);
        self.is_normed = true;
        true
    }

    /// Appends `multiplier * acc + offset` to an identity.
    ///
    /// An offset that is the nearest float to a whole multiple of the multiplier is taken as that multiple.
    pub fn line_of(&mut self, multiplier: f64, offset: f64) {
        let steps = (offset / multiplier).round();
        let is_whole = steps.abs() < 2f64.powi(32) && steps * multiplier == offset;
        self.before = Dyadic::from_f64(multiplier);
        self.beta = match is_whole {
            true => &Dyadic::from_int(steps as i64) * &self.before,
            false => Dyadic::from_f64(offset),
        };
        self.is_normed = true;
    }

    /// Slope and offset.
    pub fn line(&self) -> Line {
        let (inverse, is_exact) = self.variance.inverse_root();
        let gain = &(&self.after * &self.gamma) * &inverse;
        let offset = &(&self.after * &self.beta) - &(&gain * &self.mean);
        Line { slope: &gain * &self.before, offset, is_exact: is_exact || gain.signum() == 0 }
    }

    /// Whether both rise or fall by the same amount, exactly.
    pub fn is_as_steep(&self, other: &Self) -> bool {
        let square = |one: &Self| {
            let gain = &(&one.after * &one.gamma) * &one.before;
            &gain * &gain
        };
        (&square(self) * &other.variance).compare(&(&square(other) * &self.variance)).is_eq()
    }

    /// Whether both are made of the same numbers.
    pub fn is(&self, other: &Self) -> bool {
        let numbers = |one: &Self| {
            let Self { before, gamma, mean, beta, variance, after, .. } = one.clone();
            [before, gamma, mean, beta, variance, after]
        };
        numbers(self).iter().zip(&numbers(other)).all(|(a, b)| a.compare(b).is_eq())
    }

    /// The sign of dy/dacc.
    pub fn slope(&self) -> i32 {
        self.after.signum() * self.gamma.signum() * self.before.signum()
    }

    /// About dy/dacc.
    pub fn slope_f64(&self) -> f64 {
        let root = self.variance.to_f64().sqrt();
        self.after.to_f64() * self.gamma.to_f64() * self.before.to_f64() / root
    }

    /// About the accumulator at which `y` is `step`; any number if there is none.
    fn guess(&self, step: &Dyadic) -> i64 {
        let over = |a: f64, b: f64| if b == 0.0 { 0.0 } else { a / b };
        let normed = over(step.to_f64(), self.after.to_f64()) - self.beta.to_f64();
        let centred = over(normed * self.variance.to_f64().sqrt(), self.gamma.to_f64());
        over(centred + self.mean.to_f64(), self.before.to_f64()) as i64
    }

    /// Whether `y(acc)` is zero, exactly; as in [`reaches`](Self::reaches).
    pub fn vanishes(&self, acc: i64) -> bool {
        let centred = &(&self.before * &Dyadic::from_int(acc)) - &self.mean;
        let a = &(&self.after * &self.gamma) * &centred;
        let b = &self.after * &self.beta;
        a.signum() == -b.signum() && (&a * &a).compare(&(&(&b * &b) * &self.variance)).is_eq()
    }

    /// Whether `y(acc) >= step`, exactly.
    ///
    /// With `s = sqrt(variance) > 0` this is `a + b s >= 0`, a = after * gamma * (before * acc - mean),
    /// b = after * beta - step; where a and b differ in sign their squares decide.
    fn reaches(&self, acc: i64, step: &Dyadic) -> bool {
        let centred = &(&self.before * &Dyadic::from_int(acc)) - &self.mean;
        let a = &(&self.after * &self.gamma) * &centred;
        let b = &(&self.after * &self.beta) - step;
        let squares = || (&a * &a).compare(&(&(&b * &b) * &self.variance));
        match (a.signum() >= 0, b.signum() >= 0) {
            (true, true) => true,
            (false, false) => false,
            (true, false) => squares() != Ordering::Less,
            (false, true) => squares() != Ordering::Greater,
        }
    }
}

/// Integer thresholds of one channel and whether they count `acc <= t`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Steps {
    pub values: Vec<i32>,
    pub descends: bool,
}

/// The thresholds at which `affine` reaches each of `steps`, which ascend, for accumulators within `bound`.
///
/// A step that is reached always becomes the least (or largest) `i32`, one that is never reached the opposite.
pub(crate) fn thresholds(affine: &Affine, steps: &[Dyadic], bound: Bound) -> Steps {
    let descends = affine.slope() < 0;
    let mut values: Vec<i32> = steps.iter().map(|step| threshold(affine, step, bound, descends)).collect();
    values.sort_unstable();
    Steps { values, descends }
}

fn threshold(affine: &Affine, step: &Dyadic, bound: Bound, descends: bool) -> i32 {
    let (low, high) = (i64::from(bound.low), i64::from(bound.high));
    // Seen from the side where the step is not reached yet: `at(0)` is the far end of that side.
    let at = |distance: i64| if descends { high - distance } else { low + distance };
    let (always, never) = if descends { (i32::MAX, i32::MIN) } else { (i32::MIN, i32::MAX) };
    if affine.reaches(at(0), step) {
        return always;
    }
    if !affine.reaches(at(high - low), step) {
        return never;
    }
    let (mut not_yet, mut reached) = (0, high - low);
    // Mostly the answer is next to where floats put it.
    let guess = affine.guess(step);
    let guess = if descends { high.saturating_sub(guess) } else { guess.saturating_sub(low) };
    for distance in [guess.saturating_sub(1), guess, guess.saturating_add(1)] {
        if distance > not_yet && distance < reached {
            if affine.reaches(at(distance), step) { reached = distance } else { not_yet = distance }
        }
    }
    while reached - not_yet > 1 {
        let middle = not_yet + (reached - not_yet) / 2;
        if affine.reaches(at(middle), step) { reached = middle } else { not_yet = middle }
    }
    at(reached) as i32
}

/// The thresholds of the negated accumulator: `acc <= t` is `-acc >= -t`.
pub(crate) fn negate(steps: &mut Steps) {
    for value in &mut steps.values {
        // The two limits mean always and never, and swap.
        *value = match *value {
            i32::MIN => i32::MAX,
            i32::MAX => i32::MIN,
            other => -other,
        };
    }
    steps.values.sort_unstable();
    steps.descends = !steps.descends;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sign(affine: &Affine) -> Steps {
        thresholds(affine, &[Dyadic::from_int(0)], Bound { low: -100, high: 100 })
    }

    #[test]
    fn ties_count_as_reached() {
        let mut affine = Affine::identity();
        assert!(affine.normalise([1.0, 0.0, 7.0, 1.0, 0.0]));
        assert_eq!(sign(&affine), Steps { values: vec![7], descends: false });
        let mut affine = Affine::identity();
        assert!(affine.normalise([-1.0, 0.0, 7.0, 1.0, 0.0]));
        let mut steps = sign(&affine);
        assert_eq!(steps, Steps { values: vec![7], descends: true });
        negate(&mut steps);
        assert_eq!(steps, Steps { values: vec![-7], descends: false });
    }

    #[test]
    fn constants_become_limits() {
        for (beta, value) in [(0.0, i32::MIN), (1.0, i32::MIN), (-1.0, i32::MAX)] {
            let mut affine = Affine::identity();
            assert!(affine.normalise([0.0, beta, 0.0, 1.0, 0.0]));
            assert_eq!(sign(&affine).values, [value]);
            assert!(!affine.normalise([1.0; 5]), "two batch norms cannot be folded");
        }
    }

    #[test]
    fn a_root_is_compared_exactly() {
        // (acc - 0) / sqrt(2) >= 1 from acc = 2 on; beta = -1.
        let mut affine = Affine::identity();
        assert!(affine.normalise([1.0, -1.0, 0.0, 2.0, 0.0]));
        assert_eq!(sign(&affine).values, [2]);
        // (acc) / sqrt(4) - 1 >= 0 exactly at 2.
        let mut affine = Affine::identity();
        assert!(affine.normalise([1.0, -1.0, 0.0, 4.0, 0.0]));
        assert_eq!(sign(&affine).values, [2]);
    }
}
