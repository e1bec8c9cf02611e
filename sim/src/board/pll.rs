//! The PLL of an iCE40 (Lattice FPGA-TN-02052, `FEEDBACK_PATH` SIMPLE).

/// Settings, and what they make of a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pll {
    /// The clock that it gives, in kHz.
    pub kilohertz: u32,
    /// `DIVF`: the clock is multiplied by one more.
    pub divf: u32,
    /// `DIVQ`: and divided by two as often.
    pub divq: u32,
    /// `FILTER_RANGE`, by the clock at the phase detector.
    pub filter: u32,
}

impl Pll {
    /// The settings for the fastest whole number of kHz up to `limit`, from a clock of `input` kHz; none where the slowest
    /// is faster.
    pub fn fastest(input: u32, limit: u32) -> Option<Self> {
        // Upper limits of the phase detector's ranges in kHz; of the oscillator from 533 to 1,066 MHz.
        let filter = 1 + [17_000, 26_000, 44_000, 66_000, 101_000].iter().filter(|end| input >= **end).count() as u32;
        let oscillator = |divf: u32| u64::from(input) * u64::from(divf + 1);
        let fits = |divf: &u32| (533_000..=1_066_000).contains(&oscillator(*divf));
        let all = (0..64).filter(fits).flat_map(|divf| (1..=6).map(move |divq| (divf, divq)));
        let whole = all.filter(|(divf, divq)| oscillator(*divf).is_multiple_of(1 << divq));
        let settings =
            whole.map(|(divf, divq)| Self { kilohertz: (oscillator(divf) >> divq) as u32, divf, divq, filter });
        settings.filter(|pll| pll.kilohertz <= limit).max_by_key(|pll| pll.kilohertz)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `icepll -i 12 -o 36` and `icepll -i 12 -o 96` print.
    #[test]
    fn settings_are_those_of_icepll() {
        assert_eq!(Pll::fastest(12_000, 36_000), Some(Pll { kilohertz: 36_000, divf: 47, divq: 4, filter: 1 }));
        assert_eq!(Pll::fastest(12_000, 96_000), Some(Pll { kilohertz: 96_000, divf: 63, divq: 3, filter: 1 }));
        assert_eq!(Pll::fastest(12_000, 8_000), None);
    }

    #[test]
    fn no_clock_is_faster_than_the_limit_and_the_oscillator_stays_in_its_range() {
        for (input, limit) in [(10_000, 12_345), (12_000, 41_500), (25_000, 100_000), (133_000, 250_000)] {
            let pll = Pll::fastest(input, limit).unwrap();
            assert!(pll.kilohertz <= limit && pll.divf < 64 && (1..=6).contains(&pll.divq), "{pll:?}");
            assert!((533_000..=1_066_000).contains(&(input * (pll.divf + 1))), "{pll:?}");
            assert_eq!(pll.kilohertz << pll.divq, input * (pll.divf + 1));
        }
    }
}
