//! seglearn's watch exercises: an inertial sensor at the wrist, 10 people, 7 exercises of the shoulder.

use super::pickle::{self, Pickle, PickleError, Value};
use crate::error::{DataError, form_error};
use crate::rows::{Groups, Labels, Rows, Values};
use bitfab_graph::Shape;

/// The samples of all recordings at 50 Hz, one row each, with columns `person`, `side` and `recording`.
///
/// `bytes` is `watch_dataset.npy`: an array of one pickled dictionary.
///
/// # Errors
/// [`DataError::Form`] where the file is damaged, names what is no data, or holds no such dictionary.
pub fn watch(bytes: &[u8]) -> Result<Rows, DataError> {
    let body = body(bytes).ok_or_else(|| form_error("watch", "it is no array of one object"))?;
    let found = pickle::read(body).and_then(|pickle| recordings(&pickle));
    let (shape, samples, each) = found.map_err(|error| form_error("watch", error.to_string()))?;
    let mut rows = Rows::new("watch", shape, Values::Reals(samples))?;
    let every = |value: &dyn Fn(&Recording) -> String| -> Vec<String> {
        each.recordings.iter().flat_map(|one| std::iter::repeat_n(value(one), one.length)).collect()
    };
    let of_rows = each.recordings.iter().flat_map(|one| std::iter::repeat_n(one.exercise as u32, one.length)).collect();
    rows.labels = Some(Labels { of_rows, column: "exercise".into(), names: each.exercises });
    rows.groups = vec![
        Groups::new("person", &every(&|one| one.person.to_string())),
        Groups::new("side", &every(&|one| (if one.is_right { "right" } else { "left" }).to_owned())),
        Groups::new("recording", &every(&|one| one.number.to_string())),
    ];
    rows.names = each.channels;
    Ok(rows)
}

/// The pickle behind the header of a `.npy` file of one object.
fn body(bytes: &[u8]) -> Option<&[u8]> {
    let rest = bytes.strip_prefix(b"\x93NUMPY\x01\x00")?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let (header, body) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
    let is_object = [&b"'|O'"[..], b"'shape': ()"].iter().all(|part| header.windows(part.len()).any(|w| w == *part));
    is_object.then_some(body)
}

/// What is known of a recording.
struct Recording {
    number: usize,
    length: usize,
    exercise: usize,
    person: i64,
    is_right: bool,
}

/// What is known of all.
struct Known {
    recordings: Vec<Recording>,
    exercises: Vec<String>,
    channels: Vec<String>,
}

fn form(problem: impl Into<String>) -> PickleError {
    PickleError::Form { problem: problem.into() }
}

fn recordings(pickle: &Pickle<'_>) -> Result<(Shape, Vec<f32>, Known), PickleError> {
    let (_, objects) = pickle.values(pickle.root(), "the array")?;
    let &[all] = objects else { return Err(form("the array holds more or less than one object")) };
    let names = |key: &str| -> Result<Vec<String>, PickleError> {
        let names = pickle.items(pickle.get(all, key)?, key)?.iter();
        names
            .map(|name| if let Value::Text(name) = name { Ok((*name).into()) } else { Err(form("a name is no text")) })
            .collect()
    };
    let (channels, exercises) = (names("X_labels")?, names("y_labels")?);
    let whole = |key: &str| -> Result<Vec<i64>, PickleError> {
        let (_, numbers) = pickle.numbers(pickle.get(all, key)?, key)?;
        Ok(numbers.into_iter().map(|number| number as i64).collect())
    };
    let (classes, people, sides) = (whole("y")?, whole("subject")?, whole("side")?);
    let arrays = pickle.items(pickle.get(all, "X")?, "X")?;
    if [classes.len(), people.len(), sides.len()].iter().any(|&count| count != arrays.len()) || channels.is_empty() {
        return Err(form("recordings, exercises, people and sides are not equally many"));
    }
    let (mut samples, mut recordings) = (Vec::new(), Vec::new());
    for (at, &array) in arrays.iter().enumerate() {
        let (shape, values) = pickle.numbers(array, "a recording")?;
        let is_class = usize::try_from(classes[at]).is_ok_and(|class| class < exercises.len());
        let fits = matches!(shape.as_slice(), &[_, width] if width == channels.len());
        if !fits || !is_class || !values.iter().all(|value| value.is_finite()) {
            return Err(form(format!(
                "recording {} has other channels, no exercise, or values that are no numbers",
                at + 1
            )));
        }
        samples.extend(values.iter().map(|&value| value as f32));
        let (exercise, person, is_right) = (classes[at] as usize, people[at], sides[at] != 0);
        recordings.push(Recording { number: at + 1, length: shape[0], exercise, person, is_right });
    }
    Ok((Shape::flat(channels.len() as u32), samples, Known { recordings, exercises, channels }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::pickle::testing::Writer;

    fn file(classes: &[i64]) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.object_array(|writer| {
            writer.text_dict(&["X", "y_labels", "y", "subject", "side", "X_labels"], |writer, key| match key {
                "X" => writer.list(classes, |writer, &class| {
                    let values: Vec<u64> = (0..4).map(|at| (class as f64 + f64::from(at) / 4.0).to_bits()).collect();
                    writer.array(&[2, 2], "f8", &values);
                }),
                "y_labels" => writer.list(&["PEN", "ABD"], |writer, name| writer.text(name)),
                "X_labels" => writer.list(&["ax", "ay"], |writer, name| writer.text(name)),
                "side" => writer.array(&[classes.len()], "f8", &vec![1f64.to_bits(); classes.len()]),
                _ => writer.array(&[classes.len()], "i8", &classes.iter().map(|&x| x as u64).collect::<Vec<_>>()),
            });
        });
        let header = format!("{:<117}\n", "{'descr': '|O', 'fortran_order': False, 'shape': (), }");
        [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), &writer.finish()].concat()
    }

    #[test]
    fn recordings_become_samples_with_exercise_person_and_side() {
        let rows = watch(&file(&[1, 0, 1])).unwrap();
        assert_eq!((rows.len(), rows.shape, rows.names.len()), (6, Shape::flat(2), 2));
        assert_eq!(rows.labels.as_ref().unwrap().of_rows, [1, 1, 0, 0, 1, 1]);
        assert_eq!(rows.labels.as_ref().unwrap().names, ["PEN", "ABD"]);
        assert_eq!(rows.groups[0].of_rows, [1, 1, 0, 0, 1, 1]);
        assert_eq!(rows.groups[1].names, ["right"]);
        assert_eq!(rows.groups[2].names, ["1", "2", "3"]);
        assert_eq!(rows.values.real(3), 1.75);
    }

    #[test]
    fn hostile_files_are_refused_without_a_panic() {
        let whole = file(&[1, 0]);
        for end in 0..whole.len() {
            assert!(watch(&whole[..end]).is_err(), "{end} bytes");
        }
        for at in 128..whole.len() {
            for bit in 0..8 {
                let mut changed = whole.clone();
                changed[at] ^= 1 << bit;
                let _ = watch(&changed);
            }
        }
        assert!(watch(&file(&[1, 2])).unwrap_err().to_string().contains("recording 2"), "a class without a name");
        assert!(watch(&file(&[-1])).is_err());
    }
}
