//! Comparisons and choices.

use super::broadcast::{expand, one, sizes, two};
use super::call::Call;
use super::operator::{Entry, Operator, Types};
use crate::Array;

pub(super) static ROWS: &[&Operator] = &[
    &Operator::new("Equal", |c| compare(c, |a, b| a == b)).types(Types::Truth),
    &Operator::new("Greater", |c| compare(c, |a, b| a > b)).types(Types::Truth).entry(Entry::Choice),
    &Operator::new("GreaterOrEqual", |c| compare(c, |a, b| a >= b)).types(Types::Truth),
    &Operator::new("Less", |c| compare(c, |a, b| a < b)).types(Types::Truth),
    &Operator::new("LessOrEqual", |c| compare(c, |a, b| a <= b)).types(Types::Truth),
    &Operator::new("And", |c| compare(c, |a, b| a != 0.0 && b != 0.0)).types(Types::Truth),
    &Operator::new("Or", |c| compare(c, |a, b| a != 0.0 || b != 0.0)).types(Types::Truth),
    &Operator::new("Not", |c| one(c, |x| f64::from(u8::from(x == 0.0)))).types(Types::Truth),
    &Operator::new("Where", choice).types(Types::Of(1)).entry(Entry::Choice),
];

fn compare(call: &Call<'_>, f: fn(f64, f64) -> bool) -> Result<Array, String> {
    two(call, |a, b| f64::from(u8::from(f(a, b))))
}

/// Of the second input where the first is true, else of the third.
fn choice(call: &Call<'_>) -> Result<Array, String> {
    let (condition, x, y) = (call.input(0)?, call.input(1)?, call.input(2)?);
    let dims = sizes(call, &[&condition.dims, &x.dims, &y.dims])?;
    let (condition, x, y) = (expand(condition, &dims), expand(x, &dims), expand(y, &dims));
    let values = condition.iter().zip(x.iter().zip(&y)).map(|(&is, (&x, &y))| if is != 0.0 { x } else { y }).collect();
    Ok(Array::new(dims, values))
}
