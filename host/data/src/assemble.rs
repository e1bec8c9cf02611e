//! From parts of rows to a data set.

use crate::coding::{CodingOptions, Reading, apply, learn, of_graph};
use crate::content::Content;
use crate::dataset::{Dataset, Split};
use crate::error::{DataError, form_error};
use crate::read::{Form, read};
use crate::rows::{Labels, Rows};
use crate::split::{Parts, SplitOptions, split};
use crate::table::TableOptions;
use bitfab_format::{Kind, Limits};
use bitfab_graph::Interface;

/// Most different numbers with digits after the point that are taken as classes.
const MAX_MEASURED: usize = 10;

/// A table with the class in its last column, split and coded as is the default.
///
/// # Errors
/// [`DataError`] as [`read`], [`split`] and [`assemble`].
pub fn from_csv(name: &str, bytes: &[u8]) -> Result<Dataset, DataError> {
    from_content(read(name, Form::Table, bytes, &TableOptions::default())?)
}

/// A `.npz` archive, split (if it has no parts) and coded as is the default.
///
/// # Errors
/// [`DataError`] as [`read`], [`split`] and [`assemble`].
pub fn from_npz(name: &str, bytes: &[u8]) -> Result<Dataset, DataError> {
    from_content(read(name, Form::Archive, bytes, &TableOptions::default())?)
}

fn from_content(content: Content) -> Result<Dataset, DataError> {
    assemble(split(content, None, &SplitOptions::default())?, &CodingOptions::default())
}

/// A data set of parts: codings are learned from the part to learn from, classes are numbered as there.
///
/// # Errors
/// [`DataError`] as [`learn`] and [`apply`], and if rows have no classes, classes are numbers of a scale (regression) or
/// more than 256, or a class of another part is not among those to learn from.
pub fn assemble(parts: Parts, options: &CodingOptions) -> Result<Dataset, DataError> {
    let Parts { train, validation, test, how, mut notes } = parts;
    let name = train.name.clone();
    let codings = learn(&train, &[&validation, &test], options)?;
    let classes = Classes::of(&train)?;
    let constants = constants(&train);
    let device = of_graph(&codings);
    let limits = Limits::of(Kind::U8);
    let mut coded = |rows: &Rows, part: &str| -> Result<Split, DataError> {
        let coded = apply(rows, &device, limits, Reading::Values)?;
        let clamped: u64 = coded.clamped.iter().sum();
        if clamped > 0 {
            notes.push(format!("{clamped} values of the {part} part lie outside the learned ranges"));
        }
        Ok(Split { inputs: coded.bytes, labels: classes.numbers(rows)? })
    };
    let (train_part, test_part) = (coded(&train, "training")?, coded(&test, "test")?);
    let validation_part = if validation.is_empty() { Split::default() } else { coded(&validation, "validation")? };
    let mut data = Dataset::new(&name, train.shape, train_part, test_part)?;
    data.classes = classes.count;
    data.validation = validation_part;
    data.interface =
        Interface { codings, names: train.names, units: train.units, classes: classes.names, ..Interface::default() };
    let shared = data.shared_rows();
    if shared > 0 {
        notes.push(format!("{shared} of {} test rows are also rows to learn from, byte for byte", data.test.len()));
    }
    notes.extend(constants);
    (data.how, data.notes) = (how, notes);
    Ok(data)
}

/// The classes that are learned.
struct Classes {
    count: u32,
    /// Empty where they are numbers alone.
    names: Vec<String>,
}

impl Classes {
    /// The classes of the rows to learn from.
    fn of(train: &Rows) -> Result<Self, DataError> {
        let error = |problem: String| form_error(&train.name, problem);
        let labels = labels(train)?;
        let mut rows_of = vec![0u32; labels.of_rows.iter().max().map_or(0, |&top| top as usize + 1)];
        labels.of_rows.iter().for_each(|&class| rows_of[class as usize] += 1);
        if labels.names.is_empty() {
            let count = rows_of.len() as u32;
            if !(2..=256).contains(&count) {
                return Err(error(format!(
                    "classes go up to {}, allowed are 2 to 256 classes",
                    count.saturating_sub(1)
                )));
            }
            return Ok(Self { count, names: Vec::new() });
        }
        let count = labels.names.len();
        check_classes(labels).map_err(error)?;
        if let Some(class) = (0..count).find(|&class| rows_of.get(class).is_none_or(|&rows| rows == 0)) {
            let problem =
                format!("class '{}' has no rows to learn from; only other parts have it", labels.names[class]);
            return Err(error(problem));
        }
        Ok(Self { count: count as u32, names: labels.names.clone() })
    }

    /// The classes of rows by these numbers.
    fn numbers(&self, rows: &Rows) -> Result<Vec<u8>, DataError> {
        let labels = labels(rows)?;
        let numbers = numbers(labels, &self.names, self.count).map_err(|problem| form_error(&rows.name, problem))?;
        Ok(numbers.into_iter().map(|class| class as u8).collect())
    }
}

/// Names are those of classes: few enough, and no measured values.
fn check_classes(labels: &Labels) -> Result<(), String> {
    let (count, rows) = (labels.names.len(), labels.of_rows.len());
    let column = if labels.column.is_empty() { "".into() } else { format!(" of column '{}'", labels.column) };
    let numbers: Option<Vec<f64>> = labels.names.iter().map(|name| name.replacen(',', ".", 1).parse().ok()).collect();
    let is_measured = numbers.as_ref().is_some_and(|numbers| numbers.iter().any(|number| number.fract() != 0.0));
    if numbers.is_some() && (count > 256 || is_measured && count > MAX_MEASURED) {
        return Err(format!(
            "the classes{column} are {count} different numbers such as {}: a quantity to estimate (regression), \
             which cannot be learned; make classes of it, or say which column has the classes",
            labels.names[count / 2]
        ));
    }
    if count > 256 || (count > MAX_MEASURED && count * 2 > rows) {
        return Err(format!(
            "the classes{column} are {count} different texts in {rows} rows, allowed are 2 to 256 classes; \
             say which column has the classes"
        ));
    }
    if count < 2 {
        return Err(format!("{count} classes{column}, allowed are 2 to 256"));
    }
    Ok(())
}

/// What is said of columns that have one value only in the rows to learn from.
fn constants(train: &Rows) -> Option<String> {
    let channels = train.shape.channels as usize;
    let first = |channel: usize| train.values.real(channel);
    let is_constant = |&channel: &usize| {
        (channel..train.values.len()).step_by(channels).all(|at| train.values.real(at) == first(channel))
    };
    let found: Vec<String> = (0..channels).filter(is_constant).map(|channel| train.value_name(channel)).collect();
    let more = if found.len() > 8 { ", ..." } else { "" };
    let some = found[..found.len().min(8)].join(", ");
    (!found.is_empty()).then(|| format!("{} columns never change in the part to learn from: {some}{more}", found.len()))
}

fn labels(rows: &Rows) -> Result<&Labels, DataError> {
    rows.labels.as_ref().ok_or_else(|| form_error(&rows.name, "the rows have no classes"))
}

/// Classes numbered as `names` are, or from 0 to below `count` where there are no names.
///
/// Numbers without names are those of names that are numbers themselves, so that class 1 is the class called `1`; beside
/// other names they count from 0.
pub(crate) fn numbers(labels: &Labels, names: &[String], count: u32) -> Result<Vec<u32>, String> {
    let known = |name: &str| names.iter().position(|known| known == name).map(|at| at as u32);
    let is_number = |name: &String| name.parse::<i64>().is_ok();
    if labels.names.is_empty() && !names.is_empty() && names.iter().all(is_number) {
        let number = |class: &u32| known(&class.to_string()).ok_or_else(|| not_known(&class.to_string(), names));
        return labels.of_rows.iter().map(number).collect();
    }
    let place: Vec<Option<u32>> = match (labels.names.is_empty(), names.is_empty()) {
        (true, _) => (0..count).map(Some).collect(),
        (false, false) => labels.names.iter().map(|name| known(name)).collect(),
        (false, true) => labels.names.iter().map(|name| name.parse().ok().filter(|&class| class < count)).collect(),
    };

    let placed = |&class: &u32| match place.get(class as usize) {
        Some(&Some(class)) => Ok(class),
        _ => Err(unplaced(class, labels, names, count)),
    };
    labels.of_rows.iter().map(placed).collect()
}

/// Why a class has no number among those that are known.
fn unplaced(class: u32, labels: &Labels, names: &[String], count: u32) -> String {
    match labels.names.get(class as usize) {
        Some(name) if names.is_empty() => format!(
            "class '{name}', known are the numbers 0 to {}: the model has no names of classes (an import gives it some by \
             --classes)",
            count - 1
        ),
        Some(name) => not_known(name, names),
        None => format!("class {class}, known are 0 to {}", count - 1),
    }
}

fn not_known(name: &str, names: &[String]) -> String {
    format!("class '{name}' is none of those that are known: {}", names.join(", "))
}
