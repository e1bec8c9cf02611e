//! Fields as numbers.

/// Reads numbers, and finds out whether a comma is their decimal point.
#[derive(Debug)]
pub(crate) struct Numbers {
    /// What was said; `None` if it is to be found out.
    comma: Option<bool>,
    /// Line and text of the first number with a decimal point, and of the first with a decimal comma.
    first: [Option<(u32, String)>; 2],
}

impl Numbers {
    pub(crate) fn new(comma: Option<bool>) -> Self {
        Self { comma, first: [None, None] }
    }

    /// The number in a field; not a number if it is missing.
    pub(crate) fn number(&mut self, field: &str, line: u32) -> Result<f32, String> {
        if is_missing(field) {
            return Ok(f32::NAN);
        }
        let refused = || format!("'{field}' is not a number; leave the column out (--drop), or give its texts numbers");
        let (number, has_comma) = match self.comma {
            Some(comma) => (parsed(field, comma).ok_or_else(refused)?, comma),
            None => match parsed(field, false) {
                Some(number) => (number, false),
                None => (parsed(field, true).ok_or_else(refused)?, true),
            },
        };
        let is_infinity = field.trim_start_matches(['+', '-']).to_ascii_lowercase().starts_with("inf");
        if number.is_infinite() && !is_infinity {
            return Err(format!("'{field}' is larger than any 32-bit number"));
        }
        if self.comma.is_none() && field.contains([',', '.']) {
            self.first[usize::from(has_comma)].get_or_insert_with(|| (line, field.into()));
        }
        Ok(number)
    }

    /// What was found out.
    pub(crate) fn finish(&self) -> Result<Option<String>, String> {
        match &self.first {
            [Some((line, point)), Some((other, comma))] => Err(format!(
                "line {line} has '{point}' with a decimal point, line {other} '{comma}' with a decimal comma; \
                 say which one it is"
            )),
            [None, Some((line, comma))] => {
                Ok(Some(format!("a comma is read as the decimal point, as in '{comma}' in line {line}")))
            }
            _ => Ok(None),
        }
    }
}

/// Whether a field stands for a missing value.
pub(crate) fn is_missing(field: &str) -> bool {
    field.is_empty() || field == "?" || ["na", "n/a", "nan", "null"].iter().any(|word| field.eq_ignore_ascii_case(word))
}

/// The number in a field with a decimal point or a decimal comma; infinite if it is too large.
pub(crate) fn parsed(field: &str, comma: bool) -> Option<f32> {
    let number: Option<f32> = match comma {
        true if field.contains('.') => None,
        true => field.replacen(',', ".", 1).parse().ok(),
        false => field.parse().ok(),
    };
    number.filter(|number| !number.is_nan())
}
