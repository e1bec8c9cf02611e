//! What to do about an array of another type than a model takes, so that its rows do not become something else.

use crate::rows::{Rows, Values};
use bitfab_format::Kind;

/// Whether an array's type says that its items are the bytes of a model of this kind.
pub(crate) fn is_of(values: &Values, kind: Kind) -> bool {
    matches!((values, kind), (Values::Bytes(_), Kind::U8) | (Values::Signed(_), Kind::I8))
}

/// What a model of bytes takes, and how an array of another type gets there.
pub(crate) fn remedy(rows: &Rows, item: &str, kind: Kind) -> String {
    let (wanted, low, high) = if kind == Kind::I8 { ("int8", -128.0, 127.0) } else { ("uint8", 0.0, 255.0) };
    let code = format!(
        "round(x / STEP) + ZERO within {low} to {high}, with the step and the zero that the model was trained with \
         (`bitfab import` shows them as its input, KIND-ZERO*STEP)"
    );
    let takes = match &rows.values {
        Values::Signed(_) => format!(
            "{wanted}; if these are its bytes less 128, as an int8 file has them, add it: \
             (x.astype(numpy.int16) + 128).astype(numpy.uint8)"
        ),
        Values::Bytes(_) => format!(
            "{wanted}; if these are its bytes plus 128, as pixels are, take it off: \
             (x.astype(numpy.int16) - 128).astype(numpy.int8)"
        ),
        Values::Reals(values) if item.contains(['i', 'u']) => {
            let ends = values.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(l, h), &x| (l.min(x), h.max(x)));
            match ends {
                (least, most) if least >= low && most <= high => {
                    format!("{wanted}; all of these fit, so that x.astype(numpy.{wanted}) keeps them")
                }
                (least, most) => format!("{wanted}, {low} to {high}; these go from {least} to {most}: give {code}"),
            }
        }
        Values::Reals(_) => format!("{wanted}; these are real numbers, whose bytes are {code}"),
    };
    format!("the array has the type {item}, the model takes {takes}")
}
