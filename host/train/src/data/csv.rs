//! Tables as text: numbers separated by commas, the class in the last column.

use super::{Coding, Dataset, Split, shuffled_split};
use crate::error::{TrainError, data_error};
use bitfab_graph::Shape;

/// A table of features with the class name or number in the last column; a first row without numbers is a heading.
///
/// A fifth of the rows, chosen by `seed`, is the test part.
/// Columns of whole numbers from 0 to 255 stay as they are; if any column is not of that kind,
/// every column is spread over 0 to 255 by the smallest and largest value of the training part ([`Coding`]).
/// Classes are numbered in sorted order (as numbers if all are whole numbers, else as text).
///
/// # Errors
/// [`TrainError::Data`] names line and column.
pub fn from_csv(name: &str, bytes: &[u8], seed: u64) -> Result<Dataset, TrainError> {
    let rows = parse(bytes).map_err(|problem| data_error(name, problem))?;
    let width = rows[0].0.len();
    let class_names = class_names(&rows);
    if !(2..=256).contains(&class_names.len()) {
        let problem = format!("{} classes in the last column, 2 to 256 are allowed", class_names.len());
        return Err(data_error(name, problem));
    }
    let label = |class: &String| class_names.iter().position(|c| c == class).unwrap_or(0) as u8;
    // Split row numbers first: the coding may only look at training rows.
    let numbers = Split {
        inputs: (0..rows.len() as u32).flat_map(u32::to_le_bytes).collect(),
        labels: rows.iter().map(|(_, class)| label(class)).collect(),
    };
    let (train, test) = shuffled_split(numbers, 4, seed, rows.len().div_ceil(5));
    let codings = codings(&rows, &train, width);
    let encode = |split: Split| Split {
        inputs: row_numbers(&split).flat_map(|row| encoded(&rows[row].0, &codings)).collect(),
        labels: split.labels,
    };
    let mut data = Dataset::new(name, Shape::flat(width as u32), encode(train), encode(test))?;
    data.codings = codings;
    data.class_names = class_names;
    Ok(data)
}

/// Features and class of one row.
type Row = (Vec<f64>, String);

/// All rows, at least one, all of one width.
fn parse(bytes: &[u8]) -> Result<Vec<Row>, String> {
    let mut reader =
        ::csv::ReaderBuilder::new().has_headers(false).trim(::csv::Trim::All).comment(Some(b'@')).from_reader(bytes);
    let mut rows: Vec<Row> = Vec::new();
    for (index, record) in reader.records().enumerate() {
        let record = record.map_err(|error| error.to_string())?;
        let line = record.position().map_or(0, |at| at.line());
        let fields: Vec<&str> = record.iter().collect();
        let Some((class, features)) = fields.split_last().filter(|(_, f)| !f.is_empty()) else {
            return Err(format!("line {line}: needs at least one feature and the class"));
        };
        let numbers: Vec<Option<f64>> = features.iter().map(|field| field.parse().ok()).collect();
        if index == 0 && numbers.iter().all(Option::is_none) {
            continue;
        }
        let mut row = Vec::with_capacity(numbers.len());
        for (column, number) in numbers.into_iter().enumerate() {
            match number.filter(|n: &f64| n.is_finite()) {
                Some(number) => row.push(number),
                None => {
                    let field = features[column];
                    return Err(format!("line {line}, column {}: '{field}' is not a number", column + 1));
                }
            }
        }
        rows.push((row, (*class).to_owned()));
    }
    if rows.len() < 5 {
        return Err(format!("{} rows; needs at least 5", rows.len()));
    }
    Ok(rows)
}

/// Distinct classes in a fixed order.
fn class_names(rows: &[Row]) -> Vec<String> {
    let mut names: Vec<String> = rows.iter().map(|(_, class)| class.clone()).collect();
    names.sort_unstable();
    names.dedup();
    let numbers: Option<Vec<i64>> = names.iter().map(|name| name.parse().ok()).collect();
    if let Some(numbers) = numbers {
        let mut pairs: Vec<_> = numbers.into_iter().zip(names).collect();
        pairs.sort();
        names = pairs.into_iter().map(|(_, name)| name).collect();
    }
    names
}

/// The row numbers that a split of little-endian `u32` holds.
fn row_numbers(split: &Split) -> impl Iterator<Item = usize> + '_ {
    let chunks = split.inputs.as_chunks::<4>().0.iter();
    chunks.map(|&bytes| u32::from_le_bytes(bytes) as usize)
}

/// Empty if every value is a byte already, else one coding per column from the training rows.
fn codings(rows: &[Row], train: &Split, width: usize) -> Vec<Coding> {
    let is_byte = |&x: &f64| (0.0..=255.0).contains(&x) && x.fract() == 0.0;
    if rows.iter().all(|(features, _)| features.iter().all(is_byte)) {
        return Vec::new();
    }
    (0..width)
        .map(|column| {
            let values = row_numbers(train).map(|row| rows[row].0[column]);
            let (low, high) =
                values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
            Coding { low, high }
        })
        .collect()
}

/// The bytes of one row.
fn encoded(features: &[f64], codings: &[Coding]) -> Vec<u8> {
    if codings.is_empty() {
        return features.iter().map(|&x| x as u8).collect();
    }
    features.iter().zip(codings).map(|(&x, c)| c.byte(x)).collect()
}

impl Coding {
    /// The byte of a real value; a column with one value only gives 0.
    pub fn byte(&self, x: f64) -> u8 {
        let range = self.high - self.low;
        if range > 0.0 { ((x - self.low) / range * 255.0).round().clamp(0.0, 255.0) as u8 } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn byte_columns_stay_and_classes_are_sorted() {
        let text = "a,b,class\n1,2,10\n3,255,9\n5,6,10\n0,1,9\n7,8,10\n9,10,9\n";
        let data = from_csv("t", text.as_bytes(), 1).unwrap();
        assert_eq!(data.class_names, ["9", "10"]);
        assert!(data.codings.is_empty());
        assert_eq!((data.train.len(), data.test.len()), (4, 2));
        let all: Vec<u8> = [data.train.inputs, data.test.inputs].concat();
        assert!(all.chunks(2).any(|row| row == [3, 255]));
    }

    #[test]
    fn real_columns_are_spread_by_the_training_rows_only() {
        let rows: String = (0..50).map(|i| format!("{}.5,{},{}\n", i, -i, i % 2)).collect();
        let data = from_csv("t", rows.as_bytes(), 3).unwrap();
        assert_eq!(data.codings.len(), 2);
        assert_eq!(data.train.inputs.iter().max(), Some(&255));
        assert_eq!(data.train.inputs.iter().min(), Some(&0));
        assert_eq!(Coding { low: 0.0, high: 1.0 }.byte(0.5), 128);
        assert_eq!(Coding { low: 2.0, high: 2.0 }.byte(9.0), 0);
    }

    #[test]
    fn errors_name_line_and_column() {
        let message = |text: &str| from_csv("t.csv", text.as_bytes(), 0).unwrap_err().to_string();
        assert!(message("1,2,a\n1,x,b\n").contains("line 2, column 2: 'x'"));
        assert!(message("1,2,a\n1,b\n").contains("t.csv"));
        assert!(message("").contains("0 rows"));
        assert!(message("1,nan,a\n1,2,b\n").contains("'nan'"));
        assert!(message("1,a\n1,a\n1,a\n1,a\n1,a\n").contains("1 classes"));
    }
}
