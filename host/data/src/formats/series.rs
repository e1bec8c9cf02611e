//! The `.ts` format of the UCR and UEA archives: time series as text, one a line.

use crate::content::Content;
use crate::error::{DataError, form_error};
use crate::rows::{Labels, Rows, Values};
use bitfab_graph::Shape;

/// One line: series of all channels and its class.
type Case = (Vec<Vec<f32>>, String);

/// What stands before the series.
#[derive(Default)]
struct Head {
    channels: usize,
    classes: Vec<String>,
}

/// A training and a test part of series, each brought to the length of the longest of both by repeating its last
/// sample; a row is length x 1 x channels.
///
/// # Errors
/// [`DataError::Form`] with the part and the line on anything but numbers, on missing values (`?`), on time stamps, on
/// channels of different lengths, and on classes that the head does not name.
pub fn series(name: &str, train: &[u8], test: &[u8]) -> Result<Content, DataError> {
    let (head, learned) = part(train).map_err(|problem| form_error(name, format!("training part: {problem}")))?;
    let (other, judged) = part(test).map_err(|problem| form_error(name, format!("test part: {problem}")))?;
    if (other.channels, &other.classes) != (head.channels, &head.classes) {
        return Err(form_error(name, "the parts have different channels or classes"));
    }
    let lengths = learned.iter().chain(&judged).map(|(channels, _)| channels[0].len());
    let (least, length) = lengths.fold((usize::MAX, 0), |(least, most), length| (least.min(length), most.max(length)));
    let rows = |cases: &[Case]| {
        let values = cases.iter().flat_map(|(channels, _)| padded(channels, length)).collect();
        let shape = Shape::new(length as u32, 1, head.channels as u32);
        let mut rows = Rows::new(name, shape, Values::Reals(values))?;
        let class = |(_, class): &Case| head.classes.iter().position(|known| known == class).unwrap_or(0) as u32;
        let of_rows = cases.iter().map(class).collect();
        rows.labels = Some(Labels { of_rows, column: "class".into(), names: head.classes.clone() });
        Ok(rows)
    };
    let (mut train, test) = (rows(&learned)?, rows(&judged)?);
    if least < length {
        let said =
            format!("series of {least} to {length} samples are brought to {length} by repeating the last sample");
        train.notes.push(said);
    }
    Ok(Content::Parts { train, validation: None, test })
}

/// Samples of all channels, channels innermost, the last one repeated up to `length`.
fn padded(channels: &[Vec<f32>], length: usize) -> impl Iterator<Item = f32> + '_ {
    (0..length).flat_map(move |at| channels.iter().map(move |channel| channel[at.min(channel.len() - 1)]))
}

fn part(bytes: &[u8]) -> Result<(Head, Vec<Case>), String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not text in UTF-8")?;
    let mut head = Head { channels: 1, ..Head::default() };
    let mut cases = Vec::new();
    let mut is_data = false;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        let place = |problem: String| format!("line {}: {problem}", number + 1);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if is_data {
            cases.push(case(line, &head).map_err(place)?);
        } else {
            is_data = head.read(line).map_err(place)?;
        }
    }
    if cases.is_empty() { Err("it has no series".into()) } else { Ok((head, cases)) }
}

impl Head {
    /// Takes a line before the series; whether they begin after it.
    fn read(&mut self, line: &str) -> Result<bool, String> {
        let mut words = line.split_whitespace();
        let key = words.next().unwrap_or_default().to_ascii_lowercase();
        let words: Vec<&str> = words.collect();
        match (key.as_str(), words.as_slice()) {
            ("@problemname" | "@univariate" | "@equallength" | "@serieslength" | "@missing", _) => {}
            ("@timestamps", ["false"]) => {}
            ("@dimensions" | "@dimension", [count]) => match count.parse() {
                Ok(count @ 1..=65_535) => self.channels = count,
                _ => return Err(format!("'{count}' is no number of channels")),
            },
            ("@classlabel", ["true", names @ ..]) if !names.is_empty() => {
                self.classes = names.iter().map(|&name| name.into()).collect();
            }
            ("@data", []) if self.classes.is_empty() => return Err("the classes are not named".into()),
            ("@data", []) => return Ok(true),
            _ => return Err(format!("'{line}' is not understood; series need classes and no time stamps")),
        }
        Ok(false)
    }
}

/// Channels are parted by `:`, samples by `,`; the class comes last.
fn case(line: &str, head: &Head) -> Result<Case, String> {
    let mut parts: Vec<&str> = line.split(':').collect();
    let class = parts.pop().unwrap_or_default().trim().to_owned();
    if !head.classes.contains(&class) {
        return Err(format!("the class '{class}' is not one of {}", head.classes.join(", ")));
    }
    if parts.len() != head.channels {
        return Err(format!("{} channels, the head states {}", parts.len(), head.channels));
    }
    let number = |field: &str| {
        let found = field.trim().parse().ok().filter(|value: &f32| value.is_finite());
        found.ok_or_else(|| format!("'{field}' is not a number"))
    };
    let channels: Result<Vec<Vec<f32>>, String> =
        parts.iter().map(|part| part.split(',').map(number).collect()).collect();
    let channels = channels?;
    if channels.iter().any(|channel| channel.len() != channels[0].len()) {
        return Err("channels have different lengths".into());
    }
    Ok((channels, class))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "#text\n@problemName x\n@timeStamps false\n@missing false\n@univariate false\n@dimensions 2\n\
                        @equalLength false\n@classLabel true a b\n@data\n";

    fn read(train: &str, test: &str) -> Result<(Rows, Rows), DataError> {
        let read = series("x", format!("{HEAD}{train}").as_bytes(), format!("{HEAD}{test}").as_bytes());
        read.map(|content| match content {
            Content::Parts { train, validation: None, test } => (train, test),
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn series_get_the_length_of_the_longest_by_their_last_sample() {
        let (train, test) = read("1,2:3,4:a\n5:6:b\n", "1,2,3:4,5,-6e-1:b\n").unwrap();
        assert_eq!((train.shape, train.len(), test.len()), (Shape::new(3, 1, 2), 2, 1));
        let values = [1.0, 3.0, 2.0, 4.0, 2.0, 4.0, 5.0, 6.0, 5.0, 6.0, 5.0, 6.0];
        assert_eq!(train.values, Values::Reals(values.into()));
        assert_eq!(test.values, Values::Reals(vec![1.0, 4.0, 2.0, 5.0, 3.0, -0.6]));
        assert_eq!((train.labels.unwrap().of_rows, test.labels.unwrap().of_rows), (vec![0, 1], vec![1]));
        assert!(train.notes[0].contains("1 to 3 samples"));
    }

    #[test]
    fn everything_else_is_refused_with_its_line() {
        let message = |train: &str| read(train, "1:2:a\n").unwrap_err().to_string();
        assert!(message("1:2:c\n").contains("line 10: the class 'c'"));
        assert!(message("1:2:a\n1,2:a\n").contains("line 11: 1 channels"));
        assert!(message("1,2:3:a\n").contains("different lengths"));
        assert!(message("?:3:a\n").contains("'?' is not a number"));
        assert!(message("inf:3:a\n").contains("'inf'"));
        assert!(message(":3:a\n").contains("'' is not a number"));
        assert!(message("").contains("training part: it has no series"));
        assert!(series("x", &[0xff], b"").unwrap_err().to_string().contains("UTF-8"));
        let stamped = HEAD.replace("@timeStamps false", "@timeStamps true");
        assert!(series("x", stamped.as_bytes(), b"").unwrap_err().to_string().contains("line 3"));
        let unnamed = HEAD.replace("@classLabel true a b\n", "");
        assert!(series("x", unnamed.as_bytes(), b"").unwrap_err().to_string().contains("not named"));
    }
}
