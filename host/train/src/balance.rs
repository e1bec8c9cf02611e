//! Weights of the classes in the loss, for data in which some are rare.

use crate::error::{TrainError, config_error};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How much a row of each class counts in the loss, and in the accuracy that chooses the best epoch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ClassWeights {
    /// All rows alike.
    #[default]
    None,
    /// All classes alike: a row counts as much as its class is rare.
    Balanced,
    /// As stated, one positive number a class in order; only their ratios matter.
    List(Vec<f32>),
}

impl FromStr for ClassWeights {
    type Err = TrainError;

    fn from_str(text: &str) -> Result<Self, TrainError> {
        match text {
            "none" => return Ok(Self::None),
            "balanced" => return Ok(Self::Balanced),
            _ => {}
        }
        let number = |part: &str| part.trim().parse().ok().filter(|&v: &f32| (1e-6..=1e6).contains(&v));
        let list: Option<Vec<f32>> = text.split(',').map(number).collect();
        list.map(Self::List).ok_or_else(|| {
            let forms = "use balanced, none or one number a class by comma, each from 0.000001 to 1000000";
            config_error("class_weights", format!("'{text}'; {forms}"))
        })
    }
}

impl fmt::Display for ClassWeights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Balanced => f.write_str("balanced"),
            Self::List(list) => f.write_str(&list.iter().map(f32::to_string).collect::<Vec<_>>().join(",")),
        }
    }
}

impl TryFrom<String> for ClassWeights {
    type Error = TrainError;

    fn try_from(text: String) -> Result<Self, TrainError> {
        text.parse()
    }
}

impl From<ClassWeights> for String {
    fn from(weights: ClassWeights) -> Self {
        weights.to_string()
    }
}

impl ClassWeights {
    /// One factor a class, of mean 1 over the rows with these labels; none where all rows count alike.
    ///
    /// # Errors
    /// [`TrainError::Config`] if a list has not one number a class.
    pub(crate) fn factors(&self, labels: &[u8], classes: u32) -> Result<Option<Vec<f32>>, TrainError> {
        let mut counts = vec![0u32; classes as usize];
        labels.iter().for_each(|&label| counts[usize::from(label)] += 1);
        let shares: Vec<f64> = match self {
            Self::None => return Ok(None),
            Self::Balanced => counts.iter().map(|&count| 1.0 / f64::from(count.max(1))).collect(),
            Self::List(list) if list.len() == counts.len() => list.iter().copied().map(f64::from).collect(),
            Self::List(list) => {
                let problem = format!("{} numbers for {classes} classes", list.len());
                return Err(config_error("class_weights", problem));
            }
        };
        let sum: f64 = shares.iter().zip(&counts).map(|(share, &count)| share * f64::from(count)).sum();
        let scale = labels.len() as f64 / sum;
        Ok(Some(shares.iter().map(|share| (share * scale) as f32).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_and_written_alike() {
        for text in ["none", "balanced", "1,2.5,0.25"] {
            assert_eq!(text.parse::<ClassWeights>().unwrap().to_string(), text);
        }
        for text in ["", "even", "1,,2", "1,-2", "0", "1,nan", "1,inf", "1e9"] {
            let error = text.parse::<ClassWeights>().unwrap_err().to_string();
            assert!(error.contains("class_weights") && error.contains("balanced"), "{error}");
        }
    }

    #[test]
    fn factors_have_the_mean_one_and_balance_the_classes() {
        let labels = [0, 0, 0, 0, 0, 0, 1, 1];
        assert_eq!(ClassWeights::None.factors(&labels, 2).unwrap(), None);
        let balanced = ClassWeights::Balanced.factors(&labels, 2).unwrap().unwrap();
        assert_eq!(balanced, [2.0 / 3.0, 2.0]);
        let list = ClassWeights::List(vec![1.0, 3.0]).factors(&labels, 2).unwrap().unwrap();
        assert_eq!(list, [2.0 / 3.0, 2.0]);
        let absent = ClassWeights::Balanced.factors(&labels, 3).unwrap().unwrap();
        assert_eq!(absent[..2], [2.0 / 3.0, 2.0]);
        let error = ClassWeights::List(vec![1.0]).factors(&labels, 2).unwrap_err().to_string();
        assert!(error.contains("1 numbers for 2 classes"), "{error}");
    }
}
