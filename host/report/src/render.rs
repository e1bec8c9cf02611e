//! SVG to PNG without any font of the machine.

use std::sync::Arc;

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb};

use crate::error::{MAX_SIDE, ReportError};

/// The family that every text of a picture names.
pub(crate) const FONT_FAMILY: &str = "DejaVu Sans";

/// The embedded fonts: DejaVu Sans, regular and bold.
fn fonts() -> Arc<fontdb::Database> {
    let mut fonts = fontdb::Database::new();
    fonts.load_font_data(dejavu::sans::regular().to_vec());
    fonts.load_font_data(dejavu::sans::bold().to_vec());
    fonts.set_sans_serif_family(FONT_FAMILY);
    Arc::new(fonts)
}

/// Renders an SVG text as a PNG file of `scale` pixels per unit.
///
/// # Errors
/// [`ReportError`] where the text is not SVG or the size is not from 1 to 16,384 pixels a side.
pub fn png(svg: &str, scale: f32) -> Result<Vec<u8>, ReportError> {
    let options = Options { font_family: FONT_FAMILY.into(), fontdb: fonts(), ..Options::default() };
    let tree = Tree::from_str(svg, &options)?;
    let pixels = |units: f32| (units * scale).ceil().clamp(0.0, u32::MAX as f32) as u32;
    let (width, height) = (pixels(tree.size().width()), pixels(tree.size().height()));
    let fits = width <= MAX_SIDE && height <= MAX_SIDE;
    let canvas = if fits { Pixmap::new(width, height) } else { None };
    let mut canvas = canvas.ok_or(ReportError::Size { width, height })?;
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut canvas.as_mut());
    canvas.encode_png().map_err(|error| ReportError::Png(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dark_pixels(svg: &str) -> usize {
        let png = png(svg, 2.0).unwrap();
        let pixels = Pixmap::decode_png(&png).unwrap();
        pixels.pixels().iter().filter(|pixel| pixel.alpha() > 128).count()
    }

    #[test]
    fn text_is_drawn_with_the_embedded_font() {
        let page = |body: &str| {
            format!(
                "<svg xmlns='http://www.w3.org/2000/svg' width='60' height='20' font-family='DejaVu Sans'>{body}</svg>"
            )
        };
        assert_eq!(dark_pixels(&page("")), 0);
        let regular = dark_pixels(&page("<text x='2' y='15' font-size='14'>bits</text>"));
        let bold = dark_pixels(&page("<text x='2' y='15' font-size='14' font-weight='700'>bits</text>"));
        assert!(regular > 100, "{regular} dark pixels");
        assert!(bold > regular, "bold {bold}, regular {regular}");
    }

    #[test]
    fn broken_and_huge_pictures_are_errors() {
        assert!(matches!(png("<svg", 1.0), Err(ReportError::Svg(_))));
        let wide = "<svg xmlns='http://www.w3.org/2000/svg' width='40000' height='10'/>";
        assert!(matches!(png(wide, 1.0), Err(ReportError::Size { width: 40_000, height: 10 })));
        assert!(matches!(png(wide, 0.0), Err(ReportError::Size { .. })));
    }
}
