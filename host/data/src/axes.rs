//! Which axes rows of an array may have for a model: those of its input, or none.

use bitfab_graph::Shape;

/// The rule, for help texts.
pub const AXES_RULE: &str = "Rows of an array have the model's axes, N x height x width x channels with channels last (axes of size 1 may be \
     left out), or are flat, N x values in that order. Any other order of axes is refused.";

/// The number of rows in an array of these sizes: the first axis counts them, or the array is one row.
///
/// # Errors
/// What is wrong with the axes, what the model takes, and how the array gets there.
pub(crate) fn rows(sizes: &[u64], model: Shape) -> Result<u64, String> {
    match sizes.split_first() {
        Some((&rows, rest)) if rows > 0 && !rest.is_empty() && is_row(rest, model) => return Ok(rows),
        _ if is_row(sizes, model) => return Ok(1),
        _ => {}
    }
    Err(format!("the array has the shape {sizes:?}, {}", wanted(sizes, model)))
}

/// Whether one row may have these axes: the model's own, but for those of size 1; one axis of all values; or, for a
/// model without axes, those of an image of one channel, whose values have one order only.
pub(crate) fn is_row(sizes: &[u64], model: Shape) -> bool {
    let volume = model.elements();
    let own: Vec<u64> = long(&axes(model));
    let is_image = matches!(sizes, [height, width, 1] if height.checked_mul(*width) == Some(volume));
    long(sizes) == own || long(sizes) == [volume] || (own.len() < 2 && is_image)
}

/// Height, width and channels.
pub(crate) fn axes(shape: Shape) -> [u64; 3] {
    [shape.height, shape.width, shape.channels].map(u64::from)
}

/// The axes that are longer than 1.
fn long(sizes: &[u64]) -> Vec<u64> {
    sizes.iter().copied().filter(|&size| size != 1).collect()
}

/// What the model takes, and how an array whose axes are in another order gets there.
fn wanted(sizes: &[u64], model: Shape) -> String {
    let volume = model.elements();
    let [height, width, channels] = axes(model);
    let takes = match long(&axes(model)).len() {
        0 | 1 => format!("the model takes flat rows, N x {volume}, N from 1"),
        _ => format!(
            "a row of the model is {height} x {width} x {channels} (height, width, channels): it takes N x {height} x \
             {width} x {channels}, or flat rows in that order, N x {volume}, N from 1"
        ),
    };
    let count = |sizes: &[u64]| sizes.iter().try_fold(1u64, |product, &size| product.checked_mul(size));
    let is_series = height == 1 || width == 1;
    let steps = height.saturating_mul(width);
    let help = match sizes {
        [_, a, b, c] if [*a, *b, *c] == [channels, height, width] => {
            "; these have channels first: x.transpose(0, 2, 3, 1)"
        }
        [_, a, b] if is_series && [*a, *b] == [channels, steps] => "; these have channels first: x.transpose(0, 2, 1)",
        [_, rest @ ..] if long(&axes(model)).len() < 2 && rest.len() > 1 && count(rest) == Some(volume) => {
            "; flatten them in the order in which the model was trained, as x.reshape(len(x), -1) does in the array's own"
        }
        _ => "",
    };
    format!("{takes}{help}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_the_axes_of_the_model_or_are_flat() {
        let image = Shape::new(6, 6, 3);
        for (sizes, count) in [
            (&[9, 6, 6, 3][..], 9),
            (&[9, 108], 9),
            (&[6, 6, 3], 1),
            (&[108], 1),
            (&[1, 108], 1),
            (&[2, 1, 6, 6, 3], 2),
        ] {
            assert_eq!(rows(sizes, image), Ok(count), "{sizes:?}");
        }
        let grey = Shape::new(28, 28, 1);
        for sizes in [&[9, 28, 28, 1][..], &[9, 28, 28], &[9, 1, 28, 28], &[9, 784], &[9, 784, 1]] {
            assert_eq!(rows(sizes, grey), Ok(9), "{sizes:?}");
        }
        for series in [Shape::new(1, 128, 6), Shape::new(128, 1, 6)] {
            for sizes in [&[9, 128, 6][..], &[9, 1, 128, 6], &[9, 128, 1, 6], &[9, 768]] {
                assert_eq!(rows(sizes, series), Ok(9), "{sizes:?}");
            }
        }
        for sizes in [&[9, 784][..], &[9, 28, 28, 1], &[9, 1, 1, 784]] {
            assert_eq!(rows(sizes, Shape::flat(784)), Ok(9), "{sizes:?}");
        }
        assert_eq!(rows(&[5, 1], Shape::flat(1)), Ok(5));
    }

    #[test]
    fn other_axes_are_refused_with_what_to_do() {
        let refuse = |sizes: &[u64], model| rows(sizes, model).unwrap_err();
        let text = refuse(&[9, 3, 6, 7], Shape::new(6, 7, 3));
        assert!(
            text.contains("[9, 3, 6, 7]") && text.contains("N x 6 x 7 x 3") && text.contains("(0, 2, 3, 1)"),
            "{text}"
        );
        for series in [Shape::new(1, 128, 6), Shape::new(128, 1, 6)] {
            let text = refuse(&[9, 6, 128], series);
            assert!(text.contains("x.transpose(0, 2, 1)"), "{text}");
        }
        let text = refuse(&[9, 8, 8, 3], Shape::flat(192));
        assert!(text.contains("flat rows, N x 192") && text.contains("reshape"), "{text}");
        assert!(refuse(&[9, 128, 6], Shape::flat(768)).contains("reshape"));
        for sizes in [&[][..], &[0, 108], &[108, 9], &[9, 107], &[u64::MAX, 2, u64::MAX, 1], &[9, 36, 3]] {
            assert!(rows(sizes, Shape::new(6, 6, 3)).is_err(), "{sizes:?}");
        }
    }
}
