//! What a caller may say about rows.

use bitfab_data::{Mixed, SplitOptions, TestPart, WindowOptions};

use crate::Result;

/// A column and the texts in it that are the test part.
pub type TestGroups = (&'static str, &'static [&'static str]);

/// Which part of the rows is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Rows to judge by.
    Test,
    /// Rows to learn from.
    Train,
    /// Rows to choose by.
    Validation,
    /// All.
    All,
}

/// How rows are split into parts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Splitting {
    /// The column whose rows stay together; a hash of each row decides where none is named.
    pub split: Option<String>,
    /// The texts in that column that are the test part.
    pub test_groups: Vec<String>,
    /// Share of the rows, or of the texts of the column, that is the test part; a fifth where nothing is said.
    pub test_share: Option<f64>,
}

impl Splitting {
    /// The split that is asked for; `default` is that of a known data set.
    pub fn options(&self, default: Option<TestGroups>, validation: f64) -> SplitOptions {
        let share = TestPart::Share(self.test_share.unwrap_or(0.2));
        let (by, test) = match default {
            Some((by, groups)) if !self.is_asked() => {
                (Some(by.into()), TestPart::Groups(groups.iter().map(|&group| group.into()).collect()))
            }
            _ if self.test_groups.is_empty() => (self.split.clone(), share),
            _ => (self.split.clone(), TestPart::Groups(self.test_groups.clone())),
        };
        SplitOptions { by, test, validation }
    }

    /// Whether a split is asked for.
    pub fn is_asked(&self) -> bool {
        self.split.is_some() || self.test_share.is_some()
    }
}

/// How rows in the order of time are cut into windows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Windowing {
    /// Rows of a window.
    pub length: Option<u32>,
    /// Rows from the start of one window to the next; as long as the window where nothing is said.
    pub step: Option<u32>,
    /// Columns within whose runs of equal text windows stay.
    pub by: Vec<String>,
    /// What becomes of a window whose rows are of different classes.
    pub mixed: Mixed,
}

impl Windowing {
    /// How windows are cut, where that is asked for; `default` is length, step and columns of a known data set.
    ///
    /// # Errors
    /// [`Error::Choice`](crate::Error::Choice) where a step or columns are given without a length.
    pub fn options(&self, default: Option<(u32, u32, &str)>) -> Result<Option<WindowOptions>> {
        let Some(length) = self.length.or(default.map(|(length, ..)| length)) else {
            ensure!(self.step.is_none() && self.by.is_empty(), Choice, "--step and --by are for --window");
            return Ok(None);
        };
        let kept = default.filter(|_| self.length.is_none()).map(|(_, step, _)| step);
        let step = self.step.or(kept).unwrap_or(length);
        let by =
            if self.by.is_empty() { default.iter().map(|(.., by)| (*by).into()).collect() } else { self.by.clone() };
        Ok(Some(WindowOptions { length, step, by, mixed: self.mixed }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_of_a_known_set_are_the_default_that_options_replace() {
        let default = Some((128, 64, "recording"));
        let mut asked = Windowing::default();
        let shape = |asked: &Windowing| asked.options(default).unwrap().map(|w| (w.length, w.step, w.by));
        assert_eq!(shape(&asked), Some((128, 64, vec!["recording".into()])));
        asked.length = Some(50);
        assert_eq!(shape(&asked), Some((50, 50, vec!["recording".into()])));
        asked.step = Some(25);
        asked.by = vec!["person".into()];
        assert_eq!(shape(&asked), Some((50, 25, vec!["person".into()])));
        asked.length = None;
        assert_eq!(asked.options(None).unwrap_err().code(), "choice");
    }

    #[test]
    fn a_split_that_is_asked_for_replaces_that_of_a_known_set() {
        let default = Some(("person", &["2", "4"][..]));
        let mut asked = Splitting::default();
        assert_eq!(asked.options(default, 0.1).test, TestPart::Groups(vec!["2".into(), "4".into()]));
        assert_eq!(asked.options(None, 0.0), SplitOptions::default());
        asked.split = Some("day".into());
        let found = asked.options(default, 0.1);
        assert_eq!((found.by.as_deref(), found.test), (Some("day"), TestPart::Share(0.2)));
    }
}
