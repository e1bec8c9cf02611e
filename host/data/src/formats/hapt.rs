//! HAPT: accelerometer and gyroscope of a phone at the waist, 30 people, from a pickle of pandas tables.

use super::pickle::{self, Object, Pickle, PickleError, Value};
use crate::error::{DataError, form_error};
use crate::rows::{Groups, Labels, Rows, Values};
use crate::windows::{WindowOptions, windows};
use bitfab_graph::Shape;

/// Columns of a sample in the order in which they become channels.
const CHANNELS: [&str; 6] = ["acc-x", "acc-y", "acc-z", "gyro-x", "gyro-y", "gyro-z"];
/// What the data set states of them: parts of gravity and radians a second.
const UNITS: [&str; 6] = ["g", "g", "g", "rad/s", "rad/s", "rad/s"];
/// The activities 1 to 6.
const ACTIVITIES: [&str; 6] = ["WALKING", "WALKING_UPSTAIRS", "WALKING_DOWNSTAIRS", "SITTING", "STANDING", "LAYING"];
/// Name of the class of every other sample: changes of posture (7 to 12) and what nobody labelled (-1).
pub const OTHER: &str = "OTHER";

/// One recording: samples of all channels, one after the other, and the activity of each.
struct Recording {
    person: i64,
    samples: Vec<f32>,
    activities: Vec<u32>,
}

/// The samples of all recordings at 50 Hz, one row each, with columns `person` and `recording` to split and cut by.
///
/// `bytes` is the unpacked pickle.
/// Classes are the six activities and [`OTHER`].
///
/// # Errors
/// [`DataError::Form`] where the pickle is damaged, names what is no data, or holds no such tables.
pub fn hapt(bytes: &[u8]) -> Result<Rows, DataError> {
    let recordings = pickle::read(bytes).and_then(|pickle| recordings(&pickle));
    let recordings = recordings.map_err(|error| form_error("hapt", error.to_string()))?;
    let samples = recordings.iter().flat_map(|recording| &recording.samples).copied().collect();
    let mut rows = Rows::new("hapt", Shape::flat(CHANNELS.len() as u32), Values::Reals(samples))?;
    let names = ACTIVITIES.iter().chain([&OTHER]).map(|&name| name.to_owned()).collect();
    let of_rows = recordings.iter().flat_map(|recording| &recording.activities).copied().collect();
    rows.labels = Some(Labels { of_rows, column: "activity".into(), names });
    let each = |name: &dyn Fn(usize, &Recording) -> String| -> Vec<String> {
        let all = recordings.iter().enumerate();
        all.flat_map(|(at, one)| std::iter::repeat_n(name(at, one), one.activities.len())).collect()
    };
    rows.groups = vec![
        Groups::new("person", &each(&|_, recording| recording.person.to_string())),
        Groups::new("recording", &each(&|at, _| (at + 1).to_string())),
    ];
    rows.names = CHANNELS.map(str::to_owned).into();
    rows.units = UNITS.map(str::to_owned).into();
    Ok(rows)
}

/// Windows of the six activities alone: those in which something else was done are left out.
///
/// # Errors
/// [`DataError`] as [`hapt`] and [`windows`].
pub fn hapt_windows(bytes: &[u8], options: &WindowOptions) -> Result<Rows, DataError> {
    let rows = windows(hapt(bytes)?, options)?;
    let other = ACTIVITIES.len() as u32;
    let classes = rows.labels.as_ref().map_or(&[][..], |labels| &labels.of_rows);
    let kept: Vec<u32> = (0..rows.len() as u32).filter(|&row| classes[row as usize] != other).collect();
    let left_out = rows.len() - kept.len();
    let mut found = rows.pick(&kept);
    if let Some(labels) = &mut found.labels {
        labels.names.truncate(ACTIVITIES.len());
    }
    found.notes = rows.notes;
    found.notes.push(format!("{left_out} windows of changes of posture, or of what nobody labelled, are left out"));
    Ok(found)
}

fn form(problem: impl Into<String>) -> PickleError {
    PickleError::Form { problem: problem.into() }
}

/// A dictionary of people, each with a list of tables.
fn recordings(pickle: &Pickle<'_>) -> Result<Vec<Recording>, PickleError> {
    let mut found = Vec::new();
    for &(person, tables) in pickle.entries(pickle.root(), "the whole")? {
        let Value::Int(person) = person else { return Err(form("a person is not a number")) };
        for &table in pickle.items(tables, "the recordings of a person")? {
            found.push(recording(pickle, person, table)?);
        }
    }
    if found.is_empty() { Err(form("there are no recordings")) } else { Ok(found) }
}

fn recording(pickle: &Pickle<'_>, person: i64, table: Value<'_>) -> Result<Recording, PickleError> {
    let columns = columns(pickle, table)?;
    let column = |name: &str| {
        let found = columns.iter().find(|(found, _)| *found == name).map(|(_, values)| values);
        found.ok_or_else(|| form(format!("a recording has no column {name:?}")))
    };
    let channels: Result<Vec<&Vec<f64>>, _> = CHANNELS.iter().map(|name| column(name)).collect();
    let (channels, labels) = (channels?, column("label")?);
    if channels.iter().any(|channel| channel.len() != labels.len()) {
        return Err(form("columns of a recording have different lengths"));
    }
    if let Some(value) = channels.iter().flat_map(|channel| *channel).find(|value| !value.is_finite()) {
        return Err(form(format!("a recording holds {value}")));
    }
    let sample = |at: usize| channels.iter().map(move |channel| channel[at] as f32);
    let samples = (0..labels.len()).flat_map(sample).collect();
    let activity = |&label: &f64| match label as i64 {
        1..=6 if label.fract() == 0.0 => label as u32 - 1,
        _ => ACTIVITIES.len() as u32,
    };
    Ok(Recording { person, samples, activities: labels.iter().map(activity).collect() })
}

/// Names and values of the columns of a table of numbers, as pandas 0.14.1 and later keep them: in blocks of columns.
fn columns<'a>(pickle: &Pickle<'a>, table: Value<'a>) -> Result<Vec<(&'a str, Vec<f64>)>, PickleError> {
    let blocks = pickle.get(pickle.state(table, "DataFrame")?, "_data")?;
    let state = pickle.items(pickle.state(blocks, "BlockManager")?, "the state of a table")?;
    let state = state.get(3).copied().ok_or_else(|| form("a table is of an older version"))?;
    let state = pickle.get(state, "0.14.1")?;
    let axes = pickle.items(pickle.get(state, "axes")?, "the axes of a table")?;
    let names = axes.first().copied().ok_or_else(|| form("a table has no axes"))?;
    let names = pickle.get(pickle.state(names, "Index")?, "data")?;
    let (_, names) = pickle.values(names, "the names of columns")?;
    let mut columns = Vec::new();
    for &block in pickle.items(pickle.get(state, "blocks")?, "the blocks of a table")? {
        let (shape, values) = pickle.numbers(pickle.get(block, "values")?, "a block of columns")?;
        let &[count, length] = shape.as_slice() else { return Err(form("a block of columns is not a matrix")) };
        let places = places(pickle, pickle.get(block, "mgr_locs")?, count)?;
        for (row, place) in places.into_iter().enumerate() {
            let Some(Value::Text(name)) = names.get(place) else { return Err(form("a column has no name")) };
            columns.push((*name, values[row * length..(row + 1) * length].to_vec()));
        }
    }
    Ok(columns)
}

/// Which columns of the table the `count` rows of a block are.
fn places(pickle: &Pickle<'_>, value: Value<'_>, count: usize) -> Result<Vec<usize>, PickleError> {
    let places: Vec<usize> = match pickle.object(value) {
        Some(&Object::Slice([Value::Int(start), Value::Int(stop), Value::Int(step)]))
            if start >= 0 && step > 0 && stop <= 1 << 16 =>
        {
            (start as usize..stop.max(0) as usize).step_by(step as usize).collect()
        }
        _ => {
            let (_, numbers) = pickle.numbers(value, "the places of columns")?;
            numbers.iter().map(|&number| number as usize).collect()
        }
    };
    if places.len() == count { Ok(places) } else { Err(form("a block has more or fewer columns than places")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::pickle::testing::Writer;

    /// A pickle of people with recordings of as many samples as stated, whose channel `c` at `t` is `c + t / 8`.
    fn file(people: &[(i64, &[i64])]) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.dict(people, |writer, &(person, labels)| {
            writer.int(person);
            writer.list(&[labels], |writer, labels| table(writer, labels));
        });
        writer.finish()
    }

    fn table(writer: &mut Writer, labels: &[i64]) {
        let length = labels.len();
        let reals: Vec<f64> = (0..6 * length).map(|at| (at / length) as f64 + (at % length) as f64 / 8.0).collect();
        let whole: Vec<i64> = (0..length as i64).chain(labels.iter().copied()).collect();
        writer.instance("pandas.core.frame", "DataFrame", |writer| {
            writer.text_dict(&["_data"], |writer, _| {
                writer.instance("pandas.core.internals.managers", "BlockManager", |writer| {
                    writer.mark();
                    (0..3).for_each(|_| writer.list(&[(); 0], |_, ()| {}));
                    writer.text_dict(&["0.14.1"], |writer, _| {
                        writer.text_dict(&["axes", "blocks"], |writer, key| match key {
                            "axes" => writer.list(&[()], |writer, ()| {
                                writer.index(&[&CHANNELS[..], &["sequence", "label"]].concat());
                            }),
                            _ => {
                                writer.mark_list();
                                writer.block(
                                    &[6, length],
                                    "f8",
                                    &reals.iter().map(|x| x.to_bits()).collect::<Vec<_>>(),
                                    [0, 6, 1],
                                );
                                writer.block(
                                    &[2, length],
                                    "i8",
                                    &whole.iter().map(|&x| x as u64).collect::<Vec<_>>(),
                                    [6, 8, 1],
                                );
                                writer.appends();
                            }
                        });
                    });
                    writer.tuple();
                });
            });
        });
    }

    #[test]
    fn samples_keep_person_recording_activity_and_order() {
        let rows = hapt(&file(&[(7, &[1, 6, -1]), (12, &[9, 2])])).unwrap();
        assert_eq!((rows.len(), rows.shape), (5, Shape::flat(6)));
        assert_eq!(rows.labels.as_ref().unwrap().of_rows, [0, 5, 6, 6, 1]);
        assert_eq!(rows.labels.as_ref().unwrap().names[6], OTHER);
        assert_eq!(
            (&rows.groups[0].names[..], &rows.groups[0].of_rows[..]),
            (&["7".into(), "12".into()][..], &[0, 0, 0, 1, 1][..])
        );
        assert_eq!(rows.groups[1].of_rows, [0, 0, 0, 1, 1]);
        let Values::Reals(values) = &rows.values else { panic!() };
        assert_eq!(values[6..12], [0.125, 1.125, 2.125, 3.125, 4.125, 5.125]);
    }

    #[test]
    fn every_truncation_and_every_flipped_byte_is_no_panic() {
        let whole = file(&[(7, &[1, 6])]);
        for end in 0..whole.len() {
            assert!(hapt(&whole[..end]).is_err(), "{end} bytes");
        }
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut changed = whole.clone();
                changed[at] ^= 1 << bit;
                let _ = hapt(&changed);
            }
        }
    }

    #[test]
    fn windows_keep_to_one_recording_and_one_activity() {
        let by = vec!["recording".to_owned()];
        let options = WindowOptions { length: 2, step: 1, by, mixed: crate::Mixed::Drop };
        let rows = hapt_windows(&file(&[(7, &[1, 1, 6, 6, 9, 9]), (12, &[2, 2])]), &options).unwrap();
        assert_eq!((rows.len(), rows.shape), (3, Shape::new(2, 1, 6)));
        let labels = rows.labels.as_ref().unwrap();
        assert_eq!((&labels.of_rows[..], labels.names.len()), (&[0, 5, 1][..], 6));
        assert_eq!(rows.groups[0].of_rows, [0, 0, 1]);
        assert_eq!((rows.values.real(0), rows.values.real(6)), (0.0, 0.125));
        assert!(rows.notes.iter().any(|note| note.starts_with("1 windows of changes")), "{:?}", rows.notes);
    }

    #[test]
    fn values_that_are_not_numbers_are_refused() {
        let mut bytes = file(&[(7, &[1, 6])]);
        // The bytes of 5.125 become those of an infinity, in the UTF-8 that they are kept in.
        let (from, to) = (text(5.125f64), text(f64::INFINITY));
        let at = bytes.windows(from.len()).position(|window| window == from).unwrap();
        bytes.splice(at..at + from.len(), to);
        let _ = hapt(&bytes).unwrap_err();
    }

    fn text(value: f64) -> Vec<u8> {
        value.to_le_bytes().iter().flat_map(|&byte| char::from(byte).to_string().into_bytes()).collect()
    }
}
